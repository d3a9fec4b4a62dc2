package corewasm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

const covered = "\x00covered"

// ranOf runs export "f" with arguments on each of several new instances, and returns what ran in
// all: for each function its blocks, and behind a slash the outcomes of each branch.
func ranOf(t *testing.T, module []byte, args ...uint64) []string {
	t.Helper()
	info, err := corewasm.Scan(module)
	if err != nil {
		t.Fatal(err)
	}
	opt := fullOptions(info)
	opt.Coverage = covered
	opt.Imports = nil
	rw, err := corewasm.RewriteScanned(info, opt)
	if err != nil {
		t.Fatal(err)
	}
	bits := make([]uint64, rw.Coverage)
	ctx := t.Context()
	for _, arg := range args {
		m := instantiate(t, rw.Wasm)
		_, _ = m.ExportedFunction("f").Call(ctx, arg) // may trap
		for i := range bits {
			got, err := m.ExportedFunction(covered).Call(ctx, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			bits[i] |= got[0]
		}
	}
	var all []string
	digits := func(list []bool) string {
		var b strings.Builder
		for _, on := range list {
			fmt.Fprintf(&b, "%d", map[bool]int{true: 1}[on])
		}
		return b.String()
	}
	err = info.Covered(bits, func(f *corewasm.Flow, blocks []bool, branches [][]bool) {
		line := digits(blocks)
		for _, b := range branches {
			line += "/" + digits(b)
		}
		all = append(all, line)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// instantiate makes an instance, with a safepoint and a function that stops.
func instantiate(t *testing.T, module []byte) api.Module {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	_, err := r.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithFunc(func() uint32 { return 1 << 20 }).Export("safepoint").
		NewFunctionBuilder().WithFunc(func() { panic("enough") }).Export("stop").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCoverageSaysWhichBlocksRan(t *testing.T) {
	const param = 0
	get := ct.Code(ct.LocalGet, param)
	sum := ct.Code(ct.Const(1), ct.Drop)
	for _, tt := range []struct {
		name string
		code []byte
		args []uint64
		want string
	}{
		{"straight", sum, []uint64{0}, "1"},
		{"never called", sum, nil, "0"},
		{"if, not taken", ct.Code(get, ct.If, ct.Void, sum, ct.End, sum), []uint64{0}, "101/10"},
		{"if, taken", ct.Code(get, ct.If, ct.Void, sum, ct.End, sum), []uint64{5}, "111/01"},
		{"if, both", ct.Code(get, ct.If, ct.Void, sum, ct.End, sum), []uint64{0, 5}, "111/11"},
		{"else", ct.Code(get, ct.If, ct.Void, sum, ct.Else, sum, ct.End, sum), []uint64{0}, "1011/10"},
		{"if that returns", ct.Code(get, ct.If, ct.Void, ct.Return, ct.End, sum), []uint64{7}, "110/01"},
		{"br_if forward, taken", ct.Code(ct.Block, ct.Void, get, ct.BrIf, 0, sum, ct.End, sum),
			[]uint64{1}, "101/01"},
		{"br_if forward, not taken", ct.Code(ct.Block, ct.Void, get, ct.BrIf, 0, sum, ct.End, sum),
			[]uint64{0}, "111/10"},
		{"br_if out of the function", ct.Code(get, ct.BrIf, 0, sum), []uint64{9}, "10/01"},
		{"loop", ct.Code(ct.Loop, ct.Void, get, ct.Const(1), ct.I32Sub, ct.LocalTee, param, ct.BrIf, 0,
			ct.End, sum), []uint64{3}, "111/11"},
		{"loop, one pass", ct.Code(ct.Loop, ct.Void, get, ct.Const(1), ct.I32Sub, ct.LocalTee, param,
			ct.BrIf, 0, ct.End, sum), []uint64{1}, "111/10"},
		{"br_table, a label", ct.Code(ct.Block, ct.Void, ct.Block, ct.Void, ct.Block, ct.Void,
			get, ct.BrTable, 2, 0, 1, 2, ct.End, sum, ct.Br, 1, ct.End, sum, ct.End, sum),
			[]uint64{1}, "1011/010"},
		{"br_table, default", ct.Code(ct.Block, ct.Void, ct.Block, ct.Void, ct.Block, ct.Void,
			get, ct.BrTable, 2, 0, 1, 2, ct.End, sum, ct.Br, 1, ct.End, sum, ct.End, sum),
			[]uint64{1 << 31}, "1001/001"},
		{"a way around", ct.Code(ct.Block, ct.Void, ct.Block, ct.Void, get, ct.BrIf, 0, ct.Br, 1,
			ct.End, sum, ct.End, sum), []uint64{0}, "1101/10"},
		{"code that nothing reaches", ct.Code(ct.Return, get, ct.If, ct.Void, sum, ct.Else, sum, ct.End,
			ct.Loop, ct.Void, get, ct.BrIf, 0, ct.End), []uint64{1}, "1"},
		{"a trap", ct.Code(get, ct.If, ct.Void, ct.Unreachable, ct.End, sum), []uint64{1}, "110/01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := ct.Module{Funcs: []ct.Func{{
				Type: ct.Sig([]byte{ct.I32}, nil), Code: tt.code, Export: "f",
			}}}
			if got := ranOf(t, m.Bytes(), tt.args...); got[0] != tt.want {
				t.Errorf("got %s, want %s", got[0], tt.want)
			}
		})
	}
}

func TestCoverageEndsWhereACallDoesNotReturn(t *testing.T) {
	void := ct.Sig(nil, nil)
	m := ct.Module{
		Imports: []ct.Import{{Module: "host", Name: "stop", Func: &void}},
		Funcs: []ct.Func{
			{Type: ct.Sig([]byte{ct.I32}, nil), Export: "f", Code: ct.Code(
				ct.LocalGet, 0, ct.If, ct.Void, ct.Call, 2, ct.Const(1), ct.Drop, ct.End,
				ct.Const(1), ct.Drop)},
			{Type: void, Code: ct.Code(ct.Call, 0, ct.Const(1), ct.Drop)},
			{Type: void, Code: ct.Code(ct.Const(1), ct.Drop)},
		},
	}
	want := []string{"1100/01", "10", "0"}
	if got := ranOf(t, m.Bytes(), 1); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCoverageSeesWhatTailCallsReach(t *testing.T) {
	sig, sum := ct.Sig([]byte{ct.I32}, nil), ct.Code(ct.Const(1), ct.Drop)
	const returnCall, returnCallIndirect = 0x12, 0x13
	m := ct.Module{
		Table: 1,
		Elems: []ct.Elem{{Offset: ct.Const(0), Funcs: []int{3}}},
		Funcs: []ct.Func{
			// Calls function 1 while the argument is above 1, by a chain of tail calls.
			{Type: sig, Export: "f", Code: ct.Code(
				ct.LocalGet, 0, ct.If, ct.Void, ct.LocalGet, 0, returnCall, 1, ct.End, sum)},
			{Type: sig, Code: ct.Code(
				ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.LocalTee, 0, ct.If, ct.Void,
				ct.LocalGet, 0, returnCall, 1, ct.Else,
				ct.LocalGet, 0, ct.Const(0), returnCallIndirect, 0, 0, ct.End, sum)},
			{Type: sig, Code: sum},
			{Type: sig, Code: ct.Code(ct.LocalGet, 0, ct.If, ct.Void, ct.Unreachable, ct.End, sum)},
		},
	}
	for _, tt := range []struct {
		args []uint64
		want string
	}{
		{[]uint64{0}, "[101/10 000/00 0 000/00]"},
		{[]uint64{1}, "[110/01 101/10 0 101/10]"},
		{[]uint64{3}, "[110/01 111/11 0 101/10]"},
		{[]uint64{0, 2}, "[111/11 111/11 0 101/10]"},
	} {
		if got := fmt.Sprint(ranOf(t, m.Bytes(), tt.args...)); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.args, got, tt.want)
		}
	}
}

