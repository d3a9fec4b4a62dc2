package component

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// The encodings by their index in encodings.
const (
	inUTF8 = iota
	inUTF16
	inLatin1OrUTF16
)

func fieldsOf(ts ...*types.Type) (fs []types.Field) {
	for _, t := range ts {
		fs = append(fs, types.Field{Name: string(rune('a' + len(fs))), Type: t})
	}
	return fs
}

func caseOf(name string, t *types.Type) types.Case { return types.Case{Name: name, Type: t} }

// Each lifts core values; want is what comes of it as text, or part of the trap.
func TestLiftingAtTheEdges(t *testing.T) {
	prim := types.NewPrim
	str, u8, u32, f32, f64, u64 := prim(types.String), prim(types.U8), prim(types.U32), prim(types.F32), prim(types.F64), prim(types.U64)
	joined := types.NewVariant([]types.Case{caseOf("a", f32), caseOf("b", u64), caseOf("c", types.NewTuple(fieldsOf(u8, f64))), caseOf("d", nil)})
	const at, end = 0x2000, 1 << 16
	set := func(mem []byte, bytes string) { copy(mem[at:], bytes) }
	for name, tt := range map[string]struct {
		encoding int
		typ      *types.Type
		memory   string // at 0x2000
		stack    []uint64
		want     string
		trap     string
	}{
		"bool of another bit":          {0, prim(types.Bool), "", []uint64{2}, "1", ""},
		"s8 ignores high bits":         {0, prim(types.S8), "", []uint64{0xffff_ff80}, "-128", ""},
		"s8 has the sign of its width": {0, prim(types.S8), "", []uint64{0x17f}, "127", ""},
		"u16 ignores high bits":        {0, prim(types.U16), "", []uint64{0xabcd_1234}, "4660", ""},
		"char above":                   {0, prim(types.Char), "", []uint64{0x110000}, "", "not a valid char"},
		"char that is half of one":     {0, prim(types.Char), "", []uint64{0xdfff}, "", "not a valid char"},
		"the last char":                {0, prim(types.Char), "", []uint64{0x10ffff}, "1114111", ""},
		"NaN of other bits":            {0, f32, "", []uint64{0x7f80_0001}, "NaN (0x7fc00000)", ""},
		"flags beyond the labels":      {0, types.NewFlags([]string{"a", "b", "c"}), "", []uint64{0xfd}, "5", ""},
		"a case too many":              {0, types.NewOption(u8), "", []uint64{2, 0}, "", "discriminant"},
		"enum of 256 cases":            {0, types.NewEnum(slices.Repeat([]string{"x"}, 256)), "", []uint64{255}, "x", ""},
		"f32 in a slot of 64 bits":     {0, joined, "", []uint64{0, 0xdead_beef_3f80_0000, 7}, "a(1 (0x3f800000))", ""},
		"u64 in a slot of 64 bits":     {0, joined, "", []uint64{1, 1 << 63, 7}, "b(9223372036854775808)", ""},
		"u8 in a slot of 64 bits": {0, joined, "", []uint64{2, 0x1_0000_0105, math.Float64bits(2)},
			"c((5,2 (0x4000000000000000),))", ""},
		"a case of nothing":                 {0, joined, "", []uint64{3, 1, 2}, "d", ""},
		"empty list, not aligned":           {0, types.NewList(u32), "", []uint64{2, 0}, "", "not aligned"},
		"empty list at the end":             {0, types.NewList(u32), "", []uint64{end, 0}, "[]", ""},
		"empty list past the end":           {0, types.NewList(u32), "", []uint64{end + 4, 0}, "", "out of bounds"},
		"list whose size overflows":         {0, types.NewList(u64), "", []uint64{0, 0x2000_0000}, "", "list"},
		"empty string of bytes, anywhere":   {inUTF8, str, "", []uint64{1, 0}, `""`, ""},
		"empty UTF-16, not aligned":         {inUTF16, str, "", []uint64{1, 0}, "", "not aligned"},
		"empty Latin-1, not aligned":        {inLatin1OrUTF16, str, "", []uint64{1, 0}, "", "not aligned"},
		"string past the end":               {inUTF8, str, "", []uint64{end - 1, 2}, "", "out of bounds"},
		"UTF-16 counts units":               {inUTF16, str, "", []uint64{end - 2, 2}, "", "out of bounds"},
		"too long":                          {inUTF8, str, "", []uint64{0, 1 << 28}, "", "too long"},
		"too long in units":                 {inUTF16, str, "", []uint64{0, 1 << 27}, "", "too long"},
		"overlong UTF-8":                    {inUTF8, str, "\xc0\x80", []uint64{at, 2}, "", "not valid UTF-8"},
		"UTF-8 of half a char":              {inUTF8, str, "\xed\xa0\x80", []uint64{at, 3}, "", "not valid UTF-8"},
		"UTF-8 above the last char":         {inUTF8, str, "\xf4\x90\x80\x80", []uint64{at, 4}, "", "not valid UTF-8"},
		"UTF-8 cut short":                   {inUTF8, str, "\xe2\x82", []uint64{at, 2}, "", "not valid UTF-8"},
		"a pair of units":                   {inUTF16, str, "\x3d\xd8\x00\xde", []uint64{at, 2}, `"😀"`, ""},
		"the second unit alone":             {inUTF16, str, "\x00\xde", []uint64{at, 1}, "", "UTF-16"},
		"the first unit alone":              {inUTF16, str, "\x3d\xd8a\x00", []uint64{at, 2}, "", "UTF-16"},
		"Latin-1":                           {inLatin1OrUTF16, str, "\xe9", []uint64{at, 1}, `"é"`, ""},
		"the mark of UTF-16":                {inLatin1OrUTF16, str, "\xac\x20", []uint64{at, 1<<31 | 1}, `"€"`, ""},
		"the mark alone":                    {inLatin1OrUTF16, str, "", []uint64{at, 1 << 31}, `""`, ""},
		"the mark is no part of the length": {inLatin1OrUTF16, str, "", []uint64{end - 2, 1<<31 | 2}, "", "out of bounds"},
		"the mark is a length in UTF-8":     {inUTF8, str, "", []uint64{at, 1 << 31}, "", "too long"},
		"sixteen values and their order": {0, types.NewTuple(fieldsOf(slices.Repeat([]*types.Type{u8}, 16)...)),
			"", []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
			"(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,)", ""},
		"flags of 32 labels": {0, types.NewFlags(slices.Repeat([]string{"x"}, 32)), "", []uint64{0xffff_ffff}, "4294967295", ""},
		"a list of strings, one out of bounds": {inUTF8, types.NewList(str), "\x00\x00\x01\x00\x01\x00\x00\x00",
			[]uint64{at, 1}, "", "out of bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			bed := newABIBed(t)
			c := bed.cx(tt.encoding)
			c.mem = c.mem[:end:end]
			set(c.mem, tt.memory)
			var got Value
			pos := 0
			trap := trapped(func() { got = c.liftFlat(tt.typ, tt.stack, &pos) })
			switch {
			case tt.trap != "":
				if trap == nil || !strings.Contains(trap.Msg, tt.trap) {
					t.Errorf("trap %v, want: %s", trap, tt.trap)
				}
			case trap != nil:
				t.Error(trap)
			case wastPrint(tt.typ, got) != tt.want:
				t.Errorf("got %s, want %s", wastPrint(tt.typ, got), tt.want)
			case pos != len(tt.stack):
				t.Errorf("%d of %d core values consumed", pos, len(tt.stack))
			}
		})
	}
}

