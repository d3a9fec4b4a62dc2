// Package types holds the value and function types of a linked component, with every index resolved
// and every resource replaced by its identity, and what the canonical ABI derives from them: size,
// alignment and flat form.
//
// Types are immutable once built and may be shared between goroutines. Source:
// component-model/design/mvp/CanonicalABI.md.
package types

import "sync/atomic"

// Kind is the kind of a value type.
type Kind byte

// The kinds of value types.
const (
	Bool Kind = iota
	S8
	U8
	S16
	U16
	S32
	U32
	S64
	U64
	F32
	F64
	Char
	String
	List
	FixedList
	Map
	Record
	Tuple
	Variant
	Enum
	Option
	Result
	Flags
	Own
	Borrow
	Stream
	Future
	ErrorContext
)

var kindNames = [...]string{"bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32",
	"f64", "char", "string", "list", "list", "map", "record", "tuple", "variant", "enum",
	"option", "result", "flags", "own", "borrow", "stream", "future", "error-context"}

// String returns the kind's keyword in WIT.
func (k Kind) String() string { return kindNames[k] }

// Type is a value type.
type Type struct {
	Kind     Kind
	Fields   []Field   // Record, Tuple (labels empty)
	Cases    []Case    // Variant, Enum, Option, Result: every one as its despecialised variant
	Labels   []string  // Flags
	Elem     *Type     // List, FixedList, Option; Stream, Future (nil without payload); Map: value
	Key      *Type     // Map
	Len      uint32    // FixedList
	Resource *Resource // Own, Borrow

	size, align   uint32
	payloadOffset uint32     // Cases: of the payload, after the discriminant
	discSize      uint32     // Cases: bytes of the discriminant
	flat          []CoreType // nil if longer than MaxFlat
	plain         bool       // fixed bytes without pointers, handles or values that need a check

	same atomic.Pointer[Type] // one that was found equal, on the way to the representative
}

// Field is a field of a record or tuple.
type Field struct {
	Name   string
	Type   *Type
	Offset uint32 // in the record's memory form, in bytes
}

// Case is a case of a variant.
type Case struct {
	Name string
	Type *Type // nil without payload
}

// Resource is the identity of a resource type: two types are the same resource when their pointers
// are equal. Slot and Instance describe a resource that a component defines, Host one that the
// embedder defines.
type Resource struct {
	Name string // for messages
	// Host is the embedder's own description, nil for a resource defined by a component.
	Host any
	// Slot numbers the component-defined resource types of a linked component.
	Slot int
	// Instance is the component instance (its slot) that defined it.
	Instance int
}

// CoreType is a core value type, with the byte code of the binary format.
type CoreType byte

// The core value types of the canonical ABI.
const (
	I32  CoreType = 0x7f
	I64  CoreType = 0x7e
	F32T CoreType = 0x7d
	F64T CoreType = 0x7c
)

// Limits of the canonical ABI.
const (
	MaxFlatParams      = 16
	MaxFlatAsyncParams = 4
	MaxFlatResults     = 1
	maxFlat            = 17 // longer forms are not kept: every limit is below
)

// Func is a function type.
type Func struct {
	Async  bool
	Params []Field // offsets as in a tuple of the parameters
	Result *Type   // nil without

	ParamTuple *Type // the parameters as a tuple
}

// NewFunc builds a function type.
func NewFunc(async bool, params []Field, result *Type) *Func {
	t := NewTuple(params)
	return &Func{Async: async, Params: t.Fields, Result: result, ParamTuple: t}
}

// NewPrim returns a primitive type.
func NewPrim(k Kind) *Type { return finish(&Type{Kind: k}) }

// NewList returns list<elem>.
func NewList(elem *Type) *Type { return finish(&Type{Kind: List, Elem: elem}) }

// NewFixedList returns list<elem, n>.
func NewFixedList(elem *Type, n uint32) *Type {
	return finish(&Type{Kind: FixedList, Elem: elem, Len: n})
}

// NewMap returns map<key, value>, which despecialises to a list of pairs.
func NewMap(key, value *Type) *Type {
	return finish(&Type{Kind: Map, Key: key, Elem: NewTuple([]Field{{Type: key}, {Type: value}})})
}

// NewRecord returns a record.
func NewRecord(fields []Field) *Type {
	return finish(&Type{Kind: Record, Fields: append([]Field(nil), fields...)})
}

// NewTuple returns a tuple; names in fields are kept for messages (function parameters).
func NewTuple(fields []Field) *Type {
	return finish(&Type{Kind: Tuple, Fields: append([]Field(nil), fields...)})
}

// NewVariant returns a variant.
func NewVariant(cases []Case) *Type { return finish(&Type{Kind: Variant, Cases: cases}) }

// NewEnum returns an enum.
func NewEnum(labels []string) *Type {
	cs := make([]Case, len(labels))
	for i, l := range labels {
		cs[i].Name = l
	}
	return finish(&Type{Kind: Enum, Cases: cs})
}

// NewOption returns option<elem>.
func NewOption(elem *Type) *Type {
	return finish(&Type{Kind: Option, Elem: elem,
		Cases: []Case{{Name: "none"}, {Name: "some", Type: elem}}})
}

