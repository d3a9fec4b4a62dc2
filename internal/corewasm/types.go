package corewasm

import (
	"fmt"
	"strings"
)

// ValType is a value type. The low byte is its code in the binary format; for
// [RefNull] and [Ref] the bits above hold the heap type.
type ValType uint32

// Value types by their code in the binary format (Core WebAssembly 2.0 §5.3.1
// and the proposals that added to it).
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
	ExnRef    ValType = 0x69
	// RefNull and Ref are the low byte of (ref null ht) and (ref ht).
	RefNull ValType = 0x63
	Ref     ValType = 0x64
)

const abstractHeap = 1 << 31

// IsRef reports whether values of t are references.
func (t ValType) IsRef() bool {
	switch t & 0xff {
	case I32, I64, F32, F64, V128:
		return false
	}
	return true
}

// HeapIndex returns the type index that a concrete reference type names.
func (t ValType) HeapIndex() (uint32, bool) {
	if k := t & 0xff; (k == RefNull || k == Ref) && t&abstractHeap == 0 {
		return uint32(t >> 8), true
	}
	return 0, false
}

// String returns the type as the text format writes it.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	case ExnRef:
		return "exnref"
	}
	null := ""
	switch t & 0xff {
	case RefNull:
		null = "null "
	case Ref:
	default:
		return fmt.Sprintf("type(0x%02x)", uint32(t))
	}
	if i, ok := t.HeapIndex(); ok {
		return fmt.Sprintf("(ref %s%d)", null, i)
	}
	return fmt.Sprintf("(ref %s%s)", null, strings.TrimSuffix((t>>8&0x7f).String(), "ref"))
}

// FuncType is the type of a function or a tag.
type FuncType struct {
	Params, Results []ValType
}

// String returns the type in the form "(i32 i64) -> (f32)".
func (t FuncType) String() string {
	var b strings.Builder
	list := func(ts []ValType) {
		b.WriteByte('(')
		for i, v := range ts {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(v.String())
		}
		b.WriteByte(')')
	}
	list(t.Params)
	b.WriteString(" -> ")
	list(t.Results)
	return b.String()
}

// Type is one entry of the type index space: a function type, as others are
// not supported.
type Type struct {
	Func FuncType
}

// Limits bound a table (in elements) or a memory (in pages).
type Limits struct {
	Min, Max uint64
	HasMax   bool
}

// TableType is the type of a table.
type TableType struct {
	Elem   ValType
	Limits Limits
}

// GlobalType is the type of a global.
type GlobalType struct {
	Type    ValType
	Mutable bool
}

// Kind is what an import or export is.
type Kind byte

// The kinds, by their code in the binary format.
const (
	KindFunc Kind = iota
	KindTable
	KindMemory
	KindGlobal
	KindTag
)

// String returns the kind as the text format writes it.
func (k Kind) String() string {
	switch k {
	case KindFunc:
		return "func"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	case KindTag:
		return "tag"
	}
	return fmt.Sprintf("kind(%d)", byte(k))
}

// Import is one import. Of the fields after Kind, the one that belongs to the kind is set.
type Import struct {
	Module, Name string
	Kind         Kind
	TypeIndex    uint32 // function or tag: index of its type
	Table        TableType
	Memory       Limits
	Global       GlobalType
}

// Export is one export: an entry of the index space that Kind names.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// appendValType writes a type that valType has read.
func appendValType(dst []byte, t ValType) []byte {
	dst = append(dst, byte(t))
	if index, ok := t.HeapIndex(); ok {
		return appendS32(dst, int32(index))
	}
	if k := t & 0xff; k == RefNull || k == Ref {
		dst = append(dst, byte(t>>8&0x7f))
	}
	return dst
}

func (r *reader) heapType() ValType {
	at := r.pos
	h := r.sleb(33)
	if h >= 0 {
		if h >= 1<<23 {
			r.failAt(at, "type index %d too large", h)
			return 0
		}
		r.typeIndex(at, uint32(h))
		return ValType(h)
	}
	if h < -64 {
		r.failAt(at, "unknown heap type")
		return 0
	}
	return abstractHeap>>8 | ValType(h&0x7f)
}

func (r *reader) valType() ValType {
	at := r.pos
	c := ValType(r.byte())
	switch c {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef:
		return c
	case Ref, RefNull:
		h := r.heapType()
		if c == RefNull && h&(abstractHeap>>8) != 0 {
			// (ref null func) and funcref are two spellings of one type.
			if code := h & 0x7f; code == FuncRef || code == ExternRef || code == ExnRef {
				return code
			}
		}
		return c | h<<8
	}
	if c >= 0x68 && c <= 0x74 { // the nullable abstract types of the GC proposal
		return c
	}
	r.failAt(at, "unknown value type 0x%02x", byte(c))
	return 0
}

func (r *reader) valTypes() []ValType {
	at := r.pos
	n := r.count("value types")
	if n > maxParams {
		r.failAt(at, "function type of %d parameters or results, more than %d", n, maxParams)
	}
	if n == 0 || r.err != nil {
		return nil
	}
	ts := make([]ValType, 0, n)
	for range n {
		ts = append(ts, r.valType())
	}
	return ts
}

func (r *reader) limits() (l Limits) {
	at := r.pos
	switch flags := r.byte(); {
	case flags > 0x0f:
		r.failAt(at, "unknown limits 0x%02x", flags)
	case flags&4 != 0:
		r.lacks(at, featureMemory64)
	case flags&2 != 0:
		r.lacks(at, featureThreads)
	case flags&8 != 0:
		r.lacks(at, featurePageSizes)
	default:
		l.HasMax = flags == 1
	}
	l.Min = uint64(r.u32())
	if l.HasMax {
		l.Max = uint64(r.u32())
	}
	return l
}

func (r *reader) tableType() TableType {
	t := TableType{Elem: r.valType()}
	t.Limits = r.limits()
	return t
}

func (r *reader) globalType() GlobalType {
	t := GlobalType{Type: r.valType()}
	switch c := r.byte(); c {
	case 0:
	case 1:
		t.Mutable = true
	default:
		r.failAt(r.pos-1, "malformed mutability 0x%02x", c)
	}
	return t
}

// types reads the type section.
func (r *reader) types() []Type {
	var ts []Type
	for range r.count("type section") {
		if r.pos < len(r.b) && r.b[r.pos] == 0x4e { // rec group
			r.pos++
			for range r.count("recursive types") {
				ts = append(ts, r.subType())
			}
			continue
		}
		ts = append(ts, r.subType())
		if r.err != nil {
			return nil
		}
	}
	return ts
}

func (r *reader) subType() Type {
	at := r.pos
	form := r.byte()
	switch form {
	case 0x60:
		t := Type{}
		t.Func.Params = r.valTypes()
		t.Func.Results = r.valTypes()
		return t
	case 0x4f, 0x50, 0x5e, 0x5f: // sub types, array, struct
		r.lacks(at, featureGC)
	case 0x5d: // cont
		r.lacks(at, featureSwitching)
	case 0x65: // shared
		r.lacks(at, featureThreads)
	default:
		r.failAt(at, "unknown type form 0x%02x", form)
	}
	return Type{}
}