func TestLoweringClearsUnusedSlots(t *testing.T) {
	prim := types.NewPrim
	typ := types.NewVariant(
		[]types.Case{
			caseOf("a", prim(types.F32)),
			caseOf("b", types.NewTuple(fieldsOf(prim(types.U64), prim(types.S8)))),
		},
	)
	one := F32(1)
	for name, tt := range map[string]struct {
		v    Value
		want []uint64
	}{
		"a float in a slot of 64 bits": {Variant(0, one), []uint64{0, 0x3f80_0000, 0}},
		"a negative number":            {Variant(1, Record(U64(1<<63), S8(-1))), []uint64{1, 1 << 63, 0xffff_ffff}},
	} {
		t.Run(name, func(t *testing.T) {
			bed := newABIBed(t)
			c, pos := bed.cx(0), 0
			stack := []uint64{9, 9, 9}
			c.lowerFlat(typ, tt.v, stack, &pos)
			if !slices.Equal(stack, tt.want) || pos != 3 {
				t.Errorf("got %x, want %x", stack, tt.want)
			}
		})
	}
}

// Past these numbers of core values, parameters and results go through memory.
func TestParametersAndResultsFlattenUpToTheirLimits(t *testing.T) {
	u32 := types.NewPrim(types.U32)
	fn := func(n int) *types.Func {
		return types.NewFunc(true, fieldsOf(slices.Repeat([]*types.Type{u32}, n)...),
			types.NewTuple(fieldsOf(u32, u32)))
	}
	for _, tt := range []struct {
		params  int
		async   bool
		want    int
		spilled bool
	}{{16, false, 17, false}, {17, false, 2, true}, {4, true, 5, false}, {5, true, 2, true}} {
		c := &canonFunc{fn: &compFunc{typ: fn(tt.params)}, opts: options{async: tt.async}}
		c.lowerSignature()
		if len(c.params) != tt.want || c.spilled != tt.spilled || !c.outPtr {
			t.Errorf("%+v: %d core parameters, spilled %v", tt, len(c.params), c.spilled)
		}
	}
}
