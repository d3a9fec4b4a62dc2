package jsonpath

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Match is a node that a query selects.
type Match struct {
	Value any

	up   *Match // the node that contains this one; nil for the root
	step any    // the name (string) or index (int) of this node in up
}

// Location returns the path from the root to the node: a string for each member, an int for each
// element.
func (m *Match) Location() []any {
	var steps []any
	for ; m.up != nil; m = m.up {
		steps = append(steps, m.step)
	}
	slices.Reverse(steps)
	return steps
}

func (m *Match) child(step, value any) *Match { return &Match{Value: value, up: m, step: step} }

// run is one evaluation.
type run struct {
	*interrupt.Work
	root any
	// known holds the results of queries that begin at the root, which are always the same.
	known map[*subquery][]*Match
}

// scope is what the expressions of a filter refer to.
type scope struct {
	*run
	current any
}

// maxMatches bounds the nodes that a query may select. A node that is selected several times counts
// as often.
const maxMatches = 10_000_000

// ErrTooMany is the error of a query that selects more nodes than are kept.
var ErrTooMany = fmt.Errorf("it selects more than %d nodes", maxMatches)

// Select returns the nodes that the path selects in root, a value of package jsontree, in the order
// in which they are found. A node may be selected more than once. Select takes a step of w for each
// node that it visits. The only error is ErrTooMany.
func (p *Path) Select(w *interrupt.Work, root any) (nodes []*Match, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(ErrTooMany) {
				panic(r)
			}
			nodes, err = nil, ErrTooMany
		}
	}()
	r := &run{Work: w, root: root, known: make(map[*subquery][]*Match)}
	return r.selected(p.segments, &Match{Value: root}), nil
}

func (r *run) selected(segments []segment, from *Match) []*Match {
	nodes := []*Match{from}
	for _, s := range segments {
		var next []*Match
		for _, n := range nodes {
			if s.descend {
				next = r.descend(next, s.selectors, n)
			} else {
				next = r.choose(next, s.selectors, n)
			}
		}
		nodes = next
	}
	return nodes
}

func (r *run) descend(out []*Match, selectors []selector, n *Match) []*Match {
	out = r.choose(out, selectors, n)
	for _, child := range r.children(n) {
		out = r.descend(out, selectors, child)
	}
	return out
}

func (r *run) children(n *Match) []*Match {
	var out []*Match
	switch v := n.Value.(type) {
	case []any:
		for i, item := range v {
			r.Step()
			out = append(out, n.child(i, item))
		}
	case *jsontree.Object:
		for _, name := range v.Sorted() {
			r.Step()
			out = append(out, n.child(name, v.Values[name]))
		}
	}
	return out
}

func (r *run) choose(out []*Match, selectors []selector, n *Match) []*Match {
	for i := range selectors {
		r.Step()
		if out = selectors[i].choose(r, out, n); len(out) > maxMatches {
			panic(ErrTooMany)
		}
	}
	return out
}

func (s *selector) choose(r *run, out []*Match, n *Match) []*Match {
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
		out = append(out, r.children(n)...)
	case selectSlice:
		if list, ok := n.Value.([]any); ok {
			for _, i := range s.indexes(int64(len(list))) {
				out = append(out, n.child(int(i), list[i]))
			}
		}
	case selectFilter:
		for _, child := range r.children(n) {
			if s.filter.test(&scope{run: r, current: child.Value}) {
				out = append(out, child)
			}
		}
	}
	return out
}

// indexes returns the indexes that a slice selects in a list of n elements (RFC 9535, section
// 2.3.4.2).
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

func (e andExpr) test(ctx *scope) bool {
	for _, x := range e {
		if !x.test(ctx) {
			return false
		}
	}
	return true
}

func (e orExpr) test(ctx *scope) bool {
	for _, x := range e {
		if x.test(ctx) {
			return true
		}
	}
	return false
}

func (e notExpr) test(ctx *scope) bool { return !e.inner.test(ctx) }

func (e existsExpr) test(ctx *scope) bool { return len(e.query.nodes(ctx)) > 0 }

func (m matchExpr) test(ctx *scope) bool {
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

func (q *subquery) nodes(ctx *scope) []*Match {
	if !q.root {
		return ctx.selected(q.segments, &Match{Value: ctx.current})
	}
	nodes, known := ctx.known[q]
	if !known {
		nodes = ctx.selected(q.segments, &Match{Value: ctx.root})
		ctx.known[q] = nodes
	}
	return nodes
}

func (q *subquery) value(ctx *scope) (any, bool) {
	if nodes := q.nodes(ctx); len(nodes) == 1 {
		return nodes[0].Value, true
	}
	return nil, false
}

func (l literal) value(*scope) (any, bool) { return l.v, true }

func (c lengthCall) value(ctx *scope) (any, bool) {
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

func (c countCall) value(ctx *scope) (any, bool) { return number(len(c.of.nodes(ctx))), true }

func (c valueCall) value(ctx *scope) (any, bool) { return c.of.value(ctx) }

func number(n int) jsontree.Number { return jsontree.Number(strconv.Itoa(n)) }

func (c compare) test(ctx *scope) bool {
	left, hasLeft := c.left.value(ctx)
	right, hasRight := c.right.value(ctx)
	equal := hasLeft == hasRight && (!hasLeft || Equal(ctx.Work, left, right))
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

// tolerance is how far apart numbers with a fraction may be and still be equal.
const tolerance = 1e-12

// Equal reports whether two values of package jsontree are the same: numbers by value, objects
// regardless of the order of their members.
func Equal(w *interrupt.Work, a, b any) bool {
	w.Step()
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
			if !Equal(w, a[i], b[i]) {
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
			if other, ok := b.Values[name]; !ok || !Equal(w, v, other) {
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
