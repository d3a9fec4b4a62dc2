package corewasm

// The engine copies with a function of Go's, which may overwrite all registers: each function with
// a memory.copy or memory.fill in it saves eight of 16 bytes when it is entered. A fill calls Go's
// function for one byte, then for 1, 2, 4 and so on. So what stands for such an instruction is a
// function that handles few bytes by loads and stores, and has another one do more:
//
//	a range of 5 bytes is two accesses of 4 bytes, one of 40 bytes four of 16,
//	half of them from its beginning on, the others up to its end
//
// All is loaded before anything is stored, and before anything is stored the bounds of all that
// will be are checked: by loads whose values nobody uses. If both ends of a range are within bounds
// all of it is: its end has not passed that of 32 bits, or the range would begin in the last 64 KiB
// of what they can address, where no memory is.

const (
	// smallCopy and smallFill are how many bytes are copied and filled without the other function.
	smallCopy = 128
	smallFill = bulkSmall
)

// width is the size of an access, in bytes, with its instructions.
type width struct {
	bytes       int32
	load, store []byte
}

var (
	wide1  = width{1, []byte{0x2d, 0}, []byte{0x3a, 0}}
	wide2  = width{2, []byte{0x2f, 0}, []byte{0x3b, 0}}
	wide4  = width{4, []byte{0x28, 0}, []byte{0x36, 0}}
	wide8  = width{8, []byte{0x29, 0}, []byte{0x37, 0}}
	wide16 = width{16, []byte{0xfd, 0, 0}, []byte{0xfd, 11, 0}}
)

// Locals of the functions; smallFrom is also the value of a fill.
const (
	smallTo, smallFrom, smallSize = 0, 1, 2
	smallToEnd                    = 3
	smallFromEnd, smallVector     = 4, 4
)

// smaller appends code for sizes below a number, after which the function returns.
func (a asm) smaller(number int32, code asm) asm {
	return a.get(smallSize).i32(number).op(0x49, 0x04, 0x40).op(code...).op(0x0f, 0x0b)
}

// from appends a load.
func (w width) from(a asm, local uint32, offset int32) asm {
	return a.get(local).op(w.load...).u32(uint32(offset))
}

// to appends a store of what is on the stack, at an address below it.
func (w width) to(a asm, offset int32) asm { return a.op(w.store...).u32(uint32(offset)) }

// check appends a check of the bounds of n accesses from an address on.
func (w width) check(a asm, local uint32, n int32) asm {
	return w.from(a, local, w.bytes*(n-1)).op(0x1a)
}

// last appends what sets a local to where the last n accesses of a range begin.
func (w width) last(a asm, local, begin uint32, n int32) asm {
	return a.get(begin).get(smallSize).op(0x6a).i32(w.bytes * n).op(0x6b).set(local)
}

// addSmallCopy adds the function for memory.copy; rest handles all sizes.
func (s *safepoints) addSmallCopy(typ, rest uint32) uint32 {
	copies := func(w width, n int32) asm {
		a := w.last(w.last(nil, smallToEnd, smallTo, n), smallFromEnd, smallFrom, n)
		a = w.check(w.check(a, smallTo, n), smallToEnd, n)
		if n > 1 {
			a = w.check(w.check(a, smallFrom, n), smallFromEnd, n)
		}
		for i := range n {
			a = w.from(a.get(smallTo), smallFrom, w.bytes*i)
			a = w.from(a.get(smallToEnd), smallFromEnd, w.bytes*i)
		}
		for i := range n {
			at := w.bytes * (n - 1 - i)
			a = w.to(w.to(a, at), at)
		}
		return a
	}
	all := asm{}.get(smallTo).get(smallFrom).get(smallSize).op(0x10).u32(rest)
	one := wide1.to(wide1.from(asm{}.get(smallTo), smallFrom, 0), 0)
	few := asm{}.smaller(2, asm{}.smaller(1, all).op(one...)).smaller(4, copies(wide2, 1)).
		smaller(8, copies(wide4, 1)).op(copies(wide8, 1)...)
	a := asm{}.smaller(17, few).
		smaller(33, copies(wide16, 1)).smaller(65, copies(wide16, 2)).
		smaller(smallCopy+1, copies(wide16, 4))
	return s.add(typ, []ValType{I32, I32}, append(a, all...))
}

// addSmallFill adds the function for memory.fill; rest handles all sizes.
func (s *safepoints) addSmallFill(typ, rest uint32) uint32 {
	vector := asm{}.get(smallVector)
	lane := func(extract byte) asm { return asm{}.get(smallVector).op(0xfd, extract, 0) }
	fills := func(w width, value asm) asm {
		a := w.check(w.check(w.last(nil, smallToEnd, smallTo, 1), smallTo, 1), smallToEnd, 1)
		a = w.to(a.get(smallTo).op(value...), 0)
		return w.to(a.get(smallToEnd).op(value...), 0)
	}
	pair := func(a asm, local uint32) asm {
		w := wide16
		return w.to(w.to(a.get(local).op(vector...), w.bytes).get(local).op(vector...), 0)
	}
	pairs := wide16.check(wide16.last(nil, smallToEnd, smallTo, 2), smallToEnd, 2)
	pairs = pair(pairs.op(0x03, 0x40), smallTo).get(smallTo).i32(2*wide16.bytes).op(0x6a, 0x22).
		u32(smallTo).get(smallToEnd).op(0x49, 0x0d, 0, 0x0b)
	pairs = pair(pairs, smallToEnd)

	all := asm{}.get(smallTo).get(smallFrom).get(smallSize).op(0x10).u32(rest)
	splat := asm{}.get(smallFrom).op(0xfd, 0x0f).set(smallVector)
	one := wide1.to(asm{}.get(smallTo).get(smallFrom), 0)
	few := asm{}.smaller(2, asm{}.smaller(1, all).op(one...)).op(splat...).
		smaller(4, fills(wide2, lane(0x19))).smaller(8, fills(wide4, lane(0x1b))).
		op(fills(wide8, lane(0x1d))...)
	a := asm{}.smaller(17, few).smaller(smallFill+1, asm{}.op(splat...).
		smaller(33, fills(wide16, vector)).op(pairs...))
	return s.add(typ, []ValType{I32, V128}, append(a, all...))
}
