package component

import (
	"fmt"
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
}

// Error says what is missing.
func (p ImportProblem) Error() string {
	if p.Item == "" {
		return fmt.Sprintf("import %s: %s", p.Interface, p.Reason)
	}
	return fmt.Sprintf("import %s: %s: %s", p.Interface, p.Item, p.Reason)
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

// rootImport resolves an import of the outermost component. An import that is missing is recorded
// and replaced by a placeholder, so that one pass finds all that are missing.
func (f *flattener) rootImport(s *scope, d *binary.Import) {
	name := d.Name.Name
	st := ImportStatus{Name: name}
	before := len(f.problems)
	switch d.Type.Sort {
	case binary.SortInstance:
		host := f.linker.lookup(name)
		if host == nil && d.Name.Implements != "" {
			host = f.linker.lookup(d.Name.Implements)
		}
		if host != nil {
			st.ProvidedBy = host.Name
		}
		s.push(f.importInstance(s.types[d.Type.Index], name, host))
	case binary.SortFunc:
		root := f.linker.lookup("")
		s.push(f.importFunc(name, "", s.types[d.Type.Index].fn, root))
	case binary.SortType:
		if d.Type.Bound == binary.BoundEq {
			s.push(s.types[d.Type.Index])
			return
		}
		root := f.linker.lookup("")
		if root == nil || root.res[name] == nil {
			f.problem(name, "", "unknown resource")
			s.push(&typeItem{res: &types.Resource{Name: name}})
			break
		}
		s.push(&typeItem{res: root.res[name].id})
	case binary.SortCoreModule:
		s.push(f.importModule(name, "", s.coreTypes[d.Type.Index], f.linker.lookup("")))
	default:
		what := map[binary.Sort]string{
			binary.SortComponent: "components", binary.SortValue: "values"}[d.Type.Sort]
		f.problem(name, "", "importing "+what+" is not supported by this host")
		planFail("import %s: importing %s is not supported by this host", name, what)
	}
	st.Problems = f.problems[before:]
	f.used = append(f.used, st)
}

func (f *flattener) problem(iface, what, reason string) {
	f.problems = append(f.problems, ImportProblem{Interface: iface, Item: what, Reason: reason})
}

// importInstance evaluates the instance type of an import against the interface that the host
// offers: resources become the host's, functions are compared structurally. Where the host offers
// none, that is a problem only if something in it has to come from there.
func (f *flattener) importInstance(t *typeItem, name string, host *HostInstance) *compInst {
	if t.decl == nil || t.decl.Instance == nil {
		planFail("import %s: not an instance type", name)
	}
	if host == nil {
		before := len(f.problems)
		inst := f.importInstance(t, name, &HostInstance{Name: name})
		if missing := f.problems[before:]; len(missing) > 0 {
			whole := ImportProblem{Interface: name, Reason: "unknown interface"}
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
			it := f.importExport(s, d.Export, name, host)
			s.push(it)
			out.add(d.Export.Name.Name, it)
		}
	}
	return out
}

func (f *flattener) importExport(s *scope, d *binary.ExportDecl, iface string,
	host *HostInstance) item {
	name := d.Name.Name
	switch d.Type.Sort {
	case binary.SortType:
		if d.Type.Bound == binary.BoundEq {
			t := s.types[d.Type.Index]
			if t.res != nil && host.res[name] != nil && host.res[name].id != t.res {
				f.problem(iface, "resource "+name,
					"the component expects it to be the same as "+t.res.Name)
			}
			return t
		}
		if host.res[name] != nil {
			return &typeItem{res: host.res[name].id}
		}
		f.problem(iface, "resource "+name, "unknown resource")
		return &typeItem{res: &types.Resource{Name: name}}
	case binary.SortFunc:
		return f.importFunc(iface, name, s.types[d.Type.Index].fn, host)
	case binary.SortInstance:
		return f.importInstance(s.types[d.Type.Index], iface+"/"+name,
			f.linker.lookup(host.Name+"/"+name))
	case binary.SortCoreModule:
		return f.importModule(iface, name, s.coreTypes[d.Type.Index], host)
	}
	f.problem(iface, name, "importing this kind of item is not supported by this host")
	planFail("import %s: %s: unsupported kind of item", iface, name)
	return nil
}

func (f *flattener) importFunc(iface, name string, want *types.Func, host *HostInstance) *compFunc {
	what := "function " + name
	if name == "" {
		what, name = "", iface
	}
	if want == nil {
		planFail("import %s: %s: not a function type", iface, name)
	}
	if host == nil {
		if what == "" {
			f.problem(iface, "", "unknown function")
		}
		return &compFunc{typ: want}
	}
	h := host.funcs[name]
	if h == nil {
		f.problem(iface, what, "unknown function")
		return &compFunc{typ: want}
	}
	if !types.EqualFunc(want, h.typ) {
		f.problem(iface, what, fmt.Sprintf("the component expects %s, this host offers %s", want,
			h.typ))
		return &compFunc{typ: want}
	}
	return &compFunc{typ: h.typ, host: h}
}

// importModule finds a core module that the host offers and compares it with the type that the
// component expects.
func (f *flattener) importModule(iface, name string, want *binary.CoreType,
	host *HostInstance) *moduleRef {
	what := "core module " + name
	if name == "" {
		what, name = "", iface
	}
	var m *HostModule
	if host != nil {
		m = host.modules[name]
	}
	if m == nil {
		f.problem(iface, what, "unknown core module")
		return &moduleRef{info: &corewasm.Info{}}
	}
	if err := f.declared.Fits(&binary.CoreModule{Bytes: m.wasm}, want); err != nil {
		f.problem(iface, what, err.Error())
	}
	if f.given[m] == nil {
		f.given[m] = f.module(m.wasm, name)
	}
	return f.given[m]
}
