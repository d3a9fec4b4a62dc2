package corewasm

// withExprs copies the table or global section, whose constant expressions
// may name functions.
func (w *rewriter) withExprs(id byte) ([]byte, error) {
	return w.exprsOf(id, &elemWriter{w: w})
}

func (w *rewriter) exprsOf(id byte, e *elemWriter) ([]byte, error) {
	s := w.info.sec[id]
	table := id == secTable && w.coverage != nil
	add := id == secGlobal && w.safepoints != nil || table
	if !s.present && !add {
		return nil, nil
	}
	r := w.info.reader(id)
	var n uint32
	if s.present {
		n = r.u32()
	}
	count := n
	if add {
		count++
	}
	if id == secGlobal && w.instructions != nil {
		count++
	}
	if id == secGlobal {
		for _, k := range w.opt.Known {
			if k.Global >= w.info.ImportedGlobals {
				count--
			}
		}
	}
	e.out = appendU32(make([]byte, 0, len(s.content)+16), count)
	for k := range n {
		at, begin := r.pos, len(e.out)
		if id == secGlobal {
			r.visible = w.info.ImportedGlobals + k
		}
		hasExpr := true
		if id == secGlobal {
			t := r.globalType()
			e.copied(&r, at)
			if t.Mutable && r.err == nil && w.constant(int(k)) {
				e.out[len(e.out)-1] = 0
			}
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
		if id == secGlobal {
			if _, known := w.known(w.info.ImportedGlobals + k); known {
				e.out = e.out[:begin]
			}
		}
	}
	switch {
	case table:
		e.out = w.coverage.appendTable(e.out)
	case add:
		e.out = append(e.out, byte(I32), 1, 0x41)
		e.out = appendS32(e.out, w.opt.first())
		e.out = append(e.out, 0x0b)
		if w.instructions != nil {
			e.out = append(e.out, byte(I64), 1, 0x42, 0, 0x0b)
		}
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

// elemWriter copies pieces of a section while translating indices of functions and globals.
// A nil writer ignores everything.
type elemWriter struct {
	w    *rewriter
	out  []byte
	seen func(function uint32) // unless nil, learns of functions
}

func (e *elemWriter) copied(r *reader, from int) {
	if e != nil && r.err == nil {
		e.out = append(e.out, r.b[from:r.pos]...)
	}
}

func (e *elemWriter) index(i uint32) {
	if e != nil {
		e.out = appendU32(e.out, e.w.function(i))
		if e.seen != nil {
			e.seen(i)
		}
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
		if x.constInstr() == 0x23 {
			x.pos = at + 1
			index := x.u32()
			if bits, known := e.w.known(index); known {
				e.out = e.w.appendValue(e.out, index, bits)
			} else {
				e.out = appendU32(append(e.out, 0x23), e.w.global(index))
			}
			continue
		}
		e.out = append(e.out, x.b[at:x.pos]...)
	}
}
