package xpath

import (
	"math"
	"slices"
)

// A value is a nodeset, a float64, a string or a bool.

// nodeset are nodes in document order, each once.
type nodeset []*node

// context is what an expression is evaluated in.
type context struct {
	doc            *Document
	node           *node // nil outside of steps
	position, size int   // 0 outside of predicates
}

// expr is an expression.
type expr interface {
	eval(c *context) any
}

type (
	constant struct{ v any }
	logical  struct {
		left, right expr
		or          bool
	}
	comparison struct {
		op          string
		left, right expr
	}
	arithmetic struct {
		op          string
		left, right expr
	}
	negation struct {
		of       expr
		negative bool // an even number of signs only makes a number
	}
	union  struct{ left, right expr }
	filter struct{ of, predicate expr }
	// location is a path of steps from the root, from what an expression gives,
	// or from the context.
	location struct {
		from     expr
		absolute bool
		steps    []step
	}
)

// step selects nodes along an axis.
type step struct {
	axis       string
	test       nodeTest
	predicates []expr
}

// nodeTest tests kind and name; the zero one is "*".
type nodeTest struct {
	kind    string // node, text, comment, processing-instruction; "" for a name
	name    string // "": any
	space   string
	inSpace bool // the namespace counts: that of a prefix
}

// Nodeset is the result of an expression that selects nodes: how many.
type Nodeset int

// Evaluate evaluates an expression. The result is a Nodeset, a float64, a
// string or a bool. The context has no node: relative paths select nothing.
func (d *Document) Evaluate(source string) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			result, err = nil, e
		}
	}()
	v := parse(source, d).eval(&context{doc: d})
	if nodes, ok := v.(nodeset); ok {
		return Nodeset(len(nodes)), nil
	}
	return v, nil
}

func (e constant) eval(*context) any { return e.v }

func (e logical) eval(c *context) any {
	if left := toBool(e.left.eval(c)); left == e.or {
		return left
	}
	return toBool(e.right.eval(c))
}

func (e arithmetic) eval(c *context) any {
	a, b := toNumber(e.left.eval(c)), toNumber(e.right.eval(c))
	switch e.op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "div":
		return a / b
	}
	return math.Mod(a, b)
}

func (e negation) eval(c *context) any {
	n := toNumber(e.of.eval(c))
	if e.negative {
		return -n
	}
	return n
}

func (e union) eval(c *context) any {
	return ordered(append(slices.Clone(nodes(e.left.eval(c))), nodes(e.right.eval(c))...))
}

func (e filter) eval(c *context) any {
	return filtered(c, nodes(e.of.eval(c)), e.predicate)
}

// nodes returns a value that must be a nodeset.
func nodes(v any) nodeset {
	set, ok := v.(nodeset)
	if !ok {
		fail("expected nodes")
	}
	return set
}

// ordered puts nodes into document order, each once.
func ordered(set nodeset) nodeset {
	slices.SortFunc(set, func(a, b *node) int { return a.order - b.order })
	return slices.Compact(set)
}

func (e *location) eval(c *context) any {
	var set nodeset
	switch {
	case e.from != nil:
		set = nodes(e.from.eval(c))
	case e.absolute:
		set = nodeset{c.doc.root}
	case c.node != nil:
		set = nodeset{c.node}
	}
	for i := range e.steps {
		s := &e.steps[i]
		if len(set) == 1 {
			set = s.from(c, set[0])
			if s.reverse() {
				slices.Reverse(set)
			}
			continue
		}
		var next nodeset
		for _, n := range set {
			next = append(next, s.from(c, n)...)
		}
		set = ordered(next)
	}
	return set
}

func (s *step) reverse() bool {
	return s.axis == "ancestor" || s.axis == "ancestor-or-self" || s.axis == "preceding" || s.axis == "preceding-sibling"
}

// from returns what the step selects from a node, in the order of the axis.
func (s *step) from(c *context, n *node) nodeset {
	var set nodeset
	s.walk(n, func(n *node) {
		if s.test.holds(n, s.axis) {
			set = append(set, n)
		}
	})
	for _, predicate := range s.predicates {
		set = filtered(c, set, predicate)
	}
	return set
}

