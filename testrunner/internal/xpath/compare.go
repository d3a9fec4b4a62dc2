package xpath

import "math"

func (e comparison) kind() valueKind   { return isBool }
func (e comparison) needs() needs      { return e.left.needs() | e.right.needs() }
func (e comparison) eval(c *scope) any { return compare(c, e.op, e.left.eval(c), e.right.eval(c)) }

// compare compares two values. A nodeset meets a comparison if one of its nodes does.
func compare(c *scope, op string, a, b any) bool {
	left, leftNodes := a.(*set)
	right, rightNodes := b.(*set)
	_, leftBool := a.(bool)
	_, rightBool := b.(bool)
	switch {
	case leftNodes && rightNodes:
		return compareSets(c, op, left, right)
	case leftBool && rightNodes || leftNodes && rightBool:
		return compareAtoms(op, toBool(a), toBool(b))
	case leftNodes:
		return compareSet(c, op, left, b)
	case rightNodes:
		return compareSet(c, turned(op), right, a)
	}
	return compareAtoms(op, a, b)
}

// turned returns the operator for the same comparison with its sides exchanged.
func turned(op string) string {
	switch op[0] {
	case '<':
		return ">" + op[1:]
	case '>':
		return "<" + op[1:]
	}
	return op
}

// compareSet reports whether a node of s meets a comparison with a string or a number.
func compareSet(c *scope, op string, s *set, with any) bool {
	text, isText := with.(string)
	switch {
	case isText && op == "=":
		return s.has(c, text)
	case isText && op == "!=":
		return s.any(c, func(n *node) bool { return n.value() != text })
	}
	number := toNumber(with)
	return s.anyNumber(c, func(x float64) bool { return compareAtoms(op, x, number) })
}

// compareSets reports whether a node of a and a node of b meet a comparison. It does not compare
// each node with each.
func compareSets(c *scope, op string, a, b *set) bool {
	switch op {
	case "=":
		if a.len() > b.len() {
			a, b = b, a
		}
		if b.len() > fewNodes && !b.list.kept {
			b = wholeSet(&list{nodes: b.nodes(c), kept: true})
		}
		return a.any(c, func(n *node) bool { return b.has(c, n.value()) })
	case "!=":
		first, second := a.first(), b.first()
		if first == nil || second == nil {
			return false
		}
		// Some nodes differ if the first ones do, or if either set has a node unlike the first one
		// of the other.
		one, other := first.value(), second.value()
		return one != other || a.any(c, func(n *node) bool { return n.value() != other }) ||
			b.any(c, func(n *node) bool { return n.value() != one })
	}
	lowA, highA := limits(c, a)
	lowB, highB := limits(c, b)
	if op == "<" || op == "<=" {
		return compareAtoms(op, lowA, highB)
	}
	return compareAtoms(op, highA, lowB)
}

// fewNodes is the number of nodes up to which nodes are compared one by one.
const fewNodes = 8

// limits returns the smallest and the largest number among the nodes, NaN if none is a number.
func limits(c *scope, s *set) (low, high float64) {
	low, high = math.NaN(), math.NaN()
	s.anyNumber(c, func(x float64) bool {
		if x < low || math.IsNaN(low) {
			low = x
		}
		if x > high || math.IsNaN(high) {
			high = x
		}
		return false
	})
	return low, high
}

// compareAtoms compares two values that are not nodesets.
func compareAtoms(op string, a, b any) bool {
	if op == "=" || op == "!=" {
		return equal(a, b) == (op == "=")
	}
	x, y := toNumber(a), toNumber(b)
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}

func equal(a, b any) bool {
	_, boolA := a.(bool)
	_, boolB := b.(bool)
	_, numberA := a.(float64)
	_, numberB := b.(float64)
	switch {
	case boolA || boolB:
		return toBool(a) == toBool(b)
	case numberA || numberB:
		return toNumber(a) == toNumber(b)
	}
	return toString(a) == toString(b)
}
