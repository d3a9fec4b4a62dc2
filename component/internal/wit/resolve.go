package wit

import (
	"errors"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/space"
)

// maxSteps bounds how many definitions are evaluated, nested components counted each time that they
// are instantiated.
const maxSteps = 1 << 20

// resolver evaluates a component to the types of what it imports and exports.
type resolver struct {
	world            *iface // owns the types that the world itself names
	imports, exports *iface
	steps            int
}

var errTooLarge = errors.New("wit: the component is too large to be evaluated")

func (r *resolver) step(n int) error {
	if r.steps += n; r.steps > maxSteps {
		return errTooLarge
	}
	return nil
}

// root evaluates the outermost component. It returns false if that is too much work; the imports
// and exports found until then are there.
func (r *resolver) root(c *binary.Component) (complete bool) {
	f := &frame{Space: space.New[item](nil, space.Component), r: r, root: true, out: r.exports}
	return f.definitions(c) == nil
}

// parts evaluates components that are put together, as root does for one.
func (r *resolver) parts(parts []Part, exports []Source) (complete bool) {
	made := make([]*iface, len(parts))
	complete = true
	for i, p := range parts {
		made[i] = newIface()
		f := &frame{Space: space.New[item](nil, space.Component), r: r, root: true, out: made[i],
			args: map[string]item{}}
		for name, from := range p.Links {
			if from.Part < i && made[from.Part].has(from.Export) {
				f.args[name] = made[from.Part].get(from.Export)
			}
		}
		complete = f.definitions(p.Component) == nil && complete
	}
	for _, e := range exports {
		if made[e.Part].has(e.Export) {
			r.exports.add(made[e.Part].get(e.Export))
		}
	}
	return complete
}

func instanceName(n binary.ExternName) string {
	if n.Implements != "" {
		return n.Implements
	}
	return n.Name
}

// named names the instance. An instance that has another name already is seen through a second
// list, whose types stand for those of the first.
func (r *resolver) named(i *iface, name string) (*iface, error) {
	if i.name == "" {
		i.name = name
	}
	if i.name == name {
		return i, nil
	}
	view := newIface()
	view.name = name
	for _, it := range i.items {
		if it.typ != nil {
			it.typ = &typ{name: it.name, owner: view, eq: it.typ}
		}
		view.add(it)
	}
	return view, r.step(len(i.items))
}

// frame is a component or type while its definitions are evaluated: their space.Reader. It expects
// what package validate has accepted.
type frame struct {
	*space.Space[item]
	r    *resolver
	root bool            // of the outermost component
	args map[string]item // for the imports
	out  *iface          // what is exported
}

func (f *frame) definitions(c *binary.Component) error {
	return space.Definitions(f, c.Defs, func(_ int, err error) error { return err })
}

// instantiate evaluates a component with arguments for its imports.
func (r *resolver) instantiate(c *comp, args map[string]item) (*iface, error) {
	f := &frame{Space: space.New(c.env, space.Component), r: r, args: args, out: newIface()}
	if c.typ != nil {
		f.Kind = space.ComponentType
		return f.out, space.Declarations(f, c.typ.Decls)
	}
	return f.out, f.definitions(c.ast)
}

// item returns an entry of an index space under a name.
func (f *frame) item(name binary.ExternName, sort binary.Sort, i uint32) (item, error) {
	it, err := f.At(sort, i)
	it.name, it.implements = name.Name, name.Implements
	return it, err
}

// typeAt returns an entry of the type index space.
func (f *frame) typeAt(i uint32) *typ {
	it, _ := f.At(binary.SortType, i) // it is there: the component is valid
	return it.typ
}

// Next counts a definition.
func (f *frame) Next() error { return f.r.step(1) }

// CoreModule, CoreInstance, CoreType and AliasCore have nothing to add: WIT has no words for core
// items.

func (f *frame) CoreModule(*binary.CoreModule) (item, error) {
	return item{other: "core module"}, nil
}

func (f *frame) CoreInstance(*binary.CoreInstance) error { return nil }

func (f *frame) CoreType(*binary.CoreType) error { return nil }

func (f *frame) AliasCore(*binary.Alias) error { return nil }

// Component returns a component that can be instantiated.
func (f *frame) Component(d *binary.Component) (item, error) {
	return item{comp: &comp{ast: d, env: f.Space}}, nil
}

