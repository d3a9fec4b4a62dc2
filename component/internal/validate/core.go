package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/space"
)

// coreVal is a core value type in which references to defined types carry the validator's number of
// the type, so that equal types of different modules are equal.
type coreVal uint64

// coreFunc is a core function type.
type coreFunc struct {
	params, results []coreVal
}

func plainFunc(params, results []byte) *coreFunc {
	widen := func(in []byte) []coreVal {
		var out []coreVal
		for _, b := range in {
			out = append(out, coreVal(b))
		}
		return out
	}
	return &coreFunc{widen(params), widen(results)}
}

func (f *coreFunc) equal(g *coreFunc) bool {
	return f == g || slices.Equal(f.params, g.params) && slices.Equal(f.results, g.results)
}

func (f *coreFunc) String() string {
	list := func(types []coreVal) string {
		var names []string
		for _, t := range types {
			names = append(names, binary.CoreValType(t).String())
		}
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("[%s] -> [%s]", list(f.params), list(f.results))
}

func (f *coreFunc) expect(what string, params, results []byte) error {
	if want := plainFunc(params, results); !f.equal(want) {
		return fmt.Errorf("wrong signature for %s: expected %s, found %s", what, want, f)
	}
	return nil
}

// coreTypeDef is an entry of a core type index space.
type coreTypeDef struct {
	module *moduleType
	fn     *coreFunc // nil for struct and array types
	id     uint64    // equal for equal types other than module types
	final  bool      // cannot be a supertype
}

// coreItem is the type of a core function, table, memory, global or tag.
type coreItem struct {
	sort    binary.Sort
	fn      *coreFunc // function, tag
	val     coreVal   // of a table's elements or a global
	mutable bool
	limits  binary.CoreLimits
}

type coreName struct{ module, name string }

func (n coreName) String() string { return n.module + ":" + n.name }

// moduleType is the type of a core module.
type moduleType struct {
	order   []coreName
	imports map[coreName]coreItem
	exports map[string]coreItem

	exportOrder []string
}

func newModuleType() *moduleType {
	return &moduleType{imports: map[coreName]coreItem{}, exports: map[string]coreItem{}}
}

func (m *moduleType) addImport(n coreName, item coreItem) error {
	if _, ok := m.imports[n]; ok {
		return fmt.Errorf("duplicate import name %q", n)
	}
	m.order = append(m.order, n)
	m.imports[n] = item
	return nil
}

func (m *moduleType) addExport(name string, item coreItem) error {
	if _, ok := m.exports[name]; ok {
		return fmt.Errorf("export name %q already defined", name)
	}
	m.exportOrder = append(m.exportOrder, name)
	m.exports[name] = item
	return nil
}

// resolver finds core types by index.
type resolver func(index uint32) (coreTypeDef, error)

func (r resolver) val(t binary.CoreValType) (coreVal, error) {
	index, ok := t.TypeIndex()
	if !ok {
		return coreVal(t), nil
	}
	def, err := r(index)
	if err != nil {
		return 0, err
	}
	if def.module != nil {
		return 0, fmt.Errorf("core type %d is a module type", index)
	}
	return coreVal(t&0xff) | coreVal(def.id)<<8, nil
}

func (r resolver) vals(in []binary.CoreValType) ([]coreVal, error) {
	var out []coreVal
	for _, t := range in {
		v, err := r.val(t)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (r resolver) fn(t *binary.CoreFuncType) (f *coreFunc, err error) {
	f = &coreFunc{}
	if f.params, err = r.vals(t.Params); err != nil {
		return nil, err
	}
	f.results, err = r.vals(t.Results)
	return f, err
}

// The largest tables and memories that 32 bits can address.
const (
	maxMemory32 = 1 << 32
	maxMemory64 = 1 << 48 // in pages of 64 KiB
)

func (r resolver) item(t binary.CoreExternType) (item coreItem, err error) {
	item = coreItem{sort: t.Sort, limits: t.Limits, mutable: t.Mutable}
	switch t.Sort {
	case binary.SortCoreFunc, binary.SortCoreTag:
		def, err := r(t.TypeIndex)
		if err != nil {
			return item, err
		}
		if def.fn == nil {
			return item, fmt.Errorf("core type %d is not a function type", t.TypeIndex)
		}
		if t.Sort == binary.SortCoreTag && len(def.fn.results) > 0 {
			return item, fmt.Errorf("the type of a tag cannot have results")
		}
		item.fn = def.fn
	case binary.SortCoreTable:
		if item.val, err = r.val(t.Elem); err != nil {
			return item, err
		}
		if !t.Elem.IsRef() {
			return item, fmt.Errorf("the elements of a table must be references, found %s", t.Elem)
		}
	case binary.SortCoreMemory:
		if t.Limits.Shared && !t.Limits.HasMax {
			return item, fmt.Errorf("a shared memory must have a maximum size")
		}
		if t.Limits.PageSizeLog2 != 16 && t.Limits.PageSizeLog2 != 0 {
			return item, fmt.Errorf("the page size of a memory must be 1 or 65536")
		}
		most := uint64(maxMemory32) >> t.Limits.PageSizeLog2
		if t.Limits.Is64 {
			most = maxMemory64
		}
		if t.Limits.Min > most || t.Limits.HasMax && t.Limits.Max > most {
			return item, fmt.Errorf("memory size must be at most %d pages", most)
		}
	case binary.SortCoreGlobal:
		item.val, err = r.val(t.Global)
		if err != nil {
			return item, err
		}
	}
	if t.Limits.HasMax && t.Limits.Max < t.Limits.Min {
		return item, fmt.Errorf("the minimum size %d is greater than the maximum %d", t.Limits.Min,
			t.Limits.Max)
	}
	return item, nil
}

// defineGroup resolves the types of a recursive group, which may refer to each other. append adds
// one to the index space that resolve looks into; it is called for all of them before the first is
// resolved.
func (v *validator) defineGroup(group []binary.CoreSubType, space *[]coreTypeDef,
	resolve resolver) error {
	start := len(*space)
	for _, sub := range group {
		v.lastID++
		*space = append(*space, coreTypeDef{id: v.lastID, final: sub.Final})
	}
	for i, sub := range group {
		for _, super := range sub.Supers {
			def, err := resolve(super)
			if err != nil {
				return err
			}
			if def.final || def.module != nil {
				return fmt.Errorf("core type %d is final and cannot be a supertype", super)
			}
		}
		if sub.Func == nil {
			continue
		}
		f, err := resolve.fn(sub.Func)
		if err != nil {
			return err
		}
		def := &(*space)[start+i]
		def.fn = f
		if len(group) == 1 && sub.Final && len(sub.Supers) == 0 && !sub.Shared &&
			!mentions(f, def.id) {
			def.id, def.fn = v.intern(f)
		}
	}
	return nil
}

func mentions(f *coreFunc, id uint64) bool {
	isID := func(t coreVal) bool { return uint64(t)>>8 == id }
	return slices.ContainsFunc(f.params, isID) || slices.ContainsFunc(f.results, isID)
}

// intern returns the same number and the same *coreFunc for equal function types.
func (v *validator) intern(f *coreFunc) (uint64, *coreFunc) {
	key := fmt.Sprint(f.params, f.results)
	if def, ok := v.coreFuncs[key]; ok {
		return def.id, def.fn
	}
	v.lastID++
	v.coreFuncs[key] = coreTypeDef{id: v.lastID, fn: f}
	return v.lastID, f
}

func (s *scope) resolveCore(index uint32) (coreTypeDef, error) {
	return space.At(s.coreTypes, index, binary.SortCoreType)
}

// CoreType appends a core type definition.
func (s *scope) CoreType(b *binary.CoreType) error {
	if b.Module == nil {
		return s.v.defineGroup(b.Group, &s.coreTypes, s.resolveCore)
	}
	inner := newScope(s.v, s, space.ModuleType)
	m := newModuleType()
	for i := range b.Module.Decls {
		if err := inner.moduleDecl(m, &b.Module.Decls[i]); err != nil {
			return err
		}
	}
	s.coreTypes = append(s.coreTypes, coreTypeDef{module: m})
	s.v.modules[b] = m
	return nil
}

func (s *scope) moduleDecl(m *moduleType, d *binary.CoreModuleDecl) error {
	switch {
	case d.Type != nil:
		return s.CoreType(d.Type)
	case d.Alias != nil:
		t, err := s.outerCoreType(d.Alias.Count, d.Alias.Index)
		if err != nil {
			return err
		}
		if t.module != nil {
			return fmt.Errorf("core type %d is a module type, which a module type cannot alias",
				d.Alias.Index)
		}
		s.coreTypes = append(s.coreTypes, t)
		return nil
	case d.Import != nil:
		n := coreName{d.Import.Module, d.Import.Name}
		item, err := resolver(s.resolveCore).item(d.Import.Desc)
		if err != nil {
			return fmt.Errorf("import %q: %w", n, err)
		}
		return m.addImport(n, item)
	}
	item, err := resolver(s.resolveCore).item(d.Export.Desc)
	if err != nil {
		return fmt.Errorf("export %q: %w", d.Export.Name, err)
	}
	return m.addExport(d.Export.Name, item)
}

// CoreModule returns the type of an embedded core module.
func (s *scope) CoreModule(b *binary.CoreModule) (e entity, err error) {
	iface, err := binary.DecodeCoreModule(b.Bytes, b.Offset)
	if err != nil {
		if broken, ok := err.(*binary.Error); ok {
			msg := broken.Msg
			if broken.Section != "" {
				msg = broken.Section + ": " + msg
			}
			return e, &Error{Offset: broken.Offset, Msg: msg}
		}
		return e, err
	}
	var items []coreTypeDef
	resolve := resolver(func(index uint32) (coreTypeDef, error) {
		return space.At(items, index, binary.SortCoreType)
	})
	for start := 0; start < len(iface.Types); {
		end := start + 1
		for end < len(iface.Types) && iface.GroupStart[end] == start {
			end++
		}
		if err := s.v.defineGroup(iface.Types[start:end], &items, resolve); err != nil {
			return e, err
		}
		start = end
	}
	m := newModuleType()
	for _, i := range iface.Imports {
		n := coreName{i.Module, i.Name}
		item, err := resolve.item(i.Desc)
		if err != nil {
			return e, fmt.Errorf("import %q: %w", n, err)
		}
		if err := m.addImport(n, item); err != nil {
			return e, err
		}
	}
	for _, x := range iface.Exports {
		item, err := resolve.item(x.Desc)
		if err != nil {
			return e, fmt.Errorf("export %q: %w", x.Name, err)
		}
		if err := m.addExport(x.Name, item); err != nil {
			return e, err
		}
	}
	return entity{sort: binary.SortCoreModule, module: m}, nil
}

// CoreInstance appends a core instance.
func (s *scope) CoreInstance(b *binary.CoreInstance) error {
	if b.Inline {
		items := map[string]coreItem{}
		for _, x := range b.Exports {
			item, err := s.coreItemAt(x.Sort, x.Index)
			if err != nil {
				return fmt.Errorf("export %q: %w", x.Name, err)
			}
			if _, ok := items[x.Name]; ok {
				return fmt.Errorf("export name %q already defined", x.Name)
			}
			items[x.Name] = item
		}
		s.coreInsts = append(s.coreInsts, items)
		return nil
	}
	e, err := s.At(binary.SortCoreModule, b.Module)
	if err != nil {
		return err
	}
	m := e.module
	if s.instances++; s.instances > maxInstances {
		return fmt.Errorf("more than %d instances", maxInstances)
	}
	args := map[string]map[string]coreItem{}
	for _, a := range b.Args {
		inst, err := space.At(s.coreInsts, a.Instance, binary.SortCoreInstance)
		if err != nil {
			return fmt.Errorf("module instantiation argument %q: %w", a.Name, err)
		}
		if _, ok := args[a.Name]; ok {
			return fmt.Errorf("module instantiation argument %q is given twice", a.Name)
		}
		args[a.Name] = inst
	}
	for _, n := range m.order {
		inst, ok := args[n.module]
		if !ok {
			return fmt.Errorf("missing module instantiation argument %q", n.module)
		}
		item, ok := inst[n.name]
		if !ok {
			return fmt.Errorf("module instantiation argument %q does not export an item named %q",
				n.module, n.name)
		}
		if err := coreSubtype(item, m.imports[n]); err != nil {
			return fmt.Errorf("module instantiation argument %q: %w", n.module,
				within(err, "%q", n.name))
		}
		s.v.step(1)
	}
	s.coreInsts = append(s.coreInsts, m.exports)
	return nil
}

func (s *scope) coreItemAt(sort binary.Sort, index uint32) (coreItem, error) {
	switch sort {
	case binary.SortCoreFunc, binary.SortCoreTable, binary.SortCoreMemory, binary.SortCoreGlobal,
		binary.SortCoreTag:
		return space.At(s.coreItems[sort], index, sort)
	}
	return coreItem{}, fmt.Errorf("%s cannot be exported by a core instance",
		article(sort.String()))
}

func (s *scope) coreFuncAt(index uint32) (*coreFunc, error) {
	item, err := s.coreItemAt(binary.SortCoreFunc, index)
	return item.fn, err
}

func (s *scope) aliasCoreExport(a *binary.Alias) error {
	inst, err := space.At(s.coreInsts, a.Instance, binary.SortCoreInstance)
	if err != nil {
		return err
	}
	item, ok := inst[a.Name]
	if !ok {
		return fmt.Errorf("core instance %d has no export named %q", a.Instance, a.Name)
	}
	if item.sort != a.Sort {
		return fmt.Errorf("export %q of core instance %d is not %s but %s", a.Name, a.Instance,
			article(a.Sort.String()), article(item.sort.String()))
	}
	s.coreItems[a.Sort] = append(s.coreItems[a.Sort], item)
	return nil
}
