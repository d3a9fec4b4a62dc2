package corewasm

import (
	"cmp"
	"slices"
)

// The engine compiles functions in their order, several at once, and for each one goes over a table
// that is as long as the longest function needed so far. So in a large module long functions come
// last. The longest of them comes first, so that what is compiled at the end, when processors run
// out of functions, is short.

const (
	// orderedCode is from how many bytes of code on functions get another order.
	orderedCode = 1 << 20
	// longFunction is how many bytes a function has that comes last.
	longFunction = 4 << 10
)

// sizes returns the size of each function, in bytes; nil if the code section is malformed.
func (i *Info) sizes() []uint32 {
	r := i.reader(secCode)
	n := r.count("code section")
	list := make([]uint32, 0, min(n, maxReserved))
	for range n {
		size := r.u32()
		if r.bytes(size); r.err != nil {
			return nil
		}
		list = append(list, size)
	}
	return list
}

// order returns the functions of the module in their new order; nil if that is the old one. What
// counts places in the code needs the old one.
func (w *rewriter) order() []uint32 {
	if w.info.CodeSize() < orderedCode || w.opt.Lines || w.opt.Coverage != "" ||
		w.opt.Instructions != "" {
		return nil
	}
	var short, long []uint32
	sizes := w.info.sizes()
	for f, size := range sizes {
		if size < longFunction {
			short = append(short, uint32(f))
		} else {
			long = append(long, uint32(f))
		}
	}
	slices.SortStableFunc(long, func(a, b uint32) int { return cmp.Compare(sizes[b], sizes[a]) })
	return append(short, long...)
}

// setOrder chooses the order of the functions.
func (w *rewriter) setOrder() {
	w.out.order = w.order()
	w.places = make([]uint32, len(w.out.order))
	for at, f := range w.out.order {
		w.places[f] = uint32(at)
	}
}

// function translates a function index of the original.
func (w *rewriter) function(index uint32) uint32 {
	if index < w.info.ImportedFuncs {
		return index
	}
	if own := index - w.info.ImportedFuncs; uint64(own) < uint64(len(w.places)) {
		index = w.info.ImportedFuncs + w.places[own]
	}
	return index + w.out.shift
}

// funcTypes returns the types of the functions in the new order.
func (w *rewriter) funcTypes() []uint32 {
	if w.out.order == nil {
		return w.info.Funcs
	}
	list := make([]uint32, len(w.out.order))
	for at, f := range w.out.order {
		list[at] = w.info.Funcs[f]
	}
	return list
}

// ordered returns the functions of all chunks in the new order.
func (w *rewriter) ordered(chunks []chunk) [][]byte {
	old := make([][]byte, 0, len(w.info.Funcs))
	for i := range chunks {
		begin := 0
		for _, end := range chunks[i].ends {
			old = append(old, chunks[i].out[begin:end])
			begin = end
		}
	}
	list := make([][]byte, len(old))
	for at, f := range w.out.order {
		list[at] = old[f]
	}
	return list
}
