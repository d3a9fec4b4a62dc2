package rustname

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read: names may refer to their own parts again and again.
const (
	maxDepth  = 200
	maxLength = 1 << 14
)

// version0 reads a name in the form of RFC 2603, after _R. What follows a dot or a dollar sign is
// from the optimizer.
func version0(mangled string) (string, bool) {
	mangled, _, _ = strings.Cut(mangled, ".")
	mangled, _, _ = strings.Cut(mangled, "$")
	p := &parser{text: mangled}
	if !p.at('C', 'M', 'X', 'Y', 'N', 'I', 'B') {
		return "", false // a version that is not known
	}
	p.path(true)
	if !p.failed && p.next < len(p.text) {
		p.quietly(func() { p.path(false) }) // the crate that instantiated it
	}
	if p.failed || p.next < len(p.text) {
		return "", false
	}
	return p.out.String(), true
}

// parser reads a name and writes what it stands for. After a failure it reads and writes nothing.
type parser struct {
	text   string
	next   int
	out    strings.Builder
	quiet  bool // read only
	failed bool
	depth  int
	bound  uint64 // how many lifetimes are bound by the binders around
}

func (p *parser) write(s string) {
	if p.failed || p.quiet {
		return
	}
	if p.out.Len()+len(s) > maxLength {
		p.failed = true
		return
	}
	p.out.WriteString(s)
}

func (p *parser) quietly(read func()) {
	was := p.quiet
	p.quiet = true
	read()
	p.quiet = was
}

// byte returns the next byte; 0 at the end, and after a failure.
func (p *parser) byte() byte {
	if p.failed || p.next >= len(p.text) {
		p.failed = true
		return 0
	}
	p.next++
	return p.text[p.next-1]
}

// at reports whether the next byte is one of some.
func (p *parser) at(bytes ...byte) bool {
	return !p.failed && p.next < len(p.text) &&
		strings.IndexByte(string(bytes), p.text[p.next]) >= 0
}

// eat skips the next byte if it is c.
func (p *parser) eat(c byte) bool {
	if p.at(c) {
		p.next++
		return true
	}
	return false
}

// deeper reads a part of what is being read, unless parts are in parts without end.
func (p *parser) deeper(read func()) {
	p.depth++
	if p.depth > maxDepth {
		p.failed = true
	} else {
		read()
	}
	p.depth--
}

// list reads elements up to an E, and returns how many there are.
func (p *parser) list(separator string, element func()) int {
	n := 0
	for ; !p.failed && !p.eat('E'); n++ {
		if n > 0 {
			p.write(separator)
		}
		element()
	}
	return n
}

// number reads a number in base 62 with its end.
func (p *parser) number() uint64 {
	if p.eat('_') {
		return 0
	}
	var n uint64
	for {
		c := p.byte()
		var digit byte
		switch {
		case c >= '0' && c <= '9':
			digit = c - '0'
		case c >= 'a' && c <= 'z':
			digit = c - 'a' + 10
		case c >= 'A' && c <= 'Z':
			digit = c - 'A' + 36
		case c == '_' && n < math.MaxUint64:
			return n + 1
		default:
			p.failed = true
			return 0
		}
		if n > (math.MaxUint64-uint64(digit))/62 {
			p.failed = true
			return 0
		}
		n = n*62 + uint64(digit)
	}
}

// optional reads a number after a tag: 0 without it, and 1 more than the number with it.
func (p *parser) optional(tag byte) uint64 {
	if !p.eat(tag) {
		return 0
	}
	n := p.number()
	if n == math.MaxUint64 {
		p.failed = true
		return 0
	}
	return n + 1
}

// back reads what stands at an earlier place.
func (p *parser) back(read func()) {
	start := p.next - 1
	place := p.number()
	if p.failed || place >= uint64(start) {
		p.failed = true
		return
	}
	if p.quiet {
		return
	}
	after := p.next
	p.next = int(place)
	p.deeper(read)
	p.next = after
}

// identifier reads a name, and what tells it from others of that name.
func (p *parser) identifier() (name string, disambiguator uint64) {
	disambiguator = p.optional('s')
	return p.plain(), disambiguator
}

