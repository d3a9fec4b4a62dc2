package corewasm

import "slices"

// callGraph says which functions count when they are entered. A call of one that does not is
// counted by its caller, with what the function costs.
//
// Guest code must not run for long without counting. Loops count, so what is left are functions
// that call each other in a circle, and those that do much without a loop. Each circle has a
// function that counts: one that calls what is not known here (an import, or a function in a table
// or a reference), or, in a circle of direct calls, one that the search comes back to. A function
// also counts if all that is written in it, outside of loops and with the functions that it calls,
// costs more than maxUncounted: code that is not run makes that too high, which only has the host
// called more often.
type callGraph struct {
	first uint32 // index of the first function that the module defines
	nodes []callNode
	calls []uint32 // of all functions, one after the other
	// straight says of all loops in the module, in order, whether no branch goes back to them.
	straight []bool
}

type callNode struct {
	calls  [2]int // which of callGraph.calls; where the search is, later
	cost   int32  // what is outside of loops costs, with calls, as far as that is not counted
	state  nodeState
	counts bool
	// lazy is set if a function that counts does so before the first call of one that reaches a
	// function that counts, instead of when it is entered: if it makes no such call, it is paid for
	// by its callers, as one that does not count.
	lazy    bool
	reaches bool // it counts, or calls functions in this module that may
	loops   bool // there are loops that branches go back to
	// exposed reports whether code that is not known can call it; that counts costCall.
	exposed bool
	// catches reports whether there is a try_table that catches something.
	catches bool
}

type nodeState byte

const (
	nodeNew nodeState = iota
	nodeOpen
	nodeDone
)

const (
	// maxUncounted bounds what a function costs that does not count.
	maxUncounted = 400
	// costKnown is what a call costs of a function that does not count, beside what it does.
	costKnown = 8
	// maxCost is when it does not matter any more how much a function costs.
	maxCost = 1 << 24
)

// newCallGraph walks through the code, and adds the functions for bulk instructions, whose order
// must not depend on which chunk comes first. Faults are left to the rewriting to find.
func newCallGraph(w *rewriter, chunks []chunk) *callGraph {
	info := w.info
	g := &callGraph{first: info.ImportedFuncs, nodes: make([]callNode, len(info.Funcs))}
	parts := make([]graphPart, len(chunks))
	table, p := newOpcodes(), newPlain(w)
	spread(len(chunks), w.workers(), func() func(int) {
		var in graphWalk
		return func(i int) {
			r := walker{reader: info.reader(secCode), table: table}
			r.unthreaded = len(w.probers) > 0
			parts[i].callGraph = callGraph{first: g.first, nodes: g.nodes}
			parts[i].walk(&chunks[i], &r, p, &in)
		}
	})
	for i := range parts {
		part, c := &parts[i], &chunks[i]
		c.loops = len(g.straight)
		for k := range c.functions {
			n := &g.nodes[c.first+k]
			n.calls[0] += len(g.calls)
			n.calls[1] += len(g.calls)
			w.oneByOne = w.oneByOne || n.catches // what stands for a try_table may add types
		}
		g.calls = append(g.calls, part.calls...)
		g.straight = append(g.straight, part.straight...)
		w.oneByOne = w.oneByOne || part.faulty
		for _, at := range part.bulks {
			r := walker{reader: info.reader(secCode), table: table}
			if r.pos = at; r.next() {
				w.bulk(&r)
			}
		}
		for _, f := range part.exposed {
			g.expose(f)
		}
	}
	if w.oneByOne && slices.ContainsFunc(parts, func(p graphPart) bool { return p.faulty }) {
		return g
	}
	g.taken(w)
	for i := range g.nodes {
		g.visit(uint32(i))
	}
	return g
}

// graphPart is what one chunk adds to the graph, of which it fills in its own nodes.
type graphPart struct {
	callGraph
	faulty  bool
	bulks   []int    // places of instructions that become calls
	exposed []uint32 // functions of which a reference is made
}

