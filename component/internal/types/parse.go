package types

import (
	"fmt"
	"strings"
)

// Scope resolves the names that a type text uses.
type Scope func(name string) (*Type, *Resource)

// Parse reads a value type in WIT syntax: primitives, list<T>, option<T>, result<T, E>, tuple<…>,
// own<r>, borrow<r>, stream<T>, future<T>, and the definitions `record { a: T, … }`, `variant { a,
// b(T), … }`, `enum { a, … }`, `flags { a, … }`. Other names are looked up in scope; a bare
// resource name means own.
func Parse(text string, scope Scope) (t *Type, err error) {
	p := &parser{text: text, scope: scope}
	defer p.recover(&err)
	t = p.typ()
	p.end()
	return t, nil
}

// ParseFunc reads a function type in WIT syntax: `func(a: T, …) -> T`, `async func(…)`.
func ParseFunc(text string, scope Scope) (f *Func, err error) {
	p := &parser{text: text, scope: scope}
	defer p.recover(&err)
	async := p.accept("async")
	p.expect("func")
	p.expect("(")
	var params []Field
	for !p.accept(")") {
		name := p.word()
		p.expect(":")
		params = append(params, Field{Name: name, Type: p.typ()})
		if !p.accept(",") {
			p.expect(")")
			break
		}
	}
	var result *Type
	if p.accept("->") {
		result = p.typ()
	}
	p.end()
	return NewFunc(async, params, result), nil
}

type parser struct {
	text  string
	pos   int
	scope Scope
}

type parseError string

func (p *parser) recover(err *error) {
	switch r := recover().(type) {
	case nil:
	case parseError:
		*err = fmt.Errorf("type %q at %d: %s", p.text, p.pos, string(r))
	default:
		panic(r)
	}
}

func (p *parser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) peek() string {
	p.space()
	rest := p.text[p.pos:]
	n := 0
	for n < len(rest) && (rest[n] == '-' || rest[n] >= 'a' && rest[n] <= 'z' ||
		rest[n] >= 'A' && rest[n] <= 'Z' || rest[n] >= '0' && rest[n] <= '9') {
		if strings.HasPrefix(rest[n:], "->") {
			break
		}
		n++
	}
	switch {
	case n > 0:
		return rest[:n]
	case strings.HasPrefix(rest, "->"):
		return "->"
	case rest != "":
		return rest[:1]
	}
	return ""
}

func (p *parser) accept(tok string) bool {
	if p.peek() != tok {
		return false
	}
	p.pos += len(tok)
	return true
}

func (p *parser) expect(tok string) {
	if !p.accept(tok) {
		panic(parseError("expected " + tok))
	}
}

func (p *parser) word() string {
	w := p.peek()
	if w == "" || strings.Contains("<>(){},:_", w) || w == "->" {
		panic(parseError("expected a name"))
	}
	p.pos += len(w)
	return w
}

func (p *parser) end() {
	if p.peek() != "" {
		panic(parseError("unexpected text"))
	}
}

var prims = map[string]Kind{"bool": Bool, "s8": S8, "u8": U8, "s16": S16, "u16": U16, "s32": S32,
	"u32": U32, "s64": S64, "u64": U64, "f32": F32, "f64": F64, "char": Char, "string": String,
	"error-context": ErrorContext}

func (p *parser) typ() *Type {
	w := p.word()
	if k, ok := prims[w]; ok {
		return NewPrim(k)
	}
	switch w {
	case "list":
		return NewList(p.args(1, 1)[0])
	case "option":
		return NewOption(p.args(1, 1)[0])
	case "stream":
		return NewStream(p.args(0, 1)[0])
	case "future":
		return NewFuture(p.args(0, 1)[0])
	case "result":
		a := p.args(0, 2)
		return NewResult(a[0], a[1])
	case "map":
		a := p.args(2, 2)
		return NewMap(a[0], a[1])
	case "tuple":
		var fs []Field
		for _, t := range p.args(1, 1<<10) {
			if t != nil {
				fs = append(fs, Field{Type: t})
			}
		}
		return NewTuple(fs)
	case "own", "borrow":
		p.expect("<")
		name := p.word()
		p.expect(">")
		_, r := p.scope(name)
		if r == nil {
			panic(parseError("unknown resource " + name))
		}
		if w == "own" {
			return NewOwn(r)
		}
		return NewBorrow(r)
	case "record":
		var fs []Field
		p.members(func(name string) {
			p.expect(":")
			fs = append(fs, Field{Name: name, Type: p.typ()})
		})
		return NewRecord(fs)
	case "variant":
		var cs []Case
		p.members(func(name string) {
			c := Case{Name: name}
			if p.accept("(") {
				c.Type = p.typ()
				p.expect(")")
			}
			cs = append(cs, c)
		})
		return NewVariant(cs)
	case "enum", "flags":
		var ls []string
		p.members(func(name string) { ls = append(ls, name) })
		if w == "enum" {
			return NewEnum(ls)
		}
		return NewFlags(ls)
	}
	t, r := p.scope(w)
	switch {
	case t != nil:
		return t
	case r != nil:
		return NewOwn(r)
	}
	panic(parseError("unknown type " + w))
}

// args reads type arguments; the result always has max elements when max is small, nil for those
// left out or written _.
func (p *parser) args(min, max int) []*Type {
	var ts []*Type
	if p.accept("<") {
		for !p.accept(">") {
			if p.accept("_") {
				ts = append(ts, nil)
			} else {
				ts = append(ts, p.typ())
			}
			if !p.accept(",") {
				p.expect(">")
				break
			}
		}
	}
	if len(ts) < min || len(ts) > max {
		panic(parseError("wrong number of type arguments"))
	}
	for len(ts) < max && max <= 2 {
		ts = append(ts, nil)
	}
	return ts
}

func (p *parser) members(each func(name string)) {
	p.expect("{")
	for !p.accept("}") {
		each(p.word())
		if !p.accept(",") {
			p.expect("}")
			return
		}
	}
}
