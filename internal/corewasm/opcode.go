package corewasm

// immediate is the kind of what follows an opcode.
type immediate byte

const (
	immInvalid      immediate = iota
	immNone                   // nothing
	immLEB                    // one number
	immLEB2                   // two numbers
	immBlock                  // block type
	immMemArg                 // alignment, perhaps memory index, offset
	immBrTable                // labels
	imm4                      // four bytes
	imm8                      // eight bytes
	imm16                     // sixteen bytes
	immLane                   // one byte
	immMemArgLane             // memory argument and one byte
	immTypes                  // vector of value types
	immHeapType               // heap type
	immTryTable               // block type and catch clauses
	immGlobal                 // global index
	immCall                   // function index of a call
	immRefFunc                // function index of ref.func
	immCallOther              // type index, perhaps table index, of another kind of call
	immCallOther2             //
	immLoop                   // block type of a loop
	immElse                   // else
	immEnd                    // end
	immData                   // data index of data.drop
	immMemoryInit             // data index and memory index
	immTableWrite             // table.set and the like: one number
	immTableWrite2            // table.init, table.copy: two numbers
	immMemoryGrow             // memory index
	immBranch                 // label
	immPrefixMisc             // a second opcode follows
	immPrefixVector           //
	immPrefixAtomic           //
)

// Bounds of the JavaScript API of WebAssembly, which other engines have too; past them, the
// compiler needs more memory than there is.
const (
	maxLabels = 65_520 // of a br_table
	maxLocals = 50_000
	maxParams = 1_000 // of a function type; likewise results
)

// opcodes maps each one-byte opcode to its immediates.
type opcodes [256]immediate

func newOpcodes() *opcodes {
	var t opcodes
	fill := func(k immediate, from, to int) {
		for i := from; i <= to; i++ {
			t[i] = k
		}
	}
	fill(immNone, 0x00, 0x01)
	t[0x02] = immBlock
	t[0x03] = immLoop
	t[0x04] = immBlock
	t[0x05] = immElse
	t[0x08] = immLEB  // throw
	t[0x0a] = immNone // throw_ref
	t[0x0b] = immEnd
	t[0x0c], t[0x0d] = immBranch, immBranch
	t[0x0e] = immBrTable
	t[0x0f] = immNone
	t[0x10], t[0x12] = immCall, immCall             // call, return_call
	t[0x11], t[0x13] = immCallOther2, immCallOther2 // call_indirect, return_call_indirect
	t[0x14], t[0x15] = immCallOther, immCallOther   // call_ref, return_call_ref
	t[0x1a], t[0x1b] = immNone, immNone
	t[0x1c] = immTypes
	t[0x1f] = immTryTable
	fill(immLEB, 0x20, 0x22)
	t[0x23], t[0x24] = immGlobal, immGlobal
	t[0x25] = immLEB
	t[0x26] = immTableWrite
	fill(immMemArg, 0x28, 0x3e)
	t[0x3f] = immLEB
	t[0x40] = immMemoryGrow
	t[0x41], t[0x42] = immLEB, immLEB
	t[0x43] = imm4
	t[0x44] = imm8
	fill(immNone, 0x45, 0xc4)
	t[0xd0] = immHeapType
	t[0xd1] = immNone
	t[0xd2] = immRefFunc
	t[0xd3] = immNone // ref.eq
	t[0xd4] = immNone
	t[0xd5], t[0xd6] = immBranch, immBranch
	t[0xfc] = immPrefixMisc
	t[0xfd] = immPrefixVector
	t[0xfe] = immPrefixAtomic
	return &t
}

func miscImmediate(op uint32) immediate {
	switch {
	case op <= 7:
		return immNone
	case op == 8:
		return immMemoryInit
	case op == 9:
		return immData
	case op == 10: // memory.copy
		return immLEB2
	case op == 11: // memory.fill
		return immLEB
	case op == 12 || op == 14: // table.init, table.copy
		return immTableWrite2
	case op == 13 || op == 15 || op == 17: // elem.drop, table.grow, table.fill
		return immTableWrite
	case op == 16:
		return immLEB
	case op >= 19 && op <= 22: // wide arithmetic
		return immNone
	}
	return immInvalid
}

func vectorImmediate(op uint32) immediate {
	switch {
	case op <= 11 || op == 92 || op == 93:
		return immMemArg
	case op == 12 || op == 13: // v128.const, i8x16.shuffle
		return imm16
	case op >= 21 && op <= 34:
		return immLane
	case op >= 84 && op <= 91:
		return immMemArgLane
	case op <= 275: // 256 and above: relaxed SIMD
		return immNone
	}
	return immInvalid
}

func atomicImmediate(op uint32) immediate {
	switch {
	case op <= 2 || op >= 0x10 && op <= 0x4e:
		return immMemArg
	case op == 3: // atomic.fence
		return immLane
	}
	return immInvalid
}

// walker decodes instructions one after the other.
type walker struct {
	reader
	table *opcodes
	// The following describe the instruction that next read.
	at    int // position of its opcode
	op    byte
	imm   immediate
	immAt int // position of its first immediate
	arg   uint32
	// last and before are positions of the two instructions before it, -1 if there are not so many.
	last, before int
	// unthreaded says that branches go where they say, see dispatch.
	unthreaded bool
}

// restart forgets the instructions before those to come.
func (w *walker) restart() { w.at, w.last, w.before = -1, -1, -1 }

