package corewasm

// The costs of instructions, in counts. Others cost 1, or nothing.
const (
	costCall   = 400 // of a function that is not known; it counts if it costs more
	costDivide = 16
	costRoot   = 8 // square roots and divisions of floats
	costPass   = 4 // of a pass through a loop, beside what is in it
	costLoad   = 4
	costStore  = 32  // may have the system provide a page
	costGo     = 100 // what the engine does in Go, and what is like it
	costGrow   = 4096
	costBulk   = 16 // of instructions that fill and copy, beside their sizes
	costSmall  = 80 // of those that are not counted by their sizes
	// costPiece bounds what code without loops costs up to where it is counted again: what it costs
	// may be paid at its beginning, and each store in it may then have the system provide a page.
	costPiece = 1 << 15
)

// cost is what an instruction costs.
func cost(op byte, imm immediate) int32 {
	if op == 0xfc && imm != immNone {
		return costSmall
	}
	switch imm {
	case immCall, immCallOther, immCallOther2:
		return costCall
	case immMemArg, immMemArgLane:
		if op >= 0x28 && op <= 0x35 {
			return costLoad
		}
		return costStore
	case immRefFunc:
		return costGo
	}
	switch {
	case op <= 0x03, op == 0x05, op == 0x0b, op == 0x0c, op == 0x0f, op == 0x1a,
		op >= 0x20 && op <= 0x22, op >= 0x41 && op <= 0x44, op == 0xd0:
		return 0 // they are no machine code, or next to none
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82:
		return costDivide
	case op == 0x91, op == 0x95, op == 0x9f, op == 0xa3:
		return costRoot
	}
	return 1
}

// costs adds up what a function costs: the cost of the dearest way through the code that does not
// go backwards. A loop is counted apart from what is around it, each pass from its header to where
// it goes back or leaves.
type costs struct {
	parts  []part  // the first is what is in no loop
	frames []frame // of the blocks around an instruction
	due    int32   // to be counted after what was added, if not 0
	paid   bool    // on each way to where the walk is the function has counted
	graph  *callGraph
	blocks int // of the function so far
}

// part is the code of a loop without inner ones, or what is in no loop.
type part struct {
	cur  int32 // up to where the walk is, or to the inner loop that it is in
	most int32
	// Of a loop: where its safepoint is in the new code, and the call of the host at the loop's
	// end, unless calls is true: then the safepoint is a call.
	at, end int
	calls   bool
}

// frame is a block.
type frame struct {
	op    byte
	outer int   // part around it
	inner int   // part in it: the same, unless it is a loop
	begin int32 // what it cost to come to an if
	out   int32 // to come to its end by branches
	paid  bool  // costs.paid at its beginning
	left  bool  // costs.paid at all branches to its end
	catch int   // position of the clauses of a try_table
	void  bool  // there are neither parameters nor results
	// wraps is how many loops up to this one have an if in them.
	wraps uint32
	// dispatch is at the beginning of the loop that this is, or in this block of it.
	dispatch *dispatch
}

// dead is the cost of reaching code that cannot be reached.
const dead = -1

func (c *costs) reset(returns bool) {
	c.blocks, c.paid = 0, false
	c.parts = append(c.parts[:0], part{})
	c.frames = append(c.frames[:0], frame{op: 0x02, out: dead, void: !returns, left: true})
}

// top returns the innermost frame.
func (c *costs) top() *frame { return &c.frames[len(c.frames)-1] }

// in returns the part that the walk is in.
func (c *costs) in() *part { return &c.parts[c.top().inner] }

// spend adds the cost of instructions that no way through the code ends or begins at.
func (c *costs) spend(cost int32) {
	c.due = 0
	if p := c.in(); p.cur != dead {
		p.cur += cost
		p.most = max(p.most, p.cur)
		if p.cur >= costPiece {
			c.due, p.cur = p.cur, 0
		}
	}
}

// add adds the instruction that w has read. The end of the function removes the last frame.
func (c *costs) add(w *walker) {
	c.due = 0
	switch w.imm {
	case immBlock, immTryTable:
		c.push(w)
	case immLoop:
		c.push(w)
		c.top().inner = len(c.parts)
		c.parts = append(c.parts, part{cur: costPass, most: costPass})
	case immElse:
		f := c.top()
		p := &c.parts[f.inner]
		f.op, f.out, p.cur = w.op, max(f.out, p.cur), f.begin
		f.left, c.paid = f.left && c.paid, f.paid
	case immEnd:
		c.pop(w)
		return
	}
	if w.imm == immCall && c.graph != nil {
		c.spend(c.graph.call(w.arg))
	} else {
		c.spend(cost(w.op, w.imm))
	}
	p := c.in()
	switch w.imm {
	case immBranch:
		c.branch(w.arg)
		if w.op == 0x0c {
			p.cur, c.paid = dead, true
		}
	case immBrTable:
		r := reader{b: w.b[:w.pos], pos: w.immAt}
		for range r.u32() + 1 {
			c.branch(r.u32())
		}
		p.cur, c.paid = dead, true
	}
	switch w.op {
	case 0x00, 0x08, 0x0a, 0x0f, 0x12, 0x13, 0x15: // unreachable, throw, return and its calls
		p.cur, c.paid = dead, true
	}
}

func (c *costs) push(w *walker) {
	c.blocks += 2
	outer := c.top()
	in := outer.inner
	f := frame{op: w.op, outer: in, inner: in, begin: c.parts[in].cur, out: dead,
		void: w.b[w.immAt] == 0x40, wraps: outer.wraps, paid: c.paid, left: true}
	if w.op == 0x02 {
		f.dispatch = outer.dispatch.push()
	}
	if w.imm == immTryTable {
		r := reader{b: w.b[:w.pos], pos: w.immAt}
		r.blockType()
		f.catch = r.pos
	}
	c.frames = append(c.frames, f)
}

func (c *costs) pop(w *walker) {
	f := c.frames[len(c.frames)-1]
	c.frames = c.frames[:len(c.frames)-1]
	p := &c.parts[f.outer]
	switch f.op {
	case 0x03:
		if f.inner != f.outer && c.parts[f.inner].cur == dead {
			p.cur = dead
		}
	case 0x04:
		p.cur = max(p.cur, f.begin)
		c.paid = c.paid && f.paid
	case 0x1f:
		c.caught(w, f)
	}
	p.cur = max(p.cur, f.out)
	c.paid = c.paid && f.left
}

// branch adds a branch to a label.
func (c *costs) branch(label uint32) {
	if uint64(label) >= uint64(len(c.frames)) {
		return // the engine refuses it
	}
	f := &c.frames[len(c.frames)-1-int(label)]
	if f.op != 0x03 {
		f.out = max(f.out, c.parts[f.outer].cur)
		f.left = f.left && c.paid
	}
}

// caught adds branches to the labels of a try_table that has ended, from the dearest place in it.
func (c *costs) caught(w *walker, try frame) {
	r := reader{b: w.b[:w.pos], pos: try.catch}
	p := &c.parts[try.outer]
	cur, paid := p.cur, c.paid
	p.cur, c.paid = p.most, try.paid
	for range r.u32() {
		if r.byte() < 2 {
			r.u32() // the tag
		}
		c.branch(r.u32())
	}
	p.cur, c.paid = cur, paid
}
