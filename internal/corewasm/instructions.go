package corewasm

// instructions counts what runs of the original module, in a global of its own, block by block:
//
//	block:  global.get $c  i64.const N  i64.add  global.set $c
//
// N is how many instructions the block has, see [Block]; a call ends a block, so that what follows
// one that never returns is not counted. A block that traps counts as a whole.
type instructions struct {
	global uint32 // index of $c
	flow   *Flow
}

func newInstructions(w *rewriter) *instructions {
	return &instructions{global: w.global(w.info.space(KindGlobal) + 1)}
}

func (c *instructions) calls() bool { return true }

func (c *instructions) function(f *Flow, _ uint32) uint32 {
	c.flow = f
	return 0
}

func (c *instructions) block(code asm, block int) asm {
	n := c.flow.Blocks[block].Instructions
	if n == 0 {
		return code
	}
	code = appendS64(code.op(0x23).u32(c.global).op(0x42), int64(n))
	return code.op(0x7c, 0x24).u32(c.global)
}

func (c *instructions) branch(code asm, _ int, _ uint32, _ bool) (asm, bool) { return code, false }

func (c *instructions) arm(code asm, _, _ int) asm { return code }

// exportInstructions exports the global. Its index is counted as if none of the original ones had
// been dropped.
func (w *rewriter) exportInstructions() {
	if w.instructions == nil {
		return
	}
	index := w.info.space(KindGlobal) + 1
	w.added = append(w.added, Export{Name: w.opt.Instructions, Kind: KindGlobal, Index: index})
	w.out.Globals = append(w.out.Globals, GlobalExport{
		Name: w.opt.Instructions, Type: I64, Const: true,
	})
}
