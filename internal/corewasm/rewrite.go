package corewasm

import (
	"errors"
	"fmt"
)

// Rewrite returns a new module made from mod according to opt. Bytes of the result other than Wasm
// alias mod. The error is a [*FormatError] if the module is malformed; it names opcode and offset
// if an opcode is not known.
func Rewrite(mod []byte, opt Options) (*Rewritten, error) {
	info, err := Scan(mod)
	if err != nil {
		return nil, err
	}
	return RewriteScanned(info, opt)
}

// RewriteScanned is [Rewrite] for a module that was scanned before.
func RewriteScanned(info *Info, opt Options) (*Rewritten, error) {
	if opt.Imports != nil && len(opt.Imports) != len(info.Imports) {
		return nil, fmt.Errorf("corewasm: %d import names for %d imports", len(opt.Imports),
			len(info.Imports))
	}
	if opt.Period == 0 {
		opt.Period = DefaultPeriod
	}
	if opt.Period > 1<<31-1 {
		return nil, errors.New("corewasm: period too large")
	}
	rw := &rewriter{
		info: info,
		opt:  opt,
		out: &Rewritten{
			Info: info, importedFuncs: info.ImportedFuncs, ownFuncs: uint32(len(info.Funcs)),
		},
		types: map[string]uint32{},
	}
	return rw.run()
}

type rewriter struct {
	info *Info
	opt  Options
	out  *Rewritten

	safepoints *safepoints // nil: none
	hostType   uint32      // index of () -> (i32)
	types      map[string]uint32
	addedTypes []byte
	companions []companion
	helpers    uint32 // functions that companions provide
	keepData   int    // number of leading segments that were moved out
	lines      *lineTable
	oneByOne   bool     // functions are not rewritten side by side
	places     []uint32 // new numbers of the module's own functions; none: as before
	added      []Export // beyond those of the module
	globals    []uint32 // new indices of globals, nil: as before
	stored     []bool   // globals that code sets
	probers    []prober // insert code by basic block
	coverage   *coverage

	instructions *instructions
}

func (w *rewriter) run() (*Rewritten, error) {
	info := w.info
	if err := info.checkIndices(); err != nil {
		return nil, err
	}
	if err := w.collectMemories(); err != nil {
		return nil, err
	}
	w.out.shift = w.helpers
	w.setOrder()
	w.setKnown()
	w.stored = make([]bool, info.space(KindGlobal))
	if w.opt.Safepoint != nil && len(info.Funcs) > 0 {
		w.safepoints = newSafepoints(w)
	}
	if w.opt.Coverage != "" && w.safepoints != nil {
		w.coverage = newCoverage(w)
		w.probers = append(w.probers, w.coverage)
	}
	if w.opt.Instructions != "" && w.safepoints != nil {
		w.instructions = newInstructions(w)
		w.probers = append(w.probers, w.instructions)
	}
	if w.opt.Lines {
		w.lines = &lineTable{}
	}
	code, err := w.code()
	if err != nil {
		return nil, err
	}
	w.moveData()
	w.exportGlobals()
	w.exportCoverage()
	w.exportInstructions()
	if err := w.exportStart(); err != nil {
		return nil, err
	}
	if err := w.buildCompanions(); err != nil {
		return nil, err
	}

	total := 64
	for _, s := range info.sec {
		total += len(s.content) + 8
	}
	for _, d := range w.out.Data {
		total -= len(d.Bytes)
	}
	size := 0
	for _, piece := range code {
		size += len(piece)
	}
	total += size - len(info.sec[secCode].content)
	dst := append(make([]byte, 0, max(total, 64)), "\x00asm\x01\x00\x00\x00"...)
	for _, id := range sectionOrder() {
		if id == secCode && code != nil {
			dst = appendU32(append(dst, id), uint32(size))
			for _, piece := range code {
				dst = append(dst, piece...)
			}
			continue
		}
		content, err := w.section(id)
		if err != nil {
			return nil, err
		}
		if content == nil {
			continue
		}
		dst = append(dst, id)
		dst = appendU32(dst, uint32(len(content)))
		dst = append(dst, content...)
	}
	if w.lines != nil {
		dst = w.lines.appendSections(dst, size)
	}
	w.out.Wasm = dst
	return w.out, nil
}

