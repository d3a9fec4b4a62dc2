package corewasm_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestLoopsBetweenManyValuesBeginWithFewRegisters has loops after which locals are read that were
// set before.
func TestLoopsBetweenManyValuesBeginWithFewRegisters(t *testing.T) {
	nops := slices.Repeat([]byte{ct.Nop}, 100)
	own := ct.Code(ct.LocalGet, 0, ct.LocalSet, 1)
	loop := func(code ...any) []byte {
		return ct.Code(ct.Loop, ct.Void, ct.Code(code...), ct.LocalGet, 0, ct.BrIf, 0, ct.End)
	}
	for name, tt := range map[string]struct {
		around int // locals that are set before and read after the loop
		loop   []byte
		clear  bool
	}{
		"many":             {16, loop(own, nops), true},
		"few":              {11, loop(own, nops), false},
		"a small loop":     {16, loop(own), false},
		"a call":           {16, loop(own, nops, ct.Call, 1), false},
		"a loop in a loop": {16, loop(own, nops, loop(ct.Nop)), false},
		"read in it": {16, loop(own, nops, func() (code []byte) {
			for local := 2; local < 14; local++ {
				code = ct.Code(code, ct.LocalGet, local, ct.Drop)
			}
			return code
		}()), false},
	} {
		var before, after []byte
		for local := 2; local < 2+tt.around; local++ {
			before = ct.Code(before, ct.Const(local), ct.LocalSet, local)
			after = ct.Code(after, ct.LocalGet, local, ct.Drop)
		}
		module := ct.Module{Funcs: []ct.Func{
			{Type: ct.Sig([]byte{ct.I32, ct.I32}, nil), Code: ct.Code(before, tt.loop, after),
				Locals: slices.Repeat([]byte{ct.I32}, tt.around)},
			{Type: sigVoid},
		}}
		for _, safepoints := range []bool{true, false} {
			var opt corewasm.Options
			if safepoints {
				opt.Safepoint = &corewasm.ImportName{Module: "host", Name: "safepoint"}
			}
			rw, err := corewasm.Rewrite(module.Bytes(), opt)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			// The host's function is the first one, then come two of the module.
			clear := ct.Code(ct.Const(0), ct.If, ct.Void, ct.Call, 3, ct.End, ct.Loop, ct.Void)
			if got := bytes.Contains(rw.Wasm, clear); got != (tt.clear && safepoints) {
				t.Errorf("%s, safepoints %t: registers are given up: %t", name, safepoints, got)
			}
		}
	}
}
