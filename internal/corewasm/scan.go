package corewasm

import (
	"encoding/binary"
	"strings"
)

// Section ids of the binary format (Core WebAssembly 2.0 §5.5.2; 13 is the tag
// section of exception handling).
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
	secTag
	numSections
)

// sectionOrder lists the standard sections in the order they must have.
func sectionOrder() [numSections - 1]byte {
	return [...]byte{
		secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal,
		secExport, secStart, secElement, secDataCount, secCode, secData,
	}
}

// SegmentMode is when and how a segment is used.
type SegmentMode byte

// The modes of data and element segments.
const (
	Active SegmentMode = iota
	Passive
	Declarative
)

// DataSegment describes one data segment.
type DataSegment struct {
	Mode   SegmentMode
	Memory uint32
	// Offset is where an active segment goes, in bytes; it is meaningful when
	// ConstOffset is true, that is when the offset expression is one i32.const
	// or i64.const.
	Offset      uint64
	ConstOffset bool
	// Bytes alias the module.
	Bytes []byte
}

// ElemSegment describes one element segment.
type ElemSegment struct {
	Mode  SegmentMode
	Table uint32
	// Offset is meaningful when ConstOffset is true, as in [DataSegment].
	Offset      uint64
	ConstOffset bool
	Len         uint32
}

// Info describes what a module declares. Funcs, Tables, Memories, Globals and Tags are those that
// the module defines itself; imported ones come before them in the index spaces.
type Info struct {
	Types    []Type
	Imports  []Import
	Funcs    []uint32 // type index of each function
	Tables   []TableType
	Memories []Limits
	Globals  []GlobalType
	Tags     []uint32 // type index of each tag
	Exports  []Export
	Start    uint32
	HasStart bool
	Elems    []ElemSegment
	Data     []DataSegment
	// DataCount is the number in the data count section, if there is one.
	DataCount uint32
	// Customs are the names of the custom sections in order.
	Customs []string
	// HasDWARF reports whether .debug_info and .debug_line are there.
	HasDWARF bool
	// ImportedFuncs and the like count imports by kind.
	ImportedFuncs, ImportedTables, ImportedMemories, ImportedGlobals, ImportedTags uint32

	customs []customSection
	dataRaw [][]byte // each data segment as the section holds it

	globalInit []constant   // of the module's own globals
	globalExpr [][]byte     // likewise
	allGlobals []GlobalType // imports first
	sec        [numSections]section
}

type section struct {
	present bool
	offset  int // of the content in the module
	content []byte
}

type customSection struct {
	name    string
	content []byte
}

// Custom returns the content of the first custom section of that name, aliasing the module; nil if
// there is none.
func (i *Info) Custom(name string) []byte {
	for _, c := range i.customs {
		if c.name == name {
			return c.content
		}
	}
	return nil
}

// CodeSize returns the length of the code section in bytes.
func (i *Info) CodeSize() int { return len(i.sec[secCode].content) }

// FuncTypeOf returns the type of a function by its index, imports first.
func (i *Info) FuncTypeOf(index uint32) (FuncType, bool) {
	t, ok := i.funcTypeIndex(index)
	if !ok || uint64(t) >= uint64(len(i.Types)) {
		return FuncType{}, false
	}
	return i.Types[t].Func, true
}

func (i *Info) funcTypeIndex(index uint32) (uint32, bool) {
	if index >= i.ImportedFuncs {
		if k := index - i.ImportedFuncs; uint64(k) < uint64(len(i.Funcs)) {
			return i.Funcs[k], true
		}
		return 0, false
	}
	for k := range i.Imports {
		if im := &i.Imports[k]; im.Kind == KindFunc {
			if index == 0 {
				return im.TypeIndex, true
			}
			index--
		}
	}
	return 0, false
}

// ExportNamed returns the export of that name.
func (i *Info) ExportNamed(name string) (Export, bool) {
	for _, e := range i.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}

// Scan reads what mod declares, without looking into function bodies. The
// error is a [*FormatError].
func Scan(mod []byte) (*Info, error) {
	info := &Info{}
	if err := info.split(mod); err != nil {
		return nil, err
	}
	for _, id := range sectionOrder() {
		s := &info.sec[id]
		if !s.present {
			continue
		}
		r := reader{b: s.content, base: s.offset}
		info.decode(id, &r)
		if r.err != nil {
			return nil, r.err
		}
		if id != secCode && r.pos != len(r.b) {
			r.fail("section %d has %d bytes too many", id, len(r.b)-r.pos)
			return nil, r.err
		}
	}
	for _, im := range info.Imports {
		if im.Kind == KindGlobal {
			info.allGlobals = append(info.allGlobals, im.Global)
		}
	}
	info.allGlobals = append(info.allGlobals, info.Globals...)
	if code := info.sec[secCode]; !code.present && len(info.Funcs) > 0 {
		return nil, &FormatError{Offset: len(mod), Reason: "functions without code section"}
	}
	return info, nil
}

