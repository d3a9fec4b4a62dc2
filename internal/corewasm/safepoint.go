package corewasm

// Safepoints count what guest code does, and call the host now and then. A
// count stands for about one plain instruction.
//
// The global $n holds what is left until the next call of the host. Counting
// there costs a load and a store, so loops count in a local, $t, first: a function
// with loops takes a batch off $n in advance, for $t to be spent by its loop
// headers, and one that has spent it takes another. So no work goes uncounted,
// however early a function is left; what was taken and not spent is lost.
//
//	function entry:  global.get $n  i32.const W  i32.sub  local.tee $t  global.set $n
//	                 local.get $t  i32.const 0  i32.le_s  if  call $refill  end
//	                 i32.const batch  local.set $t
//	loop header:     local.get $t  i32.const W  i32.sub  local.tee $t
//	                 i32.const 0  i32.le_s  if  local.get $t  call $step  local.set $t  end
//	or, of many:     i32.const W  call $tick
//	try_table:       call $host  before it
//	bulk:            call of a function that does the same in pieces
//
// W is what the code costs that is run because of the entry or the pass: that of
// the function outside of its loops, that of the loop outside of inner ones.
//
// The engine compiles the function in time that grows with the square of its
// basic blocks, so a function with very many loops has its headers call $tick,
// which adds none, and takes longer when it runs.
//
// A try_table calls the host each time: the engine copies the whole stack for it,
// which only the host can see the size of, and forgets what locals were set to
// when it catches, $t included.
type safepoints struct {
	counter uint32 // index of the global $n
	host    uint32 // index of the imported function
	first   uint32 // index of the first function added
	period  int32
	batch   int32
	added   []function
	bulk    map[string]uint32 // functions for instructions, by their code

	threeType uint32 // index of bulkType
}

// function is one that rewriting adds to the module.
type function struct {
	typ  uint32
	body []byte // with locals and end
}

// What things cost, in counts. An entry is not counted if the function calls
// nothing and costs no more than costLeaf, which calls cost for that reason. What
// is not here costs 1.
const (
	costLeaf   = 40
	costCall   = costLeaf
	costDivide = 16
	costRoot   = 8   // square roots and divisions of floats
	costAccess = 3   // loads and stores
	costGo     = 100 // what the engine does in Go, and what is like it
	costGrow   = 4096
	costBulk   = 32 // of instructions that fill and copy, beside their sizes
	maxCost    = 1 << 24
)

const (
	// manyBlocks is from how many loops or bulk instructions on a function counts by
	// calls.
	manyBlocks = 256
	maxBatch   = 512
	// bulkSmall is up to how many bytes are not counted one by one.
	bulkSmall = 1 << 10
	// bulkPiece bounds what fills and copies do at once, in bytes.
	bulkPiece = 1 << 20
	// bulkShift makes counts of bytes.
	bulkShift = 4
)

// Indices of the functions that are always added.
const (
	addedRefill = iota
	addedStep
	addedTick
)

func newSafepoints(w *rewriter) *safepoints {
	s := &safepoints{
		period: int32(w.opt.Period),
		batch:  int32(min(max(w.opt.Period/256, 1), maxBatch)),
		bulk:   map[string]uint32{},
	}
	i32 := []ValType{I32}
	w.voidType = w.addType(FuncType{})
	s.threeType = w.addType(bulkType())
	s.host = w.info.ImportedFuncs + w.out.shift
	w.out.shift++
	s.first = w.info.ImportedFuncs + w.out.shift + uint32(len(w.info.Funcs))
	s.counter = w.info.ImportedGlobals + uint32(len(w.info.Globals))

	refill := asm{}.op(0x10).u32(s.host).i32(s.period).op(0x24).u32(s.counter)
	s.add(w.voidType, nil, refill)
	step := asm{}.op(0x23).u32(s.counter).i32(s.batch).get(0).op(0x6b, 0x6b)
	s.add(w.addType(FuncType{i32, i32}), nil, s.spend(step, 0).i32(s.batch))
	tick := asm{}.op(0x23).u32(s.counter).get(0).op(0x6b)
	s.add(w.addType(FuncType{Params: i32}), nil, s.spend(tick, 0))
	return s
}

// add adds a function to the module.
func (s *safepoints) add(typ uint32, locals []ValType, code asm) (index uint32) {
	body := appendU32(nil, uint32(len(locals)))
	for _, l := range locals {
		body = append(body, 1, byte(l))
	}
	s.added = append(s.added, function{typ, append(append(body, code...), 0x0b)})
	return s.first + uint32(len(s.added)) - 1
}

// spend sets the counter to the number on top of the stack, by way of a local,
// and calls $refill if there is nothing left.
func (s *safepoints) spend(a asm, local uint32) asm {
	return a.op(0x22).u32(local).op(0x24).u32(s.counter).get(local).
		i32(0).op(0x4c, 0x04, 0x40, 0x10).u32(s.first + addedRefill).op(0x0b)
}

// weigh appends the counting of cost in a function that calls are not worth it.
func (s *safepoints) weigh(a asm, cost int32, local uint32) asm {
	return s.spend(a.op(0x23).u32(s.counter).i32(cost).op(0x6b), local)
}

// entry appends the code for the entry of a function.
func (s *safepoints) entry(a asm, cost int32, local uint32, batch bool) asm {
	if !batch {
		return s.weigh(a, cost, local)
	}
	return s.weigh(a, cost+s.batch, local).i32(s.batch).op(0x21).u32(local)
}

// header appends the code for the header of a loop.
func (s *safepoints) header(a asm, cost int32, local uint32, many bool) asm {
	if many {
		return a.i32(cost).op(0x10).u32(s.first + addedTick)
	}
	return a.get(local).i32(cost).op(0x6b, 0x22).u32(local).
		i32(0).op(0x4c, 0x04, 0x40).
		get(local).op(0x10).u32(s.first + addedStep).op(0x21).u32(local).op(0x0b)
}

// asm is code that is being written; its methods append and return the result.
type asm []byte

func (a asm) op(code ...byte) asm  { return append(a, code...) }
func (a asm) u32(v uint32) asm     { return appendU32(a, v) }
func (a asm) i32(v int32) asm      { return appendS32(append(a, 0x41), v) }
func (a asm) get(local uint32) asm { return appendU32(append(a, 0x20), local) }
func (a asm) set(local uint32) asm { return appendU32(append(a, 0x21), local) }

// cost is what an instruction adds to the code that it is in.
func cost(op byte, imm immediate) int32 {
	if op == 0xfc && imm != immNone {
		return costBulk + bulkSmall>>bulkShift
	}
	switch imm {
	case immCall, immCallOther, immCallOther2:
		return costCall
	case immMemArg, immMemArgLane:
		return costAccess
	case immRefFunc:
		return costGo
	}
	switch {
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82:
		return costDivide
	case op == 0x91, op == 0x95, op == 0x9f, op == 0xa3:
		return costRoot
	}
	return 1
}
