package binary

import "fmt"

// CoreInterface is what a core module shows to the outside, with what is needed to type it.
type CoreInterface struct {
	Types   []CoreSubType
	Imports []CoreImportDecl
	Exports []CoreModuleExport
	// GroupStart has, for every type, the index of the first type of its recursive group.
	GroupStart []int
}

// CoreModuleExport is an export of a core module together with the type of the item.
type CoreModuleExport struct {
	Name string
	Desc CoreExternType
}

// The ids of the sections of a core module that DecodeCoreModule reads.
const (
	coreSectionType     = 1
	coreSectionImport   = 2
	coreSectionFunction = 3
	coreSectionTable    = 4
	coreSectionMemory   = 5
	coreSectionGlobal   = 6
	coreSectionExport   = 7
	coreSectionLast     = 13
	coreSectionTag      = 13
)

// coreSectionRank orders the sections as the core specification demands: the data count section
// (12) comes before the code section (10), the tag section (13) between memories and globals.
func coreSectionRank(id byte) int {
	switch id {
	case coreSectionTag:
		return 2*coreSectionMemory + 1
	case 12:
		return 2*9 + 1
	}
	return 2 * int(id)
}

// DecodeCoreModule reads the imports, the exports and the types of both from a core module.
// Function bodies, segments and the rest are for the engine to validate. Offsets in an *Error count
// from the beginning of the component: base is where data begins in it.
func DecodeCoreModule(data []byte, base int) (*CoreInterface, error) {
	m := &moduleDecoder{reader: reader{data: data}}
	m.module()
	if m.err != nil {
		m.err.Offset += base
		return nil, m.err
	}
	return &m.CoreInterface, nil
}

type moduleDecoder struct {
	reader
	CoreInterface

	funcs    []CoreExternType
	tables   []CoreExternType
	memories []CoreExternType
	globals  []CoreExternType
	tags     []CoreExternType
}

func (m *moduleDecoder) module() {
	if Kind(m.data) != KindModule {
		m.failAt(0, "expected the preamble of a core module")
		return
	}
	m.pos = preambleSize
	rank := 0
	for m.err == nil && m.left() > 0 {
		start := m.pos
		m.part(1)
		id := m.byte("section id")
		size := m.u32("section size")
		if m.err != nil {
			return
		}
		if uint64(size) > uint64(m.left()) {
			m.failAt(start, "unexpected end: the section has %d bytes, %d are left", size, m.left())
			return
		}
		end := m.pos + int(size)
		if id != sectionCustom {
			if id > coreSectionLast {
				m.failAt(start, "unknown section id %d", id)
				return
			}
			if coreSectionRank(id) <= rank {
				m.failAt(start, "section %d is out of order or repeated", id)
				return
			}
			rank = coreSectionRank(id)
		}
		m.body(id, end)
		m.pos = end
	}
}

func (m *moduleDecoder) body(id byte, end int) {
	whole := m.data
	m.data = whole[:end]
	defer func() { m.data = whole }()
	m.section = fmt.Sprintf("section %d", id)
	defer func() { m.section = "" }()
	switch id {
	case coreSectionType:
		for range m.count("types") {
			start := len(m.Types)
			group := m.recType()
			for range group {
				m.GroupStart = append(m.GroupStart, start)
			}
			m.Types = append(m.Types, group...)
			if m.err != nil {
				return
			}
		}
	case coreSectionImport:
		m.Imports = vec(&m.reader, "imports", m.coreImport)
		for _, i := range m.Imports {
			m.define(i.Desc)
		}
	case coreSectionFunction:
		for range m.count("functions") {
			m.define(CoreExternType{Sort: SortCoreFunc, TypeIndex: m.u32("core type index")})
		}
	case coreSectionTable:
		for range m.count("tables") {
			m.table()
		}
	case coreSectionMemory:
		for range m.count("memories") {
			m.define(CoreExternType{Sort: SortCoreMemory, Limits: m.limits(SortCoreMemory)})
		}
	case coreSectionTag:
		for range m.count("tags") {
			m.byte("tag attribute")
			m.define(CoreExternType{Sort: SortCoreTag, TypeIndex: m.u32("core type index")})
		}
	case coreSectionGlobal:
		for range m.count("globals") {
			m.define(CoreExternType{Sort: SortCoreGlobal, Global: m.coreValType(),
				Mutable: m.flag("mutability")})
			m.constExpr()
		}
	case coreSectionExport:
		seen := map[string]bool{}
		for range m.count("exports") {
			at := m.pos
			e := m.export()
			if m.err == nil && seen[e.Name] {
				m.failAt(at, "export name %q is used twice", e.Name)
			}
			if m.err != nil {
				return
			}
			seen[e.Name] = true
			m.Exports = append(m.Exports, e)
		}
	default:
		return
	}
	if m.err == nil && m.left() != 0 {
		m.failAt(m.pos, "%d bytes left over at the end of the section", m.left())
	}
}

