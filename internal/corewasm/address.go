package corewasm

import (
	"cmp"
	"slices"
)

// The engine checks the bounds of each access to memory, with six instructions and a branch, unless
// it has checked the same address with the same or a larger offset: fields of a structure that are
// read from the first to the last one cost a check each, and so do addresses that code adds up,
// which compilers do where they do not know that a sum is below 4 GiB. So:
//
//   - An address that is a number above one that has been accessed becomes that one, with the
//     number as offset. What has been accessed is within bounds, and no memory ends in the last
//     64 KiB of what 32 bits can address, so the sum has not passed that end.
//   - Before the first of several accesses to one address that all come to be executed, a load of
//     the last byte that they touch is put, whose value nobody uses: of it the check is left, and
//     the others need none.
//
// In short:
//
//	local.get $p  i32.load8_u offset=19  drop
//	local.get $p  i32.load  …  local.get $p  i32.load offset=16
//
// Where the first access is within bounds and a later one is not, the trap comes before what is
// between them, which can only compute, load and store.

// edit is a change of the code at a position.
type edit struct {
	at     int
	kind   editKind
	local  uint32
	offset uint32 // of a probe, or of an access
}

// editKind is what an edit does; those at one position are in this order.
type editKind byte

const (
	editTee   editKind = iota // keeps the operand in a local, too
	editSwap                  // puts a local in the place of the operand
	editProbe                 // loads a byte
	editAt                    // the offset of the access becomes another one
	editClear                 // has a loop begin with few registers in use, see crowds
)

const (
	// maxReach bounds how far from an address what is accessed through it can be, in bytes.
	maxReach = 1 << 12
	// maxBases is how many addresses are known at once, maxHolders how many locals are added.
	maxBases   = 8
	maxHolders = 32
)

// addresses follows the addresses that a function computes, one function after the other.
type addresses struct {
	*walker
	effects *[256]effect
	known   func(global uint32) (bits uint64, ok bool)
	edits   []edit
	stack   []operand // the topmost ones, as far as they are known
	locals  []holding
	bases   []base
	first   uint32 // of the locals that are added
	holders uint32 // how many are
	age     uint32 // of what is known; it changes where control flow joins
	last    uint32 // number of a value
	crowds  crowds
}

// operand is a value: a sum of another one and a number.
type operand struct {
	value uint32 // the engine computes it once
	root  uint32 // 0: unknown, constRoot: nothing
	add   uint32
	local int // that it was in when it was read; -1: none
	at    int // where the instruction ends that left it on the stack
}

const constRoot = 1

// holding is what a local holds, if age is the current one.
type holding struct {
	operand
	age uint32
	set int // since this position
}

// base is an address that has been accessed.
type base struct {
	operand
	holder uint32 // the local that was added for it, if held is set
	held   bool
	// Of the accesses from the position begin on that all come to be executed: one past the last
	// byte that the first touches and that any touches, and how many checks they need.
	begin, checks int
	most          uint32
	was           int // the local that had the address then; -1: none
}

// effect is what a plain instruction does with operands.
type effect struct {
	pops, pushes byte
	size         byte // of an access to memory, in bytes
	ends         bool // what comes after it is perhaps not executed, or must not be before it
}

func newEffects() *[256]effect {
	var t [256]effect
	fill := func(from, to int, e effect) {
		for op := from; op <= to; op++ {
			t[op] = e
		}
	}
	one, two := effect{pops: 1, pushes: 1}, effect{pops: 2, pushes: 1}
	fill(0, 0xff, effect{ends: true})
	t[0x01] = effect{}
	t[0x1a] = effect{pops: 1}
	t[0x1b], t[0x1c] = effect{pops: 3, pushes: 1}, effect{pops: 3, pushes: 1}
	t[0x23], t[0x24] = effect{pushes: 1}, effect{pops: 1}
	for i, size := range []byte{4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4} {
		t[0x28+i] = effect{pops: 1, pushes: 1, size: size} // loads
	}
	for i, size := range []byte{4, 8, 4, 8, 1, 2, 1, 2, 4} {
		t[0x36+i] = effect{pops: 2, size: size} // stores
	}
	t[0x3f] = effect{pushes: 1}
	fill(0x42, 0x44, effect{pushes: 1})
	t[0x45], t[0x50] = one, one
	fill(0x46, 0x4f, two)
	fill(0x51, 0x66, two)
	fill(0x67, 0x69, one)
	fill(0x6a, 0x78, two)
	fill(0x79, 0x7b, one)
	fill(0x7c, 0x8a, two)
	fill(0x8b, 0x91, one)
	fill(0x92, 0x98, two)
	fill(0x99, 0x9f, one)
	fill(0xa0, 0xa6, two)
	fill(0xa7, 0xc4, one)
	for _, traps := range [][2]int{{0x6d, 0x70}, {0x7f, 0x82}, {0xa8, 0xab}, {0xae, 0xb1}} {
		fill(traps[0], traps[1], effect{ends: true}) // in another way
	}
	return &t
}

