package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// Instance returns the type of a component instance.
func (s *scope) Instance(b *binary.Instance) (e entity, err error) {
	var t *instType
	if b.Inline {
		t, err = s.inlineInstance(b.Exports)
	} else {
		t, err = s.instantiate(b)
	}
	if err != nil {
		return e, err
	}
	return entity{sort: binary.SortInstance, inst: t}, t.w.check()
}

func (s *scope) inlineInstance(list []binary.InlineExport) (*instType, error) {
	var out externs
	keys := map[string]string{}
	for i := range list {
		x := &list[i]
		e, err := s.entityAt(x.Sort, x.Index)
		if err != nil {
			return nil, fmt.Errorf("export %q: %w", x.Name.Name, err)
		}
		name, err := s.v.externName(exports, &x.Name, e)
		if err != nil {
			return nil, err
		}
		if prev, ok := keys[name.Key()]; ok {
			return nil, fmt.Errorf("export name %q conflicts with the previous name %q",
				x.Name.Name, prev)
		}
		keys[name.Key()] = x.Name.Name
		// An instance made up of items names no resources: what it exports is the type itself, not
		// a new one.
		if err := checkAnnotation(name, e, nil); err != nil {
			return nil, fmt.Errorf("export %q: %w", x.Name.Name, err)
		}
		out.add(x.Name.Name, e)
	}
	return newInstType(out, nil), nil
}

// instantiate checks the arguments against the imports of the component and returns the type of the
// instance, in which the resources of the arguments stand for those of the imports and every
// resource that the component defines is a new one.
func (s *scope) instantiate(b *binary.Instance) (*instType, error) {
	found, err := s.At(binary.SortComponent, b.Component)
	if err != nil {
		return nil, err
	}
	comp := found.comp
	s.instances += comp.instances
	if s.instances > maxInstances {
		return nil, fmt.Errorf("instantiating component %d leads to more than %d instances",
			b.Component, maxInstances)
	}
	args := map[string]entity{}
	for i := range b.Args {
		arg := &b.Args[i]
		e, err := s.entityAt(arg.Sort, arg.Index)
		if err != nil {
			return nil, fmt.Errorf("instantiation argument %q: %w", arg.Name, err)
		}
		if _, ok := args[arg.Name]; ok {
			return nil, fmt.Errorf("instantiation argument %q is given twice", arg.Name)
		}
		args[arg.Name] = e
	}
	given := externs{items: args}
	m := s.v.newSubst()
	c := checker{v: s.v}
	for _, name := range comp.imports.names {
		have, ok := args[name]
		if !ok {
			return nil, fmt.Errorf("component %d needs an import named %q, which no argument has",
				b.Component, name)
		}
		want := comp.imports.items[name]
		known := len(m.ids)
		m.bind(comp.imported, want, have)
		if len(m.ids) > known {
			clear(m.nodes) // those kept so far are from before these resources were known
		}
		if err := c.entity(have, m.entity(want)); err != nil {
			return nil, fmt.Errorf("instantiation argument %q: %w", name, within(err, ""))
		}
		if err := s.v.exhausted(); err != nil {
			return nil, err
		}
	}
	clear(m.nodes)
	for _, name := range comp.imports.names {
		m.adopt(comp.imports.items[name], given.items[name])
	}
	m.fresh, m.own = comp.defined, s.defined
	s.v.step(len(comp.exports.names))
	e, _ := m.externs(&comp.exports)
	return newInstType(e, nil), nil
}
