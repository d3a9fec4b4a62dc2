package xpath

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// function describes a function of XPath: the number of its arguments, where most is -1 for any
// number, and the kind of its result.
type function struct {
	least, most int
	kind        valueKind
	needs       needs // besides those of its arguments
	// implied is what the function needs if it has no argument and takes the context node instead.
	implied needs
	apply   func(c *scope, args []any) any
}

// call is a call of a function.
type call struct {
	name     string
	function function
	args     []expr
}

func (e call) kind() valueKind { return e.function.kind }

func (e call) needs() needs {
	all := e.function.needs
	if len(e.args) == 0 {
		all |= e.function.implied
	}
	for _, arg := range e.args {
		all |= arg.needs()
	}
	return all
}

func (e call) eval(c *scope) any {
	args := make([]any, len(e.args))
	for i, arg := range e.args {
		args[i] = arg.eval(c)
	}
	return e.function.apply(c, args)
}

func newCall(name string, args []expr) expr {
	f, ok := lookup(name)
	if !ok {
		fail("XPath 1.0 has no function %s", name)
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		fail("%s does not take %d arguments", name, len(args))
	}
	return call{name, f, args}
}

func lookup(name string) (function, bool) {
	for _, find := range []func(string) (function, bool){
		nodeFunction, booleanFunction, stringFunction, numberFunction,
	} {
		if f, ok := find(name); ok {
			return f, true
		}
	}
	return function{}, false
}

func nodeFunction(name string) (f function, ok bool) {
	switch name {
	case "last":
		return function{kind: isNumber, needs: needsSize, apply: func(c *scope, _ []any) any {
			return float64(inPredicate(c).size)
		}}, true
	case "position":
		return function{kind: isNumber, needs: needsPosition, apply: func(c *scope, _ []any) any {
			return float64(inPredicate(c).position)
		}}, true
	case "count":
		return function{least: 1, most: 1, kind: isNumber, apply: func(_ *scope, args []any) any {
			return float64(nodes(args[0]).len())
		}}, true
	case "id":
		return function{least: 1, most: 1, kind: isSet, apply: func(c *scope, args []any) any {
			return byID(c, args[0])
		}}, true
	case "local-name":
		return named(func(n *node) string { return n.name }), true
	case "name":
		return named((*node).qualified), true
	case "namespace-uri":
		return named(func(n *node) string { return n.space }), true
	}
	return function{}, false
}

func booleanFunction(name string) (f function, ok bool) {
	switch name {
	case "boolean", "not":
		return function{least: 1, most: 1, kind: isBool, apply: func(_ *scope, args []any) any {
			return toBool(args[0]) == (name == "boolean")
		}}, true
	case "true", "false":
		return function{kind: isBool, apply: func(*scope, []any) any {
			return name == "true"
		}}, true
	case "lang":
		return function{
			least: 1, most: 1, kind: isBool, needs: needsNode,
			apply: func(c *scope, args []any) any { return hasLanguage(c.node, toString(args[0])) },
		}, true
	}
	return function{}, false
}

// inPredicate returns c, which must be the context of a predicate.
func inPredicate(c *scope) *scope {
	if c.position == 0 {
		fail("position() and last() stand outside of a predicate")
	}
	return c
}

// named returns a function of a node's name. Without an argument it takes the context node.
func named(of func(*node) string) function {
	return function{most: 1, kind: isString, implied: needsNode,
		apply: func(c *scope, args []any) any {
			n := c.node
			if len(args) > 0 {
				n = nodes(args[0]).first()
			}
			if n == nil || n.kind != kindElement && n.kind != kindAttribute &&
				n.kind != kindInstruction {
				return ""
			}
			return of(n)
		}}
}

// byID returns the elements that have one of the given identifiers.
func byID(c *scope, arg any) *set {
	if c.run.ids == nil {
		c.run.ids = identified(c)
	}
	var out []*node
	add := func(text string) {
		for _, id := range strings.Fields(text) {
			if n := c.run.ids[id]; n != nil {
				out = append(out, n)
			}
		}
	}
	if s, ok := arg.(*set); ok {
		s.each(c, func(n *node) bool {
			add(n.value())
			return true
		})
	} else {
		add(toString(arg))
	}
	return setOf(slices.Compact(inOrder(out))...)
}

// identified returns the elements by their identifiers. If several have the same one, it belongs to
// the first. In XML the only identifier is xml:id, since document types are not read.
func identified(c *scope) map[string]*node {
	ids := make(map[string]*node)
	for _, n := range c.doc.nodes {
		c.step()
		for _, a := range n.attrs {
			isID := a.name == "id" && (a.space == xmlSpace || c.doc.html) ||
				c.doc.html && a.name == "name" && n.name == "a"
			if isID && ids[a.text] == nil {
				ids[a.text] = n
			}
		}
	}
	return ids
}

