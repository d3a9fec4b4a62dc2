package jsonpath

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// maxNesting limits how deeply filters and parentheses may be nested.
const maxNesting = 100

type parser struct {
	src   string
	pos   int
	depth int
}

// Parse compiles a query. The error is an *Error.
func Parse(src string) (path *Path, err error) {
	p := &parser{src: src}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			path, err = nil, e
		}
	}()
	p.expect("$")
	path = &Path{segments: p.segments()}
	if p.pos < len(src) {
		p.fail("unexpected %q", p.src[p.pos:])
	}
	return path, nil
}

// fail stops parsing by a panic, which Parse recovers.
func (p *parser) fail(format string, args ...any) {
	panic(&Error{
		Offset:  utf8.RuneCountInString(p.src[:min(p.pos, len(p.src))]),
		Message: fmt.Sprintf(format, args...),
	})
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested too deeply")
	}
}

func (p *parser) blank() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\n\r", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) accept(s string) bool {
	if strings.HasPrefix(p.src[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.fail("expected %q", s)
	}
}

// segments parses all segments that follow.
func (p *parser) segments() []segment {
	var list []segment
	for {
		start := p.pos
		p.blank()
		switch {
		case p.accept(".."):
			if p.peek() == '[' {
				list = append(list, segment{true, p.bracket()})
			} else {
				list = append(list, segment{true, []selector{p.shorthand()}})
			}
		case p.accept("."):
			list = append(list, segment{false, []selector{p.shorthand()}})
		case p.peek() == '[':
			list = append(list, segment{false, p.bracket()})
		default:
			p.pos = start
			return list
		}
	}
}

func (p *parser) shorthand() selector {
	if p.accept("*") {
		return selector{kind: selectAll}
	}
	start := p.pos
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
		if !letter && (p.pos == start || c < '0' || c > '9') {
			break
		}
		p.pos++
	}
	if p.pos == start {
		p.fail("expected a name or *")
	}
	return selector{kind: selectName, name: p.src[start:p.pos]}
}

func (p *parser) bracket() []selector {
	p.enter()
	defer func() { p.depth-- }()
	p.expect("[")
	var list []selector
	for {
		p.blank()
		list = append(list, p.selector())
		p.blank()
		if p.accept("]") {
			return list
		}
		if !p.accept(",") {
			p.fail("expected , or ]")
		}
	}
}

func (p *parser) selector() selector {
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		return selector{kind: selectName, name: p.quoted()}
	case c == '*':
		p.pos++
		return selector{kind: selectAll}
	case c == '?':
		p.pos++
		p.blank()
		return selector{kind: selectFilter, filter: p.or()}
	}
	start := p.optionalInt()
	mark := p.pos
	p.blank()
	if !p.accept(":") {
		p.pos = mark
		if start == nil {
			p.fail("expected a selector")
		}
		return selector{kind: selectIndex, index: *start}
	}
	s := selector{kind: selectSlice, start: start}
	p.blank()
	s.end = p.optionalInt()
	p.blank()
	if p.accept(":") {
		p.blank()
		s.step = p.optionalInt()
	}
	return s
}

// optionalInt parses an integer, if one follows, of the range that RFC 9535 allows (I-JSON).
func (p *parser) optionalInt() *int64 {
	start := p.pos
	p.accept("-")
	digits := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	text := p.src[start:p.pos]
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	const limit = 1<<53 - 1
	if err != nil || n > limit || n < -limit ||
		p.src[digits] == '0' && (p.pos-digits > 1 || digits > start) {
		p.pos = start
		p.fail("not an integer")
	}
	return &n
}

