package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/names"
	"github.com/wasihttp/wasihttp/component/internal/space"
)

// Import adds an import.
func (s *scope) Import(n *binary.ExternName, t *binary.ExternType) (entity, error) {
	return s.declare(imports, n, t)
}

// Declare adds an export that a type declares.
func (s *scope) Declare(n *binary.ExternName, t *binary.ExternType) (entity, error) {
	return s.declare(exports, n, t)
}

func (s *scope) declare(d direction, n *binary.ExternName, t *binary.ExternType) (entity, error) {
	e, err := s.externType(d, t)
	if err != nil {
		return e, fmt.Errorf("%s %q: %w", d, n.Name, err)
	}
	return e, s.extern(d, n, e)
}

// externType resolves the type of an import or export. The resources that it is the first to
// mention become part of the scope.
func (s *scope) externType(d direction, t *binary.ExternType) (entity, error) {
	e, err := s.rawExternType(t)
	if err != nil {
		return e, err
	}
	own := s.defined
	if d == imports {
		own = s.imported
	}
	switch {
	case t.Sort == binary.SortType && t.Bound == binary.BoundSub:
		id := &resource{}
		own[id] = true
		e.typ = &resType{id: id}
	case t.Sort == binary.SortType:
		e.typ = rename(e.typ)
	case t.Sort == binary.SortInstance:
		e.inst = s.v.open(e.inst, own)
	}
	return e, nil
}

// rawExternType looks up the type that t refers to. For a fresh resource there is none.
func (s *scope) rawExternType(t *binary.ExternType) (entity, error) {
	e := entity{sort: t.Sort}
	switch t.Sort {
	case binary.SortCoreModule:
		ct, err := space.At(s.coreTypes, t.Index, binary.SortCoreType)
		if err != nil {
			return e, err
		}
		if ct.module == nil {
			return e, fmt.Errorf("core type index %d is not a module type", t.Index)
		}
		e.module = ct.module
		return e, nil
	case binary.SortValue:
		return e, fmt.Errorf("values are not supported")
	case binary.SortType:
		if t.Bound == binary.BoundSub {
			return e, nil
		}
	}
	found, err := s.typeAt(t.Index)
	if err != nil {
		return e, err
	}
	ok := false
	switch t.Sort {
	case binary.SortFunc:
		e.fn, ok = found.(*funcType)
	case binary.SortComponent:
		e.comp, ok = found.(*compType)
	case binary.SortInstance:
		e.inst, ok = found.(*instType)
	case binary.SortType:
		e.typ, ok = found, true
	}
	if !ok {
		return e, fmt.Errorf("type index %d is not %s type but %s", t.Index,
			article(t.Sort.String()), article(typeKind(found)))
	}
	return e, nil
}

// rename returns a node of its own for a type, which can have a name where the original has none.
func rename(t anyType) anyType {
	switch t := t.(type) {
	case *resType:
		n := *t
		return &n
	case *defType:
		n := *t
		return &n
	}
	return t
}

// Export adds an export of a component definition.
func (s *scope) Export(x *binary.Export) (entity, error) {
	e, err := s.entityAt(x.Sort, x.Index)
	if err != nil {
		return e, fmt.Errorf("export %q: %w", x.Name.Name, err)
	}
	if x.Type == nil {
		if e.sort == binary.SortType {
			e.typ = rename(e.typ)
		}
	} else if e, err = s.ascribe(e, x.Type); err != nil {
		return e, fmt.Errorf("export %q: %w", x.Name.Name, err)
	}
	return e, s.extern(exports, &x.Name, e)
}

// ascribe sets the type of the item of type e to t, of which e has to be a subtype.
func (s *scope) ascribe(e entity, t *binary.ExternType) (entity, error) {
	want, err := s.rawExternType(t)
	if err != nil {
		return e, err
	}
	if want.sort != e.sort {
		return e, fmt.Errorf("the ascribed type is not compatible: expected %s, found %s",
			want.sort.String(), e.sort.String())
	}
	if want.sort == binary.SortType && t.Bound == binary.BoundSub {
		if _, ok := e.typ.(*resType); !ok {
			return e, fmt.Errorf("the ascribed type is not compatible: expected resource, found %s",
				typeKind(e.typ))
		}
	} else {
		c := checker{v: s.v}
		opened := want
		if want.sort == binary.SortInstance {
			m := s.v.newSubst()
			m.bindInst(want.inst.bound, want.inst, e.inst)
			opened.inst = m.instUnbound(want.inst)
		}
		if err := c.entity(e, opened); err != nil {
			return e, fmt.Errorf("the ascribed type is not compatible: %w", err)
		}
	}
	return s.externType(exports, t)
}

