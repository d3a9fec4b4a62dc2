package wit

import (
	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// maxSteps bounds how many definitions are evaluated, nested components counted each time that they are instantiated.
const maxSteps = 1 << 20

// resolver evaluates a component to the types of what it imports and exports.
type resolver struct {
	world            *iface // owns the types that the world itself names
	imports, exports *iface
	steps            int
}

// tooLarge is thrown when the evaluation exceeds maxSteps.
type tooLarge struct{}

func (r *resolver) step() {
	if r.steps++; r.steps > maxSteps {
		panic(tooLarge{})
	}
}

// root evaluates the outermost component. It returns false when that is too much work; the imports and exports found until then are
// there.
func (r *resolver) root(c *binary.Component) (complete bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case tooLarge:
			complete = false
		default:
			panic(p)
		}
	}()
	s := &scope{}
	for _, d := range c.Defs {
		switch d := d.(type) {
		case *binary.Import:
			it := r.externItem(s, d.Name, d.Type, r.world)
			if it.inst != nil && it.inst.name == "" {
				it.inst.name = instanceName(d.Name)
			}
			r.imports.add(it)
			s.pushItem(d.Type.Sort, it)
		case *binary.Export:
			it := r.exported(s, d, r.world)
			if it.inst != nil {
				it.inst = r.named(it.inst, instanceName(d.Name))
			}
			r.exports.add(it)
			s.pushItem(d.Sort, it)
		default:
			r.def(s, d)
		}
	}
	return true
}

func instanceName(n binary.ExternName) string {
	if n.Implements != "" {
		return n.Implements
	}
	return n.Name
}

// named gives the instance its name. An instance that has another one already is seen through a second list, whose types stand for
// those of the first.
func (r *resolver) named(i *iface, name string) *iface {
	if i.name == "" {
		i.name = name
	}
	if i.name == name {
		return i
	}
	view := newIface()
	view.name = name
	for _, it := range i.items {
		r.step()
		if it.typ != nil {
			it.typ = &typ{name: it.name, owner: view, eq: it.typ}
		}
		view.add(it)
	}
	return view
}

// instantiate evaluates a component with arguments for its imports.
func (r *resolver) instantiate(c *comp, args map[string]item) *iface {
	out := newIface()
	s := &scope{parent: c.env}
	if c.typ != nil {
		r.decls(s, c.typ.Decls, args, out)
		return out
	}
	for _, d := range c.ast.Defs {
		switch d := d.(type) {
		case *binary.Import:
			r.step()
			it, ok := args[d.Name.Name]
			if !ok {
				it = r.externItem(s, d.Name, d.Type, nil)
			}
			s.pushItem(d.Type.Sort, it)
		case *binary.Export:
			it := r.exported(s, d, out)
			out.add(it)
			s.pushItem(d.Sort, it)
		default:
			r.def(s, d)
		}
	}
	return out
}

// def evaluates a definition other than an import or export.
func (r *resolver) def(s *scope, d binary.Def) {
	r.step()
	switch d := d.(type) {
	case *binary.Component:
		s.comps = append(s.comps, &comp{ast: d, env: s})
	case *binary.Instance:
		s.insts = append(s.insts, r.instance(s, d))
	case *binary.Alias:
		r.alias(s, d)
	case *binary.Type:
		s.types = append(s.types, r.typ(s, d))
	case *binary.Canon:
		if d.Op == binary.CanonLift {
			s.funcs = append(s.funcs, s.types[d.Type].fn)
		}
	}
}

func (r *resolver) instance(s *scope, d *binary.Instance) *iface {
	if d.Inline {
		out := newIface()
		for _, e := range d.Exports {
			it := s.item(e.Name, e.Sort, e.Index)
			if it.typ != nil {
				it.typ = &typ{name: it.name, owner: out, eq: it.typ}
			}
			out.add(it)
		}
		return out
	}
	args := make(map[string]item, len(d.Args))
	for _, a := range d.Args {
		args[a.Name] = s.item(binary.ExternName{Name: a.Name}, a.Sort, a.Index)
	}
	return r.instantiate(s.comps[d.Component], args)
}

