package corewasm

import "slices"

// A basic block is code that runs from its beginning to its end, unless something in it traps. This
// file splits the functions of a module into blocks, and inserts code into them while the module is
// rewritten:
//
//   - [Info.Flows] goes over the functions of the original module. It inserts nothing, and is what
//     a reader of results uses to know what a block or a branch is.
//   - A prober, which an option of [Rewrite] puts into rewriter.probers, gets the flow of each
//     function before its code is rewritten, and then returns the code for the beginning of each
//     block and for the place before each branch.
//
// Blocks and offsets are those of the original module: what is inserted, here or by other options,
// is neither a block nor counted as an instruction, nor does it cost safepoints anything.
// Safepoints come to the header of a loop before what a prober inserts there, so that a pass is
// seen once. Branches are not threaded (see [bodyRewriter.thread]) where there is a prober: each
// goes through the blocks that it has in the original.

// Flow is a function as its blocks and the ways between them.
type Flow struct {
	// Func is the index of the function, imports first.
	Func uint32
	// Offset and End enclose the function's code with its locals, in bytes from the start of the
	// content of the code section, as DWARF counts.
	Offset, End uint32
	// Blocks are in the order of the code. Code that nothing reaches is in none of them.
	Blocks []Block
	// Branches are the instructions that decide where to go on, in the order of the code.
	Branches []Branch
	// Ways are pairs of blocks, by index, of which the second follows whenever the first has come
	// to its end.
	Ways [][2]int
	// Catches says that exceptions are caught.
	Catches bool
}

// Block is a basic block.
type Block struct {
	// Offset is where it begins, counted as in [Flow]. First and End enclose its instructions,
	// without those at its ends that only give code its structure.
	Offset, First, End uint32
	// Instructions is how many there are, without those that only give code its structure: block,
	// loop, else, end, try_table and nop. A block can have none.
	Instructions uint32
	// Apart says that whether the block runs does not follow from other blocks and from branches: a
	// function begins with it, it follows a call, or it can be reached by an exception or a branch
	// on a reference.
	Apart bool
	// Traps says that it ends with unreachable, Calls that it ends with a call, behind which the
	// next block begins.
	Traps, Calls bool
	// Stops says that something in it may trap or call, so that its end may not be reached.
	Stops bool
	// Loops is how many loops are around it.
	Loops int
}

// Branch is an if, a br_if or a br_table.
type Branch struct {
	// Offset is where the instruction is, counted as in [Flow], and Block the block that it ends.
	Offset uint32
	Block  int
	// Table says that it is a br_table.
	Table bool
	// Outcomes are the blocks that it leads to, by index: those of an if or a br_if for the
	// condition zero and not zero, those of a br_table for each label, the default last. Return
	// stands for the end of the function.
	Outcomes []int
}

// Return is the outcome of a branch that leaves the function.
const Return = -1

// Flows calls visit for each function that the module defines, in order, until visit returns false.
// With calls, a block ends at each call, too, since a call may never return. The flow is valid
// until visit returns. The error is a [*FormatError] or a [*FeatureError].
func (i *Info) Flows(calls bool, visit func(*Flow) bool) error {
	s := i.sec[secCode]
	if !s.present {
		return nil
	}
	r := walker{reader: i.reader(secCode), table: newOpcodes()}
	n := r.u32()
	whole := r.b
	sp := splitter{calls: calls}
	for k := range n {
		size := r.u32()
		if r.err == nil && uint64(size) > uint64(len(r.b)-r.pos) {
			r.fail("function body of %d bytes out of bounds", size)
		}
		if r.err != nil {
			return r.err
		}
		end := r.pos + int(size)
		r.b = whole[:end]
		if sp.split(&r, i.ImportedFuncs+k); r.err != nil {
			return r.err
		}
		if !visit(&sp.flow) {
			return nil
		}
		r.b, r.pos = whole, end
	}
	return nil
}

// splitter splits functions into blocks, one after the other.
type splitter struct {
	flow   Flow
	calls  bool // calls end blocks
	frames []splitFrame
	cur    int // the block that the walk is in; dead in code that nothing reaches
	loops  int // around the walk
}

