package corewasm

import "math/bits"

// Safepoints count in two places, because a counter in a global costs a load
// and a store at each step, and one in a local next to nothing.
//
// A loop header counts in a local, $t, and every batch-th time takes the batch
// off the global $n; a loop in a function that is left early is not accounted
// for, so the entry of a function weighs more when it has loops.
//
//	loop header:     local.get $t  i32.const 1  i32.add  local.tee $t
//	                 i32.const batch-1  i32.and  i32.eqz  if  call $step  end
//	function entry:  global.get $n  i32.const weight  i32.sub  local.tee $t  global.set $n
//	                 local.get $t  i32.const 0  i32.le_s  if  call $step  end
//	bulk, before:    local.tee $u  global.get $n  local.get $u  i32.const shift  i32.shr_u
//	                 i32.sub  i32.const 1  i32.sub  global.set $n
//	                 global.get $n  i32.const 0  i32.le_s  if  call $step  end
//	$step:           global.get $n  i32.const batch  i32.sub  global.set $n
//	                 global.get $n  i32.const 0  i32.le_s
//	                 if  call $host  i32.const period  global.set $n  end
//
// With the default period a function entry with loops and a batch of
// iterations both come to some microseconds at most, so that a call of the
// host is never farther away than a few milliseconds of ordinary code.
type safepoints struct {
	counter uint32 // index of the global $n
	host    uint32 // index of the imported function
	step    uint32 // index of $step
	period  int32
	batch   int32 // a power of two

	loop  []byte // scratch
	entry []byte
	bulk  []byte
}

// bulkShift makes a count of what an instruction fills or copies, in bytes or
// elements: as much as takes the time of a count elsewhere, or less.
const bulkShift = 10

// loopWeight is what the entry of a function with loops counts.
const loopWeight = 16

func newSafepoints(period uint32) *safepoints {
	batch := int32(1)
	if period >= 64 {
		batch = 1 << (bits.Len32(period/32) - 1)
	}
	return &safepoints{period: int32(period), batch: batch}
}

// loopCode gives the code for loop headers, valid until the next call.
func (s *safepoints) loopCode(local uint32) []byte {
	p := appendU32(append(s.loop[:0], 0x20), local)
	p = append(p, 0x41, 1, 0x6a, 0x22)
	p = appendU32(p, local)
	p = appendS32(append(p, 0x41), s.batch-1)
	p = append(p, 0x71, 0x45, 0x04, 0x40, 0x10)
	p = append(appendU32(p, s.step), 0x0b)
	s.loop = p
	return p
}

// entryCode gives the code for function entries, valid until the next call.
func (s *safepoints) entryCode(local uint32, loops bool) []byte {
	weight := int32(1)
	if loops {
		weight = min(loopWeight, s.batch)
	}
	p := appendU32(append(s.entry[:0], 0x23), s.counter)
	p = append(appendS32(append(p, 0x41), weight), 0x6b, 0x22)
	p = append(appendU32(p, local), 0x24)
	p = append(appendU32(p, s.counter), 0x20)
	p = append(appendU32(p, local), 0x41, 0, 0x4c, 0x04, 0x40, 0x10)
	p = append(appendU32(p, s.step), 0x0b)
	s.entry = p
	return p
}

// bulkCode gives the code that goes before an instruction that fills or copies
// as much as the number on top of the stack says, valid until the next call.
func (s *safepoints) bulkCode(local uint32) []byte {
	p := appendU32(append(s.bulk[:0], 0x22), local)
	p = appendU32(append(p, 0x23), s.counter)
	p = appendU32(append(p, 0x20), local)
	p = append(p, 0x41, bulkShift, 0x76, 0x6b, 0x41, 1, 0x6b, 0x24)
	p = appendU32(append(appendU32(p, s.counter), 0x23), s.counter)
	p = appendU32(append(p, 0x41, 0, 0x4c, 0x04, 0x40, 0x10), s.step)
	s.bulk = append(p, 0x0b)
	return s.bulk
}

// appendStep appends the body of $step with its size.
func (s *safepoints) appendStep(dst []byte) []byte {
	p := appendU32([]byte{0, 0x23}, s.counter)
	p = append(appendS32(append(p, 0x41), s.batch), 0x6b, 0x24)
	p = append(appendU32(p, s.counter), 0x23)
	p = append(appendU32(p, s.counter), 0x41, 0, 0x4c, 0x04, 0x40, 0x10)
	p = appendS32(append(appendU32(p, s.host), 0x41), s.period)
	p = append(appendU32(append(p, 0x24), s.counter), 0x0b, 0x0b)
	return append(appendU32(dst, uint32(len(p))), p...)
}