// filtered returns the nodes for which a predicate holds.
func filtered(c *context, set nodeset, predicate expr) nodeset {
	var out nodeset
	inner := context{doc: c.doc, size: len(set)}
	for i, n := range set {
		inner.node, inner.position = n, i+1
		v := predicate.eval(&inner)
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

func (t nodeTest) holds(n *node, axis string) bool {
	switch t.kind {
	case "node":
		return true
	case "text":
		return n.kind == kindText
	case "comment":
		return n.kind == kindComment
	case "processing-instruction":
		return n.kind == kindInstruction && (t.name == "" || t.name == n.name)
	}
	principal := kindElement
	if axis == "attribute" {
		principal = kindAttribute
	}
	return n.kind == principal && (t.name == "" || t.name == n.name) && (t.inSpace && t.space == n.space || !t.inSpace && (t.name == "" || n.space == ""))
}

// walk visits the nodes of the axis in its order.
func (s *step) walk(n *node, visit func(*node)) {
	switch s.axis {
	case "child":
		for _, child := range n.children {
			visit(child)
		}
	case "descendant":
		descend(n, visit)
	case "descendant-or-self":
		visit(n)
		descend(n, visit)
	case "self":
		visit(n)
	case "parent":
		if n.parent != nil {
			visit(n.parent)
		}
	case "attribute":
		for _, a := range n.attrs {
			visit(a)
		}
	case "ancestor", "ancestor-or-self":
		if s.axis == "ancestor-or-self" {
			visit(n)
		}
		for n = n.parent; n != nil; n = n.parent {
			visit(n)
		}
	default:
		walkBeside(s.axis, n, visit)
	}
}

// walkBeside visits the nodes of an axis that leads to siblings.
func walkBeside(axis string, n *node, visit func(*node)) {
	if n.parent == nil || axis == "namespace" {
		return
	}
	siblings := n.parent.children
	if n.kind == kindAttribute {
		if axis == "following" { // what its element holds comes after an attribute
			descend(n.parent, visit)
			walkBeside(axis, n.parent, visit)
		} else if axis == "preceding" {
			walkBeside(axis, n.parent, visit)
		}
		return
	}
	switch axis {
	case "following-sibling":
		for _, sibling := range siblings[n.index+1:] {
			visit(sibling)
		}
	case "preceding-sibling":
		for i := n.index - 1; i >= 0; i-- {
			visit(siblings[i])
		}
	case "following":
		for _, sibling := range siblings[n.index+1:] {
			visit(sibling)
			descend(sibling, visit)
		}
		walkBeside(axis, n.parent, visit)
	case "preceding":
		for i := n.index - 1; i >= 0; i-- {
			ascend(siblings[i], visit)
		}
		walkBeside(axis, n.parent, visit)
	}
}

func descend(n *node, visit func(*node)) {
	for _, child := range n.children {
		visit(child)
		descend(child, visit)
	}
}

// ascend visits a node and its descendants in reverse document order.
func ascend(n *node, visit func(*node)) {
	for i := len(n.children) - 1; i >= 0; i-- {
		ascend(n.children[i], visit)
	}
	visit(n)
}

func (e comparison) eval(c *context) any { return compare(e.op, e.left.eval(c), e.right.eval(c)) }

// compare compares two values; of nodes it is enough if one meets it.
func compare(op string, a, b any) bool {
	left, leftNodes := a.(nodeset)
	right, rightNodes := b.(nodeset)
	_, leftBool := a.(bool)
	_, rightBool := b.(bool)
	switch {
	case leftNodes && !rightBool:
		return slices.ContainsFunc(left, func(n *node) bool { return compareNode(op, n.value(), b, rightNodes, right) })
	case rightNodes && !leftBool:
		return slices.ContainsFunc(right, func(n *node) bool { return compareAtoms(op, a, n.value()) })
	case leftNodes || rightNodes:
		return compareAtoms(op, toBool(a), toBool(b))
	}
	return compareAtoms(op, a, b)
}

func compareNode(op, value string, b any, isSet bool, set nodeset) bool {
	if !isSet {
		return compareAtoms(op, value, b)
	}
	return slices.ContainsFunc(set, func(n *node) bool { return compareAtoms(op, value, n.value()) })
}

// compareAtoms compares values of which none is a nodeset.
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
