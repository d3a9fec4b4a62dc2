package corewasm

// Rewriting adds a function, a type and a global to the end of their spaces, so
// that an index past the end, which makes a module invalid, would name one of
// them. Indices are checked before.

// reader reads a section whose indices are checked.
func (i *Info) reader(id byte) reader {
	s := i.sec[id]
	return reader{b: s.content, base: s.offset, info: i, visible: i.space(KindGlobal)}
}

// space is the size of an index space.
func (i *Info) space(k Kind) uint32 {
	switch k {
	case KindFunc:
		return i.ImportedFuncs + uint32(len(i.Funcs))
	case KindTable:
		return i.ImportedTables + uint32(len(i.Tables))
	case KindMemory:
		return i.ImportedMemories + uint32(len(i.Memories))
	case KindGlobal:
		return i.ImportedGlobals + uint32(len(i.Globals))
	case KindTag:
		return i.ImportedTags + uint32(len(i.Tags))
	}
	return 0
}

func (r *reader) funcIndex(at int, index uint32) {
	if r.info != nil && index >= r.info.space(KindFunc) {
		r.failAt(at, "unknown function %d", index)
	}
}

func (r *reader) typeIndex(at int, index uint32) {
	if r.info != nil && uint64(index) >= uint64(len(r.info.Types)) {
		r.failAt(at, "unknown type %d", index)
	}
}

// mutable reports whether a global is.
func (i *Info) mutable(global uint32) bool {
	return uint64(global) < uint64(len(i.allGlobals)) && i.allGlobals[global].Mutable
}

// checkIndices checks the indices of sections that are not read again when they
// are rewritten.
func (i *Info) checkIndices() error {
	r := i.reader(secType)
	val := func(t ValType) {
		if index, ok := t.HeapIndex(); ok {
			r.typeIndex(0, index)
		}
	}
	for _, t := range i.Types {
		for _, v := range t.Func.Params {
			val(v)
		}
		for _, v := range t.Func.Results {
			val(v)
		}
	}
	r.base = i.sec[secImport].offset
	for _, im := range i.Imports {
		switch im.Kind {
		case KindFunc, KindTag:
			r.typeIndex(0, im.TypeIndex)
		case KindTable:
			val(im.Table.Elem)
		case KindGlobal:
			val(im.Global.Type)
		}
	}
	r.base = i.sec[secFunction].offset
	for _, t := range i.Funcs {
		r.typeIndex(0, t)
	}
	r.base = i.sec[secTag].offset
	for _, t := range i.Tags {
		r.typeIndex(0, t)
	}
	r.base = i.sec[secExport].offset
	for _, e := range i.Exports {
		if e.Index >= i.space(e.Kind) {
			r.fail("export %q: unknown %s %d", e.Name, e.Kind, e.Index)
		}
	}
	r.base = i.sec[secStart].offset
	if i.HasStart {
		r.funcIndex(0, i.Start)
	}
	r.base = i.sec[secDataCount].offset
	if i.sec[secDataCount].present && uint64(i.DataCount) != uint64(len(i.Data)) {
		r.fail("data count and data section have inconsistent lengths: %d and %d", i.DataCount,
			len(i.Data))
	}
	r.base = i.sec[secData].offset
	for k, d := range i.Data {
		if d.Mode == Active && d.Memory >= i.space(KindMemory) {
			r.fail("data segment %d: unknown memory %d", k, d.Memory)
		}
		offset := i.reader(secData)
		offset.b = i.dataRaw[k]
		if offset.dataSegment(); offset.err != nil && r.err == nil {
			r.err = offset.err
		}
	}
	return r.err
}
