package corewasm

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// chunkBytes is how much code is rewritten on one processor before it looks for more, about.
const chunkBytes = 64 << 10

// chunk is a run of functions that is rewritten beside others. What it depends on of those before
// it was found out by the walk for the call graph.
type chunk struct {
	first, functions uint32 // of those that the module defines
	from, size       int    // where they begin in the section, and their size
	loops            int    // the number of its first loop, of all in the module

	out  []byte    // the functions as the new section has them
	ends []int     // of each one in out
	rows []lineRow // of the line table, as if the section began with out
	err  error
}

// chunks returns the runs of functions that the code section consists of. Where it is malformed,
// all that is left is one of them. The number of functions has been checked.
func (w *rewriter) chunks() []chunk {
	r := w.info.reader(secCode)
	n := r.u32()
	list := []chunk{{from: r.pos}}
	for fn := range n {
		c := &list[len(list)-1]
		at := r.pos
		if size := r.u32(); r.err == nil {
			r.bytes(size)
		}
		if r.err != nil {
			c.functions = n - c.first
			return list
		}
		if c.functions > 0 && r.pos-c.from > chunkBytes {
			list = append(list, chunk{first: fn, from: at})
			c = &list[len(list)-1]
		}
		c.functions++
		c.size = r.pos - c.from
	}
	return list
}

// workers returns on how many processors chunks are rewritten. What goes from one function to the
// next, beside what the call graph says, keeps them in order.
func (w *rewriter) workers() int {
	if len(w.probers) > 0 || w.oneByOne {
		return 1
	}
	if w.opt.Workers > 0 {
		return w.opt.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// spread calls f with each number below n, on so many goroutines; each begins with what start
// returns.
func spread(n, workers int, start func() (f func(i int))) {
	var next atomic.Int64
	work := func() {
		f := start()
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	var beside sync.WaitGroup
	for range min(workers, n) - 1 {
		beside.Go(work)
	}
	work()
	beside.Wait()
}

// rewriteChunk rewrites the functions of a chunk; the last one ends with the section.
func (b *bodyRewriter) rewriteChunk(c *chunk, last bool) {
	s := b.w.info.sec[secCode].content
	b.reader = b.w.info.reader(secCode)
	b.pos, b.loops, b.to = c.from, c.loops, c
	c.out = make([]byte, 0, c.size+c.size/4+64)
	for i := range c.functions {
		size := b.u32()
		end := b.pos + int(size)
		if b.err == nil && uint64(size) > uint64(len(s)-b.pos) {
			b.fail("function body of %d bytes out of bounds", size)
		}
		if b.err == nil {
			c.out = b.body(c.out, c.first+i, end)
			c.ends = append(c.ends, len(c.out))
		}
		if b.err != nil {
			c.err = b.err
			return
		}
	}
	if last && b.pos != len(s) {
		b.fail("code section has %d bytes too many", len(s)-b.pos)
		c.err = b.err
	}
}

// join adds what the functions of another part of the code are like.
func (f *CodeFacts) join(g CodeFacts) {
	f.WritesTables = f.WritesTables || g.WritesTables
	f.UsesSegments = f.UsesSegments || g.UsesSegments
	f.DropsSegments = f.DropsSegments || g.DropsSegments
	f.GrowsMemory = f.GrowsMemory || g.GrowsMemory
	f.MakesRefs = f.MakesRefs || g.MakesRefs
	f.Loops += g.Loops
	f.Calls += g.Calls
	if g.Blocks > f.Blocks || g.Blocks == f.Blocks && g.Largest < f.Largest {
		f.Blocks, f.Largest = g.Blocks, g.Largest
	}
}
