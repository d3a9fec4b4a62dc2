package corewasm

// Coverage says what of a module ran. The module gets a table of its own whose elements are all
// references to a function; code sets one to null when it comes by:
//
//	block:         i32.const ID  ref.null func  table.set $t
//	if, br_if:     local.tee $c  i32.const ID  local.get $c  i32.const 0  i32.ne  i32.add
//	               ref.null func  table.set $t  local.get $c
//	br_table:      the same with min(local.get $c, number of labels)
//
// A table is used since the engine has one memory, which is the guest's, and mutable globals make
// each call dear to compile. Blocks that run whenever another one has ended, or a branch goes their
// way, have no code.
type coverage struct {
	table uint32 // its index
	read  uint32 // index of the function that reads the table
	next  uint32 // the first element that is free
	flow  *Flow
	spots spots // of the flow
}

// spots are the elements of the table that belong to a function.
type spots struct {
	blocks   []int // by block; none if it has no element
	branches []int // by branch, the element of its first outcome
	next     uint32
}

// of sets the spots to those of a function, of which the first is given.
func (s *spots) of(f *Flow, first uint32) {
	s.blocks, s.branches, s.next = s.blocks[:0], s.branches[:0], first
	for i := range f.Blocks {
		at := none
		if f.Blocks[i].Apart {
			at = int(s.next)
			s.next++
		}
		s.blocks = append(s.blocks, at)
	}
	for i := range f.Branches {
		s.branches = append(s.branches, int(s.next))
		s.next += uint32(len(f.Branches[i].Outcomes))
	}
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

// Covered calls visit for each function of the original module, with what of it ran: of each block
// of the flow, whether it did, and of each branch, whether each outcome came. bits are what the
// function read that [Options].Coverage exports, word by word; of several instances, their union.
// The slices and the flow are valid until visit returns. The error is that of [Info.Flows].
func (i *Info) Covered(bits []uint64, visit func(f *Flow, blocks []bool, branches [][]bool)) error {
	var s spots
	var ran []bool
	var came [][]bool
	var backing []bool
	var next uint32
	hit := func(at int) bool {
		w := at / coverageWord
		return w < len(bits) && bits[w]>>(at%coverageWord)&1 != 0
	}
	return i.Flows(true, func(f *Flow) bool {
		s.of(f, next)
		next = s.next
		ran, came, backing = ran[:0], came[:0], backing[:0]
		for _, at := range s.blocks {
			ran = append(ran, at != none && hit(at))
		}
		total := 0
		for k := range f.Branches {
			total += len(f.Branches[k].Outcomes)
		}
		if cap(backing) < total {
			backing = make([]bool, 0, total)
		}
		var work []int
		reach := func(block int) {
			if block >= 0 && !ran[block] {
				ran[block] = true
				work = append(work, block)
			}
		}
		for k := range ran {
			if ran[k] {
				work = append(work, k)
			}
		}
		for k := range f.Branches {
			begin := len(backing)
			for o, to := range f.Branches[k].Outcomes {
				took := hit(s.branches[k] + o)
				backing = append(backing, took)
				if took {
					reach(to)
				}
			}
			came = append(came, backing[begin:len(backing):len(backing)])
		}
		spread(f, &work, reach)
		visit(f, ran, came)
		return true
	})
}

// spread goes along the ways from blocks that ran.
func spread(f *Flow, work *[]int, reach func(block int)) {
	if len(f.Ways) == 0 {
		return
	}
	first := make([]int, len(f.Blocks)+1) // of the ways from a block, once they are sorted by that
	for _, way := range f.Ways {
		first[way[0]+1]++
	}
	for k := range f.Blocks {
		first[k+1] += first[k]
	}
	to, at := make([]int, len(f.Ways)), append([]int{}, first...)
	for _, way := range f.Ways {
		to[at[way[0]]] = way[1]
		at[way[0]]++
	}
	for len(*work) > 0 {
		k := (*work)[len(*work)-1]
		*work = (*work)[:len(*work)-1]
		for _, block := range to[first[k]:first[k+1]] {
			reach(block)
		}
	}
}
