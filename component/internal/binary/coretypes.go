package binary

// recType reads a core:rectype: a group of types, or a single one.
func (r *reader) recType() []CoreSubType {
	if b, _ := r.peek(); b == coreTypeRec {
		r.pos++
		return vec(r, "types of a recursive group", r.subType)
	}
	t := r.subType()
	if r.err != nil {
		return nil
	}
	return []CoreSubType{t}
}

func (r *reader) subType() CoreSubType {
	t := CoreSubType{Final: true}
	b := r.byte("core type")
	if b == coreTypeSub || b == coreTypeSubFinal {
		t.Final = b == coreTypeSubFinal
		t.Supers = vec(r, "supertypes", func() uint32 { return r.u32("core type index") })
		b = r.byte("core type")
	}
	if b == coreTypeShared {
		t.Shared = true
		b = r.byte("core type")
	}
	switch b {
	case coreTypeFunc:
		t.Func = &CoreFuncType{
			Params:  vec(r, "parameters", r.coreValType),
			Results: vec(r, "results", r.coreValType),
		}
	case coreTypeStruct:
		vec(r, "struct fields", r.fieldType)
	case coreTypeArray:
		r.fieldType()
	default:
		r.badByte(b, "core type")
	}
	return t
}

// fieldType reads the type of a struct field or array element. Nothing of it matters outside of
// core validation.
func (r *reader) fieldType() struct{} {
	if b, _ := r.peek(); b == 0x78 || b == 0x77 { // the packed types i8 and i16
		r.pos++
	} else {
		r.coreValType()
	}
	r.flag("mutability")
	return struct{}{}
}

// The core value types that a component can be concerned with.
const (
	CoreI32       CoreValType = 0x7f
	CoreI64       CoreValType = 0x7e
	CoreF32       CoreValType = 0x7d
	CoreF64       CoreValType = 0x7c
	CoreV128      CoreValType = 0x7b
	CoreFuncRef   CoreValType = 0x70
	CoreExternRef CoreValType = 0x6f
)

const (
	coreRefNull = 0x63
	coreRef     = 0x64
)

// isAbstractHeapType reports whether b is the code of a heap type that needs no index.
func isAbstractHeapType(b byte) bool { return b >= 0x68 && b <= 0x75 }

func (r *reader) coreValType() CoreValType {
	b := r.byte("core value type")
	switch {
	case b >= 0x7b && b <= 0x7f:
		return CoreValType(b)
	case isAbstractHeapType(b):
		return CoreValType(b)
	case b == coreRef || b == coreRefNull:
		return r.heapRef(b)
	}
	if r.err == nil {
		r.badByte(b, "core value type")
	}
	return 0
}

// heapRef reads a heap type and makes the reference type of it. The long form of an abbreviation is
// given as the abbreviation.
func (r *reader) heapRef(code byte) CoreValType {
	start := r.pos
	h := r.s33("heap type")
	if h < 0 {
		abstract := byte(h & 0x7f)
		if h < -64 || !isAbstractHeapType(abstract) {
			r.failAt(start, "unknown heap type")
			return 0
		}
		if code == coreRefNull {
			return CoreValType(abstract)
		}
		return CoreValType(code) | CoreValType(abstract)<<8 | abstractHeapBit
	}
	return CoreValType(code) | CoreValType(h)<<8
}

// abstractHeapBit marks a CoreValType whose heap type is an abstract one, not an index.
const abstractHeapBit = CoreValType(1) << 48

// IsRef reports whether t is a reference type.
func (t CoreValType) IsRef() bool {
	code := byte(t)
	return code == coreRef || code == coreRefNull || isAbstractHeapType(code)
}

// TypeIndex returns the index that a reference to a defined type carries.
func (t CoreValType) TypeIndex() (index uint32, ok bool) {
	if code := byte(t); code != coreRef && code != coreRefNull || t&abstractHeapBit != 0 {
		return 0, false
	}
	return uint32(t >> 8), true
}

// String returns the text format's name.
func (t CoreValType) String() string {
	switch t {
	case CoreI32:
		return "i32"
	case CoreI64:
		return "i64"
	case CoreF32:
		return "f32"
	case CoreF64:
		return "f64"
	case CoreV128:
		return "v128"
	case CoreFuncRef:
		return "funcref"
	case CoreExternRef:
		return "externref"
	case 0x69:
		return "exnref"
	}
	return "ref"
}

func (r *reader) coreImport() CoreImportDecl {
	return CoreImportDecl{Module: r.name("import module name"), Name: r.name("import name"),
		Desc: r.coreExternType()}
}

func (r *reader) coreExternType() CoreExternType {
	b := r.byte("kind of core item")
	t := CoreExternType{Sort: SortCore | Sort(b)}
	switch t.Sort {
	case SortCoreFunc:
		t.TypeIndex = r.u32("core type index")
	case SortCoreTable:
		t.Elem = r.coreValType()
		t.Limits = r.limits(SortCoreTable)
	case SortCoreMemory:
		t.Limits = r.limits(SortCoreMemory)
	case SortCoreGlobal:
		t.Global = r.coreValType()
		t.Mutable = r.flag("mutability")
	case SortCoreTag:
		if a := r.byte("tag attribute"); a != 0 {
			r.badByte(a, "tag attribute")
		}
		t.TypeIndex = r.u32("core type index")
	default:
		r.badByte(b, "kind of core item")
	}
	return t
}

func (r *reader) limits(sort Sort) CoreLimits {
	const hasMax, shared, is64, customPages = 1, 2, 4, 8
	flags := r.byte("limits")
	allowed := byte(hasMax | shared | is64)
	if sort == SortCoreMemory {
		allowed |= customPages
	}
	if flags&^allowed != 0 {
		r.badByte(flags, "limits")
		return CoreLimits{}
	}
	l := CoreLimits{HasMax: flags&hasMax != 0, Shared: flags&shared != 0, Is64: flags&is64 != 0,
		PageSizeLog2: 16}
	bits := uint(32)
	if l.Is64 {
		bits = 64
	}
	l.Min = r.uleb(bits, "minimum")
	if l.HasMax {
		l.Max = r.uleb(bits, "maximum")
	}
	if flags&customPages != 0 {
		l.PageSizeLog2 = r.u32("page size")
	}
	return l
}