// splitFrame is a block instruction around the walk.
type splitFrame struct {
	op      byte
	live    bool // it is reached
	header  int  // of a loop: the block that it begins with
	target  bool // something branches to the end
	apart   bool // so does an exception, or a branch on a reference
	ways    []int
	answers []outcome
	ifs     int // of an if whose else has not come: its branch; none otherwise
}

// outcome is one of a branch whose block is not known yet.
type outcome struct{ branch, index int }

const none = -1

// split sets the flow to that of the function whose body begins where w is, and ends with its
// bytes.
func (s *splitter) split(w *walker, fn uint32) {
	f := &s.flow
	f.Func, f.Offset, f.End = fn, uint32(w.pos), uint32(len(w.b))
	f.Blocks, f.Branches, f.Ways = f.Blocks[:0], f.Branches[:0], f.Ways[:0]
	f.Catches, s.loops = false, 0
	for range w.count("locals") {
		w.u32()
		w.valType()
	}
	s.frames = append(s.frames[:0], splitFrame{op: 0x02, live: true, ifs: none})
	s.begin(w.pos, true)
	w.restart()
	for len(s.frames) > 0 {
		if !w.next() {
			w.fail("function body without end")
			return
		}
		s.step(w)
	}
	if w.pos != len(w.b) {
		w.fail("function body ends early")
	}
}

// begin begins a block.
func (s *splitter) begin(at int, apart bool) {
	s.cur = len(s.flow.Blocks)
	s.flow.Blocks = append(s.flow.Blocks, Block{
		Offset: uint32(at), First: uint32(at), End: uint32(at), Apart: apart, Loops: s.loops,
	})
}

// follow begins a block that follows the one that the walk is in.
func (s *splitter) follow(at int) {
	if from := s.cur; from != dead {
		s.begin(at, false)
		s.flow.Ways = append(s.flow.Ways, [2]int{from, s.cur})
	}
}

// step goes on over the instruction that w has read.
func (s *splitter) step(w *walker) {
	if s.cur != dead {
		b := &s.flow.Blocks[s.cur]
		switch {
		case w.imm == immBlock && w.op == 0x02, w.imm == immLoop, w.imm == immElse,
			w.imm == immEnd, w.imm == immTryTable, w.op == 0x01:
		default:
			if b.Instructions == 0 {
				b.First = uint32(w.at)
			}
			b.Instructions++
			b.End = uint32(w.pos)
			b.Traps = w.op == 0x00
			b.Stops = b.Stops || mayTrap(w.op, w.imm)
		}
	}
	switch w.imm {
	case immBlock, immLoop, immTryTable:
		s.push(w)
	case immElse:
		s.otherwise(w)
	case immEnd:
		s.pop(w)
	case immBranch, immBrTable:
		s.branch(w)
	case immCall, immCallOther, immCallOther2:
		s.call(w)
	}
	switch w.op {
	case 0x00, 0x08, 0x0a, 0x0f, 0x12, 0x13, 0x15: // unreachable, throw, return and its calls
		s.cur = dead
	}
}

func (s *splitter) push(w *walker) {
	f := splitFrame{op: w.op, live: s.cur != dead, ifs: none}
	if w.imm == immLoop {
		s.loops++
	}
	switch {
	case !f.live:
	case w.imm == immLoop:
		s.follow(w.pos)
		f.header = s.cur
	case w.op == 0x04:
		f.ifs = len(s.flow.Branches)
		s.flow.Branches = append(s.flow.Branches, Branch{
			Offset: uint32(w.at), Block: s.cur, Outcomes: []int{Return, Return},
		})
		s.begin(w.pos, false)
		s.flow.Branches[f.ifs].Outcomes[1] = s.cur
	case w.imm == immTryTable:
		r := reader{b: w.b[:w.pos], pos: w.immAt}
		r.blockType()
		for range r.u32() {
			if r.byte() < 2 {
				r.u32() // the tag
			}
			s.reach(r.u32())
			s.flow.Catches = true
		}
	}
	s.frames = append(s.frames, f)
}