func TestCoverageSeesWhatAnExceptionReaches(t *testing.T) {
	void := ct.Sig(nil, nil)
	m := ct.Module{
		Tags: []ct.Type{void},
		Funcs: []ct.Func{
			{Type: ct.Sig([]byte{ct.I32}, nil), Export: "f", Code: ct.Code(
				ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 0, 0, 0,
				ct.LocalGet, 0, ct.If, ct.Void, ct.Throw, 0, ct.End,
				ct.Const(1), ct.Drop, ct.Return, ct.End, ct.End,
				ct.Const(2), ct.Drop)},
		},
	}
	if got := ranOf(t, m.Bytes(), 0); got[0] != "1010/10" {
		t.Errorf("without exception: %v", got)
	}
	if got := ranOf(t, m.Bytes(), 1); got[0] != "1101/01" {
		t.Errorf("with an exception: %v", got)
	}
}

// TestCoverageOfALoopComparesOnce counts the instructions of passes with and without coverage.
func TestCoverageOfALoopComparesOnce(t *testing.T) {
	const passes, compare = 10_000, 6 // instructions
	m := ct.Module{Funcs: []ct.Func{{
		Type: ct.Sig([]byte{ct.I32}, nil), Export: "f",
		Code: ct.Code(ct.Loop, ct.Void, ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.LocalTee, 0,
			ct.BrIf, 0, ct.End),
	}}}
	var ran [2]uint64
	for i, name := range []string{"", covered} {
		opt := corewasm.Options{
			Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}, Coverage: name,
		}
		once, err := corewasm.Rewrite(m.Bytes(), opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.Coverage, opt.Instructions = "", "count"
		twice, err := corewasm.Rewrite(once.Wasm, opt)
		if err != nil {
			t.Fatal(err)
		}
		inst := instantiate(t, twice.Wasm)
		if _, err := inst.ExportedFunction("f").Call(t.Context(), passes); err != nil {
			t.Fatal(err)
		}
		ran[i] = inst.ExportedGlobal("count").Get()
	}
	if more := ran[1] - ran[0]; ran[0] < passes || more > passes*compare+50 {
		t.Errorf("coverage adds %d instructions to %d", more, ran[0])
	}
}

// TestBlocksHaveEachInstructionOnce wants blocks in order, without overlap.
func TestBlocksHaveEachInstructionOnce(t *testing.T) {
	info, err := corewasm.Scan(everything().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	functions := 0
	for _, calls := range []bool{false, true} {
		err = info.Flows(calls, func(f *corewasm.Flow) bool {
			functions++
			last := f.Offset
			for _, b := range f.Blocks {
				if b.Offset < last || b.First < b.Offset || b.End < b.First || b.End > f.End {
					t.Errorf("function %d: block %+v after %d in %d to %d", f.Func, b, last, f.Offset, f.End)
				}
				last = b.End
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if functions != 2*len(info.Funcs) {
		t.Errorf("%d functions, want twice %d", functions, len(info.Funcs))
	}
}