// walk walks through a chunk.
func (g *graphPart) walk(c *chunk, r *walker, p *plain, in *graphWalk) {
	g.calls = make([]uint32, 0, chunkBytes/64)
	whole := r.b
	r.pos = c.from
	for i := range c.functions {
		size := r.u32()
		if r.err != nil || uint64(size) > uint64(len(whole)-r.pos) {
			g.faulty = true
			return
		}
		n := &g.nodes[c.first+i]
		end := r.pos + int(size)
		r.b = whole[:end]
		for range r.count("locals") {
			n.cost = int32(min(uint64(n.cost)+uint64(r.u32()), maxCost))
			r.valType()
		}
		g.function(n, r, p, in)
		if r.err != nil || r.pos != end {
			g.faulty = true
			return
		}
		r.b = whole
	}
}

// graphFrame is a block.
type graphFrame struct {
	dispatch *dispatch
	loop     int // the index of a loop in graphWalk.loops, else -1
}

// graphLoop is a loop that the walk is in.
type graphLoop struct {
	number int   // of all in the module
	calls  int   // the first in callGraph.calls
	cost   int32 // of what is in it and in no loop in it
	again  bool  // a branch goes back to it
}

// graphWalk is what the walks through functions use one after the other.
type graphWalk struct {
	frames []graphFrame
	loops  []graphLoop
}

// function walks through one function.
func (g *graphPart) function(n *callNode, r *walker, p *plain, in *graphWalk) {
	n.calls[0] = len(g.calls)
	r.restart()
	in.frames, in.loops = append(in.frames[:0], graphFrame{loop: -1}), in.loops[:0]
	spend := func(cost int32) {
		to := &n.cost
		if len(in.loops) > 0 {
			to = &in.loops[len(in.loops)-1].cost
		}
		*to = min(*to+cost, maxCost)
	}
	for len(in.frames) > 0 {
		if p != nil {
			spend(p.skip(r, len(r.b)))
		}
		n.calls[1] = len(g.calls)
		if !r.next() {
			return // a fault, perhaps without an error: the code ends too early
		}
		c := cost(r.op, r.imm)
		switch r.imm {
		case immBlock, immTryTable:
			if r.imm == immTryTable {
				in.branch(r)
				n.catches = n.catches || r.arg > 0
			}
			f := graphFrame{loop: -1}
			if r.op == 0x02 {
				f.dispatch = in.frames[len(in.frames)-1].dispatch.push()
			}
			in.frames = append(in.frames, f)
		case immLoop:
			d := findDispatch(r, len(in.frames))
			in.frames = append(in.frames, graphFrame{d, len(in.loops)})
			in.loops = append(in.loops, graphLoop{number: len(g.straight), calls: len(g.calls)})
			g.straight = append(g.straight, false)
		case immBranch, immBrTable:
			in.branch(r)
		case immEnd:
			f := in.frames[len(in.frames)-1]
			in.frames = in.frames[:len(in.frames)-1]
			if f.loop >= 0 {
				l := in.loops[f.loop]
				in.loops = in.loops[:f.loop]
				g.leave(l)
				if n.loops = n.loops || l.again; !l.again {
					spend(l.cost)
				}
			}
		case immCall:
			if r.arg < g.first || uint64(r.arg-g.first) >= uint64(len(g.nodes)) {
				n.counts = true // the host, or a fault
				c = costKnown
			} else {
				g.calls = append(g.calls, r.arg-g.first)
				c = costKnown
			}
		case immCallOther, immCallOther2:
			n.counts = true
			c = costKnown
		case immRefFunc:
			g.exposed = append(g.exposed, r.arg)
		case immMemoryGrow:
			g.bulks = append(g.bulks, r.at)
		}
		if r.op == 0xfc {
			g.bulks = append(g.bulks, r.at)
		}
		spend(c)
	}
	n.calls[1] = len(g.calls)
}

// leave ends a loop.
func (g *callGraph) leave(l graphLoop) {
	if !l.again {
		g.straight[l.number] = true
		return
	}
	for i := range g.calls[l.calls:] {
		g.calls[l.calls+i] |= inLoopCall
	}
}

