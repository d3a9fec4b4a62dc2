package types

import (
	"strconv"
	"strings"
)

// String writes the type as WIT.
func (t *Type) String() string {
	var b text
	t.write(&b)
	return b.String()
}

// maxText bounds how much of a type is written, in bytes: types that are used again and again
// inside of others are much longer written out than in a component.
const maxText = 1 << 14

// text is what has been written of a type.
type text struct{ strings.Builder }

// full reports whether no more is to be written, and shows it where the text breaks off.
func (b *text) full() bool {
	if b.Len() < maxText {
		return false
	}
	if !strings.HasSuffix(b.String(), "…") {
		b.WriteString("…")
	}
	return true
}

func (t *Type) write(b *text) {
	if b.full() {
		return
	}
	if t == nil {
		b.WriteByte('_')
		return
	}
	b.WriteString(t.Kind.String())
	switch t.Kind {
	case List, Option, Stream, Future:
		if t.Elem != nil {
			writeArgs(b, t.Elem)
		}
	case FixedList:
		b.WriteByte('<')
		t.Elem.write(b)
		b.WriteString(", ")
		b.WriteString(strconv.FormatUint(uint64(t.Len), 10))
		b.WriteByte('>')
	case Map:
		writeArgs(b, t.Key, t.Elem.Fields[1].Type)
	case Result:
		if ok, err := t.Cases[0].Type, t.Cases[1].Type; err != nil {
			writeArgs(b, ok, err)
		} else if ok != nil {
			writeArgs(b, ok)
		}
	case Tuple:
		ts := make([]*Type, len(t.Fields))
		for i := range ts {
			ts[i] = t.Fields[i].Type
		}
		writeArgs(b, ts...)
	case Own, Borrow:
		b.WriteByte('<')
		b.WriteString(t.Resource.Name)
		b.WriteByte('>')
	case Record:
		b.WriteString(" { ")
		for i, f := range t.Fields {
			if b.full() {
				return
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.Name + ": ")
			f.Type.write(b)
		}
		b.WriteString(" }")
	case Variant, Enum:
		b.WriteString(" { ")
		for i, c := range t.Cases {
			if b.full() {
				return
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(c.Name)
			if c.Type != nil {
				b.WriteByte('(')
				c.Type.write(b)
				b.WriteByte(')')
			}
		}
		b.WriteString(" }")
	case Flags:
		b.WriteString(" { " + strings.Join(t.Labels, ", ") + " }")
	}
}

func writeArgs(b *text, ts ...*Type) {
	b.WriteByte('<')
	for i, t := range ts {
		if b.full() {
			return
		}
		if i > 0 {
			b.WriteString(", ")
		}
		t.write(b)
	}
	b.WriteByte('>')
}

// String writes the function type as WIT.
func (f *Func) String() string {
	var b text
	if f.Async {
		b.WriteString("async ")
	}
	b.WriteString("func(")
	for i, p := range f.Params {
		if b.full() {
			return b.String()
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name + ": ")
		p.Type.write(&b)
	}
	b.WriteByte(')')
	if f.Result != nil {
		b.WriteString(" -> ")
		f.Result.write(&b)
	}
	return b.String()
}