// plain reads a name.
func (p *parser) plain() string {
	encoded := p.eat('u')
	start := p.next
	for p.at('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') {
		p.next++
		if p.text[start] == '0' {
			break
		}
	}
	length, err := strconv.Atoi(p.text[start:p.next])
	p.eat('_')
	if p.failed || err != nil || length > len(p.text)-p.next {
		p.failed = true
		return ""
	}
	name := p.text[p.next : p.next+length]
	p.next += length
	if encoded {
		var ok bool
		if name, ok = decoded(name); !ok {
			p.failed = true
		}
	}
	return name
}

// path reads a path. In the path of a value generic arguments stand after "::".
func (p *parser) path(value bool) {
	p.deeper(func() { p.pathHere(value) })
}

func (p *parser) pathHere(value bool) {
	switch tag := p.byte(); tag {
	case 'C':
		name, _ := p.identifier()
		p.write(name)
	case 'M', 'X', 'Y':
		if tag != 'Y' {
			p.optional('s')
			p.quietly(func() { p.path(false) }) // where the implementation is
		}
		p.write("<")
		p.typ()
		if tag != 'M' {
			p.write(" as ")
			p.path(false)
		}
		p.write(">")
	case 'N':
		p.nested(value)
	case 'I':
		p.path(value)
		if value {
			p.write("::")
		}
		p.write("<")
		p.list(", ", p.argument)
		p.write(">")
	case 'B':
		p.back(func() { p.path(value) })
	default:
		p.failed = true
	}
}

// nested reads a path and a name below it.
func (p *parser) nested(value bool) {
	namespace := p.byte()
	p.path(value)
	name, disambiguator := p.identifier()
	switch {
	case namespace >= 'a' && namespace <= 'z':
		if name != "" {
			p.write("::" + name)
		}
		return
	case namespace == 'C':
		p.write("::{closure")
	case namespace == 'S':
		p.write("::{shim")
	case namespace >= 'A' && namespace <= 'Z':
		p.write("::{" + string(rune(namespace)))
	default:
		p.failed = true
	}
	if name != "" {
		p.write(":" + name)
	}
	p.write("#" + strconv.FormatUint(disambiguator, 10) + "}")
}

// argument reads a generic argument.
func (p *parser) argument() {
	switch {
	case p.eat('L'):
		p.lifetime(p.number())
	case p.eat('K'):
		p.constant()
	default:
		p.typ()
	}
}

// lifetime writes the name of a lifetime: 0 for one that is erased, or else how many were bound
// since it was.
func (p *parser) lifetime(n uint64) {
	switch {
	case n == 0:
		p.write("'_")
	case n > p.bound:
		p.failed = true
	case p.bound-n < 26:
		p.write("'" + string(rune('a'+p.bound-n)))
	default:
		p.write("'_" + strconv.FormatUint(p.bound-n, 10))
	}
}

// binder reads what binds lifetimes, and then what they are used in.
func (p *parser) binder(read func()) {
	n := p.optional('G')
	if n > maxLength {
		p.failed = true
		return
	}
	if n > 0 {
		p.write("for<")
	}
	for i := range n {
		if i > 0 {
			p.write(", ")
		}
		p.bound++
		p.lifetime(1)
	}
	if n > 0 {
		p.write("> ")
	}
	read()
	p.bound -= n
}

// decoded returns a name beyond ASCII: punycode (RFC 3492) with an underscore for its hyphen.
func decoded(name string) (string, bool) {
	const base, low, high, skew, damp = 36, 1, 26, 38, 700
	var out []rune
	if i := strings.LastIndexByte(name, '_'); i >= 0 {
		out, name = []rune(name[:i]), name[i+1:]
	}
	char, place, bias, first := 128, 0, 72, true
	for name != "" {
		before, weight := place, 1
		for k := base; ; k += base {
			if name == "" {
				return "", false
			}
			digit := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", name[0])
			name = name[1:]
			if digit < 0 || weight > math.MaxInt32 || digit > (math.MaxInt32-place)/weight {
				return "", false
			}
			place += digit * weight
			threshold := min(max(k-bias, low), high)
			if digit < threshold {
				break
			}
			weight *= base - threshold
		}
		count, delta := len(out)+1, place-before
		if first {
			delta /= damp
		} else {
			delta /= 2
		}
		first = false
		delta += delta / count
		for bias = 0; delta > (base-low)*high/2; bias += base {
			delta /= base - low
		}
		bias += base * delta / (delta + skew)
		char, place = char+place/count, place%count
		if char > utf8.MaxRune || len(out) > maxLength {
			return "", false
		}
		out = append(out[:place], append([]rune{rune(char)}, out[place:]...)...)
		place++
	}
	return string(out), true
}
