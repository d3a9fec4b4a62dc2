package corewasm

// edit is one place of a function body where the copy differs: raw stands for
// skip bytes of the original.
type edit struct {
	at   int // position in the body
	skip int
	raw  []byte
}

// code rewrites the code section.
func (w *rewriter) code() ([]byte, error) {
	s := w.info.sec[secCode]
	if !s.present {
		return nil, nil
	}
	r := walker{reader: w.info.reader(secCode), table: newOpcodes()}
	n := r.u32()
	dst := make([]byte, countSize, len(s.content)+len(s.content)/4+64)
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
		for _, f := range w.safepoints.added {
			dst = append(appendU32(dst, uint32(len(f.body))), f.body...)
		}
		n += uint32(len(w.safepoints.added))
	}
	for i := range countSize {
		dst[i] = byte(n>>(7*i))&0x7f | 0x80
	}
	dst[countSize-1] &^= 0x80
	return dst, nil
}

// countSize is the size of a number that is written after what follows it.
const countSize = 5

type bodyRewriter struct {
	*walker
	w     *rewriter
	edits []edit
	head  []byte // stands for the locals
	raw   []byte // what edits write
	spots []spot
	bulks []bulkSite
	costs costs
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
	b.edits, b.spots, b.raw = b.edits[:0], b.spots[:0], b.raw[:0]
	ft, ok := w.info.FuncTypeOf(w.info.ImportedFuncs + fn)
	if !ok {
		b.failAt(start, "function has a malformed type")
	}
	calls := b.instructions()
	if b.err != nil {
		return dst
	}
	if b.pos != end {
		b.fail("function body ends early")
		return dst
	}
	facts := &w.out.Code
	loops := b.costs.parts[1:]
	facts.Loops += len(loops)
	if calls {
		facts.Calls++
	}
	s := w.safepoints
	own := b.costs.parts[0].most + int32(locals)
	if s == nil || !calls && len(loops) == 0 && len(b.bulks) == 0 && own <= costLeaf {
		return b.emit(dst, start, start, end, nil)
	}
	local := uint32(len(ft.Params)) + uint32(locals)
	added := uint32(1)
	kinds := s.loopKinds(loops)
	for i := range kinds {
		kinds[i].local = local + uint32(i)
		added = uint32(i) + 1
	}
	for _, l := range loops {
		at := len(b.raw)
		b.raw = s.header(b.raw, l.most, kindOf(kinds, l.most))
		b.edits[l.edit].raw = b.raw[at:]
	}
	for _, site := range b.bulks {
		at := len(b.raw)
		b.raw = s.site(b.raw, site, local+added, len(b.bulks) >= manyBlocks)
		b.edits[site.edit].raw = b.raw[at:]
	}
	if len(b.bulks) > 0 {
		added++
	}
	head := appendU32(b.head[:0], uint32(groups)+1)
	at := start
	for ; b.b[at] >= 0x80; at++ {
	}
	head = append(head, b.b[at+1:exprAt]...)
	head = append(head, byte(added), byte(I32))
	for _, k := range kinds {
		own += max(k.most*k.passes/512, 32)
	}
	head = s.weigh(head, own|1, local) // odd, for where counts of passes begin
	for _, k := range kinds {
		if k.local != local {
			head = asm(head).get(local).set(k.local)
		}
	}
	b.head = head
	return b.emit(dst, start, exprAt, end, b.head)
}

// instructions walks the body, collects what has to change and adds up what the
// code costs. It reports whether there are calls.
func (b *bodyRewriter) instructions() (calls bool) {
	w := b.w
	facts := &w.out.Code
	first, shift := w.info.ImportedFuncs, w.out.shift
	b.bulks = b.bulks[:0]
	b.costs.reset()
	for len(b.costs.frames) > 0 {
		if !b.next() {
			b.fail("function body without end")
			return calls
		}
		b.costs.add(b.walker)
		switch b.imm {
		case immTryTable:
			if s := w.safepoints; s != nil && b.arg > 0 {
				b.call(b.at, b.at, s.first+addedRefill)
			}
		case immLoop:
			b.costs.in().edit = len(b.edits)
			if w.safepoints != nil {
				b.edits = append(b.edits, edit{at: b.pos})
			}
		case immCall, immRefFunc:
			if b.imm == immCall {
				calls = true
			} else {
				facts.MakesRefs = true
			}
			if b.arg >= first && shift != 0 {
				b.write(b.immAt, b.pos, appendU32(b.raw, b.arg+shift))
			}
		case immGlobal:
			if code, same := w.access(b.raw, b.walker); !same {
				b.write(b.at, b.pos, code)
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
		b.replaceWhole()
		if s := w.safepoints; s != nil && b.costs.due != 0 {
			b.write(b.pos, b.pos, s.header(b.raw, b.costs.due, nil))
		}
		if w.lines != nil && mayTrap(b.op, b.imm) {
			b.spots = append(b.spots, spot{b.at})
		}
	}
	return calls
}

// replaceWhole replaces the instruction by a call if its time depends on its operands, or if it is
// on the memory of a companion.
func (b *bodyRewriter) replaceWhole() {
	w := b.w
	if w.safepoints != nil {
		if site, ok := w.bulk(b.walker); ok {
			site.edit = len(b.edits)
			b.bulks = append(b.bulks, site)
			b.edits = append(b.edits, edit{at: b.at, skip: b.pos - b.at})
			return
		}
	}
	if len(w.companions) > 0 {
		if code, ok := w.accessor(b.walker); ok {
			b.write(b.at, b.pos, append(b.raw, code...))
		}
	}
}

// call replaces the bytes between two positions by a call.
func (b *bodyRewriter) call(from, to int, index uint32) {
	b.write(from, to, appendU32(append(b.raw, 0x10), index))
}

// write replaces the bytes between two positions by what raw holds beyond b.raw, and sets b.raw to
// raw.
func (b *bodyRewriter) write(from, to int, raw []byte) {
	b.edits = append(b.edits, edit{from, to - from, raw[len(b.raw):]})
	b.raw = raw
}

// mayTrap reports whether a backtrace can name the instruction.
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

// emit appends size and body; head, unless nil, replaces the bytes from start to from.
func (b *bodyRewriter) emit(dst []byte, start, from, end int, head []byte) []byte {
	size := end - from + len(head)
	for _, e := range b.edits {
		size += len(e.raw) - e.skip
	}
	dst = appendU32(dst, uint32(size))
	w := b.w
	spots := b.spots
	mark := func(pos int) { w.out.Offsets.add(len(dst), pos) }
	dst = append(dst, head...)
	mark(from)
	pos := from
	note := func(to int) {
		for ; len(spots) > 0 && spots[0].at < to; spots = spots[1:] {
			w.lines.add(len(dst)+max(spots[0].at-pos, 0), spots[0].at)
		}
	}
	copyTo := func(to int) {
		note(to)
		dst = append(dst, b.b[pos:to]...)
		pos = to
	}
	for _, e := range b.edits {
		copyTo(e.at)
		note(e.at + e.skip)
		dst = append(dst, e.raw...)
		pos += e.skip
		mark(pos)
	}
	copyTo(end)
	return dst
}
