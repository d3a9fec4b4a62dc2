package corewasm

import (
	"math/bits"
	"slices"
)

// Safepoints count what guest code does, and call the host now and then. A count is the cost of
// about one plain instruction of a processor.
//
// The global $n holds what is left until the next call of the host. Counting
// there costs a load and a store, so loops count their passes in a local, $t, first,
// and take as much off $n as a number of the dearest of them costs whenever $t is a
// multiple of that number, a power of two. What has not been taken off when the
// function is left goes uncounted. But $t begins anywhere, so that it is right on the
// average, and entering a function with loops costs a part of it.
//
//	function entry:  global.get $n  i32.const W  i32.sub  local.tee $t  global.set $n
//	                 local.get $t  i32.const 0  i32.gt_s  if  else  call $refill  end
//	or:              the first line, if there are loops, or nothing, see callGraph
//	loop:            loop  local.get $t  i32.const 1  i32.add  local.tee $t
//	                   i32.const passes-1  i32.and  i32.const 0  i32.ne
//	                   if  …  else  i32.const W*passes  call $tick  br $loop  end
//	                 end
//	or:              loop  i32.const W  call $tick  …  end
//	try_table:       call $refill  before it
//	bulk:            call of a function that does the same in pieces
//
// W is what the code costs that is run because of the entry or the pass, see costs.
//
// What a loop does is in the first arm of an if, and the second one goes back: the engine gives the
// code after an if the registers that are in use at the end of the arm that comes first, and a call
// leaves few of them.
//
// The engine compiles a function in time that grows with the square of its basic
// blocks, so in one with very many loops the headers of those after the first call
// $tick, which adds none, and takes longer when it runs. Others are of a few
// kinds, each with a local of its own, so that a dear loop does not have the cheap ones
// call often.
//
// A try_table calls the host each time: the engine copies the whole stack for it,
// which only the host can see the size of, and forgets what locals were set to
// when it catches, $t included.
type safepoints struct {
	counter uint32 // index of the global $n
	host    uint32 // index of the imported function
	first   uint32 // index of the first function added
	period  int32
	added   []function
	bulk    map[string]uint32 // functions for instructions, by their code
}

// function is one that rewriting adds to the module.
type function struct {
	typ  uint32
	body []byte // with locals and end
}

const (
	// manyBlocks is from how many loops on a function counts by calls.
	manyBlocks = 256
	maxPasses  = 2048
	// bulkSmall is up to how many bytes are not counted one by one.
	bulkSmall = 1 << 9
	// bulkPiece bounds what fills and copies write at once, in bytes.
	bulkPiece = 1 << 20
	// bulkShift makes counts of bytes.
	bulkShift = 2
)

// Indices of the functions that are always added.
const (
	addedRefill = iota
	addedTick
)

func newSafepoints(w *rewriter) *safepoints {
	s := &safepoints{
		period: int32(w.opt.Period),
		bulk:   map[string]uint32{},
	}
	i32 := []ValType{I32}
	w.hostType = w.addType(FuncType{Results: i32})
	s.host = w.info.ImportedFuncs + w.out.shift
	w.out.shift++
	s.first = w.info.ImportedFuncs + w.out.shift + uint32(len(w.info.Funcs))
	s.counter = w.global(w.info.space(KindGlobal))

	refill := asm{}.op(0x10).u32(s.host).op(0x24).u32(s.counter)
	s.add(w.addType(FuncType{}), nil, refill)
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
		i32(0).op(0x4a, 0x04, 0x40, 0x05, 0x10).u32(s.first + addedRefill).op(0x0b)
}

// weigh appends the counting of cost.
func (s *safepoints) weigh(a asm, cost int32, local uint32) asm {
	return s.spend(a.op(0x23).u32(s.counter).i32(cost).op(0x6b), local)
}