// hasLanguage reports whether the nearest xml:lang, that of n or of an ancestor, is the language or
// a dialect of it.
func hasLanguage(n *node, language string) bool {
	for ; n != nil; n = n.parent {
		for _, a := range n.attrs {
			if a.name == "lang" && a.space == xmlSpace {
				main, _, _ := strings.Cut(a.text, "-")
				return strings.EqualFold(a.text, language) || strings.EqualFold(main, language)
			}
		}
	}
	return false
}

func stringFunction(name string) (f function, ok bool) {
	two := func(kind valueKind, of func(a, b string) any) (function, bool) {
		return function{least: 2, most: 2, kind: kind, apply: func(_ *scope, args []any) any {
			return of(toString(args[0]), toString(args[1]))
		}}, true
	}
	switch name {
	case "string":
		return ofString(isString, func(s string) any { return s }), true
	case "normalize-space":
		return ofString(isString, func(s string) any {
			return strings.Join(strings.FieldsFunc(s, isSpace), " ")
		}), true
	case "string-length":
		return ofString(isNumber, func(s string) any {
			return float64(utf8.RuneCountInString(s))
		}), true
	case "concat":
		return function{least: 2, most: -1, kind: isString, apply: func(_ *scope, args []any) any {
			var b strings.Builder
			for _, arg := range args {
				b.WriteString(toString(arg))
			}
			return b.String()
		}}, true
	case "starts-with":
		return two(isBool, func(a, b string) any { return strings.HasPrefix(a, b) })
	case "contains":
		return two(isBool, func(a, b string) any { return strings.Contains(a, b) })
	case "substring-before":
		return two(isString, func(a, b string) any {
			if before, _, found := strings.Cut(a, b); found {
				return before
			}
			return ""
		})
	case "substring-after":
		return two(isString, func(a, b string) any {
			_, after, _ := strings.Cut(a, b)
			return after
		})
	case "substring":
		return function{least: 2, most: 3, kind: isString, apply: func(_ *scope, args []any) any {
			return substring(args)
		}}, true
	case "translate":
		return function{least: 3, most: 3, kind: isString, apply: func(_ *scope, args []any) any {
			return translate(toString(args[0]), []rune(toString(args[1])),
				[]rune(toString(args[2])))
		}}, true
	}
	return function{}, false
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// ofString returns a function of a string. Without an argument it takes that of the context node.
func ofString(kind valueKind, of func(string) any) function {
	return function{most: 1, kind: kind, implied: needsNode, apply: func(c *scope, args []any) any {
		switch {
		case len(args) > 0:
			return of(toString(args[0]))
		case c.node != nil:
			return of(c.node.value())
		}
		return of("")
	}}
}

func substring(args []any) string {
	first, behind := round(toNumber(args[1])), math.Inf(1)
	if len(args) == 3 {
		behind = first + round(toNumber(args[2]))
	}
	var b strings.Builder
	position := 0.0
	for _, r := range toString(args[0]) {
		if position++; position >= first && position < behind {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func translate(s string, from, to []rune) string {
	return strings.Map(func(r rune) rune {
		for i, f := range from {
			if f != r {
				continue
			}
			if i < len(to) {
				return to[i]
			}
			return -1
		}
		return r
	}, s)
}

func numberFunction(name string) (f function, ok bool) {
	one := func(of func(float64) float64) (function, bool) {
		return function{least: 1, most: 1, kind: isNumber, apply: func(_ *scope, args []any) any {
			return of(toNumber(args[0]))
		}}, true
	}
	switch name {
	case "number":
		return function{most: 1, kind: isNumber, implied: needsNode,
			apply: func(c *scope, args []any) any {
				switch {
				case len(args) > 0:
					return toNumber(args[0])
				case c.node != nil:
					return toNumber(c.node.value())
				}
				return 0.0
			}}, true
	case "sum":
		return function{least: 1, most: 1, kind: isNumber, apply: func(c *scope, args []any) any {
			sum := 0.0
			nodes(args[0]).anyNumber(c, func(x float64) bool {
				sum += x
				return false
			})
			return sum
		}}, true
	case "floor":
		return one(math.Floor)
	case "ceiling":
		return one(math.Ceil)
	case "round":
		return one(round)
	}
	return function{}, false
}

// round returns the nearest integer, and of two the larger one.
func round(n float64) float64 {
	if math.IsInf(n, 0) || math.IsNaN(n) || n == 0 {
		return n
	}
	if n < 0 && n >= -0.5 {
		return math.Copysign(0, -1)
	}
	return math.Floor(n + 0.5)
}