// define appends an item to its index space.
func (m *moduleDecoder) define(t CoreExternType) {
	if m.err != nil {
		return
	}
	if t.Sort == SortCoreFunc || t.Sort == SortCoreTag {
		if int64(t.TypeIndex) >= int64(len(m.Types)) || m.Types[t.TypeIndex].Func == nil {
			m.failAt(m.pos, "type index %d is out of bounds or not a function type", t.TypeIndex)
			return
		}
	}
	space := m.space(t.Sort)
	*space = append(*space, t)
}

func (m *moduleDecoder) space(s Sort) *[]CoreExternType {
	switch s {
	case SortCoreFunc:
		return &m.funcs
	case SortCoreTable:
		return &m.tables
	case SortCoreMemory:
		return &m.memories
	case SortCoreGlobal:
		return &m.globals
	}
	return &m.tags
}

func (m *moduleDecoder) table() {
	// A table with an initial value begins with two bytes that no reference type has.
	withInit := false
	if b, _ := m.peek(); b == 0x40 {
		m.pos++
		if b := m.byte("table"); b != 0 {
			m.badByte(b, "table")
		}
		withInit = true
	}
	m.define(CoreExternType{Sort: SortCoreTable, Elem: m.coreValType(),
		Limits: m.limits(SortCoreTable)})
	if withInit {
		m.constExpr()
	}
}

func (m *moduleDecoder) export() CoreModuleExport {
	e := CoreModuleExport{Name: m.name("export name")}
	b := m.byte("kind of export")
	sort := SortCore | Sort(b)
	if sort > SortCoreTag {
		m.badByte(b, "kind of export")
		return e
	}
	index := m.u32("index")
	space := *m.space(sort)
	if m.err == nil && int64(index) >= int64(len(space)) {
		m.failAt(m.pos, "export %q: index %d is out of bounds (%d are defined)", e.Name, index,
			len(space))
		return e
	}
	if m.err == nil {
		e.Desc = space[index]
	}
	return e
}

// constExpr skips a constant expression.
func (m *moduleDecoder) constExpr() {
	for m.err == nil {
		switch b := m.byte("constant expression"); b {
		case 0x0b: // end
			return
		case 0x41, 0x42: // i32.const, i64.const: only the length of the number matters
			m.skipLEB()
		case 0x43: // f32.const
			m.bytes(4, "number")
		case 0x44: // f64.const
			m.bytes(8, "number")
		case 0x23, 0xd2: // global.get, ref.func
			m.u32("index")
		case 0xd0: // ref.null
			m.s33("heap type")
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul
		case 0xfd: // v128.const
			if op := m.u32("vector instruction"); op != 12 {
				m.failAt(m.pos, "vector instruction %d in a constant expression", op)
			}
			m.bytes(16, "number")
		case 0xfb: // struct.new, array.new and their kin
			m.gcConst()
		default:
			m.badByte(b, "constant instruction")
		}
	}
}

func (m *moduleDecoder) gcConst() {
	switch op := m.u32("instruction"); op {
	case 0, 1, 6, 7: // struct.new, struct.new_default, array.new, array.new_default
		m.u32("core type index")
	case 8: // array.new_fixed
		m.u32("core type index")
		m.u32("length")
	case 26, 27, 28: // any.convert_extern, extern.convert_any, ref.i31
	default:
		m.failAt(m.pos, "instruction 0xfb %d in a constant expression", op)
	}
}

func (m *moduleDecoder) skipLEB() {
	for range 10 {
		if b := m.byte("number"); b&0x80 == 0 {
			return
		}
	}
	m.failAt(m.pos, "number too long")
}