func (r *resolver) alias(s *scope, d *binary.Alias) {
	switch d.Target {
	case binary.AliasExport:
		s.pushItem(d.Sort, s.insts[d.Instance].get(d.Name))
	case binary.AliasOuter:
		o := s
		for range d.Count {
			o = o.parent
		}
		if d.Sort&binary.SortCore == 0 {
			s.pushItem(d.Sort, o.item(binary.ExternName{}, d.Sort, d.Index))
		}
	}
}

// exported evaluates an export. Types get their name and owner from it, functions the ascribed type.
func (r *resolver) exported(s *scope, d *binary.Export, owner *iface) item {
	r.step()
	it := s.item(d.Name, d.Sort, d.Index)
	switch {
	case it.typ != nil:
		it.typ = &typ{name: it.name, owner: owner, eq: it.typ}
	case it.fn != nil && d.Type != nil && d.Type.Sort == binary.SortFunc:
		it.fn = s.types[d.Type.Index].fn
	}
	return it
}

// externItem evaluates the type of an import, or of an export of a type.
func (r *resolver) externItem(s *scope, name binary.ExternName, t binary.ExternType, owner *iface) item {
	r.step()
	it := item{name: name.Name, implements: name.Implements}
	switch t.Sort {
	case binary.SortFunc:
		it.fn = s.types[t.Index].fn
	case binary.SortType:
		it.typ = &typ{name: name.Name, owner: owner}
		if t.Bound == binary.BoundEq {
			it.typ.eq = s.types[t.Index]
		} else {
			it.typ.resource = true
		}
	case binary.SortInstance:
		it.inst = newIface()
		u := s.types[t.Index]
		r.decls(&scope{parent: u.env}, u.decl.Instance.Decls, nil, it.inst)
	case binary.SortComponent:
		u := s.types[t.Index]
		it.comp = &comp{typ: u.decl.Component, env: u.env}
	default:
		it.other = sortWord(t.Sort)
	}
	return it
}

// decls evaluates the declarations of an instance type, or of a component type with arguments for its imports.
func (r *resolver) decls(s *scope, decls []binary.Decl, args map[string]item, out *iface) {
	for _, d := range decls {
		r.step()
		switch {
		case d.Type != nil:
			s.types = append(s.types, r.typ(s, d.Type))
		case d.Alias != nil:
			r.alias(s, d.Alias)
		case d.Import != nil:
			it, ok := args[d.Import.Name.Name]
			if !ok {
				it = r.externItem(s, d.Import.Name, d.Import.Type, nil)
			}
			s.pushItem(d.Import.Type.Sort, it)
		case d.Export != nil:
			it := r.externItem(s, d.Export.Name, d.Export.Type, out)
			out.add(it)
			s.pushItem(d.Export.Type.Sort, it)
		}
	}
}

// item returns an entry of an index space under a name.
func (s *scope) item(name binary.ExternName, sort binary.Sort, i uint32) item {
	it := item{name: name.Name, implements: name.Implements}
	switch sort {
	case binary.SortFunc:
		it.fn = s.funcs[i]
	case binary.SortType:
		it.typ = s.types[i]
	case binary.SortInstance:
		it.inst = s.insts[i]
	case binary.SortComponent:
		it.comp = s.comps[i]
	default:
		it.other = sortWord(sort)
	}
	return it
}

// pushItem appends to the index space of the sort.
func (s *scope) pushItem(sort binary.Sort, it item) {
	switch sort {
	case binary.SortFunc:
		s.funcs = append(s.funcs, it.fn)
	case binary.SortType:
		s.types = append(s.types, it.typ)
	case binary.SortInstance:
		s.insts = append(s.insts, it.inst)
	case binary.SortComponent:
		s.comps = append(s.comps, it.comp)
	}
}

func sortWord(s binary.Sort) string {
	switch s {
	case binary.SortCoreModule:
		return "core module"
	case binary.SortValue:
		return "value"
	}
	return "item"
}
