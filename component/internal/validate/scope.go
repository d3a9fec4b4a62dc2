package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

type scopeKind byte

const (
	scopeComponent     scopeKind = iota // a component definition
	scopeComponentType                  // the declarations of a component type
	scopeInstanceType                   // the declarations of an instance type
	scopeModuleType                     // the declarations of a core module type
)

// direction tells imports from exports: their names, and which types have a name, are kept apart.
type direction byte

const (
	imports direction = iota
	exports
)

func (d direction) String() string {
	if d == imports {
		return "import"
	}
	return "export"
}

// scope holds the index spaces of a component or type while its definitions are read.
type scope struct {
	v      *validator
	parent *scope
	kind   scopeKind

	types     []anyType
	funcs     []*funcType
	comps     []*compType
	insts     []*instType
	coreTypes []coreTypeDef
	modules   []*moduleType
	coreInsts []map[string]coreItem
	coreItems map[binary.Sort][]coreItem // functions, tables, memories, globals and tags

	sides     [2]side // by direction
	imported  resourceSet
	defined   resourceSet // what is created here other than by importing
	instances int
}

// side is what a scope keeps of its imports, and of its exports.
type side struct {
	externs
	keys   map[string]string    // Key of each name to the name
	labels map[string]*resource // the resources that have a name of their own here
	named  map[anyType]bool     // the types that are visible from outside
}

func newScope(v *validator, parent *scope, kind scopeKind) *scope {
	s := &scope{
		v: v, parent: parent, kind: kind,
		coreItems: map[binary.Sort][]coreItem{}, imported: resourceSet{}, defined: resourceSet{}, instances: 1,
	}
	for d := range s.sides {
		s.sides[d] = side{keys: map[string]string{}, labels: map[string]*resource{}, named: map[anyType]bool{}}
	}
	return s
}

// at looks an index up in an index space.
func at[T any](space []T, index uint32, sort binary.Sort) (T, error) {
	if uint64(index) >= uint64(len(space)) {
		var none T
		return none, fmt.Errorf("unknown %s %d: index out of bounds (%d are defined)", sortName(sort), index, len(space))
	}
	return space[index], nil
}

func (s *scope) typeAt(index uint32) (anyType, error) { return at(s.types, index, binary.SortType) }

// entityAt gives the type of the item at index of the index space sort, which has to be one that can be exported.
func (s *scope) entityAt(sort binary.Sort, index uint32) (e entity, err error) {
	e.sort = sort
	switch sort {
	case binary.SortFunc:
		e.fn, err = at(s.funcs, index, sort)
	case binary.SortType:
		e.typ, err = s.typeAt(index)
	case binary.SortComponent:
		e.comp, err = at(s.comps, index, sort)
	case binary.SortInstance:
		e.inst, err = at(s.insts, index, sort)
	case binary.SortCoreModule:
		e.module, err = at(s.modules, index, sort)
	case binary.SortValue:
		err = fmt.Errorf("values are not supported")
	default:
		err = fmt.Errorf("%s cannot be used here", article(sortName(sort)))
	}
	return e, err
}

// push appends to the index space of e.
func (s *scope) push(e entity) {
	switch e.sort {
	case binary.SortFunc:
		s.funcs = append(s.funcs, e.fn)
	case binary.SortType:
		s.types = append(s.types, e.typ)
	case binary.SortComponent:
		s.comps = append(s.comps, e.comp)
	case binary.SortInstance:
		s.insts = append(s.insts, e.inst)
	case binary.SortCoreModule:
		s.modules = append(s.modules, e.module)
	}
}

// componentType gives the type of the component whose definitions or declarations have been read.
func (s *scope) componentType() *compType {
	t := &compType{
		imports: s.sides[imports].externs, exports: s.sides[exports].externs,
		imported: s.imported, defined: s.defined, instances: s.instances,
		w: weight{nodes: 1},
	}
	for d := range s.sides {
		for _, e := range s.sides[d].items {
			t.w.contain(e.weight())
		}
	}
	return t
}

func newInstType(e externs, bound resourceSet) *instType {
	t := &instType{exports: e, bound: bound, w: weight{nodes: 1}}
	for _, item := range e.items {
		t.w.contain(item.weight())
	}
	return t
}

// outer finds the count-th enclosing scope and whether a component definition's border lies between.
func (s *scope) outer(count uint32) (target *scope, crosses bool, err error) {
	target = s
	for range count {
		if target == nil {
			break
		}
		crosses = crosses || target.kind == scopeComponent
		target = target.parent
	}
	if target == nil {
		return nil, false, fmt.Errorf("invalid outer alias count of %d", count)
	}
	return target, crosses, nil
}