// Canon returns the function that a lift makes.
func (f *frame) Canon(d *binary.Canon) (item, error) {
	if d.Op != binary.CanonLift {
		return item{}, nil
	}
	return item{fn: f.typeAt(d.Type).fn}, nil
}

// Type returns the type that a definition makes.
func (f *frame) Type(d *binary.Type) (item, error) { return item{typ: f.typ(d)}, nil }

// Instance returns the instance that a definition makes.
func (f *frame) Instance(d *binary.Instance) (it item, err error) {
	if d.Inline {
		out := newIface()
		for _, e := range d.Exports {
			x, err := f.item(e.Name, e.Sort, e.Index)
			if err != nil {
				return it, err
			}
			if x.typ != nil {
				x.typ = &typ{name: x.name, owner: out, eq: x.typ}
			}
			out.add(x)
		}
		return item{inst: out}, f.r.step(len(d.Exports))
	}
	args := make(map[string]item, len(d.Args))
	for _, a := range d.Args {
		if args[a.Name], err = f.item(binary.ExternName{Name: a.Name}, a.Sort,
			a.Index); err != nil {
			return it, err
		}
	}
	c, err := f.At(binary.SortComponent, d.Component)
	if err != nil {
		return it, err
	}
	it.inst, err = f.r.instantiate(c.comp, args)
	return it, err
}

// AliasExport returns an export of an instance.
func (f *frame) AliasExport(inst item, a *binary.Alias) (item, error) {
	return inst.inst.get(a.Name), nil
}

// AliasOuter returns an item of an enclosing component or type.
func (f *frame) AliasOuter(it item, _ *binary.Alias, _ bool) (item, error) { return it, nil }

// Import returns what is imported: of the outermost component what its type says, else the
// argument.
func (f *frame) Import(n *binary.ExternName, t *binary.ExternType) (item, error) {
	if it, ok := f.args[n.Name]; ok {
		return it, nil
	}
	var owner *iface
	if f.root {
		owner = f.r.world
	}
	it, err := f.externItem(*n, *t, owner)
	if err == nil && f.root {
		if it.inst != nil && it.inst.name == "" {
			it.inst.name = instanceName(*n)
		}
		f.r.imports.merge(it)
	}
	return it, err
}

// Export returns what is exported. Types get their name and owner from it, functions the ascribed
// type.
func (f *frame) Export(d *binary.Export) (item, error) {
	it, err := f.item(d.Name, d.Sort, d.Index)
	if err != nil {
		return it, err
	}
	owner := f.out
	if f.root {
		owner = f.r.world
	}
	switch {
	case it.typ != nil:
		it.typ = &typ{name: it.name, owner: owner, eq: it.typ}
	case it.fn != nil && d.Type != nil && d.Type.Sort == binary.SortFunc:
		it.fn = f.typeAt(d.Type.Index).fn
	case it.inst != nil && f.root:
		it.inst, err = f.r.named(it.inst, instanceName(d.Name))
	}
	f.out.add(it)
	return it, err
}

// Declare returns what an instance or component type exports.
func (f *frame) Declare(n *binary.ExternName, t *binary.ExternType) (item, error) {
	it, err := f.externItem(*n, *t, f.out)
	if err == nil {
		f.out.add(it)
	}
	return it, err
}

// externItem evaluates the type of an import, or of an export of a type.
func (f *frame) externItem(
	name binary.ExternName, t binary.ExternType, owner *iface) (item, error) {
	it := item{name: name.Name, implements: name.Implements}
	switch t.Sort {
	case binary.SortFunc:
		it.fn = f.typeAt(t.Index).fn
	case binary.SortType:
		it.typ = &typ{name: name.Name, owner: owner}
		if t.Bound == binary.BoundEq {
			it.typ.eq = f.typeAt(t.Index)
		} else {
			it.typ.resource = true
		}
	case binary.SortInstance:
		u := f.typeAt(t.Index)
		it.inst = newIface()
		inner := &frame{Space: space.New(u.env, space.InstanceType), r: f.r, out: it.inst}
		return it, space.Declarations(inner, u.decl.Instance.Decls)
	case binary.SortComponent:
		u := f.typeAt(t.Index)
		it.comp = &comp{typ: u.decl.Component, env: u.env}
	case binary.SortCoreModule:
		it.other = "core module"
	case binary.SortValue:
		it.other = "value"
	default:
		it.other = "item"
	}
	return it, nil
}
