package corewasm

import (
	"encoding/binary"
	"slices"
)

// Known is a number that a global has whenever code can read it.
type Known struct {
	Global uint32 // index in the original module, imports first
	Bits   uint64
}

// GlobalValue returns the value of a global if it is known.
type GlobalValue func(global uint32) (bits uint64, known bool)

// GlobalTypeOf returns the type of a global by its index, imports first.
func (i *Info) GlobalTypeOf(global uint32) (GlobalType, bool) {
	if uint64(global) >= uint64(len(i.allGlobals)) {
		return GlobalType{}, false
	}
	return i.allGlobals[global], true
}

// GlobalInit returns what the module's own global number own begins with, if that is a number that
// can be computed; value returns those of immutable globals before it.
func (i *Info) GlobalInit(own int, value GlobalValue) (bits uint64, known bool) {
	e := evaluator{info: i, value: value}
	w := walker{reader: reader{b: i.globalExpr[own]}, table: newOpcodes()}
	for w.next() && w.op != 0x0b {
		if !e.step(&w) {
			return 0, false
		}
	}
	if len(e.stack) != 1 || w.err != nil || e.stack[0].typ != i.Globals[own].Type {
		return 0, false
	}
	return e.stack[0].bits, true
}

// GlobalStores describes what code sets a global to.
type GlobalStores struct {
	// Stored reports whether some code sets the global: to Bits, or if Unknown is true, to values
	// that are not known.
	Stored, Unknown bool
	Bits            uint64
	// First reports whether the start function sets it before it does anything that other code
	// could notice.
	First bool
}

// SharesGlobals reports whether the module imports or exports mutable globals.
func (i *Info) SharesGlobals() bool {
	for k := range i.Imports {
		if i.Imports[k].Kind == KindGlobal && i.Imports[k].Global.Mutable {
			return true
		}
	}
	for _, e := range i.Exports {
		if e.Kind == KindGlobal && e.Index >= i.ImportedGlobals &&
			uint64(e.Index) < uint64(i.space(KindGlobal)) && i.mutable(e.Index) {
			return true
		}
	}
	return false
}

// GlobalStores walks through the code of the module, and returns for each global, imports first,
// what it is set to. value returns the values of immutable globals. The error is a [*FormatError].
func (i *Info) GlobalStores(value GlobalValue) ([]GlobalStores, error) {
	stores := make([]GlobalStores, i.space(KindGlobal))
	if !i.sec[secCode].present {
		return stores, nil
	}
	w := walker{reader: i.reader(secCode), table: newOpcodes()}
	whole := w.b
	e := evaluator{info: i, value: value}
	for fn := range w.u32() {
		size := w.u32()
		if uint64(size) > uint64(len(whole)-w.pos) {
			w.fail("function body of %d bytes out of bounds", size)
		}
		if w.err != nil {
			return nil, w.err
		}
		w.b = whole[:w.pos+int(size)]
		for range w.count("locals") {
			w.u32()
			w.valType()
		}
		first := i.HasStart && i.Start == i.ImportedFuncs+fn
		e.stack = e.stack[:0]
		for w.next() {
			if w.op == 0x24 {
				v, ok := e.pop()
				t, _ := i.GlobalTypeOf(w.arg)
				stores[w.arg].add(v.bits, ok && v.typ == t.Type, first)
				continue
			}
			if !e.step(&w) {
				e.stack, first = e.stack[:0], false
			}
		}
		if w.err != nil {
			return nil, w.err
		}
		w.b = whole
	}
	return stores, nil
}

func (s *GlobalStores) add(bits uint64, known, first bool) {
	s.Unknown = s.Unknown || !known || s.Stored && s.Bits != bits
	s.Stored, s.Bits = true, bits
	s.First = s.First || first
}

// evaluator follows straight-line code that computes with numbers. Its stack holds the topmost
// operands, as far as they are known.
type evaluator struct {
	info  *Info
	value GlobalValue
	stack []number
}

type number struct {
	typ  ValType
	bits uint64
}

func (e *evaluator) pop() (v number, ok bool) {
	if n := len(e.stack); n > 0 {
		v, e.stack = e.stack[n-1], e.stack[:n-1]
		return v, true
	}
	return v, false
}

