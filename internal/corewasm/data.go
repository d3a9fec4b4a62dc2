package corewasm

const pageSize = 65536

// moveData decides how many leading segments leave the module. They are
// applied in order, so nothing after the first that must stay may leave: one
// whose offset is computed, that belongs to another memory, or that does not
// fit, which has to trap when the module is instantiated.
func (w *rewriter) moveData() {
	info := w.info
	if !w.opt.MoveData || info.ImportedMemories > 0 || len(info.Memories) == 0 {
		return
	}
	size := info.Memories[0].Min * pageSize
	w.out.Data = make([]Segment, 0, len(info.Data))
	for i, d := range info.Data {
		if d.Mode == Passive || d.Memory != 0 {
			continue
		}
		if !d.ConstOffset || d.Offset > size || uint64(len(d.Bytes)) > size-d.Offset {
			return
		}
		if len(d.Bytes) > 0 {
			w.out.Data = append(w.out.Data, Segment{d.Offset, d.Bytes})
		}
		w.keepData = i + 1
	}
}

// data returns the data section or the data count section. If code names segments by index, a
// segment that moved leaves an empty passive one behind, which is what an active segment is once it
// has been applied.
func (w *rewriter) data(id byte) []byte {
	named := w.out.Code.UsesSegments
	var out []byte
	var n uint32
	for i, d := range w.info.Data {
		moved := d.Mode == Active && (i < w.keepData || d.Memory != 0)
		switch {
		case !named && (moved || d.Mode == Passive):
			continue
		case moved:
			out = append(out, 1, 0)
		}
		n++
		if moved {
			continue
		}
		if id == secData {
			out = w.appendData(out, w.info.dataRaw[i])
		}
	}
	if id == secDataCount {
		if !w.info.sec[secDataCount].present || !named && n == 0 {
			return nil
		}
		return appendU32(nil, n)
	}
	if n == 0 {
		if named && w.info.sec[secData].present {
			return []byte{0}
		}
		return nil
	}
	return append(appendU32(make([]byte, 0, len(out)+5), n), out...)
}

// appendData appends a segment that stays.
func (w *rewriter) appendData(out, raw []byte) []byte {
	r := reader{b: raw}
	switch r.u32() {
	case 1:
		return append(out, raw...)
	case 2:
		r.u32()
	}
	e := elemWriter{w: w, out: append(out, raw[:r.pos]...)}
	at := r.pos
	r.constExpr()
	e.expr(&r, at)
	return append(e.out, raw[r.pos:]...)
}
