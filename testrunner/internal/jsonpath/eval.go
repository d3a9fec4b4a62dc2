package jsonpath

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Match is a node that a query selects.
type Match struct {
	// Location leads to the node: a string for each member, an int for each
	// element.
	Location []any
	Value    any
}

// context is what a filter sees.
type context struct {
	root, current any
}

// Select returns the nodes that the path selects in a value of jsontree, in the
// order in which it finds them; the same node may be selected more than once.
func (p *Path) Select(root any) []Match {
	return selectAllOf(p.segments, Match{Value: root}, root)
}

func selectAllOf(segments []segment, from Match, root any) []Match {
	nodes := []Match{from}
	for _, s := range segments {
		var next []Match
		for _, n := range nodes {
			if s.descend {
				next = descend(next, s.selectors, n, root)
			} else {
				next = choose(next, s.selectors, n, root)
			}
		}
		nodes = next
	}
	return nodes
}

func descend(out []Match, selectors []selector, n Match, root any) []Match {
	out = choose(out, selectors, n, root)
	for _, child := range children(n) {
		out = descend(out, selectors, child, root)
	}
	return out
}

func (n Match) child(step, value any) Match {
	return Match{Location: append(n.Location[:len(n.Location):len(n.Location)], step), Value: value}
}

func children(n Match) []Match {
	var out []Match
	switch v := n.Value.(type) {
	case []any:
		for i, item := range v {
			out = append(out, n.child(i, item))
		}
	case *jsontree.Object:
		for _, name := range v.Sorted() {
			out = append(out, n.child(name, v.Values[name]))
		}
	}
	return out
}

func choose(out []Match, selectors []selector, n Match, root any) []Match {
	for i := range selectors {
		out = selectors[i].choose(out, n, root)
	}
	return out
}

func (s *selector) choose(out []Match, n Match, root any) []Match {
	switch s.kind {
	case selectName:
		if o, ok := n.Value.(*jsontree.Object); ok {
			if v, ok := o.Get(s.name); ok {
				out = append(out, n.child(s.name, v))
			}
		}
	case selectIndex:
		if list, ok := n.Value.([]any); ok {
			i := s.index
			if i < 0 {
				i += int64(len(list))
			}
			if i >= 0 && i < int64(len(list)) {
				out = append(out, n.child(int(i), list[i]))
			}
		}
	case selectAll:
		out = append(out, children(n)...)
	case selectSlice:
		if list, ok := n.Value.([]any); ok {
			for _, i := range s.indexes(int64(len(list))) {
				out = append(out, n.child(int(i), list[i]))
			}
		}
	case selectFilter:
		for _, child := range children(n) {
			if s.filter.test(&context{root: root, current: child.Value}) {
				out = append(out, child)
			}
		}
	}
	return out
}

// indexes returns what a slice selects of a list (RFC 9535, section 2.3.4.2).
func (s *selector) indexes(n int64) []int64 {
	step := int64(1)
	if s.step != nil {
		step = *s.step
	}
	if step == 0 {
		return nil
	}
	start, end := int64(0), n
	if step < 0 {
		start, end = n-1, -n-1
	}
	if s.start != nil {
		start = *s.start
	}
	if s.end != nil {
		end = *s.end
	}
	normal := func(i int64) int64 {
		if i < 0 {
			return n + i
		}
		return i
	}
	var out []int64
	if step > 0 {
		lower, upper := min(max(normal(start), 0), n), min(max(normal(end), 0), n)
		for i := lower; i < upper; i += step {
			out = append(out, i)
		}
		return out
	}
	upper, lower := min(max(normal(start), -1), n-1), min(max(normal(end), -1), n-1)
	for i := upper; i > lower; i += step {
		out = append(out, i)
	}
	return out
}

func (e andExpr) test(ctx *context) bool {
	for _, x := range e {
		if !x.test(ctx) {
			return false
		}
	}
	return true
}

