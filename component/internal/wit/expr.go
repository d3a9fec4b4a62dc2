package wit

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

func (p *printer) function(v *view, f *funcType, params []field) string {
	var b strings.Builder
	if f.async {
		b.WriteString("async ")
	}
	b.WriteString("func")
	b.WriteString(p.params(v, params))
	if f.result != nil {
		b.WriteString(" -> ")
		b.WriteString(p.ref(v, *f.result))
	}
	return b.String()
}

// constructor leaves out the result, unless the constructor can fail.
func (p *printer) constructor(v *view, f *funcType) string {
	text := "constructor" + p.params(v, f.params)
	if r := f.result; r != nil && r.typ != nil && r.typ.val != nil &&
		r.typ.val.op == binary.OpResult {
		text += " -> " + p.ref(v, *r)
	}
	return text
}

func (p *printer) params(v *view, params []field) string {
	list := make([]string, len(params))
	for i, f := range params {
		list[i] = ident(f.label) + ": " + p.ref(v, *f.typ)
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// ref writes the use of a type: its name if it has one, else what it is.
func (p *printer) ref(v *view, r ref) string {
	if r.typ == nil {
		return primitive(r.prim)
	}
	if name, ok := v.nameOf(r.typ); ok {
		return ident(name)
	}
	t := r.typ
	for t.eq != nil {
		t = t.eq
	}
	switch {
	case t.val != nil:
		return p.value(v, t.val)
	case t.resource:
		return "/* resource without a name */"
	}
	return "/* not a value type */"
}

func (p *printer) optional(v *view, r *ref) string {
	if r == nil {
		return "_"
	}
	return p.ref(v, *r)
}

// value writes a defined type inline. WIT names all records, variants, enums and flags; those that
// have none are written as they would be defined.
func (p *printer) value(v *view, d *valType) string {
	if p.budget--; p.budget < 0 {
		return "/* … */"
	}
	if name := primitive(d.op); name != "" {
		return name
	}
	switch d.op {
	case binary.OpList:
		return "list<" + p.ref(v, *d.elem) + ">"
	case binary.OpFixedList:
		return fmt.Sprintf("list<%s, %d>", p.ref(v, *d.elem), d.length)
	case binary.OpMap:
		return "map<" + p.ref(v, *d.key) + ", " + p.ref(v, *d.elem) + ">"
	case binary.OpOption:
		return "option<" + p.ref(v, *d.elem) + ">"
	case binary.OpTuple:
		list := make([]string, len(d.types))
		for i, t := range d.types {
			list[i] = p.ref(v, t)
		}
		return "tuple<" + strings.Join(list, ", ") + ">"
	case binary.OpResult:
		switch {
		case d.err != nil:
			return "result<" + p.optional(v, d.ok) + ", " + p.ref(v, *d.err) + ">"
		case d.ok != nil:
			return "result<" + p.ref(v, *d.ok) + ">"
		}
		return "result"
	case binary.OpStream:
		return wrap("stream", p, v, d.elem)
	case binary.OpFuture:
		return wrap("future", p, v, d.elem)
	case binary.OpOwn:
		return p.ref(v, ref{typ: d.res})
	case binary.OpBorrow:
		return "borrow<" + p.ref(v, ref{typ: d.res}) + ">"
	case binary.OpEnum:
		return "enum { " + strings.Join(d.labels, ", ") + " }"
	case binary.OpFlags:
		return "flags { " + strings.Join(d.labels, ", ") + " }"
	case binary.OpRecord, binary.OpVariant:
		return p.inline(v, d)
	}
	return fmt.Sprintf("/* type 0x%02x */", byte(d.op))
}

func wrap(word string, p *printer, v *view, elem *ref) string {
	if elem == nil {
		return word
	}
	return word + "<" + p.ref(v, *elem) + ">"
}

func (p *printer) inline(v *view, d *valType) string {
	word := "record"
	if d.op == binary.OpVariant {
		word = "variant"
	}
	list := make([]string, len(d.fields))
	for i, f := range d.fields {
		switch {
		case f.typ == nil:
			list[i] = ident(f.label)
		case d.op == binary.OpVariant:
			list[i] = ident(f.label) + "(" + p.ref(v, *f.typ) + ")"
		default:
			list[i] = ident(f.label) + ": " + p.ref(v, *f.typ)
		}
	}
	return word + " { " + strings.Join(list, ", ") + " }"
}

// primitive names a primitive type; it returns "" for everything else.
func primitive(op binary.Opcode) string {
	switch op {
	case binary.OpBool:
		return "bool"
	case binary.OpChar:
		return "char"
	case binary.OpString:
		return "string"
	case binary.OpErrorContext:
		return "error-context"
	case binary.OpS8:
		return "s8"
	case binary.OpS16:
		return "s16"
	case binary.OpS32:
		return "s32"
	case binary.OpS64:
		return "s64"
	case binary.OpU8:
		return "u8"
	case binary.OpU16:
		return "u16"
	case binary.OpU32:
		return "u32"
	case binary.OpU64:
		return "u64"
	case binary.OpF32:
		return "f32"
	case binary.OpF64:
		return "f64"
	}
	return ""
}

// ident marks names that are words of the language (WIT.md, "Keywords").
func ident(name string) string {
	switch name {
	case "as", "async", "bool", "borrow", "char", "constructor", "enum", "error-context", "export",
		"f32", "f64", "flags", "from", "func", "future", "import", "include", "interface", "list",
		"map", "option", "own", "package", "record", "resource", "result", "s16", "s32", "s64",
		"s8", "static", "stream", "string", "tuple", "type", "u16", "u32", "u64", "u8", "use",
		"variant", "with", "world":
		return "%" + name
	}
	return name
}
