package validate_test

import (
	"fmt"
	"testing"

	. "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
)

// TestHostileComponentsAreRefusedSoon has components of some 100 KB whose types would take
// gigabytes or hours if each was worked out as often as it is used.
func TestHostileComponentsAreRefusedSoon(t *testing.T) {
	repeat := func(n int, item func(i int) []byte) [][]byte {
		var out [][]byte
		for i := range n {
			out = append(out, item(i))
		}
		return out
	}
	takesR := types(B(0x69, 0), Func(0, Field("p", 1)))
	importR := imports(Import("r", subResource...))
	runVerdicts(t, []verdict{
		{"many exports in each of many instances", s(
			importR, takesR, imports(Import("f", fn, 2)),
			Nested(importR, takesR, imports(Import("f", fn, 2)),
				exports(repeat(3000, func(i int) []byte {
					return Export(fmt.Sprint("e", i), fn,
						0)
				})...)),
			insts(repeat(9000, func(int) []byte {
				return instantiate(0, arg("r", typ, 0),
					arg("f", fn, 0))
			})...),
		), "too complex"},
		{"a wide function exported many times", s(
			types(Func(0, repeat(10_000,
				func(i int) []byte { return Field(fmt.Sprint("p", i), u8) })...)),
			imports(Import("f", fn, 0)),
			insts(inline(repeat(10_000, func(i int) []byte {
				return item(fmt.Sprint("e", i), fn,
					0)
			})...)),
		), "larger than"},
		{"a wide instance given many times", s(
			types(noParams), imports(Import("f", fn, 0)),
			insts(inline(repeat(5000, func(i int) []byte {
				return item(fmt.Sprint("e", i), fn,
					0)
			})...)),
			Nested(types(Cat(B(0x42), Vec(append([][]byte{Cat(B(0x01), noParams)},
				repeat(5000, func(i int) []byte {
					return Cat(B(0x04), ExternName(fmt.Sprint("e", i)), B(fn, 0))
				})...)...))), imports(Import("i", inst, 0))),
			insts(repeat(5000, func(int) []byte { return instantiate(0, arg("i", inst, 0)) })...),
		), "too complex"},
		{"components that export each other, too deep", s(
			Nested(),
			Cat(repeat(120, func(i int) []byte {
				return Nested(aliases(Cat(B(comp, 0x02, 1), U32(uint32(i)))),
					exports(Export("c", comp, 0)))
			})...),
		), "nested more than"},
	})
}
