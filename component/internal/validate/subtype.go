package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// checker decides whether one type is a subtype of another. Value types have to be equal in
// structure, resource types the same; instances and components may offer more and demand less
// (Explainer.md, "Type Checking").
type checker struct {
	v     *validator
	equal map[[2]anyType]bool // pairs found to match
}

type resourceMismatch struct{}

func (resourceMismatch) Error() string { return "resource types are not the same" }

// known reports whether the pair need not be looked at (again).
func (c *checker) known(a, b anyType) bool {
	return a == b || c.equal[[2]anyType{a, b}] || !c.v.step(ownSize(b))
}

func (c *checker) learn(a, b anyType, err error) error {
	if err == nil {
		if c.equal == nil {
			c.equal = map[[2]anyType]bool{}
		}
		c.equal[[2]anyType{a, b}] = true
	}
	return err
}

// entity returns an error that says why a cannot be used where b is expected; nil if it can.
func (c *checker) entity(a, b entity) error {
	if a.sort != b.sort {
		return fmt.Errorf("expected %s, found %s", b.sort.String(), a.sort.String())
	}
	switch a.sort {
	case binary.SortFunc:
		return c.function(a.fn, b.fn)
	case binary.SortType:
		return c.typ(a.typ, b.typ)
	case binary.SortComponent:
		return c.component(a.comp, b.comp)
	case binary.SortInstance:
		return c.instance(a.inst, b.inst)
	}
	return c.v.moduleSubtype(a.module, b.module)
}

func (c *checker) typ(a, b anyType) error {
	switch b := b.(type) {
	case *resType:
		if a, ok := a.(*resType); ok {
			if a.id != b.id {
				return resourceMismatch{}
			}
			return nil
		}
	case *defType:
		if a, ok := a.(*defType); ok {
			return c.def(a, b)
		}
	case *funcType:
		if a, ok := a.(*funcType); ok {
			return c.function(a, b)
		}
	case *instType:
		if a, ok := a.(*instType); ok {
			return c.instance(a, b)
		}
	case *compType:
		if a, ok := a.(*compType); ok {
			return c.component(a, b)
		}
	}
	return fmt.Errorf("expected %s, found %s", typeKind(b), typeKind(a))
}

func (c *checker) function(a, b *funcType) error {
	if c.known(a, b) {
		return nil
	}
	switch {
	case a.async != b.async:
		return fmt.Errorf("expected %s, found %s", asyncName(b.async), asyncName(a.async))
	case len(a.params) != len(b.params):
		return fmt.Errorf("expected %d parameters, found %d", len(b.params), len(a.params))
	}
	for i, p := range b.params {
		if a.params[i].label != p.label {
			return fmt.Errorf("expected parameter %q, found %q", p.label, a.params[i].label)
		}
		if err := c.val(a.params[i].typ, p.typ); err != nil {
			return within(err, "parameter %q", p.label)
		}
	}
	if err := c.optVal("result", a.result, b.result); err != nil {
		return within(err, "the result")
	}
	return c.learn(a, b, nil)
}

func asyncName(async bool) string {
	if async {
		return "async func"
	}
	return "func"
}

func (c *checker) val(a, b valType) error {
	if a.def != nil && b.def != nil {
		return c.def(a.def, b.def)
	}
	if a != b {
		return fmt.Errorf("expected %s, found %s", b, a)
	}
	return nil
}

func (c *checker) optVal(what string, a, b *valType) error {
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil:
		return fmt.Errorf("expected %s of type %s, found none", article(what), *b)
	case b == nil:
		return fmt.Errorf("expected no %s, found %s", what, *a)
	}
	return c.val(*a, *b)
}

func (c *checker) def(a, b *defType) error {
	if c.known(a, b) {
		return nil
	}
	if a.op != b.op {
		return fmt.Errorf("expected %s, found %s", opName(b.op), opName(a.op))
	}
	return c.learn(a, b, c.parts(a, b))
}

