package corewasm

// DefaultPeriod is the default of [Options].Period, in counts.
const DefaultPeriod = 1 << 19

// ImportName is the two-part name of an import.
type ImportName struct {
	Module, Name string
}

// Options configures [Rewrite]. The zero value only drops custom sections.
type Options struct {
	// Imports holds the new name of each import in order; nil keeps the names.
	Imports []ImportName
	// Safepoint is the host function, of type () -> (i32), that code calls now and then, and before
	// each try_table that catches something; nil inserts no safepoints. It returns after how many
	// counts or so code calls it again. A count is about one plain instruction; what takes longer
	// counts for more.
	Safepoint *ImportName
	// Period is after how many counts the host usually wants to be called. It is called first after
	// an eighth of them, as it cannot say when. Period is at most 1<<31-1; 0 means [DefaultPeriod].
	Period uint32
	// MoveData takes the active segments of a memory that the module defines
	// itself out of the module.
	MoveData bool
	// GlobalPrefix, unless empty, exports each mutable global that the module defines and does not
	// yet export, under the prefix followed by a number.
	GlobalPrefix string
	// StartExport, unless empty, exports the start function under this name, and instantiating the
	// module does not run it.
	StartExport string
	// MaxTable, unless 0, bounds how far each table of the module can grow, in elements: to its
	// first size or to MaxTable, whichever is more.
	MaxTable uint32
	// Known are globals, in order, that have the same value whenever code reads them. They are
	// dropped, with the imports and exports of them: code that reads one has the number in its
	// place, and code that sets one, which must be to the same, does nothing.
	Known []Known
	// Coverage, unless empty, exports a function of type (i32) -> (i64) under this name, with which
	// the host reads what of the module has run; see [Info.Covered]. Result n of it is word n of
	// [Rewritten].Coverage words. It needs Safepoint.
	Coverage string
	// Instructions, unless empty, exports a global of type i64 under this name, in which code
	// counts the instructions of the original module that run; see [Block]. It needs Safepoint.
	Instructions string
	// Lines adds a line table that maps code offsets of the rewritten module to "lines" that are
	// code offsets in the original: an engine that prints line numbers in backtraces then prints
	// the place of each frame.
	Lines bool
	// Workers is on how many processors code is rewritten, at most; 0: on all. The result does not
	// depend on it.
	Workers int `json:"-"`
}

// first is after how many counts code comes to its first safepoint.
func (o *Options) first() int32 { return max(int32(o.Period/8), 1) }

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
	// Const is true if the global begins as one numeric constant, whose bits are Value.
	Const bool
	Value uint64
}

// Rewritten is the result of [Rewrite].
type Rewritten struct {
	// Wasm is the new module; it depends only on the input and the options.
	Wasm []byte
	// Data are the segments that were moved out.
	Data []Segment
	// Info describes the original module.
	Info *Info
	// Globals are the mutable globals reachable by export, if Options.GlobalPrefix is set. Those
	// that nothing can set are immutable now.
	Globals []GlobalExport
	// Code holds properties of the function bodies.
	Code CodeFacts
	// Coverage is how many words the function returns that [Options].Coverage exports.
	Coverage int
	// Companions hold the memories beyond the first, if there are any.
	Companions []Companion

	importedFuncs uint32
	shift         uint32 // functions added behind the imported ones
	ownFuncs      uint32
	order         []uint32 // the module's own functions in their new order; nil: the old one
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
	// Blocks is how many blocks the function with most of them has, about: the compiler takes time
	// with their square. Largest is the function's index, imports first.
	Blocks  int
	Largest uint32
}

// OriginalFunc returns the original index of a function of the rewritten module, or false for a
// function that was added.
func (w *Rewritten) OriginalFunc(index uint32) (uint32, bool) {
	if index < w.importedFuncs {
		return index, true
	}
	own := index - w.importedFuncs - w.shift
	if index < w.importedFuncs+w.shift || own >= w.ownFuncs {
		return 0, false
	}
	if w.order != nil {
		own = w.order[own]
	}
	return w.importedFuncs + own, true
}
