package component

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// ImportProblem describes one import of a component that the linker does not offer.
type ImportProblem struct {
	Interface string // name of the import
	Item      string // function, type or resource in it; "" if the whole import is unknown
	Reason    string
	// Needed lists the functions and resources that the component has of an import that is unknown
	// as a whole.
	Needed []string
	// Importer is the part of a composition that has the import; "" for one component alone.
	Importer string
}

// Error says what is missing.
func (p ImportProblem) Error() string {
	text := "import " + p.Interface
	if p.Importer != "" {
		text = p.Importer + ": " + text
	}
	if p.Item != "" {
		text += ": " + p.Item
	}
	return text + ": " + p.Reason
}

// Unknown reports whether the linker offers nothing of that name. Otherwise it offers it with
// another type.
func (p ImportProblem) Unknown() bool { return strings.HasPrefix(p.Reason, "unknown ") }

// ImportStatus says how one import of a component is satisfied.
type ImportStatus struct {
	Name       string // as the component writes it
	ProvidedBy string // the offered interface; "" if there is none
	Problems   []ImportProblem
}

// LinkError lists all imports of a component that the linker does not offer.
type LinkError struct {
	Problems []ImportProblem
}

// Error says how many imports are missing and names the first ones.
func (e *LinkError) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i == 4 {
			fmt.Fprintf(&b, "; and %d more", len(e.Problems)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.Error())
	}
	return b.String()
}

// rootImport resolves an import of the outermost component, or of a part of it. An import that is
// missing is recorded and replaced by a placeholder, so that one pass finds all that are missing.
func (f *flattener) rootImport(s *scope, d *binary.Import) {
	name := d.Name.Name
	l, isLinked := f.linked[name]
	root := f.offered("")
	st := ImportStatus{Name: name}
	if isLinked {
		root, st.ProvidedBy = l.root(), l.by
	}
	before := len(f.problems)
	switch d.Type.Sort {
	case binary.SortInstance:
		from := f.offered(name)
		if from == nil && d.Name.Implements != "" {
			from = f.offered(d.Name.Implements)
		}
		if isLinked {
			from = l.instance()
		} else if from != nil {
			st.ProvidedBy = from.host.Name
		}
		s.push(f.importInstance(s.types[d.Type.Index], name, from))
	case binary.SortFunc:
		s.push(f.importFunc(name, "", s.types[d.Type.Index].fn, root))
	case binary.SortType:
		if d.Type.Bound == binary.BoundEq {
			s.push(s.types[d.Type.Index])
			return
		}
		r := root.resource(name)
		if r == nil {
			f.problem(name, "", "unknown resource")
			r = &types.Resource{Name: name}
		}
		s.push(&typeItem{res: r})
	case binary.SortCoreModule:
		s.push(f.importModule(name, "", s.coreTypes[d.Type.Index], root))
	default:
		what := map[binary.Sort]string{
			binary.SortComponent: "components", binary.SortValue: "values"}[d.Type.Sort]
		f.problem(name, "", "importing "+what+" is not supported by this host")
		planFail("import %s: importing %s is not supported by this host", name, what)
	}
	st.Problems = f.problems[before:]
	f.use(st, isLinked)
}

// use takes note of how an import is satisfied. Several parts may have the same import, which is
// one of the whole; what one part has from another is none.
func (f *flattener) use(st ImportStatus, isLinked bool) {
	if isLinked && len(st.Problems) == 0 {
		return
	}
	for i := range f.used {
		if f.importer != "" && f.used[i].Name == st.Name {
			f.used[i].Problems = slices.Concat(f.used[i].Problems, st.Problems)
			return
		}
	}
	f.used = append(f.used, st)
}

func (f *flattener) problem(iface, what, reason string) {
	f.problems = append(f.problems, ImportProblem{Interface: iface, Item: what, Reason: reason,
		Importer: f.importer})
}

// offer is what an import can come from: an interface of the embedder, or an instance that another
// part of the composition exports. A nil offer has nothing.
type offer struct {
	by   string // what offers it, in errors
	host *HostInstance
	inst *compInst
}

// offered returns the embedder's interface for an import name, nil if there is none.
func (f *flattener) offered(name string) *offer {
	host := f.linker.lookup(name)
	if host == nil {
		return nil
	}
	return &offer{by: "this host", host: host}
}

func (o *offer) resource(name string) *types.Resource {
	switch {
	case o == nil:
	case o.host != nil:
		if r := o.host.res[name]; r != nil {
			return r.id
		}
	default:
		if t, ok := o.inst.items[name].(*typeItem); ok {
			return t.res
		}
	}
	return nil
}

func (o *offer) function(name string) *compFunc {
	if o.host == nil {
		fn, _ := o.inst.items[name].(*compFunc)
		return fn
	}
	if h := o.host.funcs[name]; h != nil {
		return &compFunc{typ: h.typ, host: h}
	}
	return nil
}

// instance returns what is offered for an instance within an interface.
func (f *flattener) instanceIn(o *offer, name string) *offer {
	if o.host != nil {
		return f.offered(o.host.Name + "/" + name)
	}
	inst, ok := o.inst.items[name].(*compInst)
	if !ok {
		return nil
	}
	return &offer{by: o.by, inst: inst}
}

