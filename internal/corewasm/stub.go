package corewasm

// Stub returns a module that has all that wasm has but the code: each function body traps. An
// engine that is given the machine code of wasm for it need not read and validate the code again.
// Custom sections stay: they are where the stub says which module it is for.
//
// The error is a [*FormatError] if wasm is malformed.
func Stub(wasm []byte) ([]byte, error) {
	var info Info
	if err := info.split(wasm); err != nil {
		return nil, err
	}
	code := info.sec[secCode]
	if !code.present {
		return wasm, nil
	}
	r := reader{b: code.content, base: code.offset}
	n := r.u32()
	if r.err != nil {
		return nil, r.err
	}
	body := []byte{3, 0, 0x00, 0x0b} // its size, no locals, unreachable, end
	if uint64(n)*2 > uint64(len(code.content)) {
		r.fail("code section too short for %d functions", n)
		return nil, r.err
	}
	content := appendU32(make([]byte, 0, countSize+int(n)*len(body)), n)
	for range n {
		content = append(content, body...)
	}
	end := code.offset + len(code.content)
	begin := code.offset - sizeLength(wasm, code.offset) - 1
	out := make([]byte, 0, len(wasm)-len(code.content)+len(content)+countSize)
	out = append(out, wasm[:begin]...)
	out = appendU32(append(out, secCode), uint32(len(content)))
	out = append(out, content...)
	return append(out, wasm[end:]...), nil
}

// sizeLength returns how many bytes the number takes that ends at an offset.
func sizeLength(b []byte, end int) int {
	n := 1
	for b[end-1-n] >= 0x80 {
		n++
	}
	return n
}

// Kept is what of a [Rewritten] cannot be derived from the original module without going over its
// code.
type Kept struct {
	Globals []GlobalExport
	Code    CodeFacts
	// Shift is how many functions were added behind the imported ones.
	Shift uint32
	// Coverage is that of [Rewritten].
	Coverage int
}

// Keep returns what Restore takes. ok is false for a module with companions, which cannot be
// restored.
func (w *Rewritten) Keep() (k Kept, ok bool) {
	return Kept{w.Globals, w.Code, w.shift, w.Coverage}, len(w.Companions) == 0
}

// Restore returns what [RewriteScanned] returned for the same module and options when Kept was
// made, but for Wasm.
func (k Kept) Restore(info *Info, opt Options) *Rewritten {
	w := &rewriter{info: info, opt: opt, out: &Rewritten{
		Info: info, Globals: k.Globals, Code: k.Code, Coverage: k.Coverage,
		importedFuncs: info.ImportedFuncs, shift: k.Shift, ownFuncs: uint32(len(info.Funcs)),
	}}
	w.out.order = w.order()
	w.moveData()
	return w.out
}
