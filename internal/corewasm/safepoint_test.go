package corewasm_test

import (
	"slices"
	"testing"

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

// arms is code that runs the last of n arms.
func arms(n int, arm []byte) []byte {
	code := ct.Code(repeated(n+1, ct.Code(ct.Block, ct.Void)), ct.Const(n-1), ct.BrTable,
		ct.U32(n-1))
	for i := range n {
		code = append(code, ct.U32(i)...)
	}
	for i := range n {
		code = ct.Code(code, ct.End, arm, ct.Br, ct.U32(n-1-i))
	}
	return ct.Code(code, ct.End)
}

// TestNoWorkGoesUncounted runs what takes time in each way that there is, with how
// many plain instructions, or bytes by sixteen, that is.
func TestNoWorkGoesUncounted(t *testing.T) {
	const (
		period       = corewasm.DefaultPeriod
		leaf, looped = 1, 2
		big, short   = 3, 4
		straight     = 5
	)
	plain := ct.Code(ct.Const(1), ct.I32Eqz, ct.Drop)
	fill := func(n int) []byte {
		return ct.Code(ct.Const(0), ct.Const(1), ct.Const(n), ct.Misc, 11, 0)
	}
	caught := ct.Code(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, ct.Throw, 0, ct.End, ct.End)
	divide := ct.Code(ct.Const(7), ct.Const(3), ct.I32DivU, ct.Drop)
	for _, tt := range []struct {
		name string
		code []byte
		work int
		// most is how many times too high the count may be.
		most int
	}{
		{"nothing much", plain, 0, 0},
		{"a loop", times(2_000_000, 0, plain), 6_000_000, 3},
		{"a loop with a large body", times(1000, 0, repeated(10_000, plain)), 10_000_000, 2},
		{"a loop with a very large body", times(100, 0, repeated(100_000, plain)), 10_000_000, 2},
		{"straight-line code, again and again", times(1000, 0, ct.Code(ct.Call, big)), 5_000_000,
			2},
		{"code in a loop that nothing goes back to, again and again",
			times(1000, 0, ct.Code(ct.Call, straight)), 5_000_000, 2},
		{"one of many arms", times(100_000, 0, arms(20, repeated(50, plain))), 5_000_000, 2},
		{"either of two arms", times(100_000, 0, ct.Code(ct.Const(0),
			ct.If, ct.Void, repeated(50, plain), ct.Else, repeated(50,
				plain), ct.End)), 5_000_000, 2},
		{"loops in loops", times(100, 0, times(100, 1, times(1000, 2, plain))), 30_000_000, 3},
		{"cheap loops in dear ones",
			times(1000, 0, ct.Code(repeated(10_000, plain), times(3, 1, plain))), 10_000_000, 2},
		{"a loop after one with a large body", ct.Code(
			times(10, 0, repeated(1000, plain)), times(2_000_000, 0, nil)), 4_000_000, 4},
		{"more loops than are counted where they are",
			times(1000, 2, repeated(300, times(10, 0, plain))), 9_000_000, 4},
		{"empty loops, more than are counted where they are",
			ct.Code(repeated(300, ct.Code(ct.Loop, ct.Void, ct.End)),
				times(1_000_000, 0, nil)), 6_000_000, 2},
		{"functions that leave their loops early", times(100_000, 0, ct.Code(ct.Call, looped)),
			4_000_000, 6},
		{"small functions", times(1000, 0, repeated(1000, ct.Code(ct.Call, leaf))), 5_000_000, 7},
		{"stores, each of which may need a page", times(2000, 0, repeated(100,
			ct.Code(ct.Const(0), ct.Const(1), ct.I32Store, 2, 0))), 2000 * 100 * 32, 2},
		{"sizes of tables", times(2000, 0, repeated(100, ct.Code(ct.Misc, 16, 0, ct.Drop))),
			2000 * 100 * 80, 2},
		{"fills", times(10, 0, fill(4<<20)), 10 << 20, 2},
		{"short fills", times(1000, 0, repeated(100, fill(1000))), 100_000 * 250, 3},
		{"copies",
			times(10, 0,
				ct.Code(ct.Const(1), ct.Const(0), ct.Const(4<<20), ct.Misc, 10, 0,
					0)), 10 << 20, 2},
		{"initializations", times(300, 0, ct.Code(
			ct.Const(1), ct.Const(0), ct.Const(100_000), ct.Misc, 8, 0, 0)), 300 * 25_000, 2},
		{"fills of tables", times(500, 0, ct.Code(
			ct.Const(0), ct.RefNull, 0x70, ct.Const(20_000), ct.Misc, 17, 0)), 500 * 20_000, 2},
		{"copies of tables", times(500, 0, ct.Code(
			ct.Const(0), ct.Const(1), ct.Const(20_000), ct.Misc, 14, 0, 0)), 500 * 20_000, 2},
		{"divisions", times(2000, 0, repeated(100, divide)), 2000 * 100 * 16, 2},
		{"growing by nothing", times(1000, 0, ct.Code(ct.Const(0), ct.MemoryGrow, 0, ct.Drop)),
			1000 * 4000, 2},
		{"growing a table by nothing", times(1000, 0, ct.Code(
			ct.RefNull, 0x70, ct.Const(0), ct.Misc, 15, 0, ct.Drop)), 1000 * 4000, 2},
		{"exceptions", times(100, 0, caught), 100 * period, 2},
		{"functions with a loop that they do not run", times(10_000, 0, ct.Code(ct.Call, short)),
			500_000, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			module := ct.Module{
				Memory: &ct.Memory{Min: 80},
				Table:  20_001,
				Tags:   []ct.Type{sigVoid},
				Funcs: []ct.Func{
					{Type: sigVoid, Export: "run", Locals: []byte{ct.I32, ct.I32, ct.I32},
						Code: tt.code},
					{Type: sigVoid, Code: repeated(5, plain)},
					{Type: sigVoid, Locals: []byte{ct.I32},
						Code: ct.Code(ct.Block, ct.Void, ct.Loop, ct.Void,
							ct.LocalGet, 0, ct.Const(1), ct.I32Add, ct.LocalTee, 0, ct.Const(10),
							ct.I32Sub, ct.I32Eqz, ct.BrIf, 1,
							ct.Br, 0, ct.End, ct.End)},
					{Type: sigVoid, Code: repeated(5000, plain)},
					{Type: sigVoid, Code: ct.Code(ct.Return, ct.Loop, ct.Void, ct.End)},
					{Type: sigVoid, Code: ct.Code(ct.Loop, ct.Void, repeated(5000, plain), ct.End)},
				},
				Data: []ct.Data{{Bytes: string(make([]byte, 100_000))}}, DataCount: true,
			}.Bytes()
			n := 0
			m := compiled(t, module, func() { n++ })
			if got := call(t, m, "run"); got != "[]" {
				t.Error(got)
			}
			if counted := n * period; counted < tt.work-tt.work/5-period ||
				tt.most > 0 && counted > tt.most*tt.work+period {
				t.Errorf("counted %d, the work is %d", counted, tt.work)
			}
		})
	}
}

