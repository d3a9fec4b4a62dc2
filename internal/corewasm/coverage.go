package corewasm

// Coverage says what of a module ran. The module gets a table of its own whose elements are all
// references to a function; code sets one to null when it comes by:
//
//	block:         i32.const ID  ref.null func  table.set $t
//	if, br_if:     local.tee $c  i32.const ID  local.get $c  i32.const 0  i32.ne  i32.add
//	               ref.null func  table.set $t
//	br_table:      the same with the smaller of $c and the number of labels
//
// A table is used since the engine has one memory, which is the guest's, and mutable globals make
// each call dear to compile. What follows from other elements has no code, see spots.
type coverage struct {
	table uint32 // its index
	read  uint32 // index of the function that reads the table
	next  uint32 // the first element that is free
	flow  *Flow
	spots spots // of the flow
}

// coverageWord is how many elements of the table the exported function reads at once.
const coverageWord = 64

func newCoverage(w *rewriter) *coverage {
	c := &coverage{table: w.info.space(KindTable)}
	get := asm{}.get(0).i32(6).op(0x74).i32(coverageWord-1).op(0x6a).set(0).
		i32(coverageWord).set(1).
		op(0x03, 0x40).
		get(2).op(0x42, 1, 0x86).
		get(0).op(0x25).u32(c.table).op(0xd1, 0xad, 0x84).set(2).
		get(0).i32(1).op(0x6b).set(0).
		get(1).i32(1).op(0x6b, 0x22, 1, 0x0d, 0, 0x0b).
		get(2)
	typ := w.addType(FuncType{Params: []ValType{I32}, Results: []ValType{I64}})
	c.read = w.safepoints.add(typ, []ValType{I32, I64}, get)
	return c
}

func (c *coverage) calls() bool { return true }

func (c *coverage) function(f *Flow) {
	c.flow = f
	c.spots.of(f, c.next)
	c.next = c.spots.next
}

func (c *coverage) block(code asm, block int) asm {
	if at := c.spots.blocks[block]; at != none {
		return c.mark(code.i32(int32(at)))
	}
	return code
}

func (c *coverage) branch(code asm, branch int, local uint32) (asm, bool) {
	if c.spots.branches[branch] == none {
		return code, false
	}
	outcomes := len(c.flow.Branches[branch].Outcomes)
	code = code.op(0x22).u32(local).i32(int32(c.spots.branches[branch]))
	if most := int32(outcomes - 1); c.flow.Branches[branch].Table {
		code = code.get(local).i32(most).get(local).i32(most).op(0x49, 0x1b)
	} else {
		code = code.get(local).i32(0).op(0x47)
	}
	return c.mark(code.op(0x6a)), true
}

// mark sets the element to null whose index is on the stack.
func (c *coverage) mark(code asm) asm { return code.op(0xd0, 0x70, 0x26).u32(c.table) }

// appendTable appends the table to the table section.
func (c *coverage) appendTable(dst []byte) []byte {
	size := uint64(c.words()) * coverageWord
	dst = append(dst, 0x40, 0, 0x70)
	dst = appendLimits(dst, Limits{Min: size, Max: size, HasMax: true})
	return append(appendU32(append(dst, 0xd2), c.read), 0x0b)
}

// words is how many words the exported function can read.
func (c *coverage) words() uint32 { return (c.next + coverageWord - 1) / coverageWord }
