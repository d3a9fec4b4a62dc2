package rustname

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// basic are the types that are a letter.
var basic = map[byte]string{
	'a': "i8", 'b': "bool", 'c': "char", 'd': "f64", 'e': "str", 'f': "f32", 'h': "u8",
	'i': "isize", 'j': "usize", 'l': "i32", 'm': "u32", 'n': "i128", 'o': "u128", 's': "i16",
	't': "u16", 'u': "()", 'v': "...", 'x': "i64", 'y': "u64", 'z': "!", 'p': "_",
}

// typ reads a type.
func (p *parser) typ() {
	p.deeper(p.typeHere)
}

func (p *parser) typeHere() {
	tag := p.byte()
	if name := basic[tag]; name != "" {
		p.write(name)
		return
	}
	switch tag {
	case 'A', 'S':
		p.write("[")
		p.typ()
		if tag == 'A' {
			p.write("; ")
			p.constant()
		}
		p.write("]")
	case 'T':
		p.write("(")
		if p.list(", ", p.typ) == 1 {
			p.write(",")
		}
		p.write(")")
	case 'R', 'Q':
		p.write("&")
		if p.eat('L') {
			if n := p.number(); n > 0 {
				p.lifetime(n)
				p.write(" ")
			}
		}
		if tag == 'Q' {
			p.write("mut ")
		}
		p.typ()
	case 'P':
		p.write("*const ")
		p.typ()
	case 'O':
		p.write("*mut ")
		p.typ()
	case 'F':
		p.binder(p.signature)
	case 'D':
		p.write("dyn ")
		p.binder(func() { p.list(" + ", p.trait) })
		if !p.eat('L') {
			p.failed = true
		} else if n := p.number(); n > 0 {
			p.write(" + ")
			p.lifetime(n)
		}
	case 'B':
		p.back(p.typ)
	default:
		p.next--
		p.path(false)
	}
}

// signature reads the type of a function.
func (p *parser) signature() {
	if p.eat('U') {
		p.write("unsafe ")
	}
	if p.eat('K') {
		convention := "C"
		if !p.eat('C') {
			convention = strings.ReplaceAll(p.plain(), "_", "-")
		}
		p.write(`extern "` + convention + `" `)
	}
	p.write("fn(")
	p.list(", ", p.typ)
	p.write(")")
	if !p.eat('u') {
		p.write(" -> ")
		p.typ()
	}
}

// trait reads a trait of a dyn type, whose associated types stand with its arguments.
func (p *parser) trait() {
	open := p.open()
	for p.eat('p') {
		if open {
			p.write(", ")
		} else {
			p.write("<")
		}
		open = true
		p.write(p.plain() + " = ")
		p.typ()
	}
	if open {
		p.write(">")
	}
}

// open reads the path of a trait, and reports whether it ends in arguments, the list of which is
// not closed.
func (p *parser) open() (open bool) {
	p.deeper(func() {
		switch {
		case p.eat('B'):
			p.back(func() { open = p.open() })
		case p.eat('I'):
			p.path(false)
			p.write("<")
			p.list(", ", p.argument)
			open = true
		default:
			p.path(false)
		}
	})
	return open
}

// constant reads a constant with its type.
func (p *parser) constant() {
	p.deeper(p.constantHere)
}

func (p *parser) constantHere() {
	switch tag := p.byte(); tag {
	case 'p':
		p.write("_")
	case 'B':
		p.back(p.constant)
	case 'a', 's', 'l', 'x', 'n', 'i':
		if p.eat('n') {
			p.write("-")
		}
		p.integer()
	case 'h', 't', 'm', 'y', 'o', 'j':
		p.integer()
	case 'b', 'c':
		n, err := strconv.ParseUint(p.digits(), 16, 32)
		switch {
		case err != nil || tag == 'b' && n > 1:
			p.failed = true
		case tag == 'b':
			p.write(strconv.FormatBool(n == 1))
		default:
			p.write(strconv.QuoteRune(rune(n)))
		}
	case 'e':
		p.write("*")
		p.quoted()
	case 'R', 'Q':
		if p.eat('e') {
			p.quoted()
			return
		}
		p.write("&")
		if tag == 'Q' {
			p.write("mut ")
		}
		p.constant()
	case 'A':
		p.write("[")
		p.list(", ", p.constant)
		p.write("]")
	case 'T':
		p.write("(")
		if p.list(", ", p.constant) == 1 {
			p.write(",")
		}
		p.write(")")
	case 'V':
		p.path(true)
		p.fields()
	default:
		p.failed = true
	}
}

// fields reads the fields of a constant of a structure.
func (p *parser) fields() {
	switch p.byte() {
	case 'U':
	case 'T':
		p.write("(")
		p.list(", ", p.constant)
		p.write(")")
	case 'S':
		p.write(" { ")
		p.list(", ", func() {
			name, _ := p.identifier()
			p.write(name + ": ")
			p.constant()
		})
		p.write(" }")
	default:
		p.failed = true
	}
}

// digits reads a number in base 16 with its end.
func (p *parser) digits() string {
	digits, _, ok := strings.Cut(p.text[min(p.next, len(p.text)):], "_")
	if !ok || strings.Trim(digits, "0123456789abcdef") != "" {
		p.failed = true
		return ""
	}
	p.next += len(digits) + 1
	return digits
}

// integer reads a number; one of more than 64 bits stays in base 16.
func (p *parser) integer() {
	digits := p.digits()
	if n, err := strconv.ParseUint("0"+digits, 16, 64); err == nil {
		p.write(strconv.FormatUint(n, 10))
	} else {
		p.write("0x" + digits)
	}
}

// quoted reads a string: its bytes in base 16.
func (p *parser) quoted() {
	text, err := hex.DecodeString(p.digits())
	if err != nil {
		p.failed = true
	}
	p.write(strconv.Quote(string(text)))
}
