package corewasm

import "bytes"

// Adapt returns the rewritten form of a module that differs from the one that w was made from in
// the contents of its data segments alone, and all of whose segments move out. Its Wasm would be
// the same, and is nil. opt must be the options that w was made with. ok is false if the modules
// differ more; use Rewrite then.
func (w *Rewritten) Adapt(info *Info, opt Options) (adapted *Rewritten, ok bool) {
	if len(w.Companions) > 0 || opt.Lines || len(info.Data) != len(w.Info.Data) {
		return nil, false
	}
	for id := range info.sec {
		was, is := &w.Info.sec[id], &info.sec[id]
		if was.present != is.present {
			return nil, false
		}
		if id != secCustom && id != secData && !bytes.Equal(was.content, is.content) {
			return nil, false
		}
	}
	out := *w
	out.Info, out.Wasm, out.Data = info, nil, nil
	if !movesAll(&rewriter{info: info, opt: opt, out: &out}) ||
		!movesAll(&rewriter{info: w.Info, opt: opt, out: new(Rewritten)}) {
		return nil, false
	}
	return &out, true
}

// movesAll moves the segments out and reports whether none stays.
func movesAll(w *rewriter) bool {
	w.moveData()
	for i, d := range w.info.Data {
		if d.Mode != Active || d.Memory != 0 || i >= w.keepData {
			return false
		}
	}
	return true
}
