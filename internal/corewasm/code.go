package corewasm

import "sync"

// code rewrites the code section, and returns its content in pieces; nil if there is none.
func (w *rewriter) code() ([][]byte, error) {
	s := w.info.sec[secCode]
	if !s.present {
		return nil, nil
	}
	chunks := w.chunks()
	table, effects, plain := newOpcodes(), newEffects(), newPlain(w)
	var graph *callGraph
	if w.safepoints != nil {
		graph = newCallGraph(w, chunks)
	}
	var mu sync.Mutex
	var all []*bodyRewriter
	spread(len(chunks), w.workers(), func() func(int) {
		b := &bodyRewriter{w: w, walker: &walker{table: table}, plain: plain,
			spare: len(s.content) >= manyBytes, stored: make([]bool, w.info.space(KindGlobal))}
		b.unthreaded = len(w.probers) > 0
		for _, p := range w.probers {
			b.probes = append(b.probes, probing{prober: p})
		}
		b.addresses = addresses{walker: &walker{table: table}, effects: effects, known: w.known}
		b.addresses.crowds.wanted = w.safepoints != nil
		b.costs.graph = graph
		mu.Lock()
		all = append(all, b)
		mu.Unlock()
		return func(i int) { b.rewriteChunk(&chunks[i], i == len(chunks)-1) }
	})
	for _, b := range all {
		w.out.Code.join(b.facts)
		for i, stored := range b.stored {
			w.stored[i] = w.stored[i] || stored
		}
	}
	n := uint32(len(w.info.Funcs))
	pieces := [][]byte{make([]byte, countSize)}
	for i, at := 0, countSize; i < len(chunks); i++ {
		c := &chunks[i]
		if c.err != nil {
			return nil, c.err
		}
		for _, row := range c.rows {
			w.lines.add(at+int(row.from), int(row.to))
		}
		at += len(c.out)
		pieces = append(pieces, c.out)
	}
	if w.out.order != nil {
		pieces = append(pieces[:1], w.ordered(chunks)...)
	}
	if w.safepoints != nil {
		var added []byte
		for _, f := range w.safepoints.added {
			added = append(appendU32(added, uint32(len(f.body))), f.body...)
		}
		pieces = append(pieces, added)
		n += uint32(len(w.safepoints.added))
	}
	putU32(pieces[0], n)
	return pieces, nil
}

// countSize is the size of a number that is written after what follows it.
const countSize = 5

// putU32 writes a number into countSize bytes.
func putU32(dst []byte, n uint32) {
	for i := range countSize - 1 {
		dst[i] = byte(n>>(7*i))&0x7f | 0x80
	}
	dst[countSize-1] = byte(n >> 28)
}

// bodyRewriter rewrites one function body after the other, each in one pass: it copies what does
// not change in pieces, and writes numbers that are known only later, such as what a loop costs,
// into places that were kept for them.
type bodyRewriter struct {
	*walker
	w         *rewriter
	plain     *plain
	to        *chunk    // that is being rewritten
	facts     CodeFacts // of all chunks so far
	stored    []bool    // globals that their code sets
	local     uint32    // the first of those that are added; then come those that loops use
	out       asm       // the new body without its locals
	from      int       // up to where the old one has been copied or replaced
	head      asm       // stands for the locals
	spots     []spot    // instructions that the line table has to know
	costs     costs
	addresses addresses
	edits     []edit // those still to come
	loops     int    // of all functions so far, also of other chunks
	counts    bool   // the function counts
	spare     bool   // the module is large, see manyBytes
	// lazy is set if it does so before calls; pays are the places of what it then takes.
	lazy bool
	pays []int
	// split is set in functions where code reads what is lost when an exception is caught; tries
	// are the blocks around an instruction that stand for a try_table there.
	split bool
	tries []splitTry
	// probes insert code; scratch is set if that uses the local that is added. taken goes before
	// the jump of the br_if that was read, elses are still to come.
	probes  []probing
	scratch bool
	taken   asm
	elses   []elseArm
}

// spot is a place in the new and in the old body.
type spot struct{ out, at int }

