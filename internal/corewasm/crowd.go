package corewasm

// The engine gives registers to values in the order in which they are computed, and a loop begins
// with those that are in use before it: if that is all of them, what the loop counts with and goes
// over is on the stack, and each pass loads what it found in registers and does not need. A call
// leaves few registers in use. So an innermost loop without calls is preceded by a call that is
// never made, if many locals have values that are read after the loop and not in it:
//
//	i32.const 0  if  call $refill  end  loop  …
//
// The engine goes on with the registers that are in use behind the call.

const (
	// crowdAround is how many locals must have values that a loop does not need but what comes
	// after it, and crowdAll how many there must be with those that it needs: there are 14
	// registers.
	crowdAround = 6
	crowdAll    = 14
	// crowdSize is the size of the code of a loop, in bytes, below which a pass has little to load:
	// loops of few passes would take longer.
	crowdSize = 100
)

// crowds finds the loops of a function that are to begin with few registers in use.
type crowds struct {
	wanted bool
	last   []int    // the place of the last access to each local so far, 0: none
	seen   []uint32 // locals that have been accessed
	blocks []int    // around the walk: the index of a loop in open, else -1
	open   []crowdLoop
	found  []crowdLoop
	around []uint32 // locals that found loops do not access
	tried  int
}

// crowdLoop is a loop.
type crowdLoop struct {
	at, end int
	own     int    // how many locals it accesses
	around  [2]int // which of crowds.around were accessed before it
	full    bool   // there are loops or calls in it
}

// reset begins with a function that has so many locals.
func (c *crowds) reset(locals uint32) {
	if !c.wanted {
		return
	}
	c.last = append(c.last[:0], make([]int, locals)...)
	c.seen, c.blocks, c.tried = c.seen[:0], append(c.blocks[:0], -1), 0
	c.open, c.found, c.around = c.open[:0], c.found[:0], c.around[:0]
}

// access notes an access to a local.
func (c *crowds) access(local uint32, at int) {
	if !c.wanted {
		return
	}
	if c.last[local] == 0 {
		c.seen = append(c.seen, local)
	}
	c.last[local] = at
}

// step follows the instruction that w has read.
func (c *crowds) step(w *walker) {
	if !c.wanted {
		return
	}
	switch w.imm {
	case immBlock, immTryTable:
		c.blocks = append(c.blocks, -1)
	case immLoop:
		c.fill()
		c.blocks = append(c.blocks, len(c.open))
		c.open = append(c.open, crowdLoop{at: w.at})
	case immCall, immCallOther, immCallOther2:
		c.fill()
	case immEnd:
		n := len(c.blocks) - 1
		if n < 0 {
			return // of more than the function
		}
		if loop := c.blocks[n]; loop >= 0 {
			c.leave(c.open[loop], w.at)
			c.open = c.open[:loop]
		}
		c.blocks = c.blocks[:n]
	}
}

// fill notes that there is a loop or a call in the innermost loop.
func (c *crowds) fill() {
	if n := len(c.open); n > 0 {
		c.open[n-1].full = true
	}
}

// leave ends a loop.
func (c *crowds) leave(l crowdLoop, at int) {
	if l.full || at-l.at < crowdSize || c.tried == manyBlocks || len(c.seen) < crowdAll {
		return
	}
	c.tried++
	before := len(c.around)
	for _, local := range c.seen {
		if c.last[local] < l.at {
			c.around = append(c.around, local)
		}
	}
	l.end, l.own, l.around = at, len(c.seen)-(len(c.around)-before), [2]int{before, len(c.around)}
	if len(c.around)-before < crowdAround {
		c.around = c.around[:before]
		return
	}
	c.found = append(c.found, l)
}

// edits appends those for the loops of the function that has ended.
func (c *crowds) edits(edits []edit) []edit {
	for _, l := range c.found {
		around := 0
		for _, local := range c.around[l.around[0]:l.around[1]] {
			if c.last[local] > l.end {
				around++
			}
		}
		if around >= crowdAround && around+l.own >= crowdAll {
			edits = append(edits, edit{at: l.at, kind: editClear})
		}
	}
	return edits
}
