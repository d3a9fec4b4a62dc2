package xpath

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNesting limits how deeply expressions may be nested.
const maxNesting = 200

// parser parses an expression. It fails by a panic with a syntaxError.
type parser struct {
	src   string
	pos   int
	doc   *Document
	depth int
}

type syntaxError string

// Error returns the message.
func (e syntaxError) Error() string { return string(e) }

func fail(format string, args ...any) { panic(syntaxError(fmt.Sprintf(format, args...))) }

func parse(src string, doc *Document) expr {
	p := &parser{src: src, doc: doc}
	e := p.or()
	if p.space(); p.pos < len(src) {
		fail("unexpected %q", src[p.pos:])
	}
	return e
}

func (p *parser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// has reports whether sign comes next.
func (p *parser) has(sign string) bool {
	p.space()
	return strings.HasPrefix(p.src[p.pos:], sign)
}

func (p *parser) accept(sign string) bool {
	if !p.has(sign) {
		return false
	}
	p.pos += len(sign)
	return true
}

func (p *parser) expect(sign string) {
	if !p.accept(sign) {
		fail("expected %q before %q", sign, p.src[p.pos:])
	}
}

// acceptWord accepts an operator that is a word.
func (p *parser) acceptWord(word string) bool {
	p.space()
	if p.name(p.pos) != word {
		return false
	}
	p.pos += len(word)
	return true
}

// name returns the name without a colon that stands at a position, or "" if there is none.
func (p *parser) name(at int) string {
	end := at
	for end < len(p.src) {
		r, size := utf8.DecodeRuneInString(p.src[end:])
		first := r == '_' || unicode.IsLetter(r)
		if !first && (end == at || r != '-' && r != '.' && r != '·' && !unicode.IsDigit(r) &&
			!unicode.Is(unicode.M, r)) {
			break
		}
		end += size
	}
	return p.src[at:end]
}

func (p *parser) or() expr {
	if p.depth++; p.depth > maxNesting {
		fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	left := p.and()
	for p.acceptWord("or") {
		left = logical{left, p.and(), true}
	}
	return left
}

func (p *parser) and() expr {
	left := p.equality()
	for p.acceptWord("and") {
		left = logical{left, p.equality(), false}
	}
	return left
}

func (p *parser) equality() expr {
	left := p.relational()
	for {
		switch {
		case p.accept("!="):
			left = once(comparison{"!=", left, p.relational()})
		case p.accept("="):
			left = once(comparison{"=", left, p.relational()})
		default:
			return left
		}
	}
}

func (p *parser) relational() expr {
	left := p.additive()
	for {
		op := ""
		for _, sign := range []string{"<=", ">=", "<", ">"} {
			if p.accept(sign) {
				op = sign
				break
			}
		}
		if op == "" {
			return left
		}
		left = once(comparison{op, left, p.additive()})
	}
}

func (p *parser) additive() expr {
	left := p.multiplicative()
	for {
		switch {
		case p.accept("+"):
			left = arithmetic{"+", left, p.multiplicative()}
		case p.accept("-"):
			left = arithmetic{"-", left, p.multiplicative()}
		default:
			return left
		}
	}
}

func (p *parser) multiplicative() expr {
	left := p.unary()
	for {
		switch {
		case p.accept("*"):
			left = arithmetic{"*", left, p.unary()}
		case p.acceptWord("div"):
			left = arithmetic{"div", left, p.unary()}
		case p.acceptWord("mod"):
			left = arithmetic{"mod", left, p.unary()}
		default:
			return left
		}
	}
}

func (p *parser) unary() expr {
	negative, signs := false, 0
	for ; p.accept("-"); signs++ {
		negative = !negative
	}
	e := p.union()
	if signs > 0 {
		return negation{e, negative}
	}
	return e
}

func (p *parser) union() expr {
	left := p.path()
	for p.accept("|") {
		left = once(union{left, p.path()})
	}
	return left
}

// path parses a path, or an expression that is none, with the predicates and steps behind it.
func (p *parser) path() expr {
	if !p.beginsPrimary() {
		return p.location(nil)
	}
	e := p.primary()
	for p.has("[") {
		e = once(filter{e, p.predicate()})
	}
	if p.has("/") {
		return p.location(e)
	}
	return e
}

// beginsPrimary reports whether a literal, a number, a variable, a parenthesis or a function call
// comes next.
func (p *parser) beginsPrimary() bool {
	p.space()
	if p.pos >= len(p.src) {
		fail("expected an expression, found the end")
	}
	c := p.src[p.pos]
	if strings.IndexByte(`("'$`, c) >= 0 || isDigit(c) ||
		c == '.' && p.pos+1 < len(p.src) && isDigit(p.src[p.pos+1]) {
		return true
	}
	name := p.name(p.pos)
	rest := strings.TrimLeft(p.src[p.pos+len(name):], " \t\r\n")
	return name != "" && strings.HasPrefix(rest, "(") &&
		!slices.Contains([]string{"node", "text", "comment", "processing-instruction"}, name)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *parser) primary() expr {
	switch c := p.src[p.pos]; {
	case c == '(':
		p.pos++
		e := p.or()
		p.expect(")")
		return e
	case c == '"' || c == '\'':
		return constant{p.literal()}
	case c == '$':
		fail("variables are not supported")
	case isDigit(c) || c == '.':
		end := p.pos
		for end < len(p.src) && (isDigit(p.src[end]) || p.src[end] == '.') {
			end++
		}
		if n := exponentLength(p.src[end:]); n > 0 {
			end += n
		}
		text := p.src[p.pos:end]
		if strings.Count(text, ".") > 1 {
			fail("%q is not a number", text)
		}
		p.pos = end
		return constant{toNumber(text)}
	}
	name := p.name(p.pos)
	p.pos += len(name)
	p.expect("(")
	var args []expr
	for !p.has(")") {
		if len(args) > 0 {
			p.expect(",")
		}
		args = append(args, p.or())
	}
	p.expect(")")
	return once(newCall(name, args))
}

// exponentLength returns the length of the exponent with which s begins, or 0.
func exponentLength(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '-' || s[n] == '+') {
		n++
	}
	digits := n
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == digits {
		return 0
	}
	return n
}

func (p *parser) literal() string {
	quote := p.src[p.pos]
	end := strings.IndexByte(p.src[p.pos+1:], quote)
	if end < 0 {
		fail("the string is not closed")
	}
	text := p.src[p.pos+1 : p.pos+1+end]
	p.pos += end + 2
	return text
}

func (p *parser) predicate() predicate {
	p.expect("[")
	e := p.or()
	p.expect("]")
	return newPredicate(e)
}

// location parses the steps of a path from the nodes of an expression, or if from is nil, from the
// root or the context node.
func (p *parser) location(from expr) expr {
	path := &location{from: from}
	switch {
	case p.has("//"):
		path.absolute = from == nil
	case p.accept("/"):
		path.absolute = from == nil
		if from == nil && !p.beginsStep() {
			return once(path)
		}
		path.steps = append(path.steps, p.step())
	default:
		path.steps = append(path.steps, p.step())
	}
	for {
		switch {
		case p.accept("//"):
			path.steps = append(path.steps, below(p.step())...)
		case p.accept("/"):
			path.steps = append(path.steps, p.step())
		default:
			return once(path)
		}
	}
}

// below returns the steps that stand for "//" and s. Where positions do not matter, the children of
// descendants are descendants.
func below(s step) []step {
	if s.axis == "child" && len(s.positional) == 0 {
		s.axis = "descendant"
		return []step{s}
	}
	return []step{{axis: "descendant-or-self", test: nodeTest{kind: "node"}}, s}
}

func (p *parser) beginsStep() bool {
	p.space()
	return p.pos < len(p.src) &&
		(strings.IndexByte(".@*", p.src[p.pos]) >= 0 || p.name(p.pos) != "")
}

func axes() []string {
	return []string{
		"ancestor", "ancestor-or-self", "attribute", "child", "descendant", "descendant-or-self",
		"following",
		"following-sibling", "namespace", "parent", "preceding", "preceding-sibling", "self",
	}
}

func (p *parser) step() step {
	s := step{axis: "child"}
	switch {
	case p.accept(".."):
		return step{axis: "parent", test: nodeTest{kind: "node"}}
	case p.accept("."):
		return step{axis: "self", test: nodeTest{kind: "node"}}
	case p.accept("@"):
		s.axis = "attribute"
	default:
		p.space()
		name := p.name(p.pos)
		if rest := strings.TrimLeft(p.src[p.pos+len(name):], " \t\r\n"); name != "" &&
			strings.HasPrefix(rest, "::") {
			if !slices.Contains(axes(), name) {
				fail("unknown axis %q", name)
			}
			s.axis = name
			p.pos = len(p.src) - len(rest) + 2
		}
	}
	s.test = p.nodeTest()
	for p.has("[") {
		s.add(p.predicate())
	}
	return s
}

func (p *parser) nodeTest() nodeTest {
	if p.accept("*") {
		return nodeTest{}
	}
	name := p.name(p.pos)
	if name == "" {
		fail("expected a step before %q", p.src[p.pos:])
	}
	p.pos += len(name)
	if p.pos < len(p.src) && p.src[p.pos] == ':' && !p.has("::") {
		p.pos++
		return p.qualifiedTest(name)
	}
	if p.accept("(") {
		t := nodeTest{kind: name}
		if p.space(); name == "processing-instruction" && !p.has(")") {
			if !p.has(`"`) && !p.has("'") {
				fail("expected the name of an instruction in quotes")
			}
			t.name = p.literal()
		}
		p.expect(")")
		return t
	}
	return nodeTest{name: name}
}

func (p *parser) qualifiedTest(prefix string) nodeTest {
	space, known := p.doc.namespaces[prefix]
	if !known {
		fail("the document does not declare the prefix %q", prefix)
	}
	if p.accept("*") {
		return nodeTest{space: space, inSpace: true}
	}
	name := p.name(p.pos)
	if name == "" {
		fail("expected a name after %q", prefix+":")
	}
	p.pos += len(name)
	return nodeTest{name: name, space: space, inSpace: true}
}