// body appends the rewritten body that starts at the walker's position and
// ends at end, with its size before it.
func (b *bodyRewriter) body(dst []byte, fn uint32, end int) []byte {
	w, start := b.w, b.pos
	whole := b.b
	b.b = whole[:end]
	defer func() { b.b = whole }()

	groups := b.count("locals")
	locals := uint64(0)
	for range groups {
		locals += uint64(b.u32())
		b.valType()
	}
	if locals > maxLocals {
		b.failAt(start, "function has %d local variables, more than %d", locals, maxLocals)
	}
	exprAt := b.pos
	ft, ok := w.info.FuncTypeOf(w.info.ImportedFuncs + fn)
	if !ok {
		b.failAt(start, "function has a malformed type")
	}
	if b.err != nil {
		return dst
	}
	b.local = uint32(len(ft.Params)) + uint32(locals)
	b.scratch, b.elses = false, b.elses[:0]
	own := b.local
	for i := range b.probes {
		b.local += b.probes[i].start(b.walker, start, w.info.ImportedFuncs+fn, b.local)
	}
	if b.err != nil {
		return dst
	}
	b.split = w.safepoints != nil && b.costs.graph.nodes[fn].catches &&
		lostLocals(b.b[exprAt:], int(own))
	b.tries = b.tries[:0]
	b.out, b.spots = b.out[:0], b.spots[:0]
	b.resume(exprAt)
	b.addresses.reader = reader{b: b.b, pos: exprAt}
	b.addresses.find(b.local)
	b.edits = b.addresses.edits
	b.local += b.addresses.holders
	added := b.local - own
	b.counts = w.safepoints != nil && b.costs.graph.nodes[fn].counts
	b.lazy, b.pays = b.counts && b.costs.graph.nodes[fn].lazy, b.pays[:0]
	calls := b.instructions(len(ft.Results) > 0, end)
	if b.err != nil {
		return dst
	}
	if b.pos != end {
		b.fail("function body ends early")
		return dst
	}
	b.copyTo(end)
	facts := &b.facts
	loops := len(b.costs.parts) - 1
	facts.Loops += loops
	if b.costs.blocks > facts.Blocks {
		facts.Blocks, facts.Largest = b.costs.blocks, w.info.ImportedFuncs+fn
	}
	if calls {
		facts.Calls++
	}
	cost := b.costs.parts[0].most + int32(locals)
	s := w.safepoints
	for _, at := range b.pays {
		putWide(b.out[at:], cost)
	}
	counts := b.counts && !b.lazy
	if (s == nil || !counts && loops == 0) && !b.scratch {
		if added == 0 {
			return b.emit(dst, b.b[start:exprAt])
		}
		return b.emit(dst, b.withLocals(start, exprAt, added))
	}
	var kinds []loopKind
	if s != nil {
		kinds = s.loopKinds(b.costs.parts[1:], b.local+1)
		for _, l := range b.costs.parts[1:] {
			s.complete(b.out, l, kinds)
		}
	}
	head := b.withLocals(start, exprAt, added+1+uint32(len(kinds)))
	entered := int32(0)
	for _, k := range kinds {
		entered += max(k.most*k.passes/512, 32)
	}
	switch {
	case counts:
		head = s.weigh(head, (cost+entered)|1, b.local) // odd, for where counts of passes begin
	case entered > 0:
		head = s.take(head, entered|1, b.local)
	}
	for _, k := range kinds {
		head = head.get(b.local).set(k.local)
	}
	b.head = head
	return b.emit(dst, head)
}

// withLocals returns the function's groups of locals, which are from start to end, and one of
// numbers that are added.
func (b *bodyRewriter) withLocals(start, end int, added uint32) asm {
	r := reader{b: b.b, pos: start}
	head := b.head[:0].u32(r.u32() + 1)
	return append(head, b.b[r.pos:end]...).u32(added).op(byte(I32))
}

// emit appends the body with what goes before the code.
func (b *bodyRewriter) emit(dst, head []byte) []byte {
	dst = appendU32(dst, uint32(len(head)+len(b.out)))
	dst = append(dst, head...)
	at := len(dst)
	for _, s := range b.spots {
		b.to.rows = append(b.to.rows, lineRow{uint32(at + s.out), uint32(s.at)})
	}
	return append(dst, b.out...)
}

// copyTo copies what does not change, up to a position in the old body.
func (b *bodyRewriter) copyTo(to int) {
	b.out = append(b.out, b.b[b.from:to]...)
	b.from = to
}

// resume has copying go on at a position in the old body.
func (b *bodyRewriter) resume(at int) {
	b.from = at
}