// quoted parses a string literal in single or double quotes.
func (p *parser) quoted() string {
	quote := p.src[p.pos]
	p.pos++
	var b strings.Builder
	for {
		if p.pos >= len(p.src) {
			p.fail("the string is not closed")
		}
		c := p.src[p.pos]
		switch {
		case c == quote:
			p.pos++
			return b.String()
		case c == '\\':
			p.pos++
			p.escape(&b, quote)
		case c < ' ':
			p.fail("a control character must be escaped")
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
}

func (p *parser) escape(b *strings.Builder, quote byte) {
	c := p.peek()
	p.pos++
	switch c {
	case 'b', 'f', 'n', 'r', 't':
		b.WriteByte(map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c])
	case '/', '\\', quote:
		b.WriteByte(c)
	case 'u':
		r := p.hex4()
		if utf16.IsSurrogate(r) {
			if !p.accept(`\u`) {
				p.fail("expected the second half of a surrogate pair")
			}
			if r = utf16.DecodeRune(r, p.hex4()); r == utf8.RuneError {
				p.fail("not a surrogate pair")
			}
		}
		b.WriteRune(r)
	default:
		p.pos--
		p.fail("unknown escape")
	}
}

func (p *parser) hex4() rune {
	if p.pos+4 > len(p.src) {
		p.fail("expected four hexadecimal digits")
	}
	n, err := strconv.ParseUint(p.src[p.pos:p.pos+4], 16, 32)
	if err != nil {
		p.fail("expected four hexadecimal digits")
	}
	p.pos += 4
	return rune(n)
}

func (p *parser) or() expr {
	p.enter()
	defer func() { p.depth-- }()
	list := orExpr{p.and()}
	for p.blank(); p.accept("||"); p.blank() {
		p.blank()
		list = append(list, p.and())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (p *parser) and() expr {
	list := andExpr{p.basic()}
	for p.blank(); p.accept("&&"); p.blank() {
		p.blank()
		list = append(list, p.basic())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// basic parses a comparison, a test, or an expression in parentheses.
func (p *parser) basic() expr {
	if p.accept("!") {
		p.blank()
		if p.peek() == '(' {
			return notExpr{p.parens()}
		}
		return notExpr{p.test(p.operand())}
	}
	if p.peek() == '(' {
		return p.parens()
	}
	if whole := p.accept("match("); whole || p.accept("search(") {
		return p.matchCall(whole)
	}
	left := p.operand()
	mark := p.pos
	p.blank()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			p.blank()
			right := p.operand()
			p.comparable(left)
			p.comparable(right)
			return compare{op, left, right}
		}
	}
	p.pos = mark
	return p.test(left)
}

func (p *parser) parens() expr {
	p.expect("(")
	p.blank()
	inner := p.or()
	p.blank()
	p.expect(")")
	return inner
}

// test returns the test of existence that an operand stands for if it is not compared.
func (p *parser) test(o operand) expr {
	switch o := o.(type) {
	case *subquery:
		return existsExpr{o}
	case matchExpr:
		return o
	}
	p.fail("a value must be compared with something")
	return nil
}

func (p *parser) comparable(o operand) {
	switch o := o.(type) {
	case *subquery:
		if !o.singular() {
			p.fail("only a query for one value can be compared")
		}
	case matchExpr:
		p.fail("match and search cannot be compared")
	}
}

// value makes matchExpr an operand, so that it can be parsed where operands are, as behind "!".
func (matchExpr) value(*scope) (any, bool) { return nil, false }

func (p *parser) matchCall(whole bool) matchExpr {
	args := p.arguments(2)
	m := matchExpr{of: args[0], pattern: args[1], whole: whole}
	for _, a := range args {
		p.comparable(a)
	}
	if l, ok := m.pattern.(literal); ok {
		text, ok := l.v.(string)
		re, err := compileRegexp(text, whole)
		if ok && err == nil {
			m.compiled = re
		}
	}
	return m
}

// compileRegexp compiles a pattern of RFC 9485, in which a dot matches neither \n nor \r. If whole
// is true, the pattern must match a text as a whole.
func compileRegexp(text string, whole bool) (*regexp.Regexp, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
			c = text[i]
		case c == '.' && !inClass:
			b.WriteString(`[^\n\r]`)
			continue
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		}
		b.WriteByte(c)
	}
	if whole {
		return regexp.Compile(`\A(?:` + b.String() + `)\z`)
	}
	return regexp.Compile(b.String())
}

// arguments parses n arguments and the closing parenthesis.
func (p *parser) arguments(n int) []operand {
	p.enter()
	defer func() { p.depth-- }()
	var args []operand
	for i := range n {
		p.blank()
		if i > 0 {
			p.expect(",")
			p.blank()
		}
		args = append(args, p.operand())
	}
	p.blank()
	p.expect(")")
	return args
}

func (p *parser) operand() operand {
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		return &subquery{root: c == '$', segments: p.segments()}
	case c == '"' || c == '\'':
		return literal{p.quoted()}
	case c == '-' || c >= '0' && c <= '9':
		return literal{p.number()}
	case p.accept("true"):
		return literal{true}
	case p.accept("false"):
		return literal{false}
	case p.accept("null"):
		return literal{nil}
	case p.accept("match("):
		return p.matchCall(true)
	case p.accept("search("):
		return p.matchCall(false)
	case p.accept("length("):
		arg := p.arguments(1)[0]
		p.comparable(arg)
		return lengthCall{arg}
	case p.accept("count("):
		return countCall{p.nodes()}
	case p.accept("value("):
		return valueCall{p.nodes()}
	}
	p.fail("expected a query, a literal or a function")
	return nil
}

func (p *parser) nodes() *subquery {
	q, ok := p.arguments(1)[0].(*subquery)
	if !ok {
		p.fail("the argument must be a query")
	}
	return q
}

func (p *parser) number() jsontree.Number {
	start := p.pos
	for p.pos < len(p.src) && strings.IndexByte("+-.eE0123456789", p.src[p.pos]) >= 0 {
		p.pos++
	}
	text := p.src[start:p.pos]
	if !json.Valid([]byte(text)) {
		p.pos = start
		p.fail("not a number")
	}
	return jsontree.Number(text)
}
