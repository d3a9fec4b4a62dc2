// Package binarytest writes pieces of the component binary format by hand, for tests.
package binarytest

import "slices"

// The section ids of components.
const (
	CoreModuleSection   = 1
	CoreInstanceSection = 2
	CoreTypeSection     = 3
	ComponentSection    = 4
	InstanceSection     = 5
	AliasSection        = 6
	TypeSection         = 7
	CanonSection        = 8
	StartSection        = 9
	ImportSection       = 10
	ExportSection       = 11
	ValueSection        = 12
)

// Cat joins pieces.
func Cat(pieces ...[]byte) []byte { return slices.Concat(pieces...) }

// U32 is an unsigned LEB128 number.
func U32(n uint32) []byte {
	var out []byte
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(out, byte(n))
}

// Name is a length-prefixed string.
func Name(s string) []byte { return Cat(U32(uint32(len(s))), []byte(s)) }

// Vec is a vector of items.
func Vec(items ...[]byte) []byte { return Cat(U32(uint32(len(items))), Cat(items...)) }

// Section is a section with the given content.
func Section(id byte, content ...[]byte) []byte {
	body := Cat(content...)
	return Cat([]byte{id}, U32(uint32(len(body))), body)
}

// Defs is a section with a vector of definitions.
func Defs(id byte, items ...[]byte) []byte { return Section(id, Vec(items...)) }

// Component is a component of the given sections.
func Component(sections ...[]byte) []byte {
	return Cat([]byte("\x00asm\x0d\x00\x01\x00"), Cat(sections...))
}

// Module is a core module of the given sections.
func Module(sections ...[]byte) []byte {
	return Cat([]byte("\x00asm\x01\x00\x00\x00"), Cat(sections...))
}

// Nested is the section of a nested component.
func Nested(sections ...[]byte) []byte { return Section(ComponentSection, Component(sections...)) }

// Custom is a custom section.
func Custom(name string, data ...[]byte) []byte { return Section(0, Name(name), Cat(data...)) }

// B is a piece of single bytes.
func B(bytes ...byte) []byte { return bytes }

// ExternName is the name of an import or export without attributes.
func ExternName(s string) []byte { return Cat(B(0x00), Name(s)) }

// Import is an import of the given type.
func Import(name string, externType ...byte) []byte { return Cat(ExternName(name), externType) }

// Export is an export of an item without ascribed type.
func Export(name string, sortAndIndex ...byte) []byte {
	return Cat(ExternName(name), sortAndIndex, B(0x00))
}

// ExportAs is an export of an item with an ascribed type.
func ExportAs(name string, sortAndIndex, externType []byte) []byte {
	return Cat(ExternName(name), sortAndIndex, B(0x01), externType)
}

// Field is a labelled value type.
func Field(label string, valType ...byte) []byte { return Cat(Name(label), valType) }

// Func is a function type; result is the code of a type, 0 for none.
func Func(result byte, params ...[]byte) []byte {
	if result == 0 {
		return Cat(B(0x40), Vec(params...), B(0x01, 0x00))
	}
	return Cat(B(0x40), Vec(params...), B(0x00, result))
}
