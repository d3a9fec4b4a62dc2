package corewasm_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// compiled instantiates a rewritten module on the compiler.
func compiled(t *testing.T, module []byte, safepoint func()) api.Module {
	t.Helper()
	return compiledEvery(t, corewasm.DefaultPeriod, module, safepoint)
}

// compiledEvery is compiled with a host that wants safepoints after so many counts.
func compiledEvery(t *testing.T, period uint32, module []byte, safepoint func()) api.Module {
	t.Helper()
	ctx := t.Context()
	rw, err := corewasm.Rewrite(module, corewasm.Options{
		Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntimeWithConfig(ctx,
		wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features))
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	_, err = r.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithFunc(counts(safepoint, period)).
		Export("safepoint").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, rw.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// operands makes operands of fills and copies for something of size, which are
// often around what is done at once, and sometimes out of bounds.
func operands(r *rand.Rand, size, piece uint32) (at, from, n uint32) {
	some := func() uint32 {
		switch r.IntN(8) {
		case 0:
			return r.Uint32()
		case 1:
			return uint32(r.IntN(2000))
		case 2:
			return piece + uint32(r.IntN(3)) - 1
		default:
			return uint32(r.IntN(int(size)))
		}
	}
	at, from, n = some(), some(), some()
	if r.IntN(3) > 0 && at < size && from < size {
		n %= min(size-at, size-from) + 1
	}
	if r.IntN(4) == 0 {
		n = size - min(max(at, from), size) + uint32(r.IntN(2)) // to the end, or one more
	}
	return at, from, n
}

// within reports whether n elements from at are in something of size.
func within(at, n uint32, size int) bool { return uint64(at)+uint64(n) <= uint64(size) }

func TestFillsAndCopiesInPiecesEqualOneInstruction(t *testing.T) {
	const (
		pages    = 40
		piece    = 1 << 20
		elements = 300_000
		parts    = piece / 8
	)
	three := ct.Sig([]byte{ct.I32, ct.I32, ct.I32}, nil)
	op := func(code ...byte) []byte {
		return ct.Code(ct.LocalGet, 0, ct.LocalGet, 1, ct.LocalGet, 2,
			code)
	}
	segment := make([]byte, piece+piece/2+12345)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range segment {
		segment[i] = byte(r.Uint32())
	}
	module := ct.Module{
		Memory: &ct.Memory{Min: pages, Export: "memory"}, Table: elements,
		Funcs: []ct.Func{
			{Type: three, Export: "fill", Code: op(ct.Misc, 11, 0)},
			{Type: three, Export: "copy", Code: op(ct.Misc, 10, 0, 0)},
			{Type: three, Export: "init", Code: op(ct.Misc, 8, 0, 0)},
			{Type: three, Export: "copyTable", Code: op(ct.Misc, 14, 0, 0)},
			{Type: three, Export: "fillTable",
				Code: ct.Code(ct.LocalGet, 1, ct.Const(1), ct.I32And, ct.If, ct.Void,
					ct.LocalGet, 0, ct.RefFunc, 0, ct.LocalGet, 2, ct.Misc, 17, 0, ct.Else,
					ct.LocalGet, 0, ct.RefNull, 0x70, ct.LocalGet, 2, ct.Misc, 17, 0, ct.End)},
			// Writes for each element of the table whether there is something.
			{Type: sigVoid, Export: "table", Locals: []byte{ct.I32}, Code: ct.Code(ct.Loop, ct.Void,
				ct.LocalGet, 0, ct.LocalGet, 0, ct.TableGet, 0, 0xd1, ct.I32Store8, 0, 0,
				ct.LocalGet, 0, ct.Const(1), ct.I32Add, ct.LocalTee, 0,
				ct.Const(elements), ct.I32LtU, ct.BrIf, 0, ct.End)},
		},
		Data: []ct.Data{{Bytes: string(segment)}}, DataCount: true,
		Elems: []ct.Elem{{Offset: ct.Const(0), Funcs: []int{0}}},
	}.Bytes()
	m := compiled(t, module, func() {})
	memory := make([]byte, pages*65536)
	table := make([]bool, elements)
	table[0] = true
	const (
		oob      = "wasm error: out of bounds memory access"
		oobTable = "wasm error: invalid table access"
	)
	check := func(name string, ok bool, trap string, at, from, n uint32) {
		t.Helper()
		want := "[]"
		if !ok {
			want = trap
		}
		if got := call(t, m, name, uint64(at), uint64(from), uint64(n)); got != want {
			t.Fatalf("%s %d %d %d: %s, want %s", name, at, from, n, got, want)
		}
	}
	for range 150 {
		at, from, n := operands(r, uint32(len(memory)), piece)
		name := []string{"fill", "copy", "init"}[r.IntN(3)]
		ok := within(at, n, len(memory))
		switch {
		case name == "copy":
			if ok = ok && within(from, n, len(memory)); ok {
				copy(memory[at:][:n], memory[from:][:n])
			}
		case name == "init":
			if ok = ok && within(from, n, len(segment)); ok {
				copy(memory[at:][:n], segment[from:])
			}
		case ok:
			for i := range memory[at:][:n] {
				memory[at:][i] = byte(from)
			}
		}
		check(name, ok, oob, at, from, n)
		got, _ := m.Memory().Read(0, uint32(len(memory)))
		if !bytes.Equal(got, memory) {
			t.Fatalf("%s %d %d %d: the memory is not the same", name, at, from, n)
		}
	}
	for range 50 {
		at, from, n := operands(r, elements, parts)
		ok := within(at, n, elements)
		if r.IntN(2) == 0 {
			if ok = ok && within(from, n, elements); ok {
				copy(table[at:][:n], slices.Clone(table[from:][:n]))
			}
			check("copyTable", ok, oobTable, at, from, n)
		} else {
			if ok {
				for i := range table[at:][:n] {
					table[at:][i] = from&1 == 1
				}
			}
			check("fillTable", ok, oobTable, at, from, n)
		}
		if got := call(t, m, "table"); got != "[]" {
			t.Fatal(got)
		}
		got, _ := m.Memory().Read(0, elements)
		for i, there := range table {
			if (got[i] == 0) != there {
				t.Fatalf("element %d is not the same", i)
			}
		}
	}
}

// TestLargeFillsYield checks that a single instruction comes to safepoints.
func TestLargeFillsYield(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []byte
	}{
		{"fill", ct.Code(ct.Const(0), ct.Const(1), ct.Const(64<<20), ct.Misc, 11, 0)},
		{"copy", ct.Code(ct.Const(0), ct.Const(1<<20), ct.Const(63<<20), ct.Misc, 10, 0, 0)},
		{"copy to behind",
			ct.Code(ct.Const(1<<20), ct.Const(0), ct.Const(63<<20), ct.Misc, 10, 0, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			m := compiled(t, ct.Module{
				Memory: &ct.Memory{Min: 1024},
				Funcs:  []ct.Func{{Type: sigVoid, Export: "run", Code: tt.code}},
			}.Bytes(), func() { n++ })
			if got := call(t, m, "run"); got != "[]" {
				t.Fatal(got)
			}
			if n < 20 {
				t.Errorf("%d safepoints in 64 MiB", n)
			}
		})
	}
}

// TestLongCodeYields checks that a function without loops comes to safepoints all along.
func TestLongCodeYields(t *testing.T) {
	const n = 100_000
	var code []byte
	for i := range n {
		code = append(code, ct.Code(ct.Const(0), ct.Const(i+1), ct.I32Store, 2, 0)...)
	}
	var m api.Module
	last, most := uint32(0), uint32(0)
	m = compiled(t, ct.Module{
		Memory: &ct.Memory{Min: 1, Export: "memory"},
		Funcs:  []ct.Func{{Type: sigVoid, Export: "run", Code: code}},
	}.Bytes(), func() {
		now, _ := m.Memory().ReadUint32Le(0)
		last, most = now, max(most, now-last)
	})
	if got := call(t, m, "run"); got != "[]" {
		t.Fatal(got)
	}
	if most = max(most, n-last); most > n/4 {
		t.Errorf("%d of %d stores without a safepoint", most, n)
	}
}

// TestInvalidBulkInstructionsAreRefused checks that what stands for an
// instruction makes no module valid that is not.
func TestInvalidBulkInstructionsAreRefused(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx,
		wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer r.Close(context.Background())
	three := ct.Code(ct.Const(0), ct.Const(0), ct.Const(0))
	null := ct.Code(ct.Const(0), ct.RefNull, 0x70, ct.Const(0))
	for name, code := range map[string][]byte{
		"fill without memory": ct.Code(three, ct.Misc, 11, 0),
		"copy without memory": ct.Code(three, ct.Misc, 10, 0, 0),
		"grow without memory": ct.Code(ct.Const(0), ct.MemoryGrow, 0, ct.Drop),
		"fill without table":  ct.Code(null, ct.Misc, 17, 0),
		"grow without table":  ct.Code(ct.RefNull, 0x70, ct.Const(0), ct.Misc, 15, 0, ct.Drop),
		"fill of another type": ct.Code(
			ct.Const(0), ct.RefNull, 0x6f, ct.Const(0), ct.Misc, 17, 0),
		"fill of no segment":    ct.Code(three, ct.Misc, 8, 3, 0),
		"operands missing":      ct.Code(ct.Const(0), ct.Misc, 11, 0),
		"operands of no number": ct.Code(null, ct.Misc, 11, 0),
	} {
		t.Run(name, func(t *testing.T) {
			module := ct.Module{Funcs: []ct.Func{{Type: sigVoid, Code: code}}, DataCount: true}
			if strings.HasPrefix(name, "operands") {
				module.Memory = &ct.Memory{Min: 1}
			}
			if strings.HasSuffix(name, "another type") {
				module.Table = 1
			}
			rw, err := corewasm.Rewrite(module.Bytes(), corewasm.Options{
				Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"},
			})
			if err == nil {
				err = compiles(ctx, r, rw.Wasm)
			}
			if err == nil {
				t.Error("it is taken")
			}
		})
	}
}
