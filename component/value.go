package component

import (
	"math"
	"unsafe"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// Value is a value of the component model. Its kind is that of the function type that it is passed
// for: types are checked once, at linking, and the method that reads a Value must match its type.
// The zero Value is the result of a function without one.
//
// A Value owns what it refers to: bytes and strings are copies that stay valid after the call.
type Value struct {
	// bits and ref are the value, or that of the payload of disc. A string or list<u8> is a *byte,
	// with its length in bits, so that it needs no memory of its own.
	bits uint64
	ref  any
	disc uint32 // the case of a variant, an enum, an option or a result
	// boxed says that the payload is itself of such a type, and ref a *Value.
	boxed bool
}

// Handle is a resource that crosses between a component and its embedder. Rep is the Go value
// behind a resource of the embedder, and nil for a resource that a component defines.
type Handle struct {
	Rep any

	guest uint32 // the representation of a component-defined resource
}

// handleOf returns the value of an own or borrow.
func handleOf(r *types.Resource, guest uint32, rep any) Value {
	if r.Host != nil {
		return Value{ref: rep}
	}
	return Value{ref: &Handle{Rep: rep, guest: guest}}
}

// guest returns the representation of a component-defined resource.
func (v Value) guest() uint32 {
	if h, ok := v.ref.(*Handle); ok {
		return h.guest
	}
	return 0
}

// Bool returns a bool.
func Bool(v bool) Value {
	if v {
		return Value{bits: 1}
	}
	return Value{}
}

// U8 returns a u8.
func U8(v uint8) Value { return Value{bits: uint64(v)} }

// U16 returns a u16.
func U16(v uint16) Value { return Value{bits: uint64(v)} }

// U32 returns a u32.
func U32(v uint32) Value { return Value{bits: uint64(v)} }

// U64 returns a u64.
func U64(v uint64) Value { return Value{bits: v} }

// S8 returns an s8.
func S8(v int8) Value { return Value{bits: uint64(int64(v))} }

// S16 returns an s16.
func S16(v int16) Value { return Value{bits: uint64(int64(v))} }

// S32 returns an s32.
func S32(v int32) Value { return Value{bits: uint64(int64(v))} }

// S64 returns an s64.
func S64(v int64) Value { return Value{bits: uint64(v)} }

// F32 returns an f32.
func F32(v float32) Value { return Value{bits: uint64(math.Float32bits(v))} }

// F64 returns an f64.
func F64(v float64) Value { return Value{bits: math.Float64bits(v)} }

// Char returns a char; v must be a Unicode scalar value.
func Char(v rune) Value { return Value{bits: uint64(uint32(v))} }

// String returns a string; s must be UTF-8.
func String(s string) Value {
	if len(s) > maxStringBytes {
		return Value{ref: s} // for the message when it is used
	}
	return stringOf(s, 0)
}

// stringOf returns a string of at most maxLifted bytes, and what is remembered of its source.
func stringOf(s string, source uint64) Value {
	return Value{bits: uint64(len(s))<<srcBits | source, ref: unsafe.StringData(s)}
}

// Bytes returns a list<u8> that refers to b, which must not change until the call is over.
func Bytes(b []byte) Value {
	return Value{bits: uint64(len(b)), ref: unsafe.SliceData(b)}
}

// List returns a list of anything but u8.
func List(vs ...Value) Value { return Value{ref: vs} }

// Record returns a record or tuple, the fields in order.
func Record(vs ...Value) Value { return Value{ref: vs} }

// Enum returns a case without payload of an enum or variant, by the index of the case.
func Enum(i uint32) Value { return Value{disc: i} }

// Variant returns a case with a payload, by the index of the case.
func Variant(i uint32, v Value) Value {
	if v.disc != 0 || v.boxed {
		return box(i, v)
	}
	v.disc = i
	return v
}

// box is Variant for a payload that has a case itself.
func box(i uint32, v Value) Value { return Value{disc: i, ref: &v, boxed: true} }

// None returns the absent option.
func None() Value { return Value{} }

// Some returns a present option.
func Some(v Value) Value { return Variant(1, v) }

// Ok returns a successful result with a payload.
func Ok(v Value) Value { return Variant(0, v) }

// OkUnit returns a successful result without payload.
func OkUnit() Value { return Value{} }

// Err returns a failed result with a payload.
func Err(v Value) Value { return Variant(1, v) }

// ErrUnit returns a failed result without payload.
func ErrUnit() Value { return Value{disc: 1} }

// Flags returns a flags value, bit i for label i.
func Flags(bits uint32) Value { return Value{bits: uint64(bits)} }

// Own returns an own handle to a resource of the embedder. Its receiver becomes the owner.
func Own(rep any) Value { return Value{ref: rep} }

// Bool returns a bool.
func (v Value) Bool() bool { return v.bits != 0 }

// U8 returns a u8.
func (v Value) U8() uint8 { return uint8(v.bits) }

// U16 returns a u16.
func (v Value) U16() uint16 { return uint16(v.bits) }

// U32 returns a u32.
func (v Value) U32() uint32 { return uint32(v.bits) }

// U64 returns a u64.
func (v Value) U64() uint64 { return v.bits }

// S8 returns an s8.
func (v Value) S8() int8 { return int8(v.bits) }

// S16 returns an s16.
func (v Value) S16() int16 { return int16(v.bits) }

// S32 returns an s32.
func (v Value) S32() int32 { return int32(v.bits) }

// S64 returns an s64.
func (v Value) S64() int64 { return int64(v.bits) }

// F32 returns an f32.
func (v Value) F32() float32 { return math.Float32frombits(uint32(v.bits)) }

// F64 returns an f64.
func (v Value) F64() float64 { return math.Float64frombits(v.bits) }

// Char returns a char.
func (v Value) Char() rune { return rune(uint32(v.bits)) }

// Str returns a string.
func (v Value) Str() string {
	if s, ok := v.ref.(string); ok {
		return s
	}
	return unsafe.String(v.ref.(*byte), v.bits>>srcBits)
}

// Bytes returns the bytes of a list<u8>, which the caller owns.
func (v Value) Bytes() []byte {
	p, _ := v.ref.(*byte)
	if p == nil {
		return nil
	}
	return unsafe.Slice(p, v.bits)
}

// Items returns the elements of a list (not of u8), or the fields of a record or tuple.
func (v Value) Items() []Value {
	vs, _ := v.ref.([]Value)
	return vs
}

// Case returns the index of the case of a variant, an enum, an option (0 none, 1 some) or a result
// (0 ok, 1 error).
func (v Value) Case() uint32 { return v.disc }

// Payload returns the payload of a variant's case, an option or a result; the zero Value if it has
// none.
func (v Value) Payload() Value {
	if v.boxed {
		return *v.ref.(*Value)
	}
	v.disc = 0
	return v
}

// IsSome reports whether an option is present.
func (v Value) IsSome() bool { return v.disc == 1 }

// IsOk reports whether a result is ok.
func (v Value) IsOk() bool { return v.disc == 0 }

// Flags returns a flags value, bit i for label i.
func (v Value) Flags() uint32 { return uint32(v.bits) }

// Rep returns the Go value behind an own or borrow of an embedder's resource.
func (v Value) Rep() any {
	if h, ok := v.ref.(*Handle); ok {
		return h.Rep
	}
	return v.ref
}

// Handle returns an own or borrow.
func (v Value) Handle() *Handle {
	if h, ok := v.ref.(*Handle); ok {
		return h
	}
	return &Handle{Rep: v.ref}
}
