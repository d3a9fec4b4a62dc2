package component

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/component/internal/validate"
	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// Caps on what one component may define when it is flattened: nesting multiplies, so validation of
// each definition alone does not bound it.
const (
	maxInstances     = 10_000
	maxCoreInstances = 10_000
	maxCanons        = 20_000
	maxCode          = 1 << 28 // bytes to compile: a module is compiled again for other imports
	maxParts         = 500_000 // definitions and what they list; Python with all of WASI has 7,200
)

// plan is a linked component, flattened: every index, name and nested instance is resolved to
// slots, and making an instance is a list of core instantiations.
type plan struct {
	modules   []*moduleRef
	sources   []moduleSource // what is compiled: a module together with where its imports come from
	inits     []coreInit
	coreSlots int
	mems      []coreRef
	funcs     []coreRef
	tables    []coreRef
	instances []instanceDef
	resources []resourceDef
	canons    []*canonFunc
	exports   *compInst
	async     bool // some function or built-in may park its caller
}

// instanceDef is one component instance of the tree.
type instanceDef struct {
	parent int // -1 for the root
}

// resourceDef is a resource type that a component of the tree defines.
type resourceDef struct {
	id   *types.Resource
	dtor int // index into funcs, -1 without
}

// coreRef is an exported item of a core instance, or a canonical function.
type coreRef struct {
	slot  int // core instance, or engine.HostSlot
	name  string
	canon int // the canonical function when slot is engine.HostSlot
}

type moduleRef struct {
	bytes []byte
	name  string
	info  *corewasm.Info
}

type moduleSource struct {
	module  *moduleRef
	imports []engine.Import
	known   []corewasm.Known
}

type coreInit struct {
	slot   int
	source int
	inst   int // the component instance that instantiates it
}

// coreInst is a core instance while flattening: a real one (slot) or a bag of items.
type coreInst struct {
	slot  int // -1 for a bag
	items map[string]coreRef
}

func (c *coreInst) item(name string) (coreRef, bool) {
	if c.slot >= 0 {
		return coreRef{slot: c.slot, name: name}, true
	}
	r, ok := c.items[name]
	return r, ok
}

// compFunc is a component function while flattening and when called: an embedder's function or a
// lifted core function.
type compFunc struct {
	typ  *types.Func
	host *hostFunc // the embedder's
	lift *liftDef
}

type liftDef struct {
	inst int
	core int // index into funcs
	opts options
}

// options are canonical options, resolved.
type options struct {
	enc        binary.StringEncoding
	mem        int // index into mems, -1 without; likewise the others into funcs
	realloc    int
	postReturn int
	callback   int
	async      bool
}

// compInst is a component instance as seen from outside: its exports in order.
type compInst struct {
	items map[string]item
	order []string
}

func newCompInst() *compInst { return &compInst{items: map[string]item{}} }

func (c *compInst) add(name string, it item) {
	if _, ok := c.items[name]; !ok {
		c.order = append(c.order, name)
	}
	c.items[name] = it
}

// item is anything that can be imported, exported or aliased: *compFunc, *typeItem, *compInst,
// *compDef or *moduleRef.
type item any

// typeItem is an entry of the type index space; one field is set.
type typeItem struct {
	val  *types.Type
	fn   *types.Func
	res  *types.Resource
	decl *binary.Type // a component or instance type, together with the scope it was defined in
	env  *scope
}

// compDef is a component together with the scope it was defined in.
type compDef struct {
	ast *binary.Component
	env *scope
}

// scope holds the index spaces of one component instance (or of an instance type being evaluated).
type scope struct {
	parent *scope // lexically enclosing
	inst   int

	types     []*typeItem
	funcs     []*compFunc
	comps     []*compDef
	insts     []*compInst
	modules   []*moduleRef
	coreInsts []*coreInst
	coreFuncs []coreRef
	tables    []coreRef
	mems      []coreRef
	globals   []coreRef
	tags      []coreRef
	coreTypes []*binary.CoreType
}

// flattener walks a validated component once and writes its plan. Failures of validated input are
// bugs or limits and panic with planError; problems of imports are collected.
type flattener struct {
	root     *Component
	plan     *plan
	linker   *Linker
	declared *validate.ModuleTypes
	given    map[*HostModule]*moduleRef
	modules  map[*binary.CoreModule]*moduleRef
	parts    int
	code     struct {
		size int   // of what has to be compiled
		err  error // why it cannot be
	}
	importer string          // the part that is flattened; "" for a component that has none
	linked   map[string]link // which of its imports come from other parts
	problems []ImportProblem
	used     []ImportStatus
	sources  map[string]int
	memIdx   map[coreRef]int
	funcIdx  map[coreRef]int
	tableIdx map[coreRef]int
}

type planError struct{ msg string }

func (e *planError) Error() string { return e.msg }

func planFail(format string, args ...any) {
	panic(&planError{fmt.Sprintf(format, args...)})
}

