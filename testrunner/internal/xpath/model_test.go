package xpath

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// model evaluates expressions as the recommendation describes it, without any thought of how
// long that takes.
type model struct{ scope }

func (m *model) with(n *node, position, size int) *model {
	return &model{scope{doc: m.doc, run: m.run, node: n, position: position, size: size}}
}

func (m *model) eval(e expr) any {
	switch e := e.(type) {
	case constant:
		return e.v
	case *fixed:
		return m.eval(e.of)
	case logical:
		if left := toBool(m.eval(e.left)); left == e.or {
			return left
		}
		return toBool(m.eval(e.right))
	case comparison:
		return m.compare(e.op, m.eval(e.left), m.eval(e.right))
	case arithmetic:
		return arithmetic{e.op, constant{toNumber(m.eval(e.left))}, constant{toNumber(m.eval(e.right))}}.eval(&m.scope)
	case negation:
		return negation{constant{toNumber(m.eval(e.of))}, e.negative}.eval(&m.scope)
	case union:
		return setOf(distinct(append(m.nodes(e.left), m.nodes(e.right)...))...)
	case filter:
		return setOf(m.filter(m.nodes(e.of), e.predicate)...)
	case call:
		args := make([]any, len(e.args))
		for i, arg := range e.args {
			args[i] = m.eval(arg)
		}
		return e.function.apply(&m.scope, args)
	case *location:
		return setOf(m.location(e)...)
	}
	panic(fmt.Sprintf("%T", e))
}

func (m *model) nodes(e expr) []*node { return nodes(m.eval(e)).nodes(&m.scope) }

func distinct(nodes []*node) []*node { return slices.Compact(inOrder(slices.Clone(nodes))) }

func (m *model) location(e *location) []*node {
	var at []*node
	switch {
	case e.from != nil:
		at = m.nodes(e.from)
	case e.absolute:
		at = []*node{m.doc.root}
	case m.node != nil:
		at = []*node{m.node}
	}
	for _, s := range e.steps {
		var next []*node
		for _, n := range at {
			var on []*node
			for _, x := range m.axis(s.axis, n) {
				if s.test.holds(x, s.axis) {
					on = append(on, x)
				}
			}
			for _, p := range append(slices.Clone(s.properties), s.positional...) {
				on = m.filter(on, p)
			}
			next = append(next, on...)
		}
		at = distinct(next)
	}
	return at
}

func (m *model) filter(nodes []*node, p predicate) []*node {
	var out []*node
	for i, n := range nodes {
		v := m.with(n, i+1, len(nodes)).eval(p.of)
		holds := toBool(v)
		if number, ok := v.(float64); ok {
			holds = number == float64(i+1)
		}
		if holds {
			out = append(out, n)
		}
	}
	return out
}

// axis returns the nodes of an axis in its order.
func (m *model) axis(axis string, n *node) []*node {
	inside := func(x, of *node) bool { return x.order > of.order && x.order <= of.last }
	on := map[string]func(x *node) bool{
		"child":              func(x *node) bool { return x.parent == n },
		"descendant":         func(x *node) bool { return inside(x, n) },
		"descendant-or-self": func(x *node) bool { return x == n || inside(x, n) },
		"self":               func(x *node) bool { return x == n },
		"parent":             func(x *node) bool { return n.parent == x },
		"ancestor":           func(x *node) bool { return inside(n, x) },
		"ancestor-or-self":   func(x *node) bool { return x == n || inside(n, x) },
		"following":          func(x *node) bool { return x.order > n.last },
		"preceding":          func(x *node) bool { return x.order < n.order && !inside(n, x) },
		"following-sibling":  func(x *node) bool { return n.kind != kindAttribute && x.parent == n.parent && x.order > n.order },
		"preceding-sibling":  func(x *node) bool { return n.kind != kindAttribute && x.parent == n.parent && x.order < n.order },
	}[axis]
	if axis == "attribute" {
		return n.attrs
	}
	var out []*node
	if n.kind == kindAttribute && strings.HasSuffix(axis, "self") {
		out = append(out, n)
	}
	for _, x := range m.doc.nodes {
		if on(x) {
			out = append(out, x)
		}
	}
	inOrder(out)
	if (&step{axis: axis}).reverse() {
		slices.Reverse(out)
	}
	return out
}

