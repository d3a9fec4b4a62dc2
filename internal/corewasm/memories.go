package corewasm

import "fmt"

// Engines with one memory per module can run modules with several: each memory
// but the first becomes that of a companion module, which exports a function
// for each different instruction that touches it, and the instructions become
// calls. It is slow and meant for the rare module that needs it.

// Companion is a module that holds one further memory of a rewritten module. It must be
// instantiated before that module, under the name [Companion.Module].
type Companion struct {
	Wasm []byte
	// Import is the index, among the original module's imports, of the import that provides the
	// memory, which is the companion's only one; -1 if the companion defines the memory.
	Import int
	// Module is the name that the rewritten module imports from.
	Module string
}

// companion is one being collected; memories[k] serves memory k+1.
type companion struct {
	helpers []helper
	byCode  map[string]int
}

type helper struct {
	typ  FuncType
	code []byte // the instruction, on memory 0
	ref  uint32 // position among all helpers
}

func companionName(memory int) string { return fmt.Sprint("memory", memory) }

// memoryAccess describes the instruction that w has just read if it touches
// memory: which, and the same instruction on memory 0 with its type.
func memoryAccess(w *walker) (memory uint32, typ FuncType, code []byte, ok bool) {
	r := reader{b: w.b[:w.pos], pos: w.at + 1}
	i32 := []ValType{I32}
	switch {
	case w.op >= 0x28 && w.op <= 0x3e:
		align := r.u32()
		if align&0x40 != 0 {
			memory = r.u32()
		}
		v := accessType(w.op)
		if w.op < 0x36 {
			typ = FuncType{i32, []ValType{v}}
		} else {
			typ = FuncType{Params: []ValType{I32, v}}
		}
		code = append(appendU32([]byte{w.op}, align&^0x40), w.b[r.pos:w.pos]...)
		return memory, typ, code, true
	case w.op == 0x3f:
		return r.u32(), FuncType{Results: i32}, []byte{0x3f, 0}, true
	case w.op == 0x40:
		return r.u32(), FuncType{i32, i32}, []byte{0x40, 0}, true
	case w.op == 0xfc:
		three := FuncType{Params: []ValType{I32, I32, I32}}
		switch r.u32() {
		case 10:
			if to, from := r.u32(), r.u32(); to == from {
				return to, three, []byte{0xfc, 10, 0, 0}, true
			}
			return 1, three, nil, false
		case 11:
			return r.u32(), three, []byte{0xfc, 11, 0}, true
		case 8:
			r.u32()
			memory = r.u32()
			return memory, three, nil, memory == 0
		}
	case w.imm == immMemArg || w.imm == immMemArgLane:
		r.u32()
		if align := r.u32(); align&0x40 != 0 {
			memory = r.u32()
		}
		return memory, typ, nil, memory == 0
	}
	return 0, typ, nil, true
}

// accessType is the type that a load or store of one byte opcode moves.
func accessType(op byte) ValType {
	switch {
	case op == 0x2a || op == 0x38:
		return F32
	case op == 0x2b || op == 0x39:
		return F64
	case op == 0x29 || op >= 0x30 && op <= 0x35 || op == 0x37 || op >= 0x3c && op <= 0x3e:
		return I64
	}
	return I32
}

// collectMemories collects the instructions of the code on memories beyond the first.
func (w *rewriter) collectMemories() error {
	n := int(w.info.ImportedMemories) + len(w.info.Memories)
	if n < 2 {
		return nil
	}
	w.companions = make([]companion, n-1)
	s := w.info.sec[secCode]
	if !s.present {
		return nil
	}
	r := walker{reader: reader{b: s.content, base: s.offset}, table: newOpcodes()}
	whole := r.b
	for range r.u32() {
		size := r.u32()
		if uint64(size) > uint64(len(whole)-r.pos) {
			r.fail("function body of %d bytes out of bounds", size)
		}
		if r.err != nil {
			return r.err
		}
		r.b = whole[:r.pos+int(size)]
		for range r.count("locals") {
			r.u32()
			r.valType()
		}
		for r.next() {
			memory, typ, code, ok := memoryAccess(&r)
			if memory == 0 {
				continue
			}
			if !ok || int(memory) >= n {
				r.failAt(r.at, "instruction 0x%02x on memory %d is not supported: only plain "+
					"loads, stores, size, grow, copy and fill are on other memories than the "+
					"first", r.op, memory)
				break
			}
			c := &w.companions[memory-1]
			if c.byCode == nil {
				c.byCode = map[string]int{}
			}
			if _, known := c.byCode[string(code)]; !known {
				c.byCode[string(code)] = len(c.helpers)
				c.helpers = append(c.helpers, helper{typ: typ, code: code})
				w.addType(typ)
			}
		}
		if r.err != nil {
			return r.err
		}
		r.b = whole
	}
	for i := range w.companions {
		for k := range w.companions[i].helpers {
			w.companions[i].helpers[k].ref = w.helpers
			w.helpers++
		}
	}
	return nil
}