func (e orExpr) test(ctx *context) bool {
	for _, x := range e {
		if x.test(ctx) {
			return true
		}
	}
	return false
}

func (e notExpr) test(ctx *context) bool { return !e.inner.test(ctx) }

func (e existsExpr) test(ctx *context) bool { return len(e.query.nodes(ctx)) > 0 }

func (m matchExpr) test(ctx *context) bool {
	v, _ := m.of.value(ctx)
	text, ok := v.(string)
	if !ok {
		return false
	}
	re := m.compiled
	if re == nil {
		v, _ := m.pattern.value(ctx)
		pattern, ok := v.(string)
		if !ok {
			return false
		}
		var err error
		if re, err = compileRegexp(pattern, m.whole); err != nil {
			return false
		}
	}
	return re.MatchString(text)
}

func (q *subquery) nodes(ctx *context) []Match {
	from := ctx.current
	if q.root {
		from = ctx.root
	}
	return selectAllOf(q.segments, Match{Value: from}, ctx.root)
}

func (q *subquery) value(ctx *context) (any, bool) {
	if nodes := q.nodes(ctx); len(nodes) == 1 {
		return nodes[0].Value, true
	}
	return nil, false
}

func (l literal) value(*context) (any, bool) { return l.v, true }

func (c lengthCall) value(ctx *context) (any, bool) {
	v, ok := c.of.value(ctx)
	if !ok {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return number(utf8.RuneCountInString(v)), true
	case []any:
		return number(len(v)), true
	case *jsontree.Object:
		return number(len(v.Names)), true
	}
	return nil, false
}

func (c countCall) value(ctx *context) (any, bool) { return number(len(c.of.nodes(ctx))), true }

func (c valueCall) value(ctx *context) (any, bool) { return c.of.value(ctx) }

func number(n int) jsontree.Number { return jsontree.Number(strconv.Itoa(n)) }

func (c compare) test(ctx *context) bool {
	left, hasLeft := c.left.value(ctx)
	right, hasRight := c.right.value(ctx)
	equal := hasLeft == hasRight && (!hasLeft || Equal(left, right))
	less := func(a, b any) bool { return hasLeft && hasRight && isLess(a, b) }
	switch c.op {
	case "==":
		return equal
	case "!=":
		return !equal
	case "<":
		return less(left, right)
	case ">":
		return less(right, left)
	case "<=":
		return less(left, right) || equal
	default:
		return less(right, left) || equal
	}
}

// tolerance is how far numbers with a fraction may be apart and still be equal.
const tolerance = 1e-12

// Equal reports whether two values of jsontree are the same: numbers by value,
// objects whatever the order of their members.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case jsontree.Number:
		b, ok := b.(jsontree.Number)
		return ok && equalNumbers(a, b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *jsontree.Object:
		b, ok := b.(*jsontree.Object)
		if !ok || len(a.Names) != len(b.Names) {
			return false
		}
		for name, v := range a.Values {
			if w, ok := b.Values[name]; !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case string, bool, nil:
		return a == b
	}
	return false
}

func equalNumbers(a, b jsontree.Number) bool {
	if a == b {
		return true
	}
	if a.IsInteger() && b.IsInteger() {
		// The spelling of an integer is unique but for the sign of zero.
		return (a == "0" || a == "-0") && (b == "0" || b == "-0")
	}
	x, errX := strconv.ParseFloat(string(a), 64)
	y, errY := strconv.ParseFloat(string(b), 64)
	return errX == nil && errY == nil && math.Abs(x-y) < tolerance
}

func isLess(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a < b
	case jsontree.Number:
		b, ok := b.(jsontree.Number)
		if !ok {
			return false
		}
		x, errX := strconv.ParseFloat(string(a), 64)
		y, errY := strconv.ParseFloat(string(b), 64)
		return errX == nil && errY == nil && x < y
	}
	return false
}
