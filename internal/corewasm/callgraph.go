package corewasm

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
}

type callNode struct {
	calls  [2]int // which of callGraph.calls; where the search is, later
	cost   int32  // what is outside of loops costs, with calls, as far as that is not counted
	state  nodeState
	counts bool
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

// newCallGraph walks through the code. Faults are left to the rewriting to find.
func newCallGraph(w *rewriter) *callGraph {
	info := w.info
	g := &callGraph{first: info.ImportedFuncs, nodes: make([]callNode, len(info.Funcs))}
	g.calls = make([]uint32, 0, info.CodeSize()/64)
	r := walker{reader: info.reader(secCode), table: newOpcodes()}
	whole, p := r.b, newPlain(w)
	var inLoop []bool
	for i := range r.u32() {
		size := r.u32()
		if r.err != nil || uint64(size) > uint64(len(whole)-r.pos) ||
			uint64(i) >= uint64(len(g.nodes)) {
			return g
		}
		n := &g.nodes[i]
		r.b = whole[:r.pos+int(size)]
		for range r.count("locals") {
			n.cost = int32(min(uint64(n.cost)+uint64(r.u32()), maxCost))
			r.valType()
		}
		inLoop = g.function(n, &r, p, append(inLoop[:0], false))
		if r.err != nil {
			return g
		}
		r.b = whole
	}
	g.taken(w)
	for i := range g.nodes {
		g.visit(uint32(i))
	}
	return g
}

// function walks through one function; inLoop says of each block around the code whether it is in a
// loop.
func (g *callGraph) function(n *callNode, r *walker, p *plain, inLoop []bool) []bool {
	n.calls[0] = len(g.calls)
	for len(inLoop) > 0 {
		loop := inLoop[len(inLoop)-1]
		if p != nil {
			if sum := p.skip(&r.reader); !loop {
				n.cost = min(n.cost+sum, maxCost)
			}
		}
		n.calls[1] = len(g.calls)
		if !r.next() {
			return inLoop // a fault, perhaps without an error: the code ends too early
		}
		c := cost(r.op, r.imm)
		switch r.imm {
		case immBlock, immTryTable:
			n.catches = n.catches || r.imm == immTryTable && r.arg > 0
			inLoop = append(inLoop, loop)
		case immLoop:
			inLoop = append(inLoop, true)
		case immEnd:
			inLoop = inLoop[:len(inLoop)-1]
		case immCall:
			if r.arg < g.first || uint64(r.arg-g.first) >= uint64(len(g.nodes)) {
				n.counts = true // the host, or a fault
			} else if callee := r.arg - g.first; loop {
				g.calls = append(g.calls, callee|inLoopCall)
			} else {
				g.calls = append(g.calls, callee)
				c = costKnown
			}
		case immCallOther, immCallOther2:
			n.counts = true
		case immRefFunc:
			if r.arg >= g.first {
				g.expose(r.arg)
			}
		}
		if !loop {
			n.cost = min(n.cost+c, maxCost)
		}
	}
	n.calls[1] = len(g.calls)
	return inLoop
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
			n.counts = n.counts || n.cost > most
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
			callee.counts = true
		case nodeDone:
			if call&inLoopCall == 0 && !callee.counts {
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
	if n.counts {
		return costKnown
	}
	return costKnown + n.cost
}