// section returns the new content of a section other than that of code, nil for none.
func (w *rewriter) section(id byte) ([]byte, error) {
	s := w.info.sec[id]
	r := w.info.reader(id)
	var out []byte
	switch id {
	case secType:
		if n := len(w.types); n > 0 {
			return append(w.prolonged(&r, s.present, uint32(n)), w.addedTypes...), r.err
		}
	case secImport:
		return w.imports()
	case secFunction:
		if w.out.order == nil && w.safepoints == nil {
			break
		}
		var added []function
		if w.safepoints != nil {
			added = w.safepoints.added
		}
		out = appendU32(make([]byte, 0, len(s.content)+8), uint32(len(w.info.Funcs)+len(added)))
		for _, typ := range w.funcTypes() {
			out = appendU32(out, typ)
		}
		for _, f := range added {
			out = appendU32(out, f.typ)
		}
		return out, nil
	case secMemory:
		if len(w.companions) > 0 {
			if w.info.ImportedMemories > 0 {
				return nil, nil
			}
			return appendLimits([]byte{1}, w.info.Memories[0]), nil
		}
	case secTable, secGlobal:
		return w.withExprs(id)
	case secExport:
		return w.exports(), nil
	case secStart:
		if s.present && w.opt.StartExport == "" {
			return appendU32(nil, w.function(w.info.Start)), nil
		}
		return nil, nil
	case secElement:
		if !s.present {
			return nil, nil
		}
		e := &elemWriter{w: w}
		e.out = appendU32(make([]byte, 0, len(s.content)+len(s.content)/4), r.u32())
		for range w.info.Elems {
			r.elemSegment(e)
		}
		return e.out, r.err
	case secDataCount, secData:
		return w.data(id), nil
	}
	if !s.present {
		return nil, nil
	}
	return s.content, nil
}

// prolonged copies a section that is a vector, with its count raised.
func (w *rewriter) prolonged(r *reader, present bool, more uint32) []byte {
	if !present {
		return appendU32(nil, more)
	}
	out := appendU32(make([]byte, 0, len(r.b)+8), r.u32()+more)
	return append(out, r.b[r.pos:]...)
}

// addType returns the index of a function type beside those of the module. None
// is new once the type section has been written.
func (w *rewriter) addType(t FuncType) uint32 {
	code := appendFuncType(nil, t)
	index, known := w.types[string(code)]
	if !known {
		index = uint32(len(w.info.Types) + len(w.types))
		w.types[string(code)] = index
		w.addedTypes = append(w.addedTypes, code...)
	}
	return index
}

func (w *rewriter) imports() ([]byte, error) {
	s := w.info.sec[secImport]
	n := uint32(len(w.info.Imports)) + w.out.shift
	if w.info.ImportedMemories > 1 {
		n -= w.info.ImportedMemories - 1
	}
	for _, k := range w.opt.Known {
		if k.Global < w.info.ImportedGlobals {
			n--
		}
	}
	if n == 0 {
		return nil, nil
	}
	memories, globals := 0, uint32(0)
	out := appendU32(make([]byte, 0, len(s.content)+32), n)
	r := reader{b: s.content, base: s.offset}
	if s.present {
		r.u32()
	}
	for i := range w.info.Imports {
		im := Import{Module: r.name(), Name: r.name()}
		name := ImportName{im.Module, im.Name}
		if w.opt.Imports != nil {
			name = w.opt.Imports[i]
		}
		at := r.pos
		r.importDesc(&im)
		if im.Kind == KindMemory {
			if memories++; memories > 1 {
				continue
			}
		}
		if im.Kind == KindGlobal {
			_, known := w.known(globals)
			if globals++; known {
				continue
			}
		}
		out = appendName(appendName(out, name.Module), name.Name)
		out = append(out, r.b[at:r.pos]...)
	}
	w.eachHelper(func(memory, index int, h helper) {
		out = appendName(appendName(out, companionName(memory)), fmt.Sprint("f", index))
		out = appendU32(append(out, byte(KindFunc)), w.addType(h.typ))
	})
	if w.safepoints != nil {
		out = appendName(appendName(out, w.opt.Safepoint.Module), w.opt.Safepoint.Name)
		out = append(out, byte(KindFunc))
		out = appendU32(out, w.hostType)
	}
	return out, r.err
}