// TestSafepointsComeWhenTheHostWantsThem checks that what the host returns counts in loops, in code
// without any, and after exceptions.
func TestSafepointsComeWhenTheHostWantsThem(t *testing.T) {
	plain := ct.Code(ct.Const(1), ct.I32Eqz, ct.Drop)
	for name, code := range map[string][]byte{
		"a loop": times(5_000_000, 0, plain),
		"calls":  times(100_000, 0, repeated(10, ct.Code(ct.Call, 1))),
		"after an exception": ct.Code(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, ct.Throw, 0,
			ct.End, ct.End, times(5_000_000, 0, plain)),
	} {
		t.Run(name, func(t *testing.T) {
			var n [2]int
			for i, period := range []uint32{corewasm.DefaultPeriod, corewasm.DefaultPeriod / 8} {
				m := compiledEvery(t, period, ct.Module{
					Tags: []ct.Type{sigVoid},
					Funcs: []ct.Func{
						{Type: sigVoid, Export: "run", Locals: []byte{ct.I32}, Code: code},
						{Type: sigVoid, Code: repeated(5, plain)},
					},
				}.Bytes(), func() { n[i]++ })
				if got := call(t, m, "run"); got != "[]" {
					t.Fatal(got)
				}
			}
			if n[0] < 10 || n[1] < 4*n[0] {
				t.Errorf("%d safepoints, and %d if eight times as many are wanted", n[0], n[1])
			}
		})
	}
}

func TestCallsOfUnknownFunctionsAreRefused(t *testing.T) {
	for _, index := range []int{1, 1000, 1 << 31, 1<<32 - 1} {
		for _, code := range [][]byte{
			ct.Code(ct.Call, ct.U32(index)),
			ct.Code(ct.Loop, ct.Void, ct.Call, ct.U32(index), ct.End),
		} {
			module := ct.Module{Funcs: []ct.Func{{Type: sigVoid, Code: code}}}.Bytes()
			_, err := corewasm.Rewrite(module, corewasm.Options{
				Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"},
			})
			if err == nil {
				t.Errorf("function %d is called", index)
			}
		}
	}
}