// step follows the instruction that w has read; it returns false if it cannot.
func (e *evaluator) step(w *walker) bool {
	switch w.op {
	case 0x01: // nop
		return true
	case 0x41:
		r := reader{b: w.b, pos: w.immAt}
		e.stack = append(e.stack, number{I32, uint64(uint32(r.sleb(32)))})
		return true
	case 0x42:
		r := reader{b: w.b, pos: w.immAt}
		e.stack = append(e.stack, number{I64, uint64(r.sleb(64))})
		return true
	case 0x43:
		e.stack = append(e.stack, number{F32, uint64(binary.LittleEndian.Uint32(w.b[w.immAt:]))})
		return true
	case 0x44:
		e.stack = append(e.stack, number{F64, binary.LittleEndian.Uint64(w.b[w.immAt:])})
		return true
	case 0x23:
		bits, ok := e.value(w.arg)
		if !ok {
			return false
		}
		t, ok := e.info.GlobalTypeOf(w.arg)
		e.stack = append(e.stack, number{t.Type, bits})
		return ok
	case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
		b, _ := e.pop()
		a, ok := e.pop()
		want := I32
		if w.op >= 0x7c {
			want = I64
		}
		if !ok || a.typ != want || b.typ != want {
			return false
		}
		switch w.op {
		case 0x6a, 0x7c:
			a.bits += b.bits
		case 0x6b, 0x7d:
			a.bits -= b.bits
		default:
			a.bits *= b.bits
		}
		if want == I32 {
			a.bits = uint64(uint32(a.bits))
		}
		e.stack = append(e.stack, a)
		return true
	}
	return false
}

// setKnown prepares for dropping the globals whose values are known.
func (w *rewriter) setKnown() {
	if len(w.opt.Known) == 0 {
		return
	}
	// The last two are the counters of safepoints and of instructions.
	w.globals = make([]uint32, w.info.space(KindGlobal)+2)
	next := uint32(0)
	for i := range w.globals {
		if _, known := w.known(uint32(i)); !known {
			w.globals[i] = next
			next++
		}
	}
}

// known returns the value of a global that is dropped.
func (w *rewriter) known(global uint32) (bits uint64, ok bool) {
	k, ok := slices.BinarySearchFunc(w.opt.Known, global, func(k Known, global uint32) int {
		return int(int64(k.Global) - int64(global))
	})
	if !ok {
		return 0, false
	}
	return w.opt.Known[k].Bits, true
}

// global translates the index of a global that stays.
func (w *rewriter) global(index uint32) uint32 {
	if w.globals != nil {
		return w.globals[index]
	}
	return index
}

// appendValue appends the instruction that gives the value of a known global.
func (w *rewriter) appendValue(dst []byte, global uint32, bits uint64) []byte {
	t, _ := w.info.GlobalTypeOf(global)
	switch t.Type {
	case I64:
		return appendS64(append(dst, 0x42), int64(bits))
	case F32:
		return binary.LittleEndian.AppendUint32(append(dst, 0x43), uint32(bits))
	case F64:
		return binary.LittleEndian.AppendUint64(append(dst, 0x44), bits)
	}
	return appendS32(append(dst, 0x41), int32(uint32(bits)))
}

// access returns what stands for the access to a global that in has read, appended to dst; same if
// it does not change. A global that is known is set to what it is.
func (w *rewriter) access(dst []byte, in *walker) (code []byte, same bool) {
	if w.globals == nil {
		return nil, true
	}
	bits, known := w.known(in.arg)
	switch {
	case known && in.op == 0x24:
		if !w.info.mutable(in.arg) {
			in.failAt(in.at, "global %d is immutable", in.arg)
		}
		return append(dst, 0x1a), false
	case known:
		return w.appendValue(dst, in.arg, bits), false
	case w.globals[in.arg] == in.arg:
		return nil, true
	}
	return appendU32(append(dst, in.op), w.globals[in.arg]), false
}

// fold returns the code for a known global that was read, and for the number that is added to it if
// one is, as in addresses of data in code that can be anywhere: the engine does not add numbers up.
func (b *bodyRewriter) fold(code asm) asm {
	r := reader{b: b.b, pos: b.pos}
	if code[0] != 0x41 || !r.more() || r.byte() != 0x41 {
		return code
	}
	added := r.sleb(32)
	if r.byte() != 0x6a || r.err != nil || len(b.edits) > 0 && b.edits[0].at < r.pos {
		return code
	}
	known := reader{b: code, pos: 1}
	sum := int32(known.sleb(32)) + int32(added)
	b.pos = r.pos
	return code[:0].i32(sum)
}

// constant reports whether a mutable global of the module itself is as good as immutable: nothing
// sets it. The code must have been rewritten.
func (w *rewriter) constant(own int) bool {
	global := w.info.ImportedGlobals + uint32(own)
	return !w.stored[global] && !slices.ContainsFunc(w.info.Exports, func(e Export) bool {
		return e.Kind == KindGlobal && e.Index == global
	})
}