func (m *model) compare(op string, a, b any) bool {
	for _, side := range []struct {
		nodes, other any
		turned       bool
	}{{a, b, false}, {b, a, true}} {
		s, isNodes := side.nodes.(*set)
		if _, isTruth := side.other.(bool); !isNodes || isTruth {
			continue
		}
		return s.any(&m.scope, func(n *node) bool {
			if side.turned {
				return m.compare(op, side.other, n.value())
			}
			return m.compare(op, n.value(), side.other)
		})
	}
	if _, ok := a.(*set); ok {
		a = toBool(a)
	}
	if _, ok := b.(*set); ok {
		b = toBool(b)
	}
	return compareAtoms(op, a, b)
}

// writer makes up documents and expressions.
type writer struct{ *rand.Rand }

func (w writer) one(of ...string) string { return of[w.IntN(len(of))] }

func (w writer) document(depth int) string {
	var b strings.Builder
	for range 1 + w.IntN([]int{14, 3, 1}[min(depth, 2)]) {
		switch name := w.one("a", "a", "b", "c", ""); name {
		case "":
			b.WriteString(w.one("1", "2", "x", "<!--c-->", "<?a b?>"))
		default:
			fmt.Fprintf(&b, "<%s%s>", name, w.one("", "", ` i="1"`, ` i="2" j="x"`))
			if depth < 3 && w.IntN(3) == 0 {
				b.WriteString(w.document(depth + 1))
			}
			fmt.Fprintf(&b, "</%s>", name)
		}
	}
	return b.String()
}

func (w writer) path(depth int) string {
	var b strings.Builder
	b.WriteString(w.one("", "/r/", "//", "//", "//"))
	for i := range 1 + w.IntN(3) {
		if i > 0 {
			b.WriteString(w.one("/", "/", "//"))
		}
		axis := append(axes(), "child", "child", "descendant", "following-sibling", "preceding-sibling")
		axis = slices.DeleteFunc(axis, func(a string) bool { return a == "namespace" })
		b.WriteString(w.one(axis...) + "::" + w.one("a", "a", "b", "*", "*", "node()", "text()"))
		for w.IntN(5) < 2-depth {
			b.WriteString("[" + w.expression(depth+1) + "]")
		}
	}
	return b.String()
}

func (w writer) number(depth int) string {
	switch w.IntN(8) {
	case 0:
		return "last()"
	case 1:
		return "last() - " + w.one("1", "2")
	case 2:
		return "count(" + w.path(depth) + ")"
	case 3:
		return "sum(" + w.path(depth) + ")"
	case 4:
		return "position() mod 2"
	}
	return w.one("1", "2", "3", "1.5", "-1", "0")
}

func (w writer) expression(depth int) string {
	compared := w.one("=", "!=", "<", "<=", ">", ">=")
	switch w.IntN(10) {
	case 0, 1:
		return w.number(depth)
	case 2:
		return "position() " + compared + " " + w.number(depth)
	case 3:
		return w.number(depth) + " " + compared + " position()"
	case 4:
		return w.path(depth) + " " + compared + " " + w.one("'1'", "'x'", "1", "true()", w.path(depth))
	case 5:
		return "not(" + w.expression(depth) + ")"
	case 6:
		return w.expression(depth) + w.one(" and ", " or ") + w.expression(depth)
	case 7:
		return ". " + compared + " " + w.path(depth)
	}
	return w.path(depth)
}

// shown writes a value with the places of nodes.
func shown(c *scope, v any) string {
	s, ok := v.(*set)
	if !ok {
		if n, ok := v.(float64); ok && math.IsNaN(n) {
			return "NaN"
		}
		return fmt.Sprint(v)
	}
	var places []int
	s.each(c, func(n *node) bool {
		places = append(places, n.order)
		return true
	})
	return fmt.Sprint(places)
}

func TestValuesAreThoseOfAPlainModel(t *testing.T) {
	for seed := range 1000 {
		w := writer{rand.New(rand.NewPCG(uint64(seed), 0))}
		doc, err := ParseXML(nil, "<r>"+w.document(0)+"</r>")
		if err != nil {
			t.Fatal(err)
		}
		source := w.path(0)
		if w.IntN(5) == 0 {
			source = "(" + source + ")[" + w.expression(1) + "]"
		}
		plain := strings.ReplaceAll(source, "//", "/descendant-or-self::node()/")
		c := scope{doc: doc, run: &run{}}
		want := shown(&c, (&model{c}).eval(parse(plain, doc)))
		if got := shown(&c, parse(source, doc).eval(&c)); got != want {
			t.Fatalf("seed %d: %s: %s, want %s", seed, source, got, want)
		}
	}
}