// instructions rewrites the code of a function, which returns values if returns is true, and adds
// up what it costs. It reports whether there are calls.
func (b *bodyRewriter) instructions(returns bool, end int) (calls bool) {
	w := b.w
	facts := &b.facts
	b.restart()
	b.costs.reset(returns)
	for len(b.costs.frames) > 0 {
		b.probeBlocks()
		if b.plain != nil {
			to := end
			if len(b.edits) > 0 {
				to = b.edits[0].at
			}
			b.costs.spend(b.plain.skip(b.walker, to))
			b.due()
		}
		b.edit()
		if !b.next() {
			b.fail("function body without end")
			return calls
		}
		b.pay()
		if w.lines != nil && mayTrap(b.op, b.imm) {
			b.spots = append(b.spots, spot{len(b.out) + b.at - b.from, b.at})
		}
		b.probeBranch()
		tried := b.split && b.beginTry()
		switch b.imm {
		case immTryTable:
			if s := w.safepoints; s != nil && b.arg > 0 {
				if b.split {
					b.splitTry()
					break
				}
				b.copyTo(b.at)
				b.out = b.out.op(0x10).u32(s.first + addedRefill)
				b.resume(b.at)
			}
			b.branch()
		case immLoop:
			b.loop()
			continue
		case immEnd:
			b.addElse()
			b.endLoop()
		case immBranch, immBrTable:
			b.branch()
		case immCall, immRefFunc:
			if b.imm == immCall {
				calls = true
			} else {
				facts.MakesRefs = true
			}
			if to := w.function(b.arg); to != b.arg {
				b.copyTo(b.immAt)
				b.out = b.out.u32(to)
				b.resume(b.pos)
			}
		case immGlobal:
			if b.op == 0x24 {
				b.stored[b.arg] = true
			}
			if code, same := w.access(b.head[:0], b.walker); !same {
				b.replace(b.fold(code))
			}
		case immCallOther, immCallOther2:
			calls = true
		case immTableWrite, immTableWrite2:
			facts.WritesTables = true
		case immMemArg:
			b.move()
		case immMemoryInit:
			facts.UsesSegments = true
		case immData:
			facts.UsesSegments = true
			facts.DropsSegments = true
		case immMemoryGrow:
			facts.GrowsMemory = true
		}
		b.costs.add(b.walker)
		if tried {
			b.endTry()
		}
		b.replaceWhole()
		b.due()
	}
	return calls
}

// pay has the function count before the call that was read, unless it has, or need not.
func (b *bodyRewriter) pay() {
	if !b.lazy || b.costs.paid {
		return
	}
	switch b.imm {
	case immCall:
		if !b.costs.graph.reaches(b.arg) {
			return
		}
	case immCallOther, immCallOther2:
	default:
		return
	}
	b.costs.paid, b.scratch = true, true
	if b.copyTo(b.at); b.w.lines != nil {
		b.spots = append(b.spots, spot{len(b.out), b.at})
	}
	s := b.w.safepoints
	b.out = b.out.op(0x23).u32(s.counter)
	b.pays = append(b.pays, len(b.out)+1)
	b.out = s.spend(b.out.wide().op(0x6b), b.local)
	b.resume(b.at)
}

// due counts at once what code without loops costs, if that is much by now.
func (b *bodyRewriter) due() {
	if s := b.w.safepoints; s != nil && b.costs.due != 0 {
		b.copyTo(b.pos)
		b.out = b.out.i32(b.costs.due).op(0x10).u32(s.first + addedTick)
		b.resume(b.pos)
	}
}

// replace writes code in place of the instruction that was read.
func (b *bodyRewriter) replace(code []byte) {
	b.copyTo(b.at)
	b.out = append(b.out, code...)
	b.resume(b.pos)
}

// loop begins a loop.
func (b *bodyRewriter) loop() {
	straight := b.costs.graph.isStraight(b.loops)
	b.loops++
	if straight {
		b.costs.push(b.walker)
		b.costs.top().dispatch = findDispatch(b.walker, len(b.costs.frames)-1)
		return
	}
	b.costs.add(b.walker)
	b.costs.top().dispatch = findDispatch(b.walker, len(b.costs.frames)-1)
	if s := b.w.safepoints; s != nil {
		p := b.costs.in()
		p.calls = len(b.costs.parts) > manyBlocks
		b.copyTo(b.pos)
		p.at = len(b.out)
		b.out = s.header(b.out, p.calls)
		if !p.calls {
			b.costs.top().wraps++
			b.out = append(b.out.op(0x04), b.b[b.immAt:b.pos]...)
		}
		b.resume(b.pos)
	}
}

// endLoop adds what a loop does when it is due to call the host, if the end that was read is one of
// a loop.
func (b *bodyRewriter) endLoop() {
	s, f := b.w.safepoints, b.costs.top()
	if s == nil || f.op != 0x03 || f.inner == f.outer {
		return
	}
	if p := &b.costs.parts[f.inner]; !p.calls {
		b.copyTo(b.at)
		b.out = b.out.op(0x05)
		p.end = len(b.out)
		b.out = b.out.wide().op(0x10).u32(s.first+addedTick).op(0x0c, 1, 0x0b)
		b.resume(b.at)
	}
}

// replaceWhole replaces the instruction by a call if its time depends on its operands, or if it is
// on the memory of a companion.
func (b *bodyRewriter) replaceWhole() {
	w := b.w
	if w.safepoints != nil {
		if function, ok := w.bulk(b.walker); ok {
			b.replace(b.head[:0].op(0x10).u32(function))
			return
		}
	}
	if len(w.companions) > 0 {
		if code, ok := w.accessor(b.walker); ok {
			b.replace(code)
		}
	}
}
