package corewasm

// Compilers that cannot express a jump otherwise, such as Go's, put the code of a function into a
// loop that begins with a br_table. A jump sets the local that this reads, and goes back to the
// loop:
//
//	loop  block  block  block
//	        local.get $x  br_table 0 1 2
//	      end  …  i32.const 2  local.set $x  br $loop
//	    end  …
//	  end  …
//	end
//
// Most jumps go forward, to the end of a block that they are in: these become branches to it.

// dispatch is a br_table at the beginning of a loop.
type dispatch struct {
	local uint32
	// inner is the index of the innermost frame around the br_table, and open that of the last one
	// of these frames that has been pushed.
	inner, open int
	labels      []uint32 // the default one last
}

// findDispatch reads the br_table at the beginning of the loop that w has read, whose frame has the
// index loop. It returns nil if there is none, or if w has branches go
// where they say.
func findDispatch(w *walker, loop int) *dispatch {
	if w.unthreaded {
		return nil
	}
	r := reader{b: w.b, pos: w.pos}
	inner := loop
	for r.pos+1 < len(r.b) && r.b[r.pos] == 0x02 && r.b[r.pos+1] == 0x40 {
		r.pos += 2
		inner++
	}
	if inner == loop || r.byte() != 0x20 {
		return nil
	}
	local := r.u32()
	if r.byte() != 0x0e {
		return nil
	}
	n := r.u32()
	if r.err != nil || uint64(n) > uint64(len(r.b)-r.pos) {
		return nil
	}
	labels := make([]uint32, n+1)
	for i := range labels {
		labels[i] = r.u32()
	}
	if r.err != nil {
		return nil
	}
	return &dispatch{local, inner, loop, labels}
}

// push adds the frame of a block, which it returns, if the block is one of those around the
// br_table.
func (d *dispatch) push() *dispatch {
	if d == nil || d.open == d.inner {
		return nil
	}
	d.open++
	return d
}

// thread returns the label that a branch comes to in the end, if it goes back to a loop that begins
// with a br_table, and was preceded by setting the local that this reads to a number.
func (b *bodyRewriter) thread(label uint32) uint32 {
	frames := b.costs.frames
	if uint64(label) >= uint64(len(frames)) {
		return label
	}
	loop := len(frames) - 1 - int(label)
	d := frames[loop].dispatch
	if frames[loop].op != 0x03 {
		return label
	}
	to := d.target(b.walker, loop)
	if to <= loop || to >= len(frames) || frames[to].dispatch != d {
		return label
	}
	return uint32(len(frames) - 1 - to)
}

// target returns the index of the frame that the br_table branches to if a branch goes back to its
// loop, of that index, where w is; the loop itself if the instructions before it do not say.
func (d *dispatch) target(w *walker, loop int) int {
	if d == nil || w.before < 0 || w.b[w.last] != 0x21 || w.b[w.before] != 0x41 {
		return loop
	}
	r := reader{b: w.b, pos: w.last + 1}
	if r.u32() != d.local {
		return loop
	}
	r.pos = w.before + 1
	index := uint64(uint32(r.sleb(32)))
	return d.inner - int(d.labels[min(index, uint64(len(d.labels)-1))])
}