// alias appends an item of an instance or of an enclosing scope.
func (s *scope) alias(a *binary.Alias) error {
	if s.kind != scopeComponent {
		allowed := a.Target == binary.AliasExport && (a.Sort == binary.SortType || a.Sort == binary.SortInstance) ||
			a.Target == binary.AliasOuter && (a.Sort == binary.SortType || a.Sort == binary.SortCoreType)
		if !allowed {
			return fmt.Errorf("an alias in a type may only refer to types or instances, found %s", sortName(a.Sort))
		}
	}
	switch a.Target {
	case binary.AliasExport:
		return s.aliasExport(a)
	case binary.AliasCoreExport:
		return s.aliasCoreExport(a)
	}
	return s.aliasOuter(a)
}

func (s *scope) aliasExport(a *binary.Alias) error {
	inst, err := at(s.insts, a.Instance, binary.SortInstance)
	if err != nil {
		return err
	}
	e, ok := inst.exports.items[a.Name]
	if !ok {
		return fmt.Errorf("instance %d has no export named %q", a.Instance, a.Name)
	}
	if e.sort != a.Sort {
		return fmt.Errorf("export %q of instance %d is not %s but %s", a.Name, a.Instance, article(sortName(a.Sort)), article(sortName(e.sort)))
	}
	s.push(e)
	return nil
}

func (s *scope) aliasOuter(a *binary.Alias) error {
	from, crosses, err := s.outer(a.Count)
	if err != nil {
		return err
	}
	if a.Sort == binary.SortCoreType {
		t, err := at(from.coreTypes, a.Index, a.Sort)
		if err != nil {
			return err
		}
		s.coreTypes = append(s.coreTypes, t)
		return nil
	}
	e, err := from.entityAt(a.Sort, a.Index)
	if err != nil {
		return err
	}
	if crosses && e.sort == binary.SortType && s.v.refersToResources(e.typ) {
		return fmt.Errorf("outer alias of type %d transitively refers to resources, which other components cannot share this way", a.Index)
	}
	s.push(e)
	return nil
}

// typeDef appends a type definition or declaration.
func (s *scope) typeDef(b *binary.Type) error {
	t, err := s.resolveType(b)
	if err != nil {
		return err
	}
	s.types = append(s.types, t)
	return nil
}

func (s *scope) resolveType(b *binary.Type) (anyType, error) {
	switch {
	case b.Value != nil:
		t, err := s.defValType(b.Value)
		if err != nil {
			return nil, err
		}
		return t, nil
	case b.Func != nil:
		t, err := s.funcType(b.Func)
		if err != nil {
			return nil, err
		}
		return t, nil
	case b.Component != nil:
		inner := newScope(s.v, s, scopeComponentType)
		if err := inner.decls(b.Component.Decls); err != nil {
			return nil, err
		}
		t := inner.componentType()
		return t, t.w.check()
	case b.Instance != nil:
		inner := newScope(s.v, s, scopeInstanceType)
		if err := inner.decls(b.Instance.Decls); err != nil {
			return nil, err
		}
		t := newInstType(inner.sides[exports].externs, inner.defined)
		return t, t.w.check()
	}
	return s.resourceType(b.Resource)
}

func (s *scope) resourceType(b *binary.ResourceType) (anyType, error) {
	if s.kind != scopeComponent {
		return nil, fmt.Errorf("resources can only be defined within a concrete component")
	}
	if b.Rep != binary.CoreI32 {
		return nil, fmt.Errorf("resources can only be represented by i32, found %s", b.Rep)
	}
	if b.HasDtor {
		f, err := s.coreFuncAt(b.Dtor)
		if err != nil {
			return nil, fmt.Errorf("destructor: %w", err)
		}
		if err := f.expect("a destructor", []byte{i32}, nil); err != nil {
			return nil, err
		}
	}
	id := &resource{owner: s}
	s.defined[id] = true
	return &resType{id: id}, nil
}

func (s *scope) decls(decls []binary.Decl) error {
	for i := range decls {
		d := &decls[i]
		var err error
		switch {
		case d.CoreType != nil:
			err = s.coreType(d.CoreType)
		case d.Type != nil:
			err = s.typeDef(d.Type)
		case d.Alias != nil:
			err = s.alias(d.Alias)
		case d.Import != nil:
			err = s.declare(imports, &d.Import.Name, &d.Import.Type)
		case d.Export != nil:
			err = s.declare(exports, &d.Export.Name, &d.Export.Type)
		}
		if err == nil {
			err = s.v.exhausted()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