func (c *checker) parts(a, b *defType) error {
	switch b.op {
	case binary.OpRecord:
		if len(a.fields) != len(b.fields) {
			return fmt.Errorf("expected %d fields, found %d", len(b.fields), len(a.fields))
		}
		for i, f := range b.fields {
			if a.fields[i].label != f.label {
				return fmt.Errorf("expected field %q, found %q", f.label, a.fields[i].label)
			}
			if err := c.val(a.fields[i].typ, f.typ); err != nil {
				return within(err, "record field %q", f.label)
			}
		}
	case binary.OpVariant:
		if len(a.cases) != len(b.cases) {
			return fmt.Errorf("expected %d cases, found %d", len(b.cases), len(a.cases))
		}
		for i, k := range b.cases {
			if a.cases[i].label != k.label {
				return fmt.Errorf("expected case %q, found %q", k.label, a.cases[i].label)
			}
			if err := c.optVal("payload", a.cases[i].typ, k.typ); err != nil {
				return within(err, "variant case %q", k.label)
			}
		}
	case binary.OpFlags, binary.OpEnum:
		if len(a.labels) != len(b.labels) {
			return fmt.Errorf("expected %d names of %s, found %d", len(b.labels), opName(b.op),
				len(a.labels))
		}
		for i, l := range b.labels {
			if a.labels[i] != l {
				return fmt.Errorf("expected %q in %s, found %q", l, opName(b.op), a.labels[i])
			}
		}
	case binary.OpTuple:
		if len(a.types) != len(b.types) {
			return fmt.Errorf("expected %d types in a tuple, found %d", len(b.types), len(a.types))
		}
		for i, t := range b.types {
			if err := c.val(a.types[i], t); err != nil {
				return within(err, "tuple field %d", i)
			}
		}
	case binary.OpOwn, binary.OpBorrow:
		if a.res.id != b.res.id {
			return resourceMismatch{}
		}
	case binary.OpFixedList:
		if a.length != b.length {
			return fmt.Errorf("expected a list of %d elements, found one of %d", b.length, a.length)
		}
	}
	for _, part := range []struct {
		what string
		a, b *valType
	}{
		{"key", a.key, b.key}, {"element", a.elem, b.elem},
		{"ok payload", a.ok, b.ok}, {"error payload", a.err, b.err},
	} {
		if err := c.optVal(part.what, part.a, part.b); err != nil {
			return within(err, "%s", opName(b.op))
		}
	}
	return nil
}

// instance compares the types of instances, and instance types: the resources that b introduces are
// those that a has there.
func (c *checker) instance(a, b *instType) error {
	if c.known(a, b) {
		return nil
	}
	m := c.v.newSubst()
	m.bindInst(b.bound, b, a)
	return c.learn(a, b, c.exports(&a.exports, &b.exports, m))
}

func (c *checker) exports(a, b *externs, m *subst) error {
	for _, name := range b.names {
		have, ok := a.items[name]
		if !ok {
			return fmt.Errorf("missing expected export %q", name)
		}
		want := b.items[name]
		if len(m.ids) > 0 {
			want = m.entity(want)
		}
		if err := c.entity(have, want); err != nil {
			return within(err, "export %q", name)
		}
		if err := c.v.exhausted(); err != nil {
			return err
		}
	}
	return nil
}

// component compares component types: a is instantiated with what b says it gets, and must then
// offer what b says it offers.
func (c *checker) component(a, b *compType) error {
	if c.known(a, b) {
		return nil
	}
	m := c.v.newSubst()
	m.bindExterns(a.imported, &a.imports, &b.imports)
	for _, name := range a.imports.names {
		given, ok := b.imports.items[name]
		if !ok {
			return fmt.Errorf("missing expected import %q", name)
		}
		if err := c.entity(given, m.entity(a.imports.items[name])); err != nil {
			return within(err, "import %q", name)
		}
		if err := c.v.exhausted(); err != nil {
			return err
		}
	}
	have := a.exports
	if len(m.ids) > 0 {
		have, _ = m.externs(&a.exports)
	}
	n := c.v.newSubst()
	if len(b.defined) > 0 {
		n.bindExterns(b.defined, &b.exports, &have)
	}
	return c.learn(a, b, c.exports(&have, &b.exports, n))
}
