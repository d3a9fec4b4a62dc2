package component

import "github.com/wasihttp/wasihttp/component/internal/types"

// lowerFlat lowers a value to core values at stack[*pos:], filling exactly t's flat form.
func (c *cx) lowerFlat(t *types.Type, v Value, stack []uint64, pos *int) {
	switch t.Kind {
	case types.Bool, types.U8, types.U16, types.U32, types.U64, types.S64, types.F64, types.F32,
		types.Char, types.Flags:
		stack[*pos] = v.bits
		*pos++
	case types.S8, types.S16, types.S32:
		stack[*pos] = uint64(uint32(v.bits))
		*pos++
	case types.String:
		p, n := c.lowerString(v)
		stack[*pos], stack[*pos+1] = uint64(p), uint64(n)
		*pos += 2
	case types.List, types.Map:
		p, n := c.lowerList(t.Elem, v)
		stack[*pos], stack[*pos+1] = uint64(p), uint64(n)
		*pos += 2
	case types.Record, types.Tuple:
		vs := v.Items()
		for i := range t.Fields {
			c.lowerFlat(t.Fields[i].Type, vs[i], stack, pos)
		}
	case types.FixedList:
		for i := range t.Len {
			c.lowerFlat(t.Elem, listItem(v, i), stack, pos)
		}
	case types.Variant, types.Enum, types.Option, types.Result:
		end := *pos + t.FlatLen()
		stack[*pos] = uint64(v.disc)
		*pos++
		if ct := t.Cases[v.disc].Type; ct != nil {
			c.lowerFlat(ct, v.Payload(), stack, pos)
		}
		for ; *pos < end; *pos++ {
			stack[*pos] = 0
		}
	default:
		stack[*pos] = uint64(c.lowerHandle(t, v))
		*pos++
	}
}

func listItem(v Value, i uint32) Value {
	if b := v.Bytes(); b != nil {
		return U8(b[i])
	}
	return v.Items()[i]
}

func (c *cx) lowerHandle(t *types.Type, v Value) uint32 {
	switch t.Kind {
	case types.Own:
		return c.lowerOwn(v, t.Resource)
	case types.Borrow:
		return c.lowerBorrow(v, t.Resource)
	case types.Stream, types.Future:
		return c.lowerEnd(v, t)
	}
	return c.inst.table.addOther(v.ref)
}

// store lowers a value to memory at p; the caller has checked that t.Size() bytes are in range.
// Allocations inside may move the memory, so each write goes through c.mem anew.
func (c *cx) store(t *types.Type, v Value, p uint32) {
	switch t.Kind {
	case types.Bool, types.U8, types.S8:
		c.mem[p] = byte(v.bits)
	case types.U16, types.S16:
		le.PutUint16(c.mem[p:], uint16(v.bits))
	case types.U32, types.S32, types.F32, types.Char:
		le.PutUint32(c.mem[p:], uint32(v.bits))
	case types.U64, types.S64, types.F64:
		le.PutUint64(c.mem[p:], v.bits)
	case types.String:
		q, n := c.lowerString(v)
		le.PutUint32(c.mem[p:], q)
		le.PutUint32(c.mem[p+4:], n)
	case types.List, types.Map:
		q, n := c.lowerList(t.Elem, v)
		le.PutUint32(c.mem[p:], q)
		le.PutUint32(c.mem[p+4:], n)
	case types.Record, types.Tuple:
		vs := v.Items()
		for i := range t.Fields {
			c.store(t.Fields[i].Type, vs[i], p+t.Fields[i].Offset)
		}
	case types.FixedList:
		for i := range t.Len {
			c.store(t.Elem, listItem(v, i), p+i*t.Elem.Size())
		}
	case types.Flags:
		storeUint(c.mem[p:], t.Size(), v.bits)
	case types.Variant, types.Enum, types.Option, types.Result:
		storeUint(c.mem[p:], t.DiscriminantSize(), uint64(v.disc))
		if ct := t.Cases[v.disc].Type; ct != nil {
			c.store(ct, v.Payload(), p+t.PayloadOffset())
		}
	default:
		le.PutUint32(c.mem[p:], c.lowerHandle(t, v))
	}
}

func storeUint(m []byte, size uint32, v uint64) {
	switch size {
	case 1:
		m[0] = byte(v)
	case 2:
		le.PutUint16(m, uint16(v))
	default:
		le.PutUint32(m, uint32(v))
	}
}

func (c *cx) lowerList(elem *types.Type, v Value) (p, n uint32) {
	if elem.Kind == types.U8 {
		b := v.Bytes()
		if len(b) > maxListBytes {
			trapf("list is too long: %d bytes", len(b))
		}
		p = c.realloc(0, 0, 1, uint32(len(b)))
		c.move(c.mem[p:], b, false)
		return p, uint32(len(b))
	}
	vs := v.Items()
	size := uint64(len(vs)) * uint64(elem.Size())
	if size > maxListBytes {
		trapf("list is too long: %d bytes", size)
	}
	p = c.realloc(0, 0, elem.Align(), uint32(size))
	for i, x := range vs {
		c.store(elem, x, p+uint32(i)*elem.Size())
		c.item(uint32(i))
	}
	return p, uint32(len(vs))
}

// lowerTuple lowers parameters to flat values or, when there are more than max, to a block that the
// receiver allocates.
func (c *cx) lowerTuple(t *types.Type, vs []Value, stack []uint64, max int) (used int) {
	if t.FlatLen() > max {
		p := c.realloc(0, 0, t.Align(), t.Size())
		for i := range t.Fields {
			c.store(t.Fields[i].Type, vs[i], p+t.Fields[i].Offset)
		}
		stack[0] = uint64(p)
		return 1
	}
	pos := 0
	for i := range t.Fields {
		c.lowerFlat(t.Fields[i].Type, vs[i], stack, &pos)
	}
	return pos
}