// split finds the sections and checks their order.
func (i *Info) split(mod []byte) error {
	if len(mod) < 8 || string(mod[:4]) != "\x00asm" {
		return &FormatError{Reason: "no WebAssembly magic"}
	}
	if string(mod[4:8]) != "\x01\x00\x00\x00" {
		return &FormatError{Offset: 4, Reason: "not version 1 of a core module"}
	}
	var rank [numSections]int
	for k, id := range sectionOrder() {
		rank[id] = k + 1
	}
	last := 0
	var debugInfo, debugLine bool
	r := reader{b: mod, pos: 8}
	for r.more() {
		at := r.pos
		id := r.byte()
		size := r.u32()
		s := r.sub(size)
		if r.err != nil {
			return r.err
		}
		if id == secCustom {
			name := s.name()
			if s.err != nil {
				return s.err
			}
			i.Customs = append(i.Customs, name)
			i.customs = append(i.customs, customSection{name, s.b[s.pos:]})
			debugInfo = debugInfo || strings.HasPrefix(name, ".debug_info")
			debugLine = debugLine || strings.HasPrefix(name, ".debug_line")
			continue
		}
		if id >= numSections {
			return &FormatError{Offset: at, Reason: "unknown section"}
		}
		if rank[id] <= last {
			return &FormatError{Offset: at, Reason: "section out of order"}
		}
		last = rank[id]
		i.sec[id] = section{present: true, offset: s.base, content: s.b}
	}
	i.HasDWARF = debugInfo && debugLine
	return r.err
}

func (i *Info) decode(id byte, r *reader) {
	switch id {
	case secType:
		i.Types = r.types()
	case secImport:
		i.decodeImports(r)
	case secFunction:
		i.Funcs = r.indices("function section")
	case secTable:
		for range r.count("table section") {
			t := TableType{}
			if r.pos+1 < len(r.b) && r.b[r.pos] == 0x40 {
				r.pos++
				if r.byte() != 0 {
					r.fail("malformed table")
				}
				t = r.tableType()
				r.constExpr()
			} else {
				t = r.tableType()
			}
			i.Tables = append(i.Tables, t)
		}
	case secMemory:
		for range r.count("memory section") {
			i.Memories = append(i.Memories, r.limits())
		}
	case secTag:
		for range r.count("tag section") {
			r.byte()
			i.Tags = append(i.Tags, r.u32())
		}
	case secGlobal:
		for range r.count("global section") {
			i.Globals = append(i.Globals, r.globalType())
			at := r.pos
			r.constExpr()
			if r.err == nil {
				i.globalInit = append(i.globalInit, constantOf(r.b[at:r.pos]))
				i.globalExpr = append(i.globalExpr, r.b[at:r.pos])
			}
		}
	case secExport:
		for range r.count("export section") {
			e := Export{Name: r.name()}
			if e.Kind = Kind(r.byte()); e.Kind > KindTag {
				r.failAt(r.pos-1, "unknown export kind 0x%02x", byte(e.Kind))
			}
			e.Index = r.u32()
			i.Exports = append(i.Exports, e)
		}
	case secStart:
		i.Start, i.HasStart = r.u32(), true
	case secElement:
		for range r.count("element section") {
			i.Elems = append(i.Elems, r.elemSegment(nil))
		}
	case secDataCount:
		i.DataCount = r.u32()
	case secCode:
		at := r.pos
		if n := r.u32(); r.err == nil && uint64(n) != uint64(len(i.Funcs)) {
			r.failAt(at, "%d functions but %d bodies", len(i.Funcs), n)
		}
	case secData:
		n := r.count("data section")
		i.Data = make([]DataSegment, 0, min(n, maxReserved))
		i.dataRaw = make([][]byte, 0, min(n, maxReserved))
		for range n {
			at := r.pos
			i.Data = append(i.Data, r.dataSegment())
			i.dataRaw = append(i.dataRaw, r.b[at:r.pos])
		}
	}
}

// maxReserved bounds how many elements there is room for before they are read: a count may be a
// lie.
const maxReserved = 1 << 16

