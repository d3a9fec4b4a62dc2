package corewasm

// edit is one place of a function body where the copy differs.
type edit struct {
	at    int // position in the body
	skip  int // bytes of the original that are left out
	index uint32
	loop  bool   // insert a safepoint; else write index
	raw   []byte // write these bytes instead
}

// code rewrites the code section.
func (w *rewriter) code() ([]byte, error) {
	s := w.info.sec[secCode]
	if !s.present {
		return nil, nil
	}
	r := walker{reader: w.info.reader(secCode), table: newOpcodes()}
	n := r.u32()
	extra := uint32(0)
	if w.safepoints != nil {
		extra = 1
	}
	dst := make([]byte, 0, len(s.content)+len(s.content)/4+64)
	dst = appendU32(dst, n+extra)
	b := bodyRewriter{w: w, walker: &r}
	for i := range n {
		size := r.u32()
		end := r.pos + int(size)
		if r.err == nil && uint64(size) > uint64(len(r.b)-r.pos) {
			r.fail("function body of %d bytes out of bounds", size)
		}
		if r.err != nil {
			return nil, r.err
		}
		dst = b.body(dst, i, end)
		if r.err != nil {
			return nil, r.err
		}
	}
	if r.pos != len(r.b) {
		r.fail("code section has %d bytes too many", len(r.b)-r.pos)
		return nil, r.err
	}
	if w.safepoints != nil {
		dst = w.safepoints.appendStep(dst)
	}
	return dst, nil
}

type bodyRewriter struct {
	*walker
	w     *rewriter
	edits []edit
	buf   []byte
	spots []spot
	bulk  []byte // goes before instructions that fill and copy; nil without safepoints
}

// spot is an instruction that the line table has to know.
type spot struct{ at int }

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
	b.edits, b.spots, b.bulk = b.edits[:0], b.spots[:0], nil
	ft, ok := w.info.FuncTypeOf(w.info.ImportedFuncs + fn)
	if !ok {
		b.failAt(start, "function has a malformed type")
	}
	temp := uint32(len(ft.Params)) + uint32(locals)
	if w.safepoints != nil {
		b.bulk = w.safepoints.bulkCode(temp + 1)
	}
	calls, loops, bulk := b.instructions()
	if b.err != nil {
		return dst
	}
	if b.pos != end {
		b.fail("function body ends early")
		return dst
	}
	facts := &w.out.Code
	facts.Loops += loops
	if calls {
		facts.Calls++
	}
	if w.safepoints == nil || !calls && !bulk && loops == 0 {
		return b.emit(dst, start, start, end, nil, false)
	}
	b.buf = appendU32(b.buf[:0], uint32(groups)+1)
	at := start
	for ; b.b[at] >= 0x80; at++ {
	}
	b.buf = append(b.buf, b.b[at+1:exprAt]...)
	added := byte(1)
	if bulk {
		added = 2
	}
	b.buf = append(b.buf, added, byte(I32))
	b.buf = append(b.buf, w.safepoints.entryCode(temp, loops > 0)...)
	var header []byte
	if loops > 0 {
		header = w.safepoints.loopCode(temp)
	}
	return b.emit(dst, start, exprAt, end, header, true)
}

// instructions walks the body and collects what has to change.
func (b *bodyRewriter) instructions() (calls bool, loops int, bulk bool) {
	w := b.w
	facts := &w.out.Code
	first, shift := w.info.ImportedFuncs, w.out.shift
	depth := 1
	for depth > 0 {
		if !b.next() {
			b.fail("function body without end")
			return
		}
		if b.bulk != nil && b.isBulk() {
			bulk = true
			b.edits = append(b.edits, edit{at: b.at, raw: b.bulk})
		}
		switch b.imm {
		case immEnd:
			depth--
		case immBlock, immTryTable:
			depth++
		case immLoop:
			depth++
			loops++
			if w.safepoints != nil {
				b.edits = append(b.edits, edit{at: b.pos, loop: true})
			}
		case immCall, immRefFunc:
			if b.imm == immCall {
				calls = true
			} else {
				facts.MakesRefs = true
			}
			if b.arg >= first && shift != 0 {
				b.edits = append(b.edits, edit{at: b.immAt, skip: b.pos - b.immAt, index: b.arg + shift})
			}
		case immCallOther, immCallOther2:
			calls = true
		case immTableWrite, immTableWrite2:
			facts.WritesTables = true
		case immMemoryInit:
			facts.UsesSegments = true
		case immData:
			facts.UsesSegments = true
			facts.DropsSegments = true
		case immMemoryGrow:
			facts.GrowsMemory = true
		}
		if len(w.companions) > 0 {
			if e, ok := w.accessor(b.walker); ok {
				b.edits = append(b.edits, e)
			}
		}
		if w.lines != nil && mayTrap(b.op, b.imm) {
			b.spots = append(b.spots, spot{b.at})
		}
	}
	return calls, loops, bulk
}

// isBulk tells whether the instruction takes time by the number on top of the
// stack: those that fill and copy memories and tables.
func (b *bodyRewriter) isBulk() bool {
	if b.op != 0xfc {
		return false
	}
	sub := reader{b: b.b, pos: b.at + 1}
	switch sub.u32() {
	case 8, 10, 11, 12, 14, 15, 17:
		return true
	}
	return false
}

// mayTrap tells whether a backtrace can name the instruction.
func mayTrap(op byte, imm immediate) bool {
	switch imm {
	case immCall, immCallOther, immCallOther2, immMemArg, immMemArgLane, immMemoryInit,
		immTableWrite, immTableWrite2, immLEB2, immMemoryGrow:
		return true
	case immNone:
		return op == 0x00 || op == 0x0a || op >= 0x6d && op <= 0x70 || op >= 0x7f && op <= 0x82 ||
			op >= 0xa8 && op <= 0xb1 || op == 0xd4
	case immLEB:
		return op == 0x08 || op == 0x25 || op == 0xfc
	}
	return false
}

// emit appends size and body; head stands for the bytes from start to from.
func (b *bodyRewriter) emit(dst []byte, start, from, end int, safepoint []byte, head bool) []byte {
	size := end - from
	if head {
		size += len(b.buf)
	}
	for _, e := range b.edits {
		if e.loop {
			size += len(safepoint)
		} else {
			size += e.size() - e.skip
		}
	}
	dst = appendU32(dst, uint32(size))
	w := b.w
	spots := b.spots
	mark := func(pos int) { w.out.Offsets.add(len(dst), pos) }
	if head {
		dst = append(dst, b.buf...)
	}
	mark(from)
	pos := from
	copyTo := func(to int) {
		for len(spots) > 0 && spots[0].at < to {
			w.lines.add(len(dst)+spots[0].at-pos, spots[0].at)
			spots = spots[1:]
		}
		dst = append(dst, b.b[pos:to]...)
		pos = to
	}
	for _, e := range b.edits {
		copyTo(e.at)
		if e.loop {
			dst = append(dst, safepoint...)
		} else {
			if e.raw != nil {
				dst = append(dst, e.raw...)
			} else {
				dst = appendU32(dst, e.index)
			}
			pos += e.skip
		}
		mark(pos)
	}
	copyTo(end)
	return dst
}

func (e edit) size() int {
	if e.raw != nil {
		return len(e.raw)
	}
	return sizeU32(e.index)
}

func sizeU32(v uint32) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
