// Package coretest assembles small core WebAssembly modules for tests.
package coretest

import "fmt"

// Value types.
const (
	I32  = 0x7f
	I64  = 0x7e
	F32  = 0x7d
	F64  = 0x7c
	V128 = 0x7b
)

// Opcodes that tests write by hand.
const (
	Unreachable  = 0x00
	Nop          = 0x01
	Block        = 0x02
	Loop         = 0x03
	If           = 0x04
	Else         = 0x05
	Throw        = 0x08
	ThrowRef     = 0x0a
	End          = 0x0b
	Br           = 0x0c
	BrIf         = 0x0d
	BrTable      = 0x0e
	Return       = 0x0f
	Call         = 0x10
	CallIndirect = 0x11
	ReturnCall   = 0x12

	ReturnCallIndirect = 0x13
	CallRef            = 0x14
	ReturnCallRef      = 0x15

	Drop       = 0x1a
	TryTable   = 0x1f
	LocalGet   = 0x20
	LocalSet   = 0x21
	LocalTee   = 0x22
	GlobalGet  = 0x23
	GlobalSet  = 0x24
	TableGet   = 0x25
	TableSet   = 0x26
	I32Load    = 0x28
	I32Load8U  = 0x2d
	F64Load    = 0x2b
	I32Store   = 0x36
	F64Store   = 0x39
	I32Store8  = 0x3a
	MemorySize = 0x3f
	MemoryGrow = 0x40
	I32Eqz     = 0x45
	I32LtU     = 0x49
	I32Add     = 0x6a
	I32Sub     = 0x6b
	I32Mul     = 0x6c
	I32DivU    = 0x6e
	I32And     = 0x71
	I32Xor     = 0x73
	F64Add     = 0xa0
	F64Mul     = 0xa2
	RefNull    = 0xd0
	RefFunc    = 0xd2
	BrOnNull   = 0xd5
	Void       = 0x40
	ExnRef     = 0x69
	Misc       = 0xfc
)

// Type is a function type.
type Type struct{ Params, Results []byte }

// Sig returns a function type.
func Sig(params, results []byte) Type { return Type{params, results} }

// Import is an import; Desc holds its kind byte and description for anything
// that is not a function.
type Import struct {
	Module, Name string
	Func         *Type
	Desc         []byte
}

// Func is a function; Code leaves out the final end.
type Func struct {
	Type   Type
	Locals []byte
	Code   []byte
	Export string
	Name   string
}

// Global is a global; Init leaves out the final end.
type Global struct {
	Type    byte
	Mutable bool
	Init    []byte
	Export  string
}

// Memory is a memory of pages; Max below Min means none.
type Memory struct {
	Min, Max int
	Export   string
}

// Data is a data segment; Offset is an expression without its end, nil for a
// passive segment.
type Data struct {
	Offset []byte
	Bytes  string
}

// Elem is an active element segment of table 0; Offset as in [Data].
type Elem struct {
	Offset []byte
	Funcs  []int
}

// Export is an export made by hand.
type Export struct {
	Name  string
	Kind  byte
	Index int
}

// Custom is a custom section.
type Custom struct {
	Name    string
	Content []byte
}

// Module is what to assemble. Function indices count imports first.
type Module struct {
	Name      string
	Imports   []Import
	Funcs     []Func
	Table     int // elements of table 0; 0: none
	Memory    *Memory
	Tags      []Type
	Globals   []Global
	Exports   []Export
	Start     int // function index + 1; 0: none
	Elems     []Elem
	Data      []Data
	DataCount bool
	Customs   []Custom
}

// U32 encodes an unsigned number.
func U32(v int) []byte {
	var b []byte
	for u := uint32(v); ; u >>= 7 {
		if u < 0x80 {
			return append(b, byte(u))
		}
		b = append(b, byte(u)|0x80)
	}
}

// S32 encodes a signed number.
func S32(v int) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Const is i32.const v.
func Const(v int) []byte { return append([]byte{0x41}, S32(v)...) }

// Code joins opcodes and small immediates (int), encoded pieces ([]byte).
func Code(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case []byte:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("coretest: %T in code", p))
		}
	}
	return b
}

func name(s string) []byte { return append(U32(len(s)), s...) }

