package corewasm

import "slices"

// When the engine catches an exception it puts back the stack, and with it what locals were when
// the try_table began: what code in it has set is lost. In functions where that can be seen, each
// try_table becomes a block, and each instruction in it that can throw gets one of its own, where
// nothing is set:
//
//	try_table (type t) (catch $tag $label)     block (type t)
//	  call $f                                    try_table (type of $f) (catch $tag $label)
//	                                               call $f
//	                                             end
//	end                                        end
//
// Entering one takes the engine the time of a call of the host and of a copy of the stack, so other
// functions stay as they are.

// splitTry is a try_table that became a block.
type splitTry struct {
	depth   int // how many blocks are around it
	clauses []catchClause
}

type catchClause struct {
	kind       byte
	tag, label uint32
}

// splitTry makes a block of the try_table that was read.
func (b *bodyRewriter) splitTry() {
	r := reader{b: b.b[:b.pos], pos: b.immAt}
	r.blockType()
	typ := r.b[b.immAt:r.pos]
	try := splitTry{depth: len(b.costs.frames)}
	for range r.u32() {
		c := catchClause{kind: r.byte()}
		if c.kind < 2 {
			c.tag = r.u32()
		}
		c.label = r.u32()
		try.clauses = append(try.clauses, c)
	}
	b.replace(asm{}.op(0x02).op(typ...))
	b.tries = append(b.tries, try)
}

// beginTry begins a try_table for the instruction that was read, if it can throw into a block that
// stands for one.
func (b *bodyRewriter) beginTry() bool {
	depth := len(b.costs.frames)
	for len(b.tries) > 0 && b.tries[len(b.tries)-1].depth >= depth {
		b.tries = b.tries[:len(b.tries)-1]
	}
	typ, ok := b.thrower()
	if len(b.tries) == 0 || !ok {
		return false
	}
	b.copyTo(b.at)
	b.out = b.out.op(0x10).u32(b.w.safepoints.first + addedRefill).op(0x1f)
	b.out = appendS32(b.out, int32(typ))
	n := 0
	for _, t := range b.tries {
		n += len(t.clauses)
	}
	b.out = b.out.u32(uint32(n))
	for i := len(b.tries) - 1; i >= 0; i-- { // the innermost catches first
		for _, c := range b.tries[i].clauses {
			if b.out = b.out.op(c.kind); c.kind < 2 {
				b.out = b.out.u32(c.tag)
			}
			b.out = b.out.u32(b.label(c.label + uint32(depth-b.tries[i].depth)))
		}
	}
	b.resume(b.at)
	return true
}

// endTry ends what beginTry has begun.
func (b *bodyRewriter) endTry() {
	b.copyTo(b.pos)
	b.out = b.out.op(0x0b)
	if b.op == 0x08 || b.op == 0x0a {
		b.out = b.out.op(0x00) // throws do not return
	}
	b.resume(b.pos)
}

// thrower returns the type of the instruction that was read, if it can throw.
func (b *bodyRewriter) thrower() (typ uint32, ok bool) {
	info := b.w.info
	in := reader{b: b.b[:b.pos], pos: b.immAt}
	switch b.op {
	case 0x10:
		return info.funcTypeIndex(b.arg)
	case 0x11:
		index := in.u32()
		if uint64(index) >= uint64(len(info.Types)) {
			return 0, false
		}
		t := info.Types[index].Func
		return b.w.addType(FuncType{append(slices.Clone(t.Params), I32), t.Results}), true
	case 0x14:
		index := in.u32()
		if uint64(index) >= uint64(len(info.Types)) {
			return 0, false
		}
		t := info.Types[index].Func
		reference := RefNull | ValType(index)<<8
		return b.w.addType(FuncType{append(slices.Clone(t.Params), reference), t.Results}), true
	case 0x08:
		index, ok := info.tagType(in.u32())
		if !ok || uint64(index) >= uint64(len(info.Types)) {
			return 0, false
		}
		return b.w.addType(FuncType{Params: info.Types[index].Func.Params}), true
	case 0x0a:
		return b.w.addType(FuncType{Params: []ValType{ExnRef}}), true
	}
	return 0, false
}

