package component

import (
	"encoding/binary"
	"math"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

var le = binary.LittleEndian

// Canonical NaNs: lifting a float normalises its payload.
const (
	canonicalNaN32 = 0x7fc00000
	canonicalNaN64 = 0x7ff8000000000000
)

func canonF32(bits uint32) uint64 {
	if f := math.Float32frombits(bits); f != f {
		return canonicalNaN32
	}
	return uint64(bits)
}

func canonF64(bits uint64) uint64 {
	if f := math.Float64frombits(bits); f != f {
		return canonicalNaN64
	}
	return bits
}

func liftChar(c uint32) Value {
	if c >= 0x110000 || (c >= 0xd800 && c <= 0xdfff) {
		trapf("integer %#x is not a valid char", c)
	}
	return Value{bits: uint64(c)}
}

// number lifts the kinds whose value is in the low bits of n alone; ok is false for the others.
func number(k types.Kind, n uint64) (v Value, ok bool) {
	switch k {
	case types.Bool:
		return Bool(uint32(n) != 0), true
	case types.U8:
		return Value{bits: uint64(uint8(n))}, true
	case types.S8:
		return Value{bits: uint64(int64(int8(n)))}, true
	case types.U16:
		return Value{bits: uint64(uint16(n))}, true
	case types.S16:
		return Value{bits: uint64(int64(int16(n)))}, true
	case types.U32:
		return Value{bits: uint64(uint32(n))}, true
	case types.S32:
		return Value{bits: uint64(int64(int32(n)))}, true
	case types.U64, types.S64:
		return Value{bits: n}, true
	case types.F32:
		return Value{bits: canonF32(uint32(n))}, true
	case types.F64:
		return Value{bits: canonF64(n)}, true
	case types.Char:
		return liftChar(uint32(n)), true
	}
	return Value{}, false
}

// liftFlat lifts a value from core values, of which it consumes exactly those of t's flat form. Raw
// stack slots need no coercion between joined types: each type reads its own low bits.
func (c *cx) liftFlat(t *types.Type, stack []uint64, pos *int) Value {
	if v, ok := number(t.Kind, slot(stack, *pos)); ok {
		*pos++
		return v
	}
	switch t.Kind {
	case types.String:
		p, n := uint32(stack[*pos]), uint32(stack[*pos+1])
		*pos += 2
		return c.liftString(p, n)
	case types.List, types.Map:
		p, n := uint32(stack[*pos]), uint32(stack[*pos+1])
		*pos += 2
		return c.liftList(t.Elem, p, n)
	case types.Record, types.Tuple:
		c.charge(uint64(len(t.Fields)) * valueBytes)
		vs := make([]Value, len(t.Fields))
		for i := range t.Fields {
			vs[i] = c.liftFlat(t.Fields[i].Type, stack, pos)
		}
		return Value{ref: vs}
	case types.FixedList:
		vs := make([]Value, t.Len)
		for i := range vs {
			vs[i] = c.liftFlat(t.Elem, stack, pos)
		}
		return fixedList(t, vs)
	case types.Flags:
		v := stack[*pos]
		*pos++
		return Value{bits: v & flagMask(t)}
	case types.Variant, types.Enum, types.Option, types.Result:
		disc := uint32(stack[*pos])
		end := *pos + t.FlatLen()
		*pos++
		ct := variantCase(t, disc)
		v := Enum(disc)
		if ct != nil {
			v = Variant(disc, c.liftFlat(ct, stack, pos))
		}
		*pos = end
		return v
	}
	i := uint32(stack[*pos])
	*pos++
	return c.liftHandle(t, i)
}

func slot(stack []uint64, i int) uint64 {
	if i < len(stack) {
		return stack[i]
	}
	return 0 // a record or list without flat values at the end of the stack
}

func variantCase(t *types.Type, disc uint32) *types.Type {
	if disc >= uint32(len(t.Cases)) {
		trapf("unexpected discriminant: %d", disc)
	}
	return t.Cases[disc].Type
}

func flagMask(t *types.Type) uint64 { return 1<<len(t.Labels) - 1 }

// load lifts a value from memory; the caller has checked that t.Size() bytes at p are in range.
func (c *cx) load(t *types.Type, p uint32) Value {
	m := c.mem[p:]
	switch t.Kind {
	case types.Bool:
		return Bool(m[0] != 0)
	case types.U8, types.S8:
		v, _ := number(t.Kind, uint64(m[0]))
		return v
	case types.U16, types.S16:
		v, _ := number(t.Kind, uint64(le.Uint16(m)))
		return v
	case types.U32, types.S32, types.F32, types.Char:
		v, _ := number(t.Kind, uint64(le.Uint32(m)))
		return v
	case types.U64, types.S64, types.F64:
		v, _ := number(t.Kind, le.Uint64(m))
		return v
	case types.String:
		return c.liftString(le.Uint32(m), le.Uint32(m[4:]))
	case types.List, types.Map:
		return c.liftList(t.Elem, le.Uint32(m), le.Uint32(m[4:]))
	case types.Record, types.Tuple:
		c.charge(uint64(len(t.Fields)) * valueBytes)
		vs := make([]Value, len(t.Fields))
		for i := range t.Fields {
			vs[i] = c.load(t.Fields[i].Type, p+t.Fields[i].Offset)
		}
		return Value{ref: vs}
	case types.FixedList:
		return c.loadItems(t.Elem, p, t.Len)
	case types.Flags:
		return Value{bits: loadUint(m, t.Size()) & flagMask(t)}
	case types.Variant, types.Enum, types.Option, types.Result:
		disc := uint32(loadUint(m, t.DiscriminantSize()))
		if ct := variantCase(t, disc); ct != nil {
			c.charge(valueBytes)
			return Variant(disc, c.load(ct, p+t.PayloadOffset()))
		}
		return Enum(disc)
	}
	return c.liftHandle(t, le.Uint32(m))
}

func loadUint(m []byte, size uint32) uint64 {
	switch size {
	case 1:
		return uint64(m[0])
	case 2:
		return uint64(le.Uint16(m))
	}
	return uint64(le.Uint32(m))
}

func (c *cx) liftHandle(t *types.Type, i uint32) Value {
	switch t.Kind {
	case types.Own:
		return c.liftOwn(i, t.Resource)
	case types.Borrow:
		return c.liftBorrow(i, t.Resource)
	case types.Stream, types.Future:
		return c.liftEnd(i, t)
	}
	return Value{ref: c.inst.table.errorContext(i)}
}

func (c *cx) liftList(elem *types.Type, p, n uint32) Value {
	size := uint64(n) * uint64(elem.Size())
	if size > maxListBytes {
		trapf("list is too long: %d bytes", size)
	}
	c.check(p, uint32(size), elem.Align(), "list")
	return c.loadItems(elem, p, n)
}

func (c *cx) loadItems(elem *types.Type, p, n uint32) Value {
	if elem.Kind == types.U8 {
		c.charge(uint64(n))
		if c.views {
			return Bytes(c.mem[p:][:n:n])
		}
		b := make([]byte, n)
		c.move(b, c.mem[p:][:n], false)
		return Bytes(b)
	}
	c.charge(uint64(n) * valueBytes)
	vs := make([]Value, n)
	for i := range n {
		vs[i] = c.load(elem, p+i*elem.Size())
		c.item(i)
	}
	return Value{ref: vs}
}

// fixedList returns the items of a fixed-length list as a list of that element.
func fixedList(t *types.Type, vs []Value) Value {
	if t.Elem.Kind != types.U8 {
		return Value{ref: vs}
	}
	b := make([]byte, len(vs))
	for i, v := range vs {
		b[i] = v.U8()
	}
	return Bytes(b)
}

// liftFields lifts parameters or results that are flat values, and appends them to room.
func (c *cx) liftFields(t *types.Type, stack []uint64, room []Value) []Value {
	pos := 0
	for i := range t.Fields {
		room = append(room, c.liftFlat(t.Fields[i].Type, stack, &pos))
	}
	return room
}
