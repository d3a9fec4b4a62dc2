package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// A resource, record, variant, enum or flags type that the type of an import or export mentions
// needs a name that is visible from outside: it is mentioned through the node that an import or
// export of it has introduced. Exports may mention what imports have named, not the other way round
// (Explainer.md, "External Visibility of Types").

func (s *scope) isNamed(d direction, t anyType) bool {
	return s.sides[imports].named[t] || d == exports && s.sides[exports].named[t]
}

// show checks that all types that e mentions have a name, and names those that e introduces.
func (s *scope) show(d direction, e entity) error {
	w := visibility{s: s, d: d, seen: map[anyType]bool{}}
	return w.entity(e)
}

type visibility struct {
	s    *scope
	d    direction
	seen map[anyType]bool // checked before
}

func (w *visibility) entity(e entity) error {
	switch e.sort {
	case binary.SortFunc:
		return w.function(e.fn)
	case binary.SortInstance:
		return w.instance(e.inst)
	case binary.SortType:
		switch t := e.typ.(type) {
		case *resType:
			w.s.sides[w.d].named[t] = true
		case *defType:
			if err := w.inside(t); err != nil {
				return err
			}
			w.s.sides[w.d].named[t] = true
		case *funcType:
			return w.function(t)
		case *instType:
			return w.instance(t)
		}
	}
	// Component types have been checked where they were declared; modules know none of these types.
	return nil
}

func (w *visibility) instance(t *instType) error {
	if w.seen[t] || !w.s.v.step(1+len(t.exports.names)) {
		return nil
	}
	w.seen[t] = true
	for _, name := range t.exports.names {
		if err := w.entity(t.exports.items[name]); err != nil {
			return fmt.Errorf("export %q: %w", name, err)
		}
	}
	return nil
}

func (w *visibility) function(t *funcType) error {
	if w.seen[t] || !w.s.v.step(1+len(t.params)) {
		return nil
	}
	w.seen[t] = true
	for _, p := range t.params {
		if err := w.value(p.typ); err != nil {
			return fmt.Errorf("parameter %q: %w", p.label, err)
		}
	}
	if t.result != nil {
		if err := w.value(*t.result); err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	return nil
}

func (w *visibility) value(t valType) error {
	if t.def == nil || w.s.isNamed(w.d, t.def) {
		return nil
	}
	switch t.def.op {
	case binary.OpRecord, binary.OpVariant, binary.OpEnum, binary.OpFlags:
		return fmt.Errorf("the %s type has no name there", opName(t.def.op))
	}
	return w.inside(t.def)
}

// inside checks what t mentions, but not t itself.
func (w *visibility) inside(t *defType) error {
	if w.seen[t] || !w.s.v.step(t.ownSize()) {
		return nil
	}
	w.seen[t] = true
	if t.res != nil && !w.s.isNamed(w.d, t.res) {
		return fmt.Errorf("the resource type has no name there")
	}
	for p := range t.parts {
		if err := w.value(p); err != nil {
			return err
		}
	}
	return nil
}

// refersToResources reports whether t mentions a resource that it does not introduce itself.
func (v *validator) refersToResources(t anyType) bool {
	r := references{v: v, seen: map[anyType]bool{}, used: resourceSet{}, bound: resourceSet{}}
	r.typ(t)
	for id := range r.used {
		if !r.bound[id] {
			return true
		}
	}
	return false
}

type references struct {
	v           *validator
	seen        map[anyType]bool
	used, bound resourceSet
}

func (r *references) typ(t anyType) {
	if r.seen[t] || !r.v.step(ownSize(t)) {
		return
	}
	r.seen[t] = true
	switch t := t.(type) {
	case *resType:
		r.used[t.id] = true
	case *defType:
		if t.res != nil {
			r.typ(t.res)
		}
		for p := range t.parts {
			if p.def != nil {
				r.typ(p.def)
			}
		}
	case *funcType:
		for _, p := range t.params {
			if p.typ.def != nil {
				r.typ(p.typ.def)
			}
		}
		if t.result != nil && t.result.def != nil {
			r.typ(t.result.def)
		}
	case *instType:
		r.bind(t.bound)
		r.externs(&t.exports)
	case *compType:
		r.bind(t.imported)
		r.bind(t.defined)
		r.externs(&t.imports)
		r.externs(&t.exports)
	}
}

func (r *references) bind(set resourceSet) {
	for id := range set {
		r.bound[id] = true
	}
}

func (r *references) externs(e *externs) {
	for _, item := range e.items {
		switch item.sort {
		case binary.SortFunc:
			r.typ(item.fn)
		case binary.SortType:
			r.typ(item.typ)
		case binary.SortComponent:
			r.typ(item.comp)
		case binary.SortInstance:
			r.typ(item.inst)
		}
	}
}
