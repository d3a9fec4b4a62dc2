package corewasm

import (
	"errors"
	"fmt"
)

// DefaultPeriod is how many counts lie between two calls of the safepoint
// function when [Options] says nothing.
const DefaultPeriod = 1 << 19

// ImportName is the two-part name of an import.
type ImportName struct {
	Module, Name string
}

// Options say what [Rewrite] does. The zero value only drops custom sections.
type Options struct {
	// Imports gives the new name of each import in order; nil keeps the names.
	Imports []ImportName
	// Safepoint is the host function, of type () -> (), that code calls each
	// Period counts or so, and before each try_table that catches something; nil
	// inserts no safepoints. A count is about one plain instruction; what takes
	// longer counts for more.
	Safepoint *ImportName
	// Period is at most 1<<31-1; 0 means [DefaultPeriod].
	Period uint32
	// MoveData takes the active segments of a memory that the module defines
	// itself out of the module.
	MoveData bool
	// GlobalPrefix, when not empty, exports each mutable global that the module
	// defines and does not yet export, under the prefix followed by a number.
	GlobalPrefix string
	// StartExport, when not empty, exports the start function under this name,
	// and nothing runs by itself when the module is instantiated.
	StartExport string
	// MaxTable, when not 0, bounds how far each table of the module can grow, in
	// elements: its first size or this, whichever is more.
	MaxTable uint32
	// Lines adds a line table that maps code offsets of the rewritten module to
	// "lines" that are code offsets in the original: an engine that prints
	// line numbers in backtraces then tells where each frame was.
	Lines bool
}

// Segment is data that belongs at Offset, in bytes, of memory 0 before the
// instance runs; later segments overwrite earlier ones. Bytes alias the input.
type Segment struct {
	Offset uint64
	Bytes  []byte
}

// GlobalExport is the export of a mutable global that the module defines.
type GlobalExport struct {
	Name string
	Type ValType
	// Const tells that the global begins as one numeric constant, which Value
	// holds as its bits.
	Const bool
	Value uint64
}

// Rewritten is the result of [Rewrite].
type Rewritten struct {
	// Wasm is the new module; the same input and options give the same bytes.
	Wasm []byte
	// Data are the segments that were moved out.
	Data []Segment
	// Info describes the original module.
	Info *Info
	// Globals are the mutable globals reachable by export, when asked for.
	Globals []GlobalExport
	// Code says what the function bodies do.
	Code CodeFacts
	// Companions hold the memories beyond the first, if there are any.
	Companions []Companion
	// Offsets maps offsets in the new code section to the old one.
	Offsets OffsetMap

	importedFuncs uint32
	shift         uint32 // functions added behind the imported ones
	ownFuncs      uint32
}

// CodeFacts are properties of function bodies.
type CodeFacts struct {
	// WritesTables: table.set, fill, grow, copy, init or elem.drop occur.
	WritesTables bool
	// UsesSegments: memory.init or data.drop occur.
	UsesSegments bool
	// DropsSegments: data.drop occurs.
	DropsSegments bool
	// GrowsMemory: memory.grow occurs.
	GrowsMemory bool
	// MakesRefs: ref.func occurs.
	MakesRefs bool
	// Loops and Calls count loop headers and functions with calls.
	Loops, Calls int
}

// OriginalFunc translates a function index of the rewritten module; false for
// one that was added.
func (w *Rewritten) OriginalFunc(index uint32) (uint32, bool) {
	if index < w.importedFuncs {
		return index, true
	}
	own := index - w.importedFuncs - w.shift
	if index < w.importedFuncs+w.shift || own >= w.ownFuncs {
		return 0, false
	}
	return w.importedFuncs + own, true
}

// Rewrite makes a new module out of mod; see [Options]. Bytes of the result
// other than Wasm alias mod. An error is a [*FormatError] when the module is
// malformed, and names opcode and offset when an opcode is not known.
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
		return nil, fmt.Errorf("corewasm: %d import names for %d imports", len(opt.Imports), len(info.Imports))
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
	voidType   uint32      // index of () -> ()
	types      map[string]uint32
	addedTypes []byte
	companions []companion
	helpers    uint32 // functions that companions provide
	keepData   int    // number of leading segments that were moved out
	lines      *lineTable
	added      []Export // beyond those of the module
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
	if w.opt.Safepoint != nil && len(info.Funcs) > 0 {
		w.safepoints = newSafepoints(w)
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
	total += len(code) - len(info.sec[secCode].content)
	dst := append(make([]byte, 0, max(total, 64)), "\x00asm\x01\x00\x00\x00"...)
	for _, id := range sectionOrder() {
		content, err := w.section(id, code)
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
		dst = w.lines.appendSections(dst, len(code))
	}
	w.out.Wasm = dst
	return w.out, nil
}

