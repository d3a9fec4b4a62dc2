package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/space"
)

// direction distinguishes imports from exports: their names, and which types have a name, are kept
// apart.
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

// scope is a component or type while its definitions are read: their space.Reader, whose items are
// types.
type scope struct {
	*space.Space[entity]
	v      *validator
	parent *scope

	// The index spaces of core items, but for modules.
	coreTypes []coreTypeDef
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

func newScope(v *validator, parent *scope, kind space.Kind) *scope {
	s := &scope{
		v: v, parent: parent,
		coreItems: map[binary.Sort][]coreItem{}, imported: resourceSet{}, defined: resourceSet{},
		instances: 1,
	}
	var outer *space.Space[entity]
	if parent != nil {
		outer = parent.Space
	}
	s.Space = space.New(outer, kind)
	for d := range s.sides {
		s.sides[d] = side{keys: map[string]string{}, labels: map[string]*resource{},
			named: map[anyType]bool{}}
	}
	return s
}

func (s *scope) typeAt(index uint32) (anyType, error) {
	e, err := s.At(binary.SortType, index)
	return e.typ, err
}

// entityAt returns the item at index of the index space sort, which has to be one that can be
// exported.
func (s *scope) entityAt(sort binary.Sort, index uint32) (e entity, err error) {
	switch sort {
	case binary.SortFunc, binary.SortType, binary.SortComponent, binary.SortInstance,
		binary.SortCoreModule:
		return s.At(sort, index)
	case binary.SortValue:
		return e, fmt.Errorf("values are not supported")
	}
	return e, fmt.Errorf("%s cannot be used here", article(sort.String()))
}

// componentType returns the type of the component whose definitions or declarations have been read.
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

// AliasExport returns an export of an instance.
func (s *scope) AliasExport(inst entity, a *binary.Alias) (entity, error) {
	e, ok := inst.inst.exports.items[a.Name]
	if !ok {
		return e, fmt.Errorf("instance %d has no export named %q", a.Instance, a.Name)
	}
	if e.sort != a.Sort {
		return e, fmt.Errorf("export %q of instance %d is not %s but %s", a.Name, a.Instance,
			article(a.Sort.String()), article(e.sort.String()))
	}
	return e, nil
}

// AliasOuter checks that an item of an enclosing component or type may be used here.
func (s *scope) AliasOuter(e entity, a *binary.Alias, crosses bool) (entity, error) {
	if crosses && e.sort == binary.SortType && s.v.refersToResources(e.typ) {
		return e, fmt.Errorf(
			"outer alias of type %d transitively refers to resources, "+
				"which other components cannot share this way", a.Index)
	}
	return e, nil
}

// AliasCore appends a core item of a core instance, or a core type of an enclosing component or
// type.
func (s *scope) AliasCore(a *binary.Alias) error {
	if a.Target == binary.AliasCoreExport {
		return s.aliasCoreExport(a)
	}
	t, err := s.outerCoreType(a.Count, a.Index)
	if err == nil {
		s.coreTypes = append(s.coreTypes, t)
	}
	return err
}

// outerCoreType returns a core type of the count-th enclosing component or type.
func (s *scope) outerCoreType(count, index uint32) (coreTypeDef, error) {
	if _, _, err := s.Enclosing(count); err != nil {
		return coreTypeDef{}, err
	}
	for range count {
		s = s.parent
	}
	return s.resolveCore(index)
}

// Type returns the type that a definition makes.
func (s *scope) Type(b *binary.Type) (entity, error) {
	t, err := s.resolveType(b)
	return entity{sort: binary.SortType, typ: t}, err
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
		inner := newScope(s.v, s, space.ComponentType)
		if err := space.Declarations(inner, b.Component.Decls); err != nil {
			return nil, err
		}
		t := inner.componentType()
		return t, t.w.check()
	case b.Instance != nil:
		inner := newScope(s.v, s, space.InstanceType)
		if err := space.Declarations(inner, b.Instance.Decls); err != nil {
			return nil, err
		}
		t := newInstType(inner.sides[exports].externs, inner.defined)
		return t, t.w.check()
	}
	return s.resourceType(b.Resource)
}

func (s *scope) resourceType(b *binary.ResourceType) (anyType, error) {
	if s.Kind != space.Component {
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
