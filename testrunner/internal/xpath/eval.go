package xpath

import (
	"math"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// A value is a *set, a float64, a string or a bool. The kind of an expression's value is known
// before the expression is evaluated.

// valueKind is the kind of an expression's value.
type valueKind int

const (
	isSet valueKind = iota
	isNumber
	isString
	isBool
)

// needs is a set of what the value of an expression depends on besides the document.
type needs int

const (
	needsNode needs = 1 << iota // of the context
	needsPosition
	needsSize
)

// scope is what an expression is evaluated in.
type scope struct {
	doc            *Document
	run            *run
	node           *node // the context node; nil outside of steps
	position, size int   // 0 outside of predicates
}

// run is one evaluation.
type run struct {
	*interrupt.Work
	ids map[string]*node // made on first use
}

// step counts a node that is visited.
func (c *scope) step() { c.run.Step() }

// expr is an expression.
type expr interface {
	eval(c *scope) any
	kind() valueKind
	needs() needs
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
		negative bool // false for an even number of signs, which still converts to a number
	}
	union  struct{ left, right expr }
	filter struct {
		of        expr
		predicate predicate
	}
	// location is a path of steps from the root, from the nodes of an expression, or from the
	// context node.
	location struct {
		from     expr
		absolute bool
		steps    []step
	}
	// fixed is an expression whose value is always the same, so that it is evaluated once.
	fixed struct {
		of   expr
		v    any
		done bool
	}
)

// Nodeset is the result of an expression that selects nodes: their number.
type Nodeset int

// Evaluate evaluates an XPath expression. The result is a Nodeset, a float64, a string or a bool.
// There is no context node, so a relative path selects nothing. Evaluate takes a step of w for each
// node that it visits. The error says what is wrong with the expression.
func (d *Document) Evaluate(w *interrupt.Work, source string) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			result, err = nil, e
		}
	}()
	v := parse(source, d).eval(&scope{doc: d, run: &run{Work: w}})
	if nodes, ok := v.(*set); ok {
		return Nodeset(nodes.len()), nil
	}
	return v, nil
}

func (e constant) eval(*scope) any { return e.v }
func (e constant) needs() needs    { return 0 }
func (e constant) kind() valueKind {
	if _, ok := e.v.(string); ok {
		return isString
	}
	return isNumber
}

func (e logical) kind() valueKind { return isBool }
func (e logical) needs() needs    { return e.left.needs() | e.right.needs() }
func (e logical) eval(c *scope) any {
	if left := toBool(e.left.eval(c)); left == e.or {
		return left
	}
	return toBool(e.right.eval(c))
}

func (e arithmetic) kind() valueKind { return isNumber }
func (e arithmetic) needs() needs    { return e.left.needs() | e.right.needs() }
func (e arithmetic) eval(c *scope) any {
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

func (e negation) kind() valueKind { return isNumber }
func (e negation) needs() needs    { return e.of.needs() }
func (e negation) eval(c *scope) any {
	n := toNumber(e.of.eval(c))
	if e.negative {
		return -n
	}
	return n
}

func (e union) kind() valueKind { return isSet }
func (e union) needs() needs    { return e.left.needs() | e.right.needs() }
func (e union) eval(c *scope) any {
	var u collector
	u.add(c, nodes(e.left.eval(c)))
	u.add(c, nodes(e.right.eval(c)))
	return u.set(c)
}

func (e filter) kind() valueKind { return isSet }
func (e filter) needs() needs    { return e.of.needs() }
func (e filter) eval(c *scope) any {
	return e.predicate.apply(c, sequence{nodes(e.of.eval(c)), false}, math.MaxInt).set
}

// nodes returns v as a nodeset. It fails with a syntaxError if v is something else.
func nodes(v any) *set {
	s, ok := v.(*set)
	if !ok {
		fail("expected nodes")
	}
	return s
}

func (e *location) kind() valueKind { return isSet }
func (e *location) needs() needs {
	switch {
	case e.from != nil:
		return e.from.needs()
	case e.absolute:
		return 0
	}
	return needsNode
}

func (e *location) eval(c *scope) any {
	s := setOf()
	switch {
	case e.from != nil:
		s = nodes(e.from.eval(c))
	case e.absolute:
		s = setOf(c.doc.root)
	case c.node != nil:
		s = setOf(c.node)
	}
	for i := range e.steps {
		if s.len() == 0 {
			break
		}
		s = e.steps[i].from(c, s)
	}
	return s
}

// once returns e, evaluated only once if its value is always the same.
func once(e expr) expr {
	if e.needs() != 0 {
		return e
	}
	return &fixed{of: e}
}

func (e *fixed) kind() valueKind { return e.of.kind() }
func (e *fixed) needs() needs    { return 0 }
func (e *fixed) eval(c *scope) any {
	if !e.done {
		e.v, e.done = e.of.eval(c), true
		if s, ok := e.v.(*set); ok {
			s.list.kept = true
		}
	}
	return e.v
}