// tagType returns the index of the type of a tag by its index, imports first.
func (i *Info) tagType(index uint32) (uint32, bool) {
	if index >= i.ImportedTags {
		if k := index - i.ImportedTags; uint64(k) < uint64(len(i.Tags)) {
			return i.Tags[k], true
		}
		return 0, false
	}
	for k := range i.Imports {
		if im := &i.Imports[k]; im.Kind == KindTag {
			if index == 0 {
				return im.TypeIndex, true
			}
			index--
		}
	}
	return 0, false
}

// localSet is a set of locals.
type localSet []uint64

func (s localSet) add(i uint32) {
	if int(i/64) < len(s) {
		s[i/64] |= 1 << (i % 64)
	}
}

func (s localSet) remove(i uint32) {
	if int(i/64) < len(s) {
		s[i/64] &^= 1 << (i % 64)
	}
}

func (s localSet) addAll(other localSet) {
	for i, w := range other {
		s[i] |= w
	}
}

func (s localSet) meets(other localSet) bool {
	for i, w := range other {
		if s[i]&w != 0 {
			return true
		}
	}
	return false
}

type flowKind byte

const (
	flowGet flowKind = iota
	flowSet
	flowBlock
	flowLoop
	flowIf
	flowElse
	flowTry
	flowEnd
	flowBranch
	flowStop  // no code after it runs
	flowThrow // a call, or a throw
)

// flow is an instruction that matters for what locals are used for.
type flow struct {
	kind   flowKind
	local  uint32
	labels []uint32 // of branches; of a try_table, as seen from outside
	falls  bool     // the next instruction may run
	begin  int      // of an end: where its block begins
	end    int      // of a block: where it ends
	// at is what is read later: of a loop, from its begin, of a try_table, from where it catches.
	at localSet
}

// lostLocals reports whether code reads a local, after a try_table has caught, that the try_table
// may have set before. code is the body of a function without its locals.
func lostLocals(code []byte, locals int) bool {
	flows, ok := flowsOf(code)
	if !ok {
		return false
	}
	words := (locals + 63) / 64
	for i := range flows {
		flows[i].at = make(localSet, words)
	}
	for usedLater(flows, words) {
	}
	return lost(flows, words)
}

// flowsOf reads code. ok is false if it is not well-formed.
func flowsOf(code []byte) (flows []flow, ok bool) {
	r := walker{reader: reader{b: code}, table: newOpcodes()}
	var open []int
	for r.next() {
		f := flow{falls: true}
		in := reader{b: code[:r.pos], pos: r.immAt}
		switch r.imm {
		case immBlock:
			if f.kind = flowBlock; r.op == 0x04 {
				f.kind = flowIf
			}
		case immLoop:
			f.kind = flowLoop
		case immElse:
			f.kind = flowElse
		case immEnd:
			f.kind = flowEnd
		case immTryTable:
			f.kind = flowTry
			in.blockType()
			for range in.u32() {
				if in.byte() < 2 {
					in.u32() // the tag
				}
				f.labels = append(f.labels, in.u32())
			}
		case immBranch:
			f.kind, f.labels, f.falls = flowBranch, []uint32{r.arg}, r.op != 0x0c
		case immBrTable:
			f.kind, f.falls = flowBranch, false
			for range in.u32() + 1 {
				f.labels = append(f.labels, in.u32())
			}
		case immCall, immCallOther, immCallOther2:
			if f.kind = flowThrow; r.op == 0x12 || r.op == 0x13 || r.op == 0x15 {
				f.kind = flowStop
			}
		default:
			switch r.op {
			case 0x00, 0x0f:
				f.kind = flowStop
			case 0x08, 0x0a:
				f.kind, f.falls = flowThrow, false
			case 0x20:
				f.kind, f.local = flowGet, in.u32()
			case 0x21, 0x22:
				f.kind, f.local = flowSet, in.u32()
			default:
				continue
			}
		}
		switch f.kind {
		case flowBlock, flowLoop, flowIf, flowTry:
			open = append(open, len(flows))
		case flowEnd:
			if len(open) == 0 {
				return flows, true // the end of the function
			}
			f.begin = open[len(open)-1]
			open = open[:len(open)-1]
			flows[f.begin].end = len(flows)
		}
		flows = append(flows, f)
	}
	return nil, false
}