// find finds the edits of a function, in order, whose code, with end, begins where the walker is,
// and which has so many locals. Faults are left to others.
func (a *addresses) find(locals uint32) {
	a.edits, a.holders, a.first, a.last = a.edits[:0], 0, locals, constRoot
	a.locals = append(a.locals[:0], make([]holding, locals)...)
	a.age = 0
	a.crowds.reset(locals)
	a.join()
	for a.quick() && a.next() {
		a.crowds.step(a.walker)
		switch e := a.effects[a.op]; {
		case e.size != 0:
			a.access(e)
		case a.op >= 0x20 && a.op <= 0x22:
			r := reader{b: a.b[:a.pos], pos: a.immAt}
			a.onLocal(r.u32())
		case a.op == 0x41:
			r := reader{b: a.b[:a.pos], pos: a.immAt}
			a.push(operand{root: constRoot, add: uint32(r.sleb(32)), local: -1})
		case a.op == 0x6a || a.op == 0x6b:
			a.sum()
		case a.op == 0x23:
			if bits, ok := a.known(a.arg); ok {
				a.push(operand{root: constRoot, add: uint32(bits), local: -1})
			} else {
				a.push(operand{local: -1})
			}
		case a.op == 0x02 && a.b[a.immAt] == 0x40: // a block without operands
		case !e.ends:
			a.stack = a.stack[:max(len(a.stack)-int(e.pops), 0)]
			if e.pushes != 0 {
				a.push(operand{local: -1})
			}
		case a.imm == immLoop, a.imm == immElse, a.imm == immEnd, a.imm == immTryTable,
			a.imm == immBlock && a.op == 0x02:
			a.join()
		default:
			a.end()
		}
	}
	a.join()
	a.edits = a.crowds.edits(a.edits)
	slices.SortStableFunc(a.edits, func(x, y edit) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.kind, y.kind))
	})
}

// push puts a new value on the stack.
func (a *addresses) push(v operand) {
	a.last++
	v.value, v.at = a.last, a.pos
	if v.root == 0 {
		v.root = v.value
	}
	a.stack = append(a.stack, v)
}

// pop returns the operand on top of the stack.
func (a *addresses) pop() operand {
	if n := len(a.stack); n > 0 {
		v := a.stack[n-1]
		a.stack = a.stack[:n-1]
		return v
	}
	a.last++
	return operand{value: a.last, root: a.last, local: -1, at: -1}
}

// sum follows i32.add and i32.sub.
func (a *addresses) sum() {
	y, x := a.pop(), a.pop()
	switch {
	case y.root == constRoot && a.op == 0x6a:
		a.push(operand{root: x.root, add: x.add + y.add, local: -1})
	case y.root == constRoot:
		a.push(operand{root: x.root, add: x.add - y.add, local: -1})
	case x.root == constRoot && a.op == 0x6a:
		a.push(operand{root: y.root, add: x.add + y.add, local: -1})
	default:
		a.push(operand{local: -1})
	}
}

// quick follows instructions, as far as they are such that most code consists of, but for accesses.
// It returns true.
func (a *addresses) quick() bool {
	for code := a.b; a.pos+1 < len(code); {
		switch op := code[a.pos]; {
		case op >= 0x20 && op <= 0x22 && code[a.pos+1] < 0x80:
			a.at, a.op = a.pos, op
			a.pos += 2
			a.onLocal(uint32(code[a.pos-1]))
		case op >= 0x45 && op <= 0xc4 && op != 0x6a && op != 0x6b && !a.effects[op].ends:
			a.pos++
			if n := len(a.stack) - int(a.effects[op].pops); n >= 0 {
				a.stack = a.stack[:n]
			} else {
				a.stack = a.stack[:0]
			}
			a.push(operand{local: -1})
		default:
			return true
		}
	}
	return true
}

// onLocal follows local.get, local.set and local.tee.
func (a *addresses) onLocal(local uint32) {
	if uint64(local) >= uint64(len(a.locals)) {
		return // the engine refuses it
	}
	a.crowds.access(local, a.at)
	l := &a.locals[local]
	if a.op != 0x20 {
		*l = holding{a.pop(), a.age, a.at}
	} else if l.age != a.age {
		a.last++
		*l = holding{operand{value: a.last, root: a.last}, a.age, -1}
	}
	if a.op != 0x21 {
		v := l.operand
		v.local, v.at = int(local), a.pos
		a.stack = append(a.stack, v)
	}
}

