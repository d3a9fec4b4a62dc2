package corewasm

// label returns the label of the new code that stands for one of the old code where the walk is:
// loops have an if in them.
func (b *bodyRewriter) label(old uint32) uint32 {
	frames := b.costs.frames
	to := len(frames) - 1 - int(old)
	switch {
	case uint64(old) >= uint64(len(frames)):
		return old // the engine refuses it
	case to == 0:
		return old + frames[len(frames)-1].wraps
	}
	return old + frames[len(frames)-1].wraps - frames[to-1].wraps
}

// branch rewrites the branch that was read, or the labels of a try_table.
func (b *bodyRewriter) branch() {
	if b.w.safepoints == nil {
		return
	}
	code := asm(b.head[:0])
	if b.imm == immBranch {
		old := b.arg
		if b.op == 0x0c {
			b.arg = b.thread(old)
		}
		if b.op == 0x0d && b.branchIf() {
			return
		}
		if label := b.label(b.arg); label != old {
			b.replace(code.op(b.op).u32(label))
		}
		return
	}
	if b.costs.top().wraps == 0 {
		return
	}
	r := reader{b: b.b[:b.pos], pos: b.immAt}
	if b.imm == immBrTable {
		n := r.u32()
		code = code.op(b.op).u32(n)
		for range n + 1 {
			code = code.u32(b.label(r.u32()))
		}
	} else {
		r.blockType()
		code = append(code, b.b[b.at:r.pos]...)
		n := r.u32()
		code = code.u32(n)
		for range n {
			kind := r.byte()
			if code = code.op(kind); kind < 2 {
				code = code.u32(r.u32()) // the tag
			}
			code = code.u32(b.label(r.u32()))
		}
	}
	b.replace(code)
}

// manyBytes is from what size of its code on a module has br_if rewritten only in loops and small
// functions: elsewhere it is not run often enough for what it then takes to compile.
const manyBytes = 8 << 20

// branchIf rewrites the br_if that was read. The engine computes the condition into a register and
// tests that, where it splits the edge of a branch, which it does if the target has other edges.
// The edges of an if are not split, so that processors compare and jump:
//
//	i32.lt_s  br_if $label     i32.ge_s  if  else  br $label  end
//
// The arm that jumps comes second, because the engine puts the code of the first one next to the
// condition; when it goes back to a loop it comes first, as it is the one that runs.
func (b *bodyRewriter) branchIf() bool {
	if !b.hasArms() {
		return false
	}
	frames := b.costs.frames
	to := &frames[len(frames)-1-int(b.arg)]
	jump := append(asm{}, b.taken...).op(0x0c).u32(b.label(b.arg) + 1)
	op, negated := byte(0), byte(0)
	if b.last >= b.from {
		op, negated = b.b[b.last], negation(b.b[b.last])
	}
	switch {
	case to.op == 0x03, op >= 0x5b && op <= 0x66: // numbers that are none cannot be compared
		b.replace(append(asm{}.op(0x04, 0x40), jump...).op(0x0b))
		return true
	case op == 0x45: // i32.eqz
		b.copyTo(b.last)
	case negated != 0:
		b.copyTo(b.last)
		b.out = b.out.op(negated)
	default:
		b.copyTo(b.at)
		b.out = b.out.op(0x45)
	}
	b.out = append(b.out.op(0x04, 0x40, 0x05), jump...).op(0x0b)
	b.resume(b.pos)
	return true
}

// hasArms reports whether the br_if that was read is rewritten into an if. It is not if it takes
// something along, which would stay if there is no branch.
func (b *bodyRewriter) hasArms() bool {
	frames := b.costs.frames
	if b.w.safepoints == nil || uint64(b.arg) >= uint64(len(frames)) ||
		b.spare && b.counts && b.costs.top().inner == 0 {
		return false
	}
	return frames[len(frames)-1-int(b.arg)].void
}

// negation returns the comparison of integers that is true where another one is not; 0 if op is
// none.
func negation(op byte) byte {
	const equal, notEqual = 0, 1
	base := byte(0x46) // i32.eq
	if op >= 0x51 {
		base = 0x51 // i64.eq
	}
	switch at := op - base; {
	case op < 0x46 || at > 9:
		return 0
	case at == equal || at == notEqual:
		return base + 1 - at
	default: // lt, gt, le, ge, each signed and unsigned
		return base + 2 + ((at - 2) ^ 6)
	}
}
