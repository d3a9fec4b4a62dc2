package corewasm

// The time of instructions that fill and copy depends on their operands, and those that grow take a
// system call or a copy. Each kind, with its immediates, becomes a function that counts, and
// handles large ranges in pieces. Nothing is written if any of it is out of bounds: an instruction
// without length at the end of both ranges traps then, and does nothing else.
//
// Instructions that are often on few bytes become functions that are good at these, see small.go;
// they count as if there were as many as that.

// bulkOp describes an instruction of that kind.
type bulkOp struct {
	typ  FuncType
	grow bool
	// source: the second operand is where to read, and advances like the first.
	// overlap: both are in the same memory or table.
	source, overlap bool
	shift           int32 // makes counts of the size
	piece           int32 // how much of it is done at once
	// small, unless nil, adds a function for the instruction that is good at few bytes, and calls
	// another one for more.
	small func(typ, rest uint32) uint32
}

// bulk returns the function that stands for the instruction just read, if that is one that fills,
// copies or grows.
func (w *rewriter) bulk(in *walker) (function uint32, ok bool) {
	// Nearly all instructions are others: they must cost nothing here.
	if in.op != 0xfc && in.imm != immMemoryGrow {
		return 0, false
	}
	op, ok := w.bulkOp(in)
	if !ok {
		return 0, false
	}
	code := in.b[in.at:in.pos]
	if len(w.companions) > 0 {
		if other, ok := w.accessor(in); ok {
			code, op.small = other, nil
		}
	}
	s := w.safepoints
	index, known := s.bulk[string(code)]
	if !known {
		index = s.addBulk(w.addType(op.typ), op, code)
		s.bulk[string(code)] = index
	}
	return index, true
}

// bulkType is the type of most such functions: where to, from where or what, how much.
func bulkType() FuncType { return FuncType{Params: []ValType{I32, I32, I32}} }

// bulkOp describes an instruction that grows a memory or begins with 0xfc; ok is false for those of
// them that take the same time always.
func (w *rewriter) bulkOp(in *walker) (op bulkOp, ok bool) {
	three := bulkType()
	memory := bulkOp{typ: three, shift: bulkShift, piece: bulkPiece}
	table := bulkOp{typ: three, piece: bulkPiece / tableElement}
	r := reader{b: in.b[:in.pos], pos: in.at + 1}
	if in.imm == immMemoryGrow {
		return bulkOp{typ: FuncType{[]ValType{I32}, []ValType{I32}}, grow: true}, true
	}
	switch r.u32() {
	case 8: // memory.init
		op = memory
		op.source = true
	case 10: // memory.copy
		op = memory
		op.source, op.overlap, op.small = true, true, w.safepoints.addSmallCopy
	case 11: // memory.fill
		op = memory
		op.small = w.safepoints.addSmallFill
	case 12: // table.init
		op = table
		op.source = true
	case 14: // table.copy
		op = table
		to, from := r.u32(), r.u32()
		op.source, op.overlap = true, to == from
	case 15: // table.grow
		op.typ = FuncType{[]ValType{w.elemType(in, r.u32()), I32}, []ValType{I32}}
		op.grow = true
	case 17: // table.fill
		op = table
		op.typ = FuncType{Params: []ValType{I32, w.elemType(in, r.u32()), I32}}
	default:
		return op, false
	}
	return op, true
}

// tableElement is the size of an element of a table, in bytes.
const tableElement = 8

// elemType returns the type of a table's elements.
func (w *rewriter) elemType(in *walker, table uint32) ValType {
	left := table
	for i := range w.info.Imports {
		if im := &w.info.Imports[i]; im.Kind == KindTable {
			if left == 0 {
				return im.Table.Elem
			}
			left--
		}
	}
	if uint64(left) >= uint64(len(w.info.Tables)) {
		in.failAt(in.at, "unknown table %d", table)
		return FuncRef
	}
	return w.info.Tables[left].Elem
}

// addBulk adds the function for an instruction.
func (s *safepoints) addBulk(typ uint32, op bulkOp, code []byte) uint32 {
	tick := func(a asm) asm { return a.op(0x10).u32(s.first + addedTick) }
	if op.grow {
		a, size := asm{}, uint32(len(op.typ.Params))-1
		if a = a.i32(costGrow); size > 0 {
			a = a.get(size).i32(1).op(0x76, 0x6a)
		}
		a = tick(a)
		for p := range op.typ.Params {
			a = a.get(uint32(p))
		}
		return s.add(typ, nil, a.op(code...))
	}
	const dst, src, size, temp = 0, 1, 2, 3
	at := func(a asm, local uint32) asm { return a.get(local).get(size).op(0x6a) }
	piece := func(a asm) asm { return a.i32(op.piece) }
	advance := func(a asm, local uint32,
		sub byte) asm {
		return piece(a.get(local)).op(sub).set(local)
	}
	count := func(a asm) asm { return tick(a.i32(costBulk + op.piece>>op.shift)) }
	more := func(a asm) asm { return piece(a.get(size)).op(0x4b) }
	rest := func(a asm) asm { return a.get(dst).get(src).get(size).op(code...) }

	a := asm{}
	if op.small != nil {
		a = rest(a.get(size).i32(bulkSmall).op(0x4d, 0x04, 0x40)).op(0x0f, 0x0b)
	}
	a = more(a.op(0x02, 0x40)).op(0x45, 0x0d, 0, 0x02, 0x40)
	// All at once, so that it traps, if the end of a range is past what there is to
	// address.
	a = at(a, dst).get(dst).op(0x49, 0x0d, 0)
	if op.source {
		a = at(a, src).get(src).op(0x49, 0x0d, 0)
	}
	// Nothing, at the ends.
	a = at(a, dst)
	if op.source {
		a = at(a, src)
	} else {
		a = a.get(src)
	}
	a = a.i32(0).op(code...)
	if op.overlap { // from the end, if the source would else be overwritten before it is read
		a = a.get(dst).get(src).op(0x4b, 0x04, 0x40, 0x03, 0x40)
		a = advance(count(a), size, 0x6b)
		a = piece(at(at(a, dst), src)).op(code...)
		a = more(a).op(0x0d, 0, 0x0b, 0x0c, 2, 0x0b)
	}
	a = count(a.op(0x03, 0x40)).get(dst).get(src)
	a = advance(piece(a).op(code...), dst, 0x6a)
	if op.source {
		a = advance(a, src, 0x6a)
	}
	a = more(advance(a, size, 0x6b)).op(0x0d, 0, 0x0b, 0x0c, 1, 0x0b)
	a = rest(a).op(0x0f, 0x0b)
	// What is left.
	a = a.op(0x23).u32(s.counter).get(size).i32(op.shift).op(0x76, 0x6b).i32(costBulk).op(0x6b)
	index := s.add(typ, []ValType{I32}, rest(s.spend(a, temp)))
	if op.small != nil {
		index = op.small(typ, index)
	}
	return index
}
