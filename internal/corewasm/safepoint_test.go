package corewasm_test

import (
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// times has code run so many times in a row, counted in a local.
func times(n int, local int, code []byte) []byte {
	return ct.Code(ct.Const(n), ct.LocalSet, local, ct.Loop, ct.Void, code,
		ct.LocalGet, local, ct.Const(1), ct.I32Sub, ct.LocalTee, local, ct.BrIf, 0, ct.End)
}

// repeated writes code so many times.
func repeated(n int, code []byte) []byte { return slices.Repeat(code, n) }

// TestNoWorkGoesUncounted runs what takes time in each way that there is, with how
// many plain instructions, or bytes by sixteen, that is.
func TestNoWorkGoesUncounted(t *testing.T) {
	const (
		period       = corewasm.DefaultPeriod
		leaf, looped = 1, 2
		big, short   = 3, 4
	)
	plain := ct.Code(ct.Const(1), ct.Drop)
	fill := func(n int) []byte {
		return ct.Code(ct.Const(0), ct.Const(1), ct.Const(n), ct.Misc, 11, 0)
	}
	caught := ct.Code(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, ct.Throw, 0, ct.End, ct.End)
	for _, tt := range []struct {
		name string
		code []byte
		work int
		// most is how many times too high the count may be.
		most int
	}{
		{"nothing much", plain, 0, 0},
		{"a loop", times(400_000, 0, plain), 2_400_000, 2},
		{"a loop with a large body", times(100, 0, repeated(10_000, plain)), 2_000_000, 2},
		{"straight-line code, again and again", times(100, 0, ct.Code(ct.Call, big)), 1_000_000, 2},
		{"loops in loops", times(100, 0, times(100, 1, times(100, 2, plain))), 6_000_000, 2},
		{"a loop after a loop with a large body", ct.Code(times(10, 0, repeated(1000, plain)), times(400_000, 0, nil)), 1_620_000, 2},
		{"more loops than are counted where they are", times(100, 2, repeated(300, times(10, 0, plain))), 1_800_000, 2},
		{"functions that leave their loops early", times(10_000, 0, ct.Code(ct.Call, looped)), 1_000_000, 6},
		{"small functions", times(1000, 0, repeated(1000, ct.Code(ct.Call, leaf))), 10_000_000, 6},
		{"fills", times(10, 0, fill(4<<20)), 10 << 18, 2},
		{"short fills", times(1000, 0, repeated(100, fill(1000))), 1000 * 100 * 1000 / 16, 2},
		{"copies", times(10, 0, ct.Code(ct.Const(1), ct.Const(0), ct.Const(4<<20), ct.Misc, 10, 0, 0)), 10 << 18, 2},
		{"initializations", times(300, 0, ct.Code(ct.Const(1), ct.Const(0), ct.Const(100_000), ct.Misc, 8, 0, 0)), 300 * 100_000 / 16, 2},
		{"fills of tables", times(100, 0, ct.Code(ct.Const(0), ct.RefNull, 0x70, ct.Const(20_000), ct.Misc, 17, 0)), 100 * 20_000 / 2, 2},
		{"copies of tables", times(100, 0, ct.Code(ct.Const(0), ct.Const(1), ct.Const(20_000), ct.Misc, 14, 0, 0)), 100 * 20_000 / 2, 2},
		{"divisions", times(1000, 0, repeated(100, ct.Code(ct.Const(7), ct.Const(3), ct.I32DivU, ct.Drop))), 1000 * 100 * 16, 2},
		{"growing by nothing", times(500, 0, ct.Code(ct.Const(0), ct.MemoryGrow, 0, ct.Drop)), 500 * 4000, 2},
		{"growing a table by nothing", times(500, 0, ct.Code(ct.RefNull, 0x70, ct.Const(0), ct.Misc, 15, 0, ct.Drop)), 500 * 4000, 2},
		{"exceptions", times(100, 0, caught), 100 * period, 2},
		{"functions with a loop that they do not run", times(10_000, 0, ct.Code(ct.Call, short)), 100_000, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			module := ct.Module{
				Memory: &ct.Memory{Min: 80},
				Table:  20_001,
				Tags:   []ct.Type{sigVoid},
				Funcs: []ct.Func{
					{Type: sigVoid, Export: "run", Locals: []byte{ct.I32, ct.I32, ct.I32}, Code: tt.code},
					{Type: sigVoid, Code: repeated(5, plain)},
					{Type: sigVoid, Locals: []byte{ct.I32}, Code: ct.Code(ct.Block, ct.Void, ct.Loop, ct.Void,
						ct.LocalGet, 0, ct.Const(1), ct.I32Add, ct.LocalTee, 0, ct.Const(10), ct.I32Sub, ct.I32Eqz, ct.BrIf, 1,
						ct.Br, 0, ct.End, ct.End)},
					{Type: sigVoid, Code: repeated(5000, plain)},
					{Type: sigVoid, Code: ct.Code(ct.Return, ct.Loop, ct.Void, ct.End)},
				},
				Data: []ct.Data{{Bytes: string(make([]byte, 100_000))}}, DataCount: true,
			}.Bytes()
			rw, err := corewasm.Rewrite(module, corewasm.Options{
				Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}, Period: period,
			})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			run(t, rw, func() { n++ }, func(m api.Module) {
				if got := call(t, m, "run"); got != "[]" {
					t.Error(got)
				}
			})
			if counted := n * period; counted < tt.work-period-tt.work/20 || tt.most > 0 && counted > tt.most*tt.work+period {
				t.Errorf("counted %d, the work is %d", counted, tt.work)
			}
		})
	}
}