func (w *rewriter) exportGlobals() {
	if w.opt.GlobalPrefix == "" {
		return
	}
	exported := map[uint32]string{}
	for _, e := range w.info.Exports {
		if e.Kind == KindGlobal && exported[e.Index] == "" {
			exported[e.Index] = e.Name
		}
	}
	add := func(index uint32, t ValType, init constant) {
		name := exported[index]
		if name == "" {
			name = fmt.Sprint(w.opt.GlobalPrefix, index)
			w.added = append(w.added, Export{Name: name, Kind: KindGlobal, Index: index})
		}
		w.out.Globals = append(w.out.Globals, GlobalExport{name, t, init.known, init.bits})
	}
	for i, g := range w.info.Globals {
		index := w.info.ImportedGlobals + uint32(i)
		if _, known := w.known(index); !known && g.Mutable && !w.constant(i) {
			add(index, g.Type, w.info.globalInit[i])
		}
	}
	if w.safepoints != nil {
		add(w.info.space(KindGlobal), I32, constant{known: true, bits: uint64(w.opt.first())})
	}
}

// exportStart exports the start function. The compiler of the result does not see that it is one,
// so its type is checked here.
func (w *rewriter) exportStart() error {
	if w.opt.StartExport == "" || !w.info.HasStart {
		return nil
	}
	t, ok := w.info.FuncTypeOf(w.info.Start)
	if !ok || len(t.Params) > 0 || len(t.Results) > 0 {
		return &FormatError{Offset: w.info.sec[secStart].offset,
			Reason: "the start function has parameters or results, or does not exist"}
	}
	w.added = append(w.added, Export{Name: w.opt.StartExport, Kind: KindFunc, Index: w.info.Start})
	return nil
}

// exportCoverage exports the function that reads what ran. The index of the export is that of an
// original function, or of one behind these.
func (w *rewriter) exportCoverage() {
	if w.coverage != nil {
		w.out.Coverage = int(w.coverage.words())
		w.added = append(w.added, Export{Name: w.opt.Coverage, Kind: KindFunc,
			Index: w.coverage.read - w.out.shift})
	}
}

func (w *rewriter) exports() []byte {
	n := len(w.info.Exports) + len(w.added)
	dropped := func(e Export) bool {
		if e.Kind == KindGlobal {
			_, known := w.known(e.Index)
			return known
		}
		return e.Kind == KindMemory && e.Index > 0 // a companion exports it
	}
	for _, e := range w.info.Exports {
		if dropped(e) {
			n--
		}
	}
	if n == 0 {
		return nil
	}
	out := appendU32(make([]byte, 0, len(w.info.sec[secExport].content)+64), uint32(n))
	put := func(e Export) {
		switch {
		case dropped(e):
			return
		case e.Kind == KindFunc:
			e.Index = w.function(e.Index)
		case e.Kind == KindGlobal:
			e.Index = w.global(e.Index)
		}
		out = append(appendName(out, e.Name), byte(e.Kind))
		out = appendU32(out, e.Index)
	}
	for _, e := range w.info.Exports {
		put(e)
	}
	for _, e := range w.added {
		put(e)
	}
	return out
}