// take appends the counting of a small cost; what counts next calls the host, if need be.
func (s *safepoints) take(a asm, cost int32, local uint32) asm {
	return a.op(0x23).u32(s.counter).i32(cost).op(0x6b, 0x22).u32(local).op(0x24).u32(s.counter)
}

// header appends the code for the header of a loop, with room for what is not known yet. Unless it
// makes a call, it ends with the condition under which no call is due.
func (s *safepoints) header(a asm, calls bool) asm {
	if calls {
		return a.wide().op(0x10).u32(s.first + addedTick)
	}
	a = a.op(0x20).wideU32().i32(1).op(0x6a, 0x22).wideU32()
	return a.wide().op(0x71).i32(0).op(0x47)
}

// complete writes into the header of a loop what was not known yet.
func (s *safepoints) complete(code []byte, loop part, kinds []loopKind) {
	const (
		first  = 1
		second = first + wideSize + 4
		mask   = second + wideSize + 1
		end    = mask + wideSize + 4
	)
	header := code[loop.at:]
	k := kindOf(kinds, loop.most)
	if !loop.calls && k == nil {
		call := s.header(asm(header[:0]), true)
		for i := len(call); i < end; i++ {
			header[i] = 0x01 // nop
		}
		copy(header[end-2:end], asm{}.i32(1)) // the condition of the if
	}
	if loop.calls || k == nil {
		putWide(header[1:], loop.most)
		return
	}
	putU32(header[first:], k.local)
	putU32(header[second:], k.local)
	putWide(header[mask:], k.passes-1)
	putWide(code[loop.end+1:], k.most*k.passes)
}

// loopKind is a kind of loops of a function: those that cost about as much.
type loopKind struct {
	upTo   int32 // what one of the kind costs at most
	local  uint32
	most   int32 // what the dearest costs
	passes int32 // how many passes are counted together; a power of two, not 1
}

// loopKinds sorts the loops of a function into kinds, and returns those kinds that have loops, with
// locals from that one on. Loops whose headers only make calls are of no kind, nor are such as cost
// very much.
func (s *safepoints) loopKinds(loops []part, local uint32) []loopKind {
	kinds := []loopKind{{upTo: 1 << 6}, {upTo: 1 << 10}, {upTo: 1 << 14}}
	for _, l := range loops {
		if k := kindOf(kinds, l.most); k != nil && !l.calls {
			k.most = max(k.most, l.most)
		}
	}
	batch := s.period / 16
	kinds = slices.DeleteFunc(kinds, func(k loopKind) bool {
		return k.most == 0 || k.most > batch/2
	})
	for i := range kinds {
		k := &kinds[i]
		k.local = local + uint32(i)
		k.passes = min(maxPasses, int32(1)<<(bits.Len32(uint32(batch/k.most))-1))
	}
	return kinds
}

// kindOf returns the kind of a loop; nil if its header makes calls.
func kindOf(kinds []loopKind, cost int32) *loopKind {
	for i := range kinds {
		if cost <= kinds[i].upTo {
			return &kinds[i]
		}
	}
	return nil
}

// asm is code that is being written; its methods append and return the result.
type asm []byte

func (a asm) op(code ...byte) asm  { return append(a, code...) }
func (a asm) u32(v uint32) asm     { return appendU32(a, v) }
func (a asm) i32(v int32) asm      { return appendS32(append(a, 0x41), v) }
func (a asm) get(local uint32) asm { return appendU32(append(a, 0x20), local) }
func (a asm) set(local uint32) asm { return appendU32(append(a, 0x21), local) }

// wideSize is the size of a number that is written when it is known, later than what follows it.
const wideSize = countSize

// wide appends an i32.const for putWide to complete.
func (a asm) wide() asm { return a.op(0x41).wideU32() }

// wideU32 appends a number for putU32 to complete.
func (a asm) wideU32() asm { return append(a, 0x80, 0x80, 0x80, 0x80, 0) }

// putWide writes a number that is not negative into wideSize bytes, as a signed one.
func putWide(dst []byte, v int32) { putU32(dst, uint32(v)) }