// branch marks the loops that the instruction that was read goes back to.
func (in *graphWalk) branch(r *walker) {
	labels := reader{b: r.b[:r.pos], pos: r.immAt}
	to := func(label uint32) {
		if uint64(label) >= uint64(len(in.frames)) {
			return // the engine refuses it
		}
		at := len(in.frames) - 1 - int(label)
		f := in.frames[at]
		if f.loop < 0 {
			return
		}
		if r.op == 0x0c {
			if t := f.dispatch.target(r, at); t > at && t < len(in.frames) &&
				in.frames[t].dispatch == f.dispatch {
				return
			}
		}
		in.loops[f.loop].again = true
	}
	switch r.imm {
	case immBranch:
		to(r.arg)
	case immBrTable:
		for range labels.u32() + 1 {
			to(labels.u32())
		}
	case immTryTable:
		labels.blockType()
		for range labels.u32() {
			if labels.byte() < 2 {
				labels.u32() // the tag
			}
			to(labels.u32())
		}
	}
}

// isStraight reports whether no branch goes back to a loop of that number, so that it is none.
func (g *callGraph) isStraight(loop int) bool {
	return g != nil && loop < len(g.straight) && g.straight[loop]
}

// inLoopCall marks calls in loops, which pay for them.
const inLoopCall = 1 << 31

// expose marks a function that code elsewhere can call, which counts costCall for it.
func (g *callGraph) expose(index uint32) {
	if own := index - g.first; index >= g.first && uint64(own) < uint64(len(g.nodes)) {
		g.nodes[own].exposed = true
	}
}

// taken exposes what the module exports, and what its sections refer to.
func (g *callGraph) taken(w *rewriter) {
	for _, e := range w.info.Exports {
		if e.Kind == KindFunc {
			g.expose(e.Index)
		}
	}
	e := &elemWriter{w: w, seen: g.expose}
	for _, expr := range w.info.globalExpr {
		r := reader{b: expr, pos: len(expr)}
		e.expr(&r, 0)
	}
	_, _ = w.exprsOf(secTable, e)
	if r := w.info.reader(secElement); len(r.b) > 0 {
		for range r.u32() {
			r.elemSegment(e)
		}
	}
}

// visit decides whether a function counts, after those that it calls.
func (g *callGraph) visit(root uint32) {
	if g.nodes[root].state != nodeNew {
		return
	}
	g.nodes[root].state = nodeOpen
	for path := []uint32{root}; len(path) > 0; {
		n := &g.nodes[path[len(path)-1]]
		if n.calls[0] == n.calls[1] {
			most := int32(maxUncounted)
			if n.exposed {
				most = costCall
			}
			n.lazy = n.counts && n.cost <= most && !n.loops
			n.counts = n.counts || n.cost > most
			n.reaches = n.reaches || n.counts
			n.state = nodeDone
			path = path[:len(path)-1]
			continue
		}
		call := g.calls[n.calls[0]]
		callee := &g.nodes[call&^inLoopCall]
		switch callee.state {
		case nodeNew:
			callee.state = nodeOpen
			path = append(path, call&^inLoopCall)
			continue // and come back to the call
		case nodeOpen:
			callee.counts, n.reaches = true, true
		case nodeDone:
			n.reaches = n.reaches || callee.reaches
			if call&inLoopCall == 0 && (!callee.counts || callee.lazy) {
				n.cost = min(n.cost+callee.cost, maxCost)
			}
		}
		n.calls[0]++
	}
}

// call returns what a call costs the caller.
func (g *callGraph) call(index uint32) int32 {
	if index < g.first || uint64(index-g.first) >= uint64(len(g.nodes)) {
		return costCall
	}
	n := &g.nodes[index-g.first]
	if n.counts && !n.lazy {
		return costKnown
	}
	return costKnown + n.cost
}

// reaches reports whether what a call comes to may call the caller again: if index is that of a
// function of the module, it reaches one that counts.
func (g *callGraph) reaches(index uint32) bool {
	return index < g.first || uint64(index-g.first) >= uint64(len(g.nodes)) ||
		g.nodes[index-g.first].reaches
}