// flatten resolves the component's imports in l and flattens it.
func flatten(c *Component, l *Linker) (f *flattener, err error) {
	f = &flattener{root: c, plan: &plan{}, linker: l, declared: c.modules,
		given: map[*HostModule]*moduleRef{}, modules: map[*binary.CoreModule]*moduleRef{},
		sources: map[string]int{}, memIdx: map[coreRef]int{}, funcIdx: map[coreRef]int{},
		tableIdx: map[coreRef]int{}}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *planError:
			// What cannot be imported at all leaves nothing to go on with.
			if err = r; len(f.problems) > 0 {
				err = &LinkError{Problems: f.problems}
			}
		case runtime.Error:
			// Validation should have refused it; a defect there must not take the server down.
			err = &planError{fmt.Sprintf(
				"internal error: the component is valid but cannot be linked: %v", r)}
		default:
			panic(r)
		}
	}()
	if c.whole != nil {
		f.plan.exports = f.compose(c.whole)
	} else {
		f.plan.exports = f.instantiate(&compDef{ast: c.ast}, nil, -1)
	}
	return f, nil
}

// instantiate evaluates a component in a new scope. args is nil for the outermost component
// and for the parts of a composition, whose imports come from the linker or from other parts.
func (f *flattener) instantiate(c *compDef, args map[string]item, parentInst int) *compInst {
	if len(f.plan.instances) >= maxInstances {
		planFail("the component instantiates more than %d components", maxInstances)
	}
	s := &scope{parent: c.env, inst: len(f.plan.instances)}
	f.plan.instances = append(f.plan.instances, instanceDef{parent: parentInst})
	exports := newCompInst()
	for _, d := range c.ast.Defs {
		f.count(1)
		switch d := d.(type) {
		case *binary.CoreModule:
			if f.modules[d] == nil {
				f.modules[d] = f.module(d.Bytes, fmt.Sprintf("module %d", len(f.plan.modules)))
			}
			s.modules = append(s.modules, f.modules[d])
		case *binary.CoreInstance:
			s.coreInsts = append(s.coreInsts, f.coreInstance(s, d))
		case *binary.CoreType:
			s.pushCoreType(d)
		case *binary.Component:
			s.comps = append(s.comps, &compDef{ast: d, env: s})
		case *binary.Instance:
			s.insts = append(s.insts, f.instance(s, d))
		case *binary.Alias:
			f.alias(s, d)
		case *binary.Type:
			s.types = append(s.types, f.typ(s, d))
		case *binary.Canon:
			f.canon(s, d)
		case *binary.Import:
			if args == nil {
				f.rootImport(s, d)
			} else {
				it, ok := args[d.Name.Name]
				if !ok {
					planFail("import %q has no argument", d.Name.Name)
				}
				s.push(it)
			}
		case *binary.Export:
			it := s.get(d.Sort, d.Index)
			if fn, ok := it.(*compFunc); ok && d.Type != nil && d.Type.Sort == binary.SortFunc {
				// The ascribed type may name the parameters' types anew but is the same function.
				it = fn
			}
			s.push(it)
			exports.add(d.Name.Name, it)
		default:
			planFail("unsupported definition %T", d)
		}
	}
	return exports
}

// count bounds the work: a definition is evaluated anew in each instance of its component.
func (f *flattener) count(parts int) {
	if f.parts += parts; f.parts > maxParts {
		planFail(
			"the component is too large: all its instances together have more than "+
				"%d definitions and parts of such", maxParts)
	}
}

func (f *flattener) module(b []byte, name string) *moduleRef {
	m := &moduleRef{bytes: b, name: name}
	var err error
	if m.info, err = f.root.scans.of(b); err != nil {
		// Imports can be looked at all the same.
		if m.info = (&corewasm.Info{}); f.code.err == nil {
			f.code.err = moduleError(placeOf(f.root, m), err)
		}
	}
	f.plan.modules = append(f.plan.modules, m)
	return m
}

func (f *flattener) coreInstance(s *scope, d *binary.CoreInstance) *coreInst {
	if d.Inline {
		f.count(len(d.Exports))
		ci := &coreInst{slot: -1, items: make(map[string]coreRef, len(d.Exports))}
		for _, e := range d.Exports {
			ci.items[e.Name] = s.coreItem(e.Sort, e.Index)
		}
		return ci
	}
	if f.plan.coreSlots >= maxCoreInstances {
		planFail("the component instantiates more than %d core modules", maxCoreInstances)
	}
	m := s.modules[d.Module]
	byName := make(map[string]*coreInst, len(d.Args))
	for _, a := range d.Args {
		byName[a.Name] = s.coreInsts[a.Instance]
	}
	f.count(len(m.info.Imports) + len(d.Args))
	imports := make([]engine.Import, len(m.info.Imports))
	var key strings.Builder
	fmt.Fprintf(&key, "%p", m)
	for i, im := range m.info.Imports {
		ci := byName[im.Module]
		if ci == nil {
			planFail("core %s: no instance for import module %q", m.name, im.Module)
		}
		ref, ok := ci.item(im.Name)
		if !ok {
			planFail("core %s: no item for import %q %q", m.name, im.Module, im.Name)
		}
		imports[i] = engine.Import{Slot: ref.slot, Name: ref.name}
		fmt.Fprintf(&key, "|%d:%d:%s", ref.slot, len(ref.name), ref.name)
	}
	src, ok := f.sources[key.String()]
	if !ok {
		src = len(f.plan.sources)
		f.sources[key.String()] = src
		if f.code.size += len(m.bytes); f.code.size > maxCode {
			planFail(
				"the component has more than %d MiB of core code, what has to be compiled "+
					"for each instance anew included", maxCode>>20)
		}
		f.plan.sources = append(f.plan.sources, moduleSource{module: m, imports: imports})
	}
	slot := f.plan.coreSlots
	f.plan.coreSlots++
	f.plan.inits = append(f.plan.inits, coreInit{slot: slot, source: src, inst: s.inst})
	return &coreInst{slot: slot}
}