// holds reports whether a local has had a value since a position.
func (a *addresses) holds(local int, v operand, at int) bool {
	return local >= 0 && a.locals[local].age == a.age && a.locals[local].value == v.value &&
		a.locals[local].set < at
}

// access follows an access to memory.
func (a *addresses) access(e effect) {
	var v operand
	for range e.pops {
		v = a.pop()
	}
	defer func() {
		if e.pushes != 0 {
			a.push(operand{local: -1})
		}
	}()
	r := reader{b: a.b[:a.pos], pos: a.immAt}
	align, offset := r.u32(), r.uleb(64)
	if align >= 0x40 || offset >= maxReach || v.at < 0 {
		return
	}
	past := uint32(offset) + uint32(e.size)
	for i := range a.bases {
		b := &a.bases[i]
		above := v.add - b.add
		if b.root != v.root || above+past > maxReach || above >= maxReach {
			continue
		}
		if v.value != b.value && !a.replace(b, v, above+uint32(offset)) {
			continue
		}
		past += above
		switch {
		case b.checks == 0:
			a.begin(b, past)
		case past > b.most:
			b.most = past
			b.checks++
		}
		return
	}
	if len(a.bases) == maxBases {
		a.close(&a.bases[0])
		a.bases = append(a.bases[:0], a.bases[1:]...)
	}
	a.bases = append(a.bases, base{operand: v})
	a.begin(&a.bases[len(a.bases)-1], past)
}

// begin begins with the accesses to an address that all come to be executed.
func (a *addresses) begin(b *base, past uint32) {
	b.begin, b.most, b.checks, b.was = a.at, past, 1, -1
	if a.holds(b.local, b.operand, a.at) {
		b.was = b.local
	}
}

// replace has the access that was read take an address that has been accessed, and an offset, in
// place of the address v.
func (a *addresses) replace(b *base, v operand, offset uint32) bool {
	local := uint32(b.local)
	if !a.holds(b.local, b.operand, v.at) {
		if b.at > v.at || !a.hold(b) {
			return false
		}
		local = b.holder
	}
	a.edits = append(a.edits, edit{at: v.at, kind: editSwap, local: local},
		edit{at: a.at, kind: editAt, offset: offset})
	return true
}

// hold adds a local for an address, which it keeps from where it is computed on.
func (a *addresses) hold(b *base) bool {
	if b.held {
		return true
	}
	if a.holders == maxHolders {
		return false
	}
	b.held, b.holder = true, a.first+a.holders
	a.holders++
	a.edits = append(a.edits, edit{at: b.operand.at, kind: editTee, local: b.holder})
	return true
}

// close ends the accesses to an address that all come to be executed.
func (a *addresses) close(b *base) {
	if b.checks > 1 {
		local := uint32(b.was)
		if b.was < 0 {
			if !a.hold(b) {
				b.checks = 0
				return
			}
			local = b.holder
		}
		a.edits = append(a.edits,
			edit{at: b.begin, kind: editProbe, local: local, offset: b.most - 1})
	}
	b.checks = 0
}

// end is where what comes next may not be executed.
func (a *addresses) end() {
	for i := range a.bases {
		a.close(&a.bases[i])
	}
	a.stack = a.stack[:0]
}

// join is where control flow comes from elsewhere, too.
func (a *addresses) join() {
	a.end()
	a.bases = a.bases[:0]
	a.age++
}

// edit makes the edits in front of the next instruction.
func (b *bodyRewriter) edit() {
	for len(b.edits) > 0 && b.edits[0].at == b.pos && b.edits[0].kind != editAt {
		e, code := b.edits[0], b.head[:0]
		switch e.kind {
		case editTee:
			code = code.op(0x22).u32(e.local)
		case editSwap:
			code = code.op(0x1a).get(e.local)
		case editProbe:
			if b.w.lines != nil {
				b.spots = append(b.spots, spot{len(b.out) + b.pos - b.from, b.pos})
			}
			code = code.get(e.local).op(0x2d, 0).u32(e.offset).op(0x1a)
		case editClear:
			code = code.i32(0).op(0x04, 0x40, 0x10).u32(b.w.safepoints.first + addedRefill).op(0x0b)
		}
		b.insert(b.pos, code)
		b.edits = b.edits[1:]
	}
}

// move gives the access that was read another offset, if an edit says so.
func (b *bodyRewriter) move() {
	if len(b.edits) == 0 || b.edits[0].at != b.at {
		return
	}
	r := reader{b: b.b[:b.pos], pos: b.immAt}
	b.replace(b.head[:0].op(b.op).u32(r.u32()).u32(b.edits[0].offset))
	b.edits = b.edits[1:]
}