// extern checks the name of an import or export and what it demands of the type, and records it.
func (s *scope) extern(d direction, n *binary.ExternName, e entity) error {
	name, err := s.v.externName(d, n, e)
	if err != nil {
		return err
	}
	side := &s.sides[d]
	if prev, ok := side.keys[name.Key()]; ok {
		return fmt.Errorf("%s name %q conflicts with the previous name %q", d, n.Name, prev)
	}
	if err := checkAnnotation(name, e, side.labels); err != nil {
		return fmt.Errorf("%s %q: %w", d, n.Name, err)
	}
	if s.Kind != space.InstanceType {
		if err := s.show(d, e); err != nil {
			return fmt.Errorf("%s %q: %s not valid to be used as %s: %w", d, n.Name,
				e.sort.String(), d, err)
		}
	}
	if r, ok := e.typ.(*resType); ok && name.Kind == names.Plain {
		side.labels[name.Label] = r.id
	}
	side.keys[name.Key()] = n.Name
	side.add(n.Name, e)
	return nil
}

// externName checks a name by itself, and its attributes.
func (v *validator) externName(d direction, n *binary.ExternName, e entity) (names.Name, error) {
	parse := names.Parse
	if v.has(CanonicalNames) || n.HasVersionSuffix {
		parse = names.ParseCanonical
	}
	name, err := parse(n.Name)
	if err != nil {
		return name, fmt.Errorf("%s name %w", d, err)
	}
	if (n.HasImplements || n.HasExternalID) && !v.has(Attributes) {
		return name, fmt.Errorf(
			"%s %q: the attributes implements and external-id are not supported", d, n.Name)
	}
	if n.HasVersionSuffix {
		if err := names.CheckVersionSuffix(name, n.VersionSuffix); err != nil {
			return name, err
		}
	}
	if !n.HasImplements {
		return name, nil
	}
	iface, err := parse(n.Implements)
	switch {
	case err != nil:
		return name, fmt.Errorf("%s %q: implements: %w", d, n.Name, err)
	case iface.Kind != names.Interface:
		return name, fmt.Errorf("%s %q: implements must be an interface name, found %q", d, n.Name,
			n.Implements)
	case e.sort != binary.SortInstance:
		return name, fmt.Errorf("%s %q: only instances can have an implements attribute, found %s",
			d, n.Name, e.sort.String())
	case name.Kind == names.Interface:
		return name, fmt.Errorf(
			"%s name %q is not valid with an implements attribute: a plain name is expected",
			d, n.Name)
	}
	return name, nil
}

// checkAnnotation checks the type of a function that is named as constructor, method or static
// function (Binary.md, "Import and Export Definitions"). labels are the resources with a name in
// the same scope and direction.
func checkAnnotation(n names.Name, e entity, labels map[string]*resource) error {
	if n.Kind == names.Plain || n.Kind == names.Interface {
		return nil
	}
	if e.sort != binary.SortFunc {
		return fmt.Errorf("a %s name is for functions, this is not a func but %s", n.Kind,
			article(e.sort.String()))
	}
	var used *defType
	switch n.Kind {
	case names.Constructor:
		if e.fn.result == nil {
			return fmt.Errorf("a constructor should return one value")
		}
		if e.fn.async {
			return fmt.Errorf("a constructor cannot be async")
		}
		used = ownOf(*e.fn.result)
		if used == nil {
			return fmt.Errorf("a constructor should return own %s, or result with it, found %s",
				n.Resource, *e.fn.result)
		}
	case names.Method:
		if len(e.fn.params) == 0 {
			return fmt.Errorf("a method should have at least one parameter")
		}
		self := e.fn.params[0]
		if self.label != "self" {
			return fmt.Errorf("the first parameter of a method should be called self, found %q",
				self.label)
		}
		if used = self.typ.def; used == nil || used.op != binary.OpBorrow {
			return fmt.Errorf("the first parameter of a method should be borrow %s, found %s",
				n.Resource, self.typ)
		}
	}
	id, ok := labels[n.Resource]
	if !ok {
		return fmt.Errorf("the resource %q has no name in this context", n.Resource)
	}
	if used != nil && used.res.id != id {
		return fmt.Errorf("the resource of the function is not the one named %q", n.Resource)
	}
	return nil
}

// ownOf finds the own type that a constructor returns.
func ownOf(t valType) *defType {
	if t.def != nil && t.def.op == binary.OpResult && t.def.ok != nil {
		t = *t.def.ok
	}
	if t.def != nil && t.def.op == binary.OpOwn {
		return t.def
	}
	return nil
}