// next reads one instruction. It returns false at the end of the bytes or on an error.
func (w *walker) next() bool {
	if w.err != nil || w.pos >= len(w.b) {
		return false
	}
	w.at, w.last, w.before = w.pos, w.at, w.last
	w.op = w.b[w.pos]
	w.pos++
	w.imm = w.table[w.op]
	switch w.imm {
	case immPrefixMisc, immPrefixVector, immPrefixAtomic:
		sub := w.u32()
		switch w.imm {
		case immPrefixMisc:
			w.imm = miscImmediate(sub)
		case immPrefixVector:
			w.imm = vectorImmediate(sub)
		default:
			w.imm = atomicImmediate(sub)
		}
		switch f := featureOf(w.op, sub); {
		case f != "":
			w.lacks(w.at, f)
			return false
		case w.imm == immInvalid:
			w.failAt(w.at, "unknown opcode 0x%02x 0x%02x", w.op, sub)
			return false
		}
	}
	w.immAt = w.pos
	switch w.imm {
	case immInvalid:
		w.badOpcode(w.at, w.op, "")
	case immNone, immElse, immEnd:
	case immLEB, immTableWrite, immMemoryGrow:
		w.skipLEB()
	case immCall, immRefFunc:
		w.arg = w.u32()
		w.funcIndex(w.immAt, w.arg)
	case immGlobal:
		w.arg = w.u32()
		if w.info != nil && uint64(w.arg) >= uint64(w.info.space(KindGlobal)) {
			w.failAt(w.immAt, "unknown global %d", w.arg)
		}
	case immData, immBranch:
		w.arg = w.u32()
	case immCallOther:
		w.typeIndex(w.immAt, w.u32())
	case immCallOther2:
		w.typeIndex(w.immAt, w.u32())
		w.skipLEB()
	case immLEB2, immTableWrite2:
		w.skipLEB()
		w.skipLEB()
	case immMemoryInit:
		w.arg = w.u32()
		w.skipLEB()
	case immMemArg:
		w.memArg()
	case immMemArgLane:
		w.memArg()
		w.byte()
	case immBlock, immLoop:
		w.blockType()
	case immBrTable:
		n := w.count("br_table")
		if n > maxLabels {
			w.failAt(w.immAt, "br_table has %d labels, more than %d", n, maxLabels)
		}
		for range n + 1 {
			w.skipLEB()
		}
	case imm4:
		w.bytes(4)
	case imm8:
		w.bytes(8)
	case imm16:
		w.bytes(16)
	case immLane:
		w.byte()
	case immTypes:
		for range w.count("select") {
			w.valType()
		}
	case immHeapType:
		w.heapType()
	case immTryTable:
		w.blockType()
		n := w.count("try_table")
		w.arg = uint32(n)
		for range n {
			switch c := w.byte(); c {
			case 0, 1: // catch, catch_ref
				w.skipLEB()
			case 2, 3: // catch_all, catch_all_ref
			default:
				w.failAt(w.pos-1, "unknown catch clause 0x%02x", c)
			}
			w.skipLEB()
		}
	}
	return w.err == nil
}

func (r *reader) skipLEB() {
	for i := r.pos; i < len(r.b) && i < r.pos+10; i++ {
		if r.b[i] < 0x80 {
			r.pos = i + 1
			return
		}
	}
	r.fail("malformed integer")
}

func (r *reader) memArg() {
	if align := r.u32(); align&0x40 != 0 {
		r.skipLEB() // memory index
	}
	r.skipLEB()
}

func (r *reader) blockType() {
	if r.pos < len(r.b) {
		switch c := r.b[r.pos]; {
		case c == 0x40:
			r.pos++
			return
		case c&0xc0 == 0x40: // a negative number of one byte: a value type
			r.valType()
			return
		}
	}
	at := r.pos
	if i := r.sleb(33); i < 0 {
		r.failAt(at, "malformed block type")
	} else {
		r.typeIndex(at, uint32(i))
	}
}

// constExpr skips over a constant expression and its end.
func (r *reader) constExpr() {
	for r.err == nil && r.constInstr() != 0x0b {
	}
}

// constInstr skips over one instruction of a constant expression.
func (r *reader) constInstr() byte {
	op := r.byte()
	switch op {
	case 0x0b:
	case 0x41, 0x42:
		r.skipLEB()
	case 0x23:
		at := r.pos
		if i := r.u32(); r.info != nil && (i >= r.visible || r.info.mutable(i)) {
			r.failAt(at, "global %d cannot be used in a constant expression here", i)
		}
	case 0xd2:
		r.funcIndex(r.pos, r.u32())
	case 0x43:
		r.bytes(4)
	case 0x44:
		r.bytes(8)
	case 0xd0:
		r.heapType()
	case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // extended constants
	case 0xfd:
		if at := r.pos; r.u32() != 12 {
			r.failAt(at, "unknown vector opcode in constant expression")
		}
		r.bytes(16)
	default:
		r.badOpcode(r.pos-1, op, " in constant expression")
	}
	return op
}

// mayTrap reports whether a backtrace can name the instruction.
func mayTrap(op byte, imm immediate) bool {
	switch imm {
	case immCall, immCallOther, immCallOther2, immMemArg, immMemArgLane, immMemoryInit,
		immTableWrite, immTableWrite2, immLEB2, immMemoryGrow:
		return true
	case immNone:
		return op == 0x00 || op == 0x0a || op >= 0x6d && op <= 0x70 || op >= 0x7f && op <= 0x82 ||
			op >= 0xa8 && op <= 0xb1 || op == 0xd4
	case immLEB:
		return op == 0x08 || op == 0x25 || op == 0xfc
	}
	return false
}