func (r *reader) indices(what string) []uint32 {
	n := r.count(what)
	if n == 0 {
		return nil
	}
	ix := make([]uint32, 0, n)
	for range n {
		ix = append(ix, r.u32())
	}
	return ix
}

func (i *Info) decodeImports(r *reader) {
	for range r.count("import section") {
		im := Import{Module: r.name(), Name: r.name()}
		r.importDesc(&im)
		if r.err != nil {
			return
		}
		i.Imports = append(i.Imports, im)
		switch im.Kind {
		case KindFunc:
			i.ImportedFuncs++
		case KindTable:
			i.ImportedTables++
		case KindMemory:
			i.ImportedMemories++
		case KindGlobal:
			i.ImportedGlobals++
		case KindTag:
			i.ImportedTags++
		}
	}
}

func (r *reader) importDesc(im *Import) {
	im.Kind = Kind(r.byte())
	switch im.Kind {
	case KindFunc:
		im.TypeIndex = r.u32()
	case KindTable:
		im.Table = r.tableType()
	case KindMemory:
		im.Memory = r.limits()
	case KindGlobal:
		im.Global = r.globalType()
	case KindTag:
		r.byte()
		im.TypeIndex = r.u32()
	default:
		r.failAt(r.pos-1, "unknown import kind 0x%02x", byte(im.Kind))
	}
}

// dataSegment reads one entry of the data section (§5.5.14).
func (r *reader) dataSegment() DataSegment {
	var d DataSegment
	at := r.pos
	switch flag := r.u32(); flag {
	case 0:
		d.Offset, d.ConstOffset = r.offsetExpr()
	case 1:
		d.Mode = Passive
	case 2:
		d.Memory = r.u32()
		d.Offset, d.ConstOffset = r.offsetExpr()
	default:
		r.failAt(at, "unknown data segment kind %d", flag)
	}
	d.Bytes = r.bytes(r.u32())
	return d
}

// offsetExpr reads a constant expression; the value counts when it is a
// single constant.
func (r *reader) offsetExpr() (v uint64, isConst bool) {
	start := r.pos
	r.constExpr()
	if r.err != nil {
		return 0, false
	}
	c := constantOf(r.b[start:r.pos])
	return c.bits, c.known && c.op == 0x41
}

// constant returns the value of a constant expression that is one const instruction of a number;
// known is false for all others.
type constant struct {
	known bool
	op    byte
	bits  uint64
}

func constantOf(expr []byte) constant {
	e := reader{b: expr}
	c := constant{op: e.byte()}
	switch c.op {
	case 0x41:
		c.bits = uint64(uint32(e.sleb(32)))
	case 0x42:
		c.bits = uint64(e.sleb(64))
	case 0x43:
		if b := e.bytes(4); b != nil {
			c.bits = uint64(binary.LittleEndian.Uint32(b))
		}
	case 0x44:
		if b := e.bytes(8); b != nil {
			c.bits = binary.LittleEndian.Uint64(b)
		}
	default:
		return constant{}
	}
	c.known = e.byte() == 0x0b && e.err == nil && e.pos == len(e.b)
	return c
}

// elemSegment reads one entry of the element section (§5.5.12). Function indices and constant
// expressions are passed to out, unless it is nil.
func (r *reader) elemSegment(out *elemWriter) ElemSegment {
	var e ElemSegment
	at := r.pos
	flag := r.u32()
	if r.err == nil && flag > 7 {
		r.failAt(at, "unknown element segment kind %d", flag)
		return e
	}
	out.copied(r, at)
	switch {
	case flag&1 == 0:
		if flag&2 != 0 {
			at = r.pos
			e.Table = r.u32()
			out.copied(r, at)
		}
		at = r.pos
		e.Offset, e.ConstOffset = r.offsetExpr()
		out.expr(r, at)
	case flag&2 == 0:
		e.Mode = Passive
	default:
		e.Mode = Declarative
	}
	at = r.pos
	if flag&3 != 0 {
		if flag&4 == 0 {
			r.byte() // element kind
		} else {
			r.valType()
		}
	}
	e.Len = uint32(r.count("element segment"))
	out.copied(r, at)
	for range e.Len {
		at = r.pos
		if flag&4 == 0 {
			i := r.u32()
			r.funcIndex(at, i)
			out.index(i)
		} else {
			r.constExpr()
			out.expr(r, at)
		}
		if r.err != nil {
			break
		}
	}
	return e
}