func vec(items [][]byte) []byte {
	b := U32(len(items))
	for _, i := range items {
		b = append(b, i...)
	}
	return b
}

// Section encodes a section with that id.
func Section(id byte, content []byte) []byte {
	return append(append([]byte{id}, U32(len(content))...), content...)
}

// Header is the beginning of every core module.
func Header() []byte { return []byte("\x00asm\x01\x00\x00\x00") }

// Bytes returns the assembled module. Each use of a function type has an entry of its own in the
// type section, in the order imports, functions, tags.
func (m Module) Bytes() []byte {
	var types, imports, funcs, tags, globals, exports, elems, code, data, names [][]byte
	typeOf := func(t Type) []byte {
		b := append([]byte{0x60}, append(U32(len(t.Params)), t.Params...)...)
		types = append(types, append(b, append(U32(len(t.Results)), t.Results...)...))
		return U32(len(types) - 1)
	}
	n := 0
	for _, im := range m.Imports {
		b := append(name(im.Module), name(im.Name)...)
		if im.Func != nil {
			b = append(append(b, 0), typeOf(*im.Func)...)
			n++
		} else {
			b = append(b, im.Desc...)
		}
		imports = append(imports, b)
	}
	for i, f := range m.Funcs {
		funcs = append(funcs, typeOf(f.Type))
		var locals [][]byte
		for _, l := range f.Locals {
			locals = append(locals, []byte{1, l})
		}
		body := append(append(vec(locals), f.Code...), End)
		code = append(code, append(U32(len(body)), body...))
		if f.Export != "" {
			exports = append(exports, append(append(name(f.Export), 0), U32(n+i)...))
		}
		if f.Name != "" {
			names = append(names, append(U32(n+i), name(f.Name)...))
		}
	}
	for _, t := range m.Tags {
		tags = append(tags, append([]byte{0}, typeOf(t)...))
	}
	for i, g := range m.Globals {
		mut := byte(0)
		if g.Mutable {
			mut = 1
		}
		globals = append(globals, append(append([]byte{g.Type, mut}, g.Init...), End))
		if g.Export != "" {
			exports = append(exports, append(append(name(g.Export), 3), U32(i)...))
		}
	}
	if m.Memory != nil && m.Memory.Export != "" {
		exports = append(exports, append(name(m.Memory.Export), 2, 0))
	}
	for _, e := range m.Exports {
		exports = append(exports, append(append(name(e.Name), e.Kind), U32(e.Index)...))
	}
	for _, e := range m.Elems {
		var fs [][]byte
		for _, f := range e.Funcs {
			fs = append(fs, U32(f))
		}
		elems = append(elems, append(append(append([]byte{0}, e.Offset...), End), vec(fs)...))
	}
	for _, d := range m.Data {
		b := []byte{1}
		if d.Offset != nil {
			b = append(append([]byte{0}, d.Offset...), End)
		}
		data = append(data, append(b, name(d.Bytes)...))
	}

	out := Header()
	section := func(id byte, items [][]byte) {
		if len(items) > 0 {
			out = append(out, Section(id, vec(items))...)
		}
	}
	section(1, types)
	section(2, imports)
	section(3, funcs)
	if m.Table > 0 {
		section(4, [][]byte{append([]byte{0x70, 0}, U32(m.Table)...)})
	}
	if mem := m.Memory; mem != nil {
		lim := append([]byte{0}, U32(mem.Min)...)
		if mem.Max >= mem.Min {
			lim = append(append([]byte{1}, U32(mem.Min)...), U32(mem.Max)...)
		}
		section(5, [][]byte{lim})
	}
	section(13, tags)
	section(6, globals)
	section(7, exports)
	if m.Start > 0 {
		out = append(out, Section(8, U32(m.Start-1))...)
	}
	section(9, elems)
	if m.DataCount {
		out = append(out, Section(12, U32(len(data)))...)
	}
	section(10, code)
	section(11, data)
	for _, c := range m.Customs {
		out = append(out, Section(0, append(name(c.Name), c.Content...))...)
	}
	if len(names) > 0 || m.Name != "" {
		content := name("name")
		if m.Name != "" {
			content = append(content, Section(0, name(m.Name))...)
		}
		content = append(content, Section(1, vec(names))...)
		out = append(out, Section(0, content)...)
	}
	return out
}