// usedLater goes through the code backwards and sets what is read later. It reports whether a loop
// reads more than was known, so that another turn is needed.
func usedLater(flows []flow, words int) (more bool) {
	type frame struct {
		begin           int
		after, elseFrom localSet
	}
	var frames []frame
	live := make(localSet, words)
	label := func(depth uint32) localSet {
		if int(depth) >= len(frames) {
			return make(localSet, words) // of the function
		}
		f := frames[len(frames)-1-int(depth)]
		if flows[f.begin].kind == flowLoop {
			return flows[f.begin].at
		}
		return f.after
	}
	// caught adds what is read where exceptions go from here.
	caught := func() {
		for _, f := range frames {
			if flows[f.begin].kind == flowTry {
				live.addAll(flows[f.begin].at)
			}
		}
	}
	for i := len(flows) - 1; i >= 0; i-- {
		f := &flows[i]
		switch f.kind {
		case flowGet:
			live.add(f.local)
		case flowSet:
			live.remove(f.local)
		case flowEnd:
			frames = append(frames, frame{begin: f.begin, after: slices.Clone(live)})
			if try := &flows[f.begin]; try.kind == flowTry {
				top := frames
				frames = frames[:len(frames)-1] // labels are as seen from outside
				for _, l := range try.labels {
					try.at.addAll(label(l))
				}
				frames = top
			}
		case flowElse:
			top := &frames[len(frames)-1]
			top.elseFrom, live = live, slices.Clone(top.after)
		case flowIf:
			top := frames[len(frames)-1]
			if top.elseFrom == nil {
				top.elseFrom = top.after
			}
			live.addAll(top.elseFrom)
			frames = frames[:len(frames)-1]
		case flowLoop:
			if !slices.Equal(f.at, live) {
				before := slices.Clone(f.at)
				f.at.addAll(live)
				more = more || !slices.Equal(f.at, before)
			}
			frames = frames[:len(frames)-1]
		case flowBlock:
			frames = frames[:len(frames)-1]
		case flowTry:
			frames = frames[:len(frames)-1]
			live.addAll(f.at)
		case flowBranch:
			if !f.falls {
				live = make(localSet, words)
			}
			for _, l := range f.labels {
				live.addAll(label(l))
			}
		case flowStop:
			live = make(localSet, words)
		case flowThrow:
			if !f.falls {
				live = make(localSet, words)
			}
			caught()
		}
	}
	return more
}

// lost goes through the code with what has been set in the try_tables around it.
func lost(flows []flow, words int) bool {
	type try struct {
		end int
		at  localSet // what is read after it has caught
		set localSet
	}
	var tries []try
	for i, f := range flows {
		switch f.kind {
		case flowTry:
			if len(f.labels) > 0 {
				tries = append(tries, try{f.end, f.at, make(localSet, words)})
			}
		case flowEnd:
			if n := len(tries); n > 0 && tries[n-1].end == i {
				tries = tries[:n-1]
			}
		case flowLoop: // what it sets may be set when it begins again
			for _, in := range flows[i:f.end] {
				for _, t := range tries {
					if in.kind == flowSet {
						t.set.add(in.local)
					}
				}
			}
		case flowSet:
			for _, t := range tries {
				t.set.add(f.local)
			}
		case flowThrow:
			for _, t := range tries {
				if t.set.meets(t.at) {
					return true
				}
			}
		}
	}
	return false
}
