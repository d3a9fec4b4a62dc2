package xpath

import (
	"math"
	"slices"
)

// predicate is an expression that selects among nodes.
type predicate struct {
	of expr
	// positional reports whether it depends on the position of a node, or on the number of nodes.
	positional bool
	// holds caches whether it holds at a position, if it depends on nothing else.
	holds map[int]bool
}

func newPredicate(e expr) predicate {
	p := predicate{of: e}
	p.positional = e.kind() == isNumber || e.needs()&(needsPosition|needsSize) != 0
	if e.needs() == needsPosition {
		p.holds = make(map[int]bool)
	}
	return p
}

// apply returns the nodes for which the predicate holds, but not more than most, which is about how
// many the caller will use.
func (p *predicate) apply(c *scope, s sequence, most int) sequence {
	size := s.len()
	if size == 0 {
		return s
	}
	inner := &scope{doc: c.doc, run: c.run, size: size}
	if p.positional {
		if spans, ok := positions(inner, p.of); ok {
			return s.at(spans)
		}
	}
	return s.filter(c, most, func(n *node, position int) bool {
		if p.holds == nil {
			return p.test(inner, n, position)
		}
		holds, known := p.holds[position]
		if !known {
			holds = p.test(inner, n, position)
			p.holds[position] = holds
		}
		return holds
	})
}

// test evaluates the predicate for a node.
func (p *predicate) test(inner *scope, n *node, position int) bool {
	inner.node, inner.position = n, position
	v := p.of.eval(inner)
	if number, ok := v.(float64); ok {
		return number == float64(position)
	}
	return toBool(v)
}

// most returns how many of the nodes that a predicate is applied to matter, if it can hold at the
// first positions only: for [1].
func (p *predicate) most(c *scope) int {
	if p.positional && p.of.needs()&needsSize == 0 {
		all := &scope{doc: c.doc, run: c.run, size: math.MaxInt32}
		if spans, ok := positions(all, p.of); ok && len(spans) > 0 {
			return spans[len(spans)-1].hi
		}
	}
	return math.MaxInt
}

// applied applies predicates, one after the other.
func applied(c *scope, predicates []predicate, s sequence) sequence {
	for i := range predicates {
		most := math.MaxInt
		if i+1 < len(predicates) {
			most = predicates[i+1].most(c)
		}
		s = predicates[i].apply(c, s, most)
	}
	return s
}

// positions returns the positions at which a predicate holds, counted from 0, if they can be found
// without visiting the nodes: for [2], [last()], [position() < 3].
func positions(c *scope, e expr) (at []span, ok bool) {
	switch e := e.(type) {
	case logical:
		if e.left.kind() != isBool || e.right.kind() != isBool {
			return nil, false
		}
		left, ok := positions(c, e.left)
		if !ok {
			return nil, false
		}
		right, ok := positions(c, e.right)
		if e.or {
			return merged(append(slices.Clone(left), right...)), ok
		}
		return common(left, right), ok
	case call:
		if e.name == "not" && e.args[0].kind() == isBool {
			at, ok := positions(c, e.args[0])
			return others(at, c.size), ok
		}
	case comparison:
		return comparedPositions(c, e)
	}
	if e.kind() != isNumber || e.needs()&(needsNode|needsPosition) != 0 {
		return nil, false
	}
	return between(c, "=", e), true
}

// common returns the positions that are in both of two lists of spans.
func common(a, b []span) (both []span) {
	for _, x := range a {
		for _, y := range b {
			both = append(both, spansOf(span{max(x.lo, y.lo), min(x.hi, y.hi)})...)
		}
	}
	return both
}

// others returns the positions below size that are in none of the spans.
func others(spans []span, size int) []span {
	var out []span
	lo := 0
	for _, s := range spans {
		out = append(out, span{lo, s.lo})
		lo = s.hi
	}
	return spansOf(append(out, span{lo, size})...)
}

// comparedPositions is positions for a comparison of position() with a number.
func comparedPositions(c *scope, e comparison) (at []span, ok bool) {
	op, bound := e.op, e.right
	if !isPosition(e.left) {
		if !isPosition(e.right) {
			return nil, false
		}
		op, bound = turned(e.op), e.left
	}
	if bound.kind() != isNumber || bound.needs()&(needsNode|needsPosition) != 0 {
		return nil, false
	}
	if op == "!=" {
		return others(between(c, "=", bound), c.size), true
	}
	return between(c, op, bound), true
}

func isPosition(e expr) bool {
	f, ok := e.(call)
	return ok && f.name == "position"
}

// between returns those of the existing positions for which a comparison with a number holds.
func between(c *scope, op string, bound expr) []span {
	inner := *c
	inner.position = 1 // as in a predicate, so that bound may call last()
	n := toNumber(bound.eval(&inner))
	lo, hi := 1.0, float64(c.size)
	switch op {
	case "=":
		lo, hi = math.Ceil(n), math.Floor(n)
	case "<":
		hi = math.Ceil(n) - 1
	case "<=":
		hi = math.Floor(n)
	case ">":
		lo = math.Floor(n) + 1
	case ">=":
		lo = math.Ceil(n)
	}
	lo, hi = max(lo, 1), min(hi, float64(c.size))
	if math.IsNaN(n) || lo > hi {
		return nil
	}
	return []span{{int(lo) - 1, int(hi)}}
}
