package corewasm

// prober inserts code into the functions of a module, see blocks.go.
type prober interface {
	// calls reports whether blocks end at calls, see [Info.Flows].
	calls() bool
	// function is called before the code of a function is rewritten. The flow is valid until the
	// next call. It returns how many locals the code uses from a given one on, which are i32.
	function(f *Flow, local uint32) (locals uint32)
	// block appends the code for the beginning of a block, by its index in the flow. It must leave
	// the operands of what follows alone.
	block(code asm, block int) asm
	// branch appends the code for the place before a branch, by its index in the flow. The branch's
	// operand, an i32, is on the stack and must be there in the end. The local is an i32 for use
	// within the code; if it is used, used is true. If arms is true, what arm returns is inserted,
	// too, into each way of the branch where the block that it leads to can be reached otherwise.
	branch(code asm, branch int, local uint32, arms bool) (out asm, used bool)
	// arm appends the code for a way of the branch of which branch was called last.
	arm(code asm, branch, outcome int) asm
}

// probing is the state of a prober in the function that is being rewritten.
type probing struct {
	prober
	split            splitter
	blocks, branches int // that have been passed
}

// start splits the function whose body begins at a position of w, and returns how many locals are
// needed from a given one on.
func (p *probing) start(w *walker, at int, fn, local uint32) (locals uint32) {
	ahead := *w
	ahead.pos = at
	p.split.calls = p.prober.calls()
	p.split.split(&ahead, fn)
	if ahead.err != nil {
		w.err, w.pos = ahead.err, len(w.b)
		return 0
	}
	p.blocks, p.branches = 0, 0
	return p.function(&p.split.flow, local)
}

// probeBlocks inserts what belongs to blocks that begin where the walk is.
func (b *bodyRewriter) probeBlocks() {
	for i := range b.probes {
		p := &b.probes[i]
		blocks := p.split.flow.Blocks
		for ; p.blocks < len(blocks) && int(blocks[p.blocks].Offset) <= b.pos; p.blocks++ {
			if code := p.block(b.head[:0], p.blocks); len(code) > 0 {
				b.insert(b.pos, code)
			}
		}
	}
}

// probeBranch inserts what belongs to the branch that was read, if it is one.
func (b *bodyRewriter) probeBranch() {
	b.taken = b.taken[:0]
	for i := range b.probes {
		p := &b.probes[i]
		all := p.split.flow.Branches
		if p.branches == len(all) || int(all[p.branches].Offset) != b.at {
			continue
		}
		arms := b.op == 0x04 || b.op == 0x0d && b.hasArms()
		code, used := p.branch(b.head[:0], p.branches, b.local, arms)
		if b.scratch = b.scratch || used; len(code) > 0 {
			b.insert(b.at, code)
		}
		switch {
		case b.op == 0x04:
			if code := p.arm(nil, p.branches, 0); len(code) > 0 {
				b.elses = append(b.elses, elseArm{len(b.costs.frames), code})
			}
		case arms:
			b.taken = p.arm(b.taken, p.branches, 1)
		}
		p.branches++
	}
}

// elseArm is the code for the else of an if that has none, by how many blocks are around it.
type elseArm struct {
	depth int
	code  asm
}

// addElse adds an else to the if that the end that was read ends, if it needs one.
func (b *bodyRewriter) addElse() {
	n := len(b.elses) - 1
	if n < 0 || b.elses[n].depth != len(b.costs.frames)-1 {
		return
	}
	b.copyTo(b.at)
	b.out = append(b.out.op(0x05), b.elses[n].code...)
	b.resume(b.at)
	b.elses = b.elses[:n]
}

// insert inserts code before a position of the old body.
func (b *bodyRewriter) insert(at int, code []byte) {
	b.copyTo(at)
	b.out = append(b.out, code...)
	b.resume(at)
}