// accessor returns what stands for the instruction just read, if it touches a
// memory beyond the first or spells out that it means the first.
func (w *rewriter) accessor(in *walker) (code []byte, ok bool) {
	memory, _, code, _ := memoryAccess(in)
	if memory == 0 || int(memory) > len(w.companions) {
		return code, code != nil && string(code) != string(in.b[in.at:in.pos])
	}
	c := &w.companions[memory-1]
	k, ok := c.byCode[string(code)]
	if ok {
		code = appendU32([]byte{0x10}, w.info.ImportedFuncs+c.helpers[k].ref)
	}
	return code, ok
}

// eachHelper visits the helpers in the order of their function indices.
func (w *rewriter) eachHelper(f func(memory, index int, h helper)) {
	for i, c := range w.companions {
		for k, h := range c.helpers {
			f(i+1, k, h)
		}
	}
}

// buildCompanions makes the modules of the further memories.
func (w *rewriter) buildCompanions() error {
	for i, c := range w.companions {
		comp, err := w.companion(uint32(i+1), c)
		if err != nil {
			return err
		}
		w.out.Companions = append(w.out.Companions, comp)
	}
	return nil
}

func (w *rewriter) companion(memory uint32, c companion) (Companion, error) {
	out := Companion{Import: -1, Module: companionName(int(memory))}
	dst := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, n int, items []byte) {
		if n > 0 {
			content := append(appendU32(nil, uint32(n)), items...)
			dst = append(appendU32(append(dst, id), uint32(len(content))), content...)
		}
	}
	var types, funcs, exports, code []byte
	for k, h := range c.helpers {
		types = appendFuncType(types, h.typ)
		funcs = appendU32(funcs, uint32(k))
		exports = append(appendName(exports, fmt.Sprint("f", k)), byte(KindFunc))
		exports = appendU32(exports, uint32(k))
		body := []byte{0}
		for p := range h.typ.Params {
			body = append(body, 0x20, byte(p))
		}
		body = append(append(body, h.code...), 0x0b)
		code = append(appendU32(code, uint32(len(body))), body...)
	}
	nExports := len(c.helpers)
	for _, e := range w.info.Exports {
		if e.Kind == KindMemory && e.Index == memory {
			exports = append(appendName(exports, e.Name), byte(KindMemory), 0)
			nExports++
		}
	}
	section(secType, len(c.helpers), types)
	if memory < w.info.ImportedMemories {
		left := memory
		for i, im := range w.info.Imports {
			if im.Kind != KindMemory {
				continue
			}
			if left == 0 {
				out.Import = i
				name := appendName(appendName(nil, im.Module), im.Name)
				section(secImport, 1, appendLimits(append(name, byte(KindMemory)), im.Memory))
				break
			}
			left--
		}
	}
	section(secFunction, len(c.helpers), funcs)
	if out.Import < 0 {
		section(secMemory, 1, appendLimits(nil, w.info.Memories[memory-w.info.ImportedMemories]))
	}
	section(secExport, nExports, exports)
	section(secCode, len(c.helpers), code)
	var data []byte
	n := 0
	for _, d := range w.info.Data {
		if d.Mode != Active || d.Memory != memory {
			continue
		}
		if !d.ConstOffset {
			return out, fmt.Errorf(
				"corewasm: data at a computed offset of memory %d is not supported", memory)
		}
		data = append(appendS32(append(data, 0, 0x41), int32(d.Offset)), 0x0b)
		data = append(appendU32(data, uint32(len(d.Bytes))), d.Bytes...)
		n++
	}
	section(secData, n, data)
	out.Wasm = dst
	return out, nil
}

func appendFuncType(dst []byte, t FuncType) []byte {
	dst = append(dst, 0x60)
	for _, list := range [][]ValType{t.Params, t.Results} {
		dst = appendU32(dst, uint32(len(list)))
		for _, v := range list {
			dst = appendValType(dst, v)
		}
	}
	return dst
}

// appendLimits writes limits.
func appendLimits(dst []byte, l Limits) []byte {
	flags := byte(0)
	if l.HasMax {
		flags = 1
	}
	dst = appendU32(append(dst, flags), uint32(l.Min))
	if l.HasMax {
		dst = appendU32(dst, uint32(l.Max))
	}
	return dst
}