// NewResult returns result<ok, err>; either may be nil.
func NewResult(ok, err *Type) *Type {
	return finish(&Type{Kind: Result,
		Cases: []Case{{Name: "ok", Type: ok}, {Name: "error", Type: err}}})
}

// NewFlags returns flags.
func NewFlags(labels []string) *Type { return finish(&Type{Kind: Flags, Labels: labels}) }

// NewOwn returns own<r>.
func NewOwn(r *Resource) *Type { return finish(&Type{Kind: Own, Resource: r}) }

// NewBorrow returns borrow<r>.
func NewBorrow(r *Resource) *Type { return finish(&Type{Kind: Borrow, Resource: r}) }

// NewStream returns stream<elem>; elem may be nil.
func NewStream(elem *Type) *Type { return finish(&Type{Kind: Stream, Elem: elem}) }

// NewFuture returns future<elem>; elem may be nil.
func NewFuture(elem *Type) *Type { return finish(&Type{Kind: Future, Elem: elem}) }

// Size is the number of bytes of a value in memory.
func (t *Type) Size() uint32 { return t.size }

// Align is the alignment of a value in memory, in bytes.
func (t *Type) Align() uint32 { return t.align }

// DiscriminantSize is the size of the case index in memory, in bytes.
func (t *Type) DiscriminantSize() uint32 { return t.discSize }

// PayloadOffset is where a case's payload starts in memory.
func (t *Type) PayloadOffset() uint32 { return t.payloadOffset }

// Flat is the flat form, nil if it has more than MaxFlatParams values (or none: see FlatLen).
func (t *Type) Flat() []CoreType { return t.flat }

// FlatLen is the length of the flat form; it stops counting at MaxFlatParams+1.
func (t *Type) FlatLen() int {
	return len(t.flat)
}

// Plain reports whether every byte pattern of Size bytes is a valid value (numbers, and records and
// tuples of them).
func (t *Type) Plain() bool { return t.plain }

// AlignTo rounds n up to a multiple of a, a power of two.
func AlignTo(n, a uint32) uint32 { return (n + a - 1) &^ (a - 1) }

func finish(t *Type) *Type {
	switch t.Kind {
	case Bool:
		t.set(1, 1, I32)
	case S8, U8:
		t.set(1, 1, I32)
		t.plain = true
	case S16, U16:
		t.set(2, 2, I32)
		t.plain = true
	case S32, U32:
		t.set(4, 4, I32)
		t.plain = true
	case S64, U64:
		t.set(8, 8, I64)
		t.plain = true
	case F32:
		t.set(4, 4, F32T)
	case F64:
		t.set(8, 8, F64T)
	case Char:
		t.set(4, 4, I32)
	case String:
		t.set(8, 4, I32, I32)
	case List, Map:
		t.set(8, 4, I32, I32)
	case Own, Borrow, Stream, Future, ErrorContext:
		t.set(4, 4, I32)
	case Flags:
		n := len(t.Labels)
		switch {
		case n <= 8:
			t.set(1, 1, I32)
		case n <= 16:
			t.set(2, 2, I32)
		default:
			t.set(4, 4, I32)
		}
	case FixedList:
		t.align = t.Elem.align
		t.size = t.Elem.size * t.Len
		t.plain = t.Elem.plain
		for i := uint32(0); i < t.Len && len(t.flat) < maxFlat; i++ {
			t.flat = append(t.flat, t.Elem.flat...)
		}
	case Record, Tuple:
		t.align = 1
		t.plain = true
		for i := range t.Fields {
			f := &t.Fields[i]
			t.size = AlignTo(t.size, f.Type.align)
			f.Offset = t.size
			t.size += f.Type.size
			t.align = max(t.align, f.Type.align)
			t.plain = t.plain && f.Type.plain
			if len(t.flat) < maxFlat {
				t.flat = append(t.flat, f.Type.flat...)
			}
		}
		t.size = AlignTo(t.size, t.align)
	case Variant, Enum, Option, Result:
		t.finishVariant()
	}
	if len(t.flat) > maxFlat {
		t.flat = t.flat[:maxFlat:maxFlat]
	}
	return t
}

func (t *Type) finishVariant() {
	switch n := len(t.Cases); {
	case n <= 1<<8:
		t.discSize = 1
	case n <= 1<<16:
		t.discSize = 2
	default:
		t.discSize = 4
	}
	var payloadAlign, payloadSize uint32 = 1, 0
	var joined []CoreType
	for _, c := range t.Cases {
		if c.Type == nil {
			continue
		}
		payloadAlign = max(payloadAlign, c.Type.align)
		payloadSize = max(payloadSize, c.Type.size)
		for i, f := range c.Type.flat {
			if i < len(joined) {
				joined[i] = join(joined[i], f)
			} else {
				joined = append(joined, f)
			}
		}
	}
	t.align = max(t.discSize, payloadAlign)
	t.payloadOffset = AlignTo(t.discSize, payloadAlign)
	t.size = AlignTo(t.payloadOffset+payloadSize, t.align)
	t.flat = append([]CoreType{I32}, joined...)
}

func (t *Type) set(size, align uint32, flat ...CoreType) {
	t.size, t.align, t.flat = size, align, flat
}

func join(a, b CoreType) CoreType {
	if a == b {
		return a
	}
	if (a == I32 && b == F32T) || (a == F32T && b == I32) {
		return I32
	}
	return I64
}