// reach notes that something leads to a label that is not told by branches.
func (s *splitter) reach(label uint32) {
	f := s.frame(label)
	switch {
	case f == nil:
	case f.op == 0x03:
		s.flow.Blocks[f.header].Apart = true
	default:
		f.target, f.apart = true, true
	}
}

// frame returns that of a label; nil if there is none, which the engine refuses.
func (s *splitter) frame(label uint32) *splitFrame {
	if uint64(label) >= uint64(len(s.frames)) {
		return nil
	}
	return &s.frames[len(s.frames)-1-int(label)]
}

// otherwise goes on with the else of an if.
func (s *splitter) otherwise(w *walker) {
	f := &s.frames[len(s.frames)-1]
	if s.cur != dead {
		f.ways = append(f.ways, s.cur)
		f.target = true
	}
	s.cur = dead
	if f.ifs == none {
		return
	}
	s.begin(w.pos, false)
	s.flow.Branches[f.ifs].Outcomes[0] = s.cur
	f.ifs = none
}

func (s *splitter) pop(w *walker) {
	last := len(s.frames) - 1
	f := s.frames[last]
	s.frames = s.frames[:last]
	if f.op == 0x03 {
		s.loops--
	}
	if f.ifs != none {
		f.answers = append(f.answers, outcome{f.ifs, 0})
		f.target = true
	}
	if !f.target || last == 0 {
		return // outcomes that lead to the end of the function are Return already
	}
	from := s.cur
	s.begin(w.pos, f.apart)
	if from != dead {
		f.ways = append(f.ways, from)
	}
	for _, b := range f.ways {
		s.flow.Ways = append(s.flow.Ways, [2]int{b, s.cur})
	}
	for _, o := range f.answers {
		s.flow.Branches[o.branch].Outcomes[o.index] = s.cur
	}
}

// branch adds what the branch that w has read leads to.
func (s *splitter) branch(w *walker) {
	if s.cur == dead {
		return
	}
	n := len(s.flow.Branches)
	switch {
	case w.op == 0x0c:
		if f := s.frame(w.arg); f != nil && f.op == 0x03 {
			s.flow.Ways = append(s.flow.Ways, [2]int{s.cur, f.header})
		} else if f != nil {
			f.target, f.ways = true, append(f.ways, s.cur)
		}
		s.cur = dead
	case w.op == 0x0d:
		s.flow.Branches = append(s.flow.Branches, Branch{
			Offset: uint32(w.at), Block: s.cur, Outcomes: []int{Return, Return},
		})
		s.lead(w.arg, n, 1)
		s.begin(w.pos, false)
		s.flow.Branches[n].Outcomes[0] = s.cur
	case w.imm == immBrTable:
		r := reader{b: w.b[:w.pos], pos: w.immAt}
		count := int(r.u32()) + 1
		s.flow.Branches = append(s.flow.Branches, Branch{
			Offset: uint32(w.at), Block: s.cur, Table: true,
			Outcomes: slices.Repeat([]int{Return}, count),
		})
		for i := range count {
			s.lead(r.u32(), n, i)
		}
		s.cur = dead
	default: // br_on_null, br_on_non_null
		s.reach(w.arg)
		s.begin(w.pos, true)
	}
}

// lead sets an outcome of a branch to a label.
func (s *splitter) lead(label uint32, branch, index int) {
	switch f := s.frame(label); {
	case f == nil:
	case f.op == 0x03:
		s.flow.Branches[branch].Outcomes[index] = f.header
	default:
		f.target, f.answers = true, append(f.answers, outcome{branch, index})
	}
}

// call ends the block with a call, unless what follows never runs or does nothing.
func (s *splitter) call(w *walker) {
	tail := w.op == 0x12 || w.op == 0x13 || w.op == 0x15
	if !s.calls || s.cur == dead || tail || w.pos >= len(w.b) {
		return
	}
	next := w.b[w.pos]
	if next == 0x00 || next == 0x0b && len(s.frames) == 1 { // unreachable; the function's end
		return
	}
	s.flow.Blocks[s.cur].Calls = true
	s.begin(w.pos, true)
}