func (f *flattener) instance(s *scope, d *binary.Instance) *compInst {
	f.count(len(d.Exports) + len(d.Args))
	if d.Inline {
		ci := newCompInst()
		for _, e := range d.Exports {
			ci.add(e.Name.Name, s.get(e.Sort, e.Index))
		}
		return ci
	}
	args := make(map[string]item, len(d.Args))
	for _, a := range d.Args {
		args[a.Name] = s.get(a.Sort, a.Index)
	}
	return f.instantiate(s.comps[d.Component], args, s.inst)
}

func (f *flattener) alias(s *scope, d *binary.Alias) {
	switch d.Target {
	case binary.AliasExport:
		it, ok := s.insts[d.Instance].items[d.Name]
		if !ok {
			planFail("alias: no export %q", d.Name)
		}
		s.push(it)
	case binary.AliasCoreExport:
		ref, ok := s.coreInsts[d.Instance].item(d.Name)
		if !ok {
			planFail("alias: no core export %q", d.Name)
		}
		s.pushCore(d.Sort, ref)
	case binary.AliasOuter:
		o := s
		for range d.Count {
			o = o.parent
		}
		switch d.Sort {
		case binary.SortCoreModule:
			s.modules = append(s.modules, o.modules[d.Index])
		case binary.SortCoreType:
			s.coreTypes = append(s.coreTypes, o.coreTypes[d.Index])
		default:
			s.push(o.get(d.Sort, d.Index))
		}
	}
}

// get returns an item of a component-level index space (or a core module).
func (s *scope) get(sort binary.Sort, i uint32) item {
	switch sort {
	case binary.SortFunc:
		return s.funcs[i]
	case binary.SortType:
		return s.types[i]
	case binary.SortComponent:
		return s.comps[i]
	case binary.SortInstance:
		return s.insts[i]
	case binary.SortCoreModule:
		return s.modules[i]
	}
	planFail("unsupported sort %#x", sort)
	return nil
}

// push appends an item to the index space of its kind.
func (s *scope) push(it item) {
	switch it := it.(type) {
	case *compFunc:
		s.funcs = append(s.funcs, it)
	case *typeItem:
		s.types = append(s.types, it)
	case *compDef:
		s.comps = append(s.comps, it)
	case *compInst:
		s.insts = append(s.insts, it)
	case *moduleRef:
		s.modules = append(s.modules, it)
	default:
		planFail("unsupported item %T", it)
	}
}

// pushCoreType appends a definition of core types: a recursive group is several types.
func (s *scope) pushCoreType(d *binary.CoreType) {
	for range max(len(d.Group), 1) {
		s.coreTypes = append(s.coreTypes, d)
	}
}

func (s *scope) coreSpace(sort binary.Sort) *[]coreRef {
	switch sort {
	case binary.SortCoreFunc:
		return &s.coreFuncs
	case binary.SortCoreTable:
		return &s.tables
	case binary.SortCoreMemory:
		return &s.mems
	case binary.SortCoreGlobal:
		return &s.globals
	case binary.SortCoreTag:
		return &s.tags
	}
	planFail("unsupported core sort %#x", sort)
	return nil
}

func (s *scope) coreItem(sort binary.Sort, i uint32) coreRef { return (*s.coreSpace(sort))[i] }

func (s *scope) pushCore(sort binary.Sort, r coreRef) {
	sp := s.coreSpace(sort)
	*sp = append(*sp, r)
}

func intern(list *[]coreRef, idx map[coreRef]int, r coreRef) int {
	if i, ok := idx[r]; ok {
		return i
	}
	i := len(*list)
	*list = append(*list, r)
	idx[r] = i
	return i
}

func (f *flattener) funcRef(r coreRef) int  { return intern(&f.plan.funcs, f.funcIdx, r) }
func (f *flattener) memRef(r coreRef) int   { return intern(&f.plan.mems, f.memIdx, r) }
func (f *flattener) tableRef(r coreRef) int { return intern(&f.plan.tables, f.tableIdx, r) }
