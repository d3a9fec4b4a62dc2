package corewasm

// Coverage says what of a module ran. The module gets a table of its own whose elements are all
// references to a function; code sets one to null when it comes by:
//
//	block:         i32.const ID  ref.null func  table.set $t
//	if, br_if:     the same in each of the ways
//	br_table:      local.tee $c  i32.const ID  local.get $c  i32.const labels  local.get $c
//	               i32.const labels  i32.lt_u  select  i32.add  ref.null func  table.set $t
//	in a loop:     local.get $m  i32.const BIT  i32.and  i32.const 0  i32.eq
//	               if  …  local.get $m  i32.const BIT  i32.or  local.set $m  end
//
// A table is used since the engine has one memory, which is the guest's, and mutable globals make
// each call dear to compile. Setting an element takes the engine about six instructions, a bit of
// a local one comparison with a jump, so loops set an element once in a call of the function. What
// follows from other elements has no code, see spots.
type coverage struct {
	table uint32 // its index
	read  uint32 // index of the function that reads the table
	next  uint32 // the first element that is free
	flow  *Flow
	spots spots // of the flow

	enters []int  // by block, the element of the branch's way that alone leads to it, or none
	edged  []bool // by branch: its ways set elements, not the branch
	bits   []int  // by element of the function, a bit of the local seen, or none
	seen   uint32
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

// maxBits bounds the elements of a function that are set once in a call, to the bits of a local:
// each takes the compiler two more blocks.
const maxBits = 32

func (c *coverage) function(f *Flow, local uint32) (locals uint32) {
	c.flow, c.seen = f, local
	base := c.next
	c.spots.of(f, base)
	c.next = c.spots.next
	c.enters, c.edged, c.bits = c.enters[:0], c.edged[:0], c.bits[:0]
	for range f.Blocks {
		c.enters = append(c.enters, none)
	}
	for range f.Branches {
		c.edged = append(c.edged, false)
	}
	for range c.next - base {
		c.bits = append(c.bits, none)
	}
	return c.assign(f, int(base))
}

// assign gives bits to the elements in loops, in those that are deepest first, and returns how many
// locals they take: 1 or 0. Where exceptions are caught there are none: what the local is then is
// not known, see safepoints.
func (c *coverage) assign(f *Flow, base int) (locals uint32) {
	if f.Catches {
		return 0
	}
	var depths []int // how many elements there are in so many loops
	each := func(visit func(at, depth int)) {
		for i, at := range c.spots.blocks {
			if b := &f.Blocks[i]; at != none && b.Loops > 0 && !b.Traps {
				visit(at-base, b.Loops)
			}
		}
		for i, at := range c.spots.branches {
			b := &f.Branches[i]
			from := f.Blocks[b.Block].Loops
			if at == none || from == 0 || b.Table {
				continue
			}
			for o, to := range b.Outcomes {
				if to == Return {
					continue
				}
				if depth := min(from, f.Blocks[to].Loops); depth > 0 {
					visit(at-base+o, depth)
				}
			}
		}
	}
	each(func(_, depth int) {
		for len(depths) <= depth {
			depths = append(depths, 0)
		}
		depths[depth]++
	})
	least, all := len(depths), 0
	for least > 1 && (all == 0 || all+depths[least-1] <= maxBits) {
		least--
		all += depths[least]
	}
	next := 0
	each(func(at, depth int) {
		if depth >= least && next < maxBits {
			c.bits[at] = next
			next++
		}
	})
	return min(uint32(next), 1)
}

func (c *coverage) block(code asm, block int) asm {
	if at := c.enters[block]; at != none {
		code = c.set(code, at)
	}
	if at := c.spots.blocks[block]; at != none {
		code = c.set(code, at)
	}
	return code
}

// alone reports whether an outcome of a branch is the only way to a block.
func (c *coverage) alone(branch, outcome int) bool {
	b := &c.flow.Branches[branch]
	to := b.Outcomes[outcome]
	return to != Return && to > b.Block && c.spots.entries[to] == 1 && !c.flow.Blocks[to].Apart
}

func (c *coverage) branch(code asm, branch int, local uint32, arms bool) (asm, bool) {
	at := c.spots.branches[branch]
	if at == none {
		return code, false
	}
	b := &c.flow.Branches[branch]
	if !b.Table && (arms || c.alone(branch, 0) && c.alone(branch, 1)) {
		c.edged[branch] = true
		for o, to := range b.Outcomes {
			if c.alone(branch, o) {
				c.enters[to] = at + o
			}
		}
		return code, false
	}
	code = code.op(0x22).u32(local).i32(int32(at))
	if most := int32(len(b.Outcomes) - 1); b.Table {
		code = code.get(local).i32(most).get(local).i32(most).op(0x49, 0x1b)
	} else {
		code = code.get(local).i32(0).op(0x47)
	}
	return c.mark(code.op(0x6a)), true
}

func (c *coverage) arm(code asm, branch, outcome int) asm {
	if !c.edged[branch] || c.alone(branch, outcome) {
		return code
	}
	return c.set(code, c.spots.branches[branch]+outcome)
}

// set sets an element to null, once in a call if it has a bit.
func (c *coverage) set(code asm, at int) asm {
	bit := c.bits[at-(int(c.next)-len(c.bits))]
	if bit == none {
		return c.mark(code.i32(int32(at)))
	}
	mask := int32(uint32(1) << bit)
	code = code.get(c.seen).i32(mask).op(0x71).i32(0).op(0x46, 0x04, 0x40)
	return c.mark(code.i32(int32(at))).get(c.seen).i32(mask).op(0x72).set(c.seen).op(0x0b)
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
