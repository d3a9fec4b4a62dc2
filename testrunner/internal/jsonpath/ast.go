// Package jsonpath evaluates JSONPath queries (RFC 9535) in the dialect of Hurl 8: the members of
// an object are visited in the order of their names, and a shorthand name contains no hyphen. The
// patterns of match and search are the part of I-Regexp (RFC 9485) that package regexp supports.
package jsonpath

import (
	"regexp"
	"strconv"
)

// Path is a compiled query. It is safe for concurrent use.
type Path struct {
	segments []segment
}

// segment selects among the children, or among all descendants, of each node.
type segment struct {
	descend   bool
	selectors []selector
}

type selectorKind int

const (
	selectName selectorKind = iota
	selectIndex
	selectAll
	selectSlice
	selectFilter
)

type selector struct {
	kind             selectorKind
	name             string
	index            int64
	start, end, step *int64
	filter           expr
}

// expr is a logical expression.
type expr interface {
	test(ctx *scope) bool
}

type (
	andExpr []expr
	orExpr  []expr
	notExpr struct{ inner expr }
	// existsExpr tests whether a query selects anything.
	existsExpr struct{ query *subquery }
	compare    struct {
		op          string
		left, right operand
	}
	// matchExpr is match(value, pattern), or search.
	matchExpr struct {
		of, pattern operand
		whole       bool
		compiled    *regexp.Regexp // nil unless the pattern is a literal
	}
)

// operand is evaluated to a value, or to nothing.
type operand interface {
	value(ctx *scope) (any, bool)
}

type (
	literal struct{ v any }
	// subquery is a query in a filter. It begins at the current node (@) or at the root ($).
	subquery struct {
		root     bool
		segments []segment
	}
	lengthCall struct{ of operand }
	countCall  struct{ of *subquery }
	valueCall  struct{ of *subquery }
)

// singular reports whether a query can select no more than one node.
func (q *subquery) singular() bool {
	for _, s := range q.segments {
		if s.descend || len(s.selectors) != 1 || s.selectors[0].kind > selectIndex {
			return false
		}
	}
	return true
}

// Error is a syntax error in a query.
type Error struct {
	Offset  int // in the query, in bytes
	Message string
}

// Error returns the message with the place of the error.
func (e *Error) Error() string { return e.Message + " at character " + strconv.Itoa(e.Offset+1) }
