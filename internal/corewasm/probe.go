package corewasm

// prober inserts code into the functions of a module, see blocks.go.
type prober interface {
	// calls reports whether blocks end at calls, see [Info.Flows].
	calls() bool
	// function is called before the code of a function is rewritten. The flow is valid until the
	// next call.
	function(f *Flow)
	// block appends the code for the beginning of a block, by its index in the flow. It must leave
	// the operands of what follows alone.
	block(code asm, block int) asm
	// branch appends the code for the place before a branch, by its index in the flow. The branch's
	// operand, an i32, is on the stack and must be there in the end. The local is an i32 for use
	// within the code; if it is used, used is true.
	branch(code asm, branch int, local uint32) (out asm, used bool)
}

// probing is the state of a prober in the function that is being rewritten.
type probing struct {
	prober
	split            splitter
	blocks, branches int // that have been passed
}

// start splits the function whose body begins at a position of w.
func (p *probing) start(w *walker, at int, fn uint32) {
	ahead := *w
	ahead.pos = at
	p.split.calls = p.prober.calls()
	p.split.split(&ahead, fn)
	if ahead.err != nil {
		w.err, w.pos = ahead.err, len(w.b)
		return
	}
	p.blocks, p.branches = 0, 0
	p.function(&p.split.flow)
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
	for i := range b.probes {
		p := &b.probes[i]
		all := p.split.flow.Branches
		if p.branches < len(all) && int(all[p.branches].Offset) == b.at {
			code, used := p.branch(b.head[:0], p.branches, b.local)
			if b.scratch = b.scratch || used; len(code) > 0 {
				b.insert(b.at, code)
			}
			p.branches++
		}
	}
}

// insert inserts code before a position of the old body.
func (b *bodyRewriter) insert(at int, code []byte) {
	b.copyTo(at)
	b.out = append(b.out, code...)
	b.resume(at)
}
