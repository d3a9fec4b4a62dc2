package validate

import (
	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// subst replaces resources in types. Types without any of them are kept as they are, nodes and all.
type subst struct {
	v     *validator
	ids   map[*resource]*resource
	nodes map[anyType]anyType // what each node became; may be set beforehand to replace whole nodes

	// fresh resources are replaced by new ones, added to own.
	fresh resourceSet
	own   resourceSet
}

func (v *validator) newSubst() *subst {
	return &subst{v: v, ids: map[*resource]*resource{}, nodes: map[anyType]anyType{}}
}

// bind pairs the resources that want introduces, those of the set quantified, with what got has in
// their places.
func (m *subst) bind(quantified resourceSet, want, got entity) {
	if want.sort != got.sort || !m.v.step(1) {
		return
	}
	switch want.sort {
	case binary.SortType:
		w, ok := want.typ.(*resType)
		if !ok || !quantified[w.id] || m.ids[w.id] != nil {
			return
		}
		if g, ok := got.typ.(*resType); ok {
			m.ids[w.id] = g.id
		}
	case binary.SortInstance:
		m.bindInst(quantified, want.inst, got.inst)
	}
}

func (m *subst) bindInst(quantified resourceSet, want, got *instType) {
	if len(quantified) > 0 {
		m.bindExterns(quantified, &want.exports, &got.exports)
	}
}

func (m *subst) bindExterns(quantified resourceSet, want, got *externs) {
	for _, name := range want.names {
		if g, ok := got.items[name]; ok {
			m.bind(quantified, want.items[name], g)
		}
	}
}

// adopt makes every type of want that has a name become the type of got in its place. Both have to
// be known to match.
func (m *subst) adopt(want, got entity) {
	if want.sort != got.sort || !m.v.step(1) {
		return
	}
	switch want.sort {
	case binary.SortType:
		switch want.typ.(type) {
		case *resType, *defType:
			m.nodes[want.typ] = got.typ
		}
	case binary.SortInstance:
		for _, name := range want.inst.exports.names {
			if g, ok := got.inst.exports.items[name]; ok {
				m.adopt(want.inst.exports.items[name], g)
			}
		}
	}
}

// open turns an instance type into the type of an instance: the resources it would bring become new
// ones of own.
func (v *validator) open(t *instType, own resourceSet) *instType {
	if len(t.bound) == 0 {
		return t
	}
	m := v.newSubst()
	m.fresh, m.own = t.bound, own
	return m.instUnbound(t)
}

// instUnbound substitutes in t, of which every bound resource is replaced.
func (m *subst) instUnbound(t *instType) *instType {
	if len(t.bound) == 0 {
		return m.inst(t)
	}
	m.v.step(ownSize(t))
	e, _ := m.externs(&t.exports)
	return &instType{exports: e, w: t.w}
}

func (m *subst) id(id *resource) *resource {
	if to := m.ids[id]; to != nil {
		return to
	}
	if m.fresh[id] {
		to := &resource{}
		m.own[to] = true
		m.ids[id] = to
		return to
	}
	return id
}

func (m *subst) typ(t anyType) anyType {
	if to, ok := m.nodes[t]; ok {
		return to
	}
	if !m.v.step(ownSize(t)) || m.v.built > maxBuiltNodes {
		return t
	}
	var to anyType
	switch t := t.(type) {
	case *resType:
		to = t
		if id := m.id(t.id); id != t.id {
			to = &resType{id: id}
		}
	case *defType:
		to = m.def(t)
	case *funcType:
		to = m.function(t)
	case *instType:
		to = m.instNode(t)
	case *compType:
		to = m.compNode(t)
	}
	if to != t {
		m.v.built++
	}
	m.nodes[t] = to
	return to
}

func (m *subst) entity(e entity) entity {
	switch e.sort {
	case binary.SortFunc:
		e.fn = m.typ(e.fn).(*funcType)
	case binary.SortType:
		e.typ = m.typ(e.typ)
	case binary.SortComponent:
		e.comp = m.typ(e.comp).(*compType)
	case binary.SortInstance:
		e.inst = m.inst(e.inst)
	}
	return e
}

func (m *subst) inst(t *instType) *instType { return m.typ(t).(*instType) }

func (m *subst) instNode(t *instType) anyType {
	e, changed := m.externs(&t.exports)
	if !changed {
		return t
	}
	return &instType{exports: e, bound: t.bound, w: t.w}
}

func (m *subst) compNode(t *compType) anyType {
	i, changedImports := m.externs(&t.imports)
	e, changedExports := m.externs(&t.exports)
	if !changedImports && !changedExports {
		return t
	}
	to := *t
	to.imports, to.exports = i, e
	return &to
}

func (m *subst) externs(e *externs) (externs, bool) {
	var out externs
	for i, name := range e.names {
		old := e.items[name]
		item := m.entity(old)
		if item != old && out.items == nil {
			for _, name := range e.names[:i] {
				out.add(name, e.items[name])
				m.v.built++
			}
		}
		if item != old || out.items != nil {
			out.add(name, item)
			m.v.built++
		}
	}
	if out.items == nil {
		return *e, false
	}
	return out, true
}

func (m *subst) function(t *funcType) anyType {
	to := *t
	changed := false
	to.params, changed = m.fields(t.params)
	to.result = m.optVal(t.result, &changed)
	if !changed {
		return t
	}
	return &to
}

func (m *subst) val(t valType, changed *bool) valType {
	if t.def == nil {
		return t
	}
	to, ok := m.typ(t.def).(*defType)
	if !ok || to == t.def {
		return t
	}
	*changed = true
	if isPrimitive(to.op) {
		return valType{prim: to.op}
	}
	return valType{def: to}
}

func (m *subst) optVal(t *valType, changed *bool) *valType {
	if t == nil {
		return nil
	}
	here := false
	to := m.val(*t, &here)
	if !here {
		return t
	}
	*changed = true
	return &to
}

func (m *subst) fields(in []field) ([]field, bool) {
	changed := false
	out := in
	for i, f := range in {
		here := false
		t := m.val(f.typ, &here)
		if here && !changed {
			changed = true
			out = append([]field(nil), in...)
			m.v.built += len(in)
		}
		if changed {
			out[i].typ = t
		}
	}
	return out, changed
}

func (m *subst) def(t *defType) anyType {
	to := *t
	changed := false
	if t.res != nil {
		if r, ok := m.typ(t.res).(*resType); ok && r != t.res {
			to.res, changed = r, true
		}
	}
	if f, c := m.fields(t.fields); c {
		to.fields, changed = f, true
	}
	for i, c := range t.cases {
		here := false
		if p := m.optVal(c.typ, &here); here {
			if len(to.cases) > 0 && &to.cases[0] == &t.cases[0] {
				to.cases = append([]variantCase(nil), t.cases...)
				m.v.built += len(t.cases)
			}
			to.cases[i].typ, changed = p, true
		}
	}
	for i, p := range t.types {
		here := false
		if n := m.val(p, &here); here {
			if &to.types[0] == &t.types[0] {
				to.types = append([]valType(nil), t.types...)
				m.v.built += len(t.types)
			}
			to.types[i], changed = n, true
		}
	}
	to.elem = m.optVal(t.elem, &changed)
	to.key = m.optVal(t.key, &changed)
	to.ok = m.optVal(t.ok, &changed)
	to.err = m.optVal(t.err, &changed)
	if !changed {
		return t
	}
	return &to
}