// moduleIn returns a core module that is offered, nil if there is none.
func (f *flattener) moduleIn(o *offer, name string) *moduleRef {
	switch {
	case o == nil:
		return nil
	case o.host == nil:
		m, _ := o.inst.items[name].(*moduleRef)
		return m
	}
	m := o.host.modules[name]
	if m == nil {
		return nil
	}
	if f.given[m] == nil {
		f.given[m] = f.module(m.wasm, name)
	}
	return f.given[m]
}

// importInstance evaluates the instance type of an import against what is offered for it: resources
// become the offered ones, functions are compared structurally. Where nothing is offered, that is a
// problem only if something in it has to come from there.
func (f *flattener) importInstance(t *typeItem, name string, from *offer) *compInst {
	if t.decl == nil || t.decl.Instance == nil {
		planFail("import %s: not an instance type", name)
	}
	if from == nil {
		before := len(f.problems)
		inst := f.importInstance(t, name, &offer{host: &HostInstance{Name: name}})
		if missing := f.problems[before:]; len(missing) > 0 {
			whole := ImportProblem{Interface: name, Reason: "unknown interface",
				Importer: f.importer}
			for _, p := range missing {
				whole.Needed = append(whole.Needed, p.Item)
			}
			f.problems = append(f.problems[:before], whole)
		}
		return inst
	}
	s := &scope{parent: t.env}
	out := newCompInst()
	for _, d := range t.decl.Instance.Decls {
		f.count(1)
		switch {
		case d.CoreType != nil:
			s.pushCoreType(d.CoreType)
		case d.Type != nil:
			s.types = append(s.types, f.typ(s, d.Type))
		case d.Alias != nil:
			f.alias(s, d.Alias)
		case d.Export != nil:
			it := f.importExport(s, d.Export, name, from)
			s.push(it)
			out.add(d.Export.Name.Name, it)
		}
	}
	return out
}

func (f *flattener) importExport(s *scope, d *binary.ExportDecl, iface string, from *offer) item {
	name := d.Name.Name
	switch d.Type.Sort {
	case binary.SortType:
		if d.Type.Bound == binary.BoundEq {
			t := s.types[d.Type.Index]
			f.importType(iface, name, t, from)
			return t
		}
		if r := from.resource(name); r != nil {
			return &typeItem{res: r}
		}
		f.problem(iface, "resource "+name, "unknown resource")
		return &typeItem{res: &types.Resource{Name: name}}
	case binary.SortFunc:
		return f.importFunc(iface, name, s.types[d.Type.Index].fn, from)
	case binary.SortInstance:
		return f.importInstance(s.types[d.Type.Index], iface+"/"+name, f.instanceIn(from, name))
	case binary.SortCoreModule:
		return f.importModule(iface, name, s.coreTypes[d.Type.Index], from)
	}
	f.problem(iface, name, "importing this kind of item is not supported by this host")
	planFail("import %s: %s: unsupported kind of item", iface, name)
	return nil
}

// importType checks a type that the importer knows already under the name that it has in the
// interface. What the embedder offers has all types in its functions; another component must export
// them.
func (f *flattener) importType(iface, name string, want *typeItem, from *offer) {
	if want.res != nil {
		if r := from.resource(name); r != nil && r != want.res {
			f.problem(iface, "resource "+name,
				"the component expects it to be the same as "+want.res.Name)
		}
		return
	}
	if from.host != nil || want.val == nil {
		return
	}
	switch have, ok := from.inst.items[name].(*typeItem); {
	case !ok:
		f.problem(iface, "type "+name, "unknown type")
	case !types.Equal(want.val, have.val):
		f.problem(iface, "type "+name, fmt.Sprintf("the component expects %s, %s offers %s",
			want.val, from.by, have.val))
	}
}

func (f *flattener) importFunc(iface, name string, want *types.Func, from *offer) *compFunc {
	what := "function " + name
	if name == "" {
		what, name = "", iface
	}
	if want == nil {
		planFail("import %s: %s: not a function type", iface, name)
	}
	if from == nil {
		if what == "" {
			f.problem(iface, "", "unknown function")
		}
		return &compFunc{typ: want}
	}
	have := from.function(name)
	if have == nil {
		f.problem(iface, what, "unknown function")
		return &compFunc{typ: want}
	}
	if !types.EqualFunc(want, have.typ) {
		f.problem(iface, what, fmt.Sprintf("the component expects %s, %s offers %s", want,
			from.by, have.typ))
		return &compFunc{typ: want}
	}
	return have
}

// importModule finds a core module that is offered and compares it with the type that the component
// expects.
func (f *flattener) importModule(iface, name string, want *binary.CoreType,
	from *offer) *moduleRef {
	what := "core module " + name
	if name == "" {
		what, name = "", iface
	}
	m := f.moduleIn(from, name)
	if m == nil {
		f.problem(iface, what, "unknown core module")
		return &moduleRef{info: &corewasm.Info{}}
	}
	if err := f.declared.Fits(&binary.CoreModule{Bytes: m.bytes}, want); err != nil {
		f.problem(iface, what, err.Error())
	}
	return m
}