// section gives the new content of a section, nil for none.
func (w *rewriter) section(id byte, code []byte) ([]byte, error) {
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
		if w.safepoints != nil {
			out = w.prolonged(&r, s.present, uint32(len(w.safepoints.added)))
			for _, f := range w.safepoints.added {
				out = appendU32(out, f.typ)
			}
			return out, r.err
		}
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
	case secCode:
		return code, nil
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

// function translates a function index of the original.
func (w *rewriter) function(index uint32) uint32 {
	if index >= w.info.ImportedFuncs {
		return index + w.out.shift
	}
	return index
}

func (w *rewriter) imports() ([]byte, error) {
	s := w.info.sec[secImport]
	n := uint32(len(w.info.Imports)) + w.out.shift
	if w.info.ImportedMemories > 1 {
		n -= w.info.ImportedMemories - 1
	}
	if n == 0 {
		return nil, nil
	}
	memories := 0
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
		out = appendU32(out, w.voidType)
	}
	return out, r.err
}

// withExprs copies the table or global section, whose constant expressions
// may name functions.
func (w *rewriter) withExprs(id byte) ([]byte, error) {
	s := w.info.sec[id]
	add := id == secGlobal && w.safepoints != nil
	if !s.present && !add {
		return nil, nil
	}
	r := w.info.reader(id)
	var n uint32
	if s.present {
		n = r.u32()
	}
	e := &elemWriter{w: w}
	if add {
		e.out = appendU32(make([]byte, 0, len(s.content)+16), n+1)
	} else {
		e.out = appendU32(make([]byte, 0, len(s.content)+16), n)
	}
	for k := range n {
		if id == secGlobal {
			r.visible = w.info.ImportedGlobals + k
		}
		at := r.pos
		hasExpr := true
		if id == secGlobal {
			r.globalType()
			e.copied(&r, at)
		} else {
			if hasExpr = r.pos+1 < len(r.b) && r.b[r.pos] == 0x40; hasExpr {
				r.pos += 2
			}
			r.valType()
			e.copied(&r, at)
			e.out = appendLimits(e.out, w.tableLimits(r.limits()))
		}
		if hasExpr {
			at = r.pos
			r.constExpr()
			e.expr(&r, at)
		}
	}
	if add {
		e.out = append(e.out, byte(I32), 1, 0x41)
		e.out = appendS32(e.out, int32(w.opt.Period))
		e.out = append(e.out, 0x0b)
	}
	return e.out, r.err
}

// tableLimits bounds the growth of a table.
func (w *rewriter) tableLimits(l Limits) Limits {
	most := max(uint64(w.opt.MaxTable), l.Min)
	if w.opt.MaxTable > 0 && (!l.HasMax || l.Max > most) {
		l.Max, l.HasMax = most, true
	}
	return l
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
		if g.Mutable {
			add(w.info.ImportedGlobals+uint32(i), g.Type, w.info.globalInit[i])
		}
	}
	if w.safepoints != nil {
		add(w.safepoints.counter, I32, constant{known: true, bits: uint64(w.opt.Period)})
	}
}

// exportStart makes an export of the start function. Whoever compiles the result
// does not see that it is one, so its type is checked here.
func (w *rewriter) exportStart() error {
	if w.opt.StartExport == "" || !w.info.HasStart {
		return nil
	}
	t, ok := w.info.FuncTypeOf(w.info.Start)
	if !ok || len(t.Params) > 0 || len(t.Results) > 0 {
		return &FormatError{Offset: w.info.sec[secStart].offset, Reason: "the start function takes or gives something, or is not there"}
	}
	w.added = append(w.added, Export{Name: w.opt.StartExport, Kind: KindFunc, Index: w.info.Start})
	return nil
}

func (w *rewriter) exports() []byte {
	n := len(w.info.Exports) + len(w.added)
	for _, e := range w.info.Exports {
		if e.Kind == KindMemory && e.Index > 0 {
			n--
		}
	}
	if n == 0 {
		return nil
	}
	out := appendU32(make([]byte, 0, len(w.info.sec[secExport].content)+64), uint32(n))
	put := func(e Export) {
		if e.Kind == KindMemory && e.Index > 0 {
			return // a companion exports it
		}
		if e.Kind == KindFunc {
			e.Index = w.function(e.Index)
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

// elemWriter copies pieces of a section while translating function indices.
// A nil writer ignores everything.
type elemWriter struct {
	w   *rewriter
	out []byte
}

func (e *elemWriter) copied(r *reader, from int) {
	if e != nil && r.err == nil {
		e.out = append(e.out, r.b[from:r.pos]...)
	}
}

func (e *elemWriter) index(i uint32) {
	if e != nil {
		e.out = appendU32(e.out, e.w.function(i))
	}
}

// expr copies the constant expression that starts at from and ends where r is.
func (e *elemWriter) expr(r *reader, from int) {
	if e == nil || r.err != nil {
		return
	}
	x := reader{b: r.b[:r.pos], pos: from}
	for x.pos < len(x.b) {
		if x.b[x.pos] == 0xd2 {
			x.pos++
			e.out = append(e.out, 0xd2)
			e.index(x.u32())
			continue
		}
		at := x.pos
		x.constInstr()
		e.out = append(e.out, x.b[at:x.pos]...)
	}
}
