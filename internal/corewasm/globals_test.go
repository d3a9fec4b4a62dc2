package corewasm_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestKnownGlobals has known globals in each place where the index of one can stand.
func TestKnownGlobals(t *testing.T) {
	get := func(name string, typ byte, global int) ct.Func {
		return ct.Func{Type: ct.Sig(nil, []byte{typ}), Export: name, Code: ct.Code(ct.GlobalGet, global)}
	}
	imported := func(typ, mut byte) ct.Import { return ct.Import{Desc: []byte{3, typ, mut}} }
	module := ct.Module{
		Imports: []ct.Import{imported(ct.I32, 1), {Func: &sigI}, imported(ct.I32, 0),
			imported(ct.F64, 1)},
		Memory: &ct.Memory{Min: 1},
		Table:  10,
		Globals: []ct.Global{
			{Type: ct.I32, Mutable: true, Init: ct.Const(4)},
			{Type: ct.I64, Mutable: true, Init: []byte{0x42, 5}},
			{Type: ct.I32, Mutable: true, Init: ct.Code(ct.GlobalGet, 1, ct.Const(1), ct.I32Add)},
		},
		Exports: []ct.Export{{Name: "g0", Kind: 3, Index: 0}, {Name: "g3", Kind: 3, Index: 3},
			{Name: "g5", Kind: 3, Index: 5}},
		Funcs: []ct.Func{
			get("get0", ct.I32, 0), get("get1", ct.I32, 1), get("get2", ct.F64, 2),
			get("get3", ct.I32, 3), get("get4", ct.I64, 4), get("get5", ct.I32, 5),
			{Type: sigVoid, Export: "set3", Code: ct.Code(ct.Const(4), ct.GlobalSet, 3)},
			{Type: sigII, Export: "set5", Code: ct.Code(ct.LocalGet, 0, ct.GlobalSet, 5,
				ct.GlobalGet, 5)},
			{Type: sigII, Export: "load", Code: ct.Code(ct.LocalGet, 0, ct.I32Load8U, 0, 0)},
			{Type: sigII, Export: "table", Code: ct.Code(ct.LocalGet, 0, ct.CallIndirect, 0, 0)},
		},
		Elems: []ct.Elem{{Offset: ct.Code(ct.GlobalGet, 1), Funcs: []int{0}}},
		Data: []ct.Data{{Offset: ct.Code(ct.GlobalGet, 1, ct.Const(2), ct.I32Add),
			Bytes: "x"}},
	}.Bytes()
	minus := uint64(math.MaxUint32) // -1
	rw, err := corewasm.Rewrite(module, corewasm.Options{
		Imports:   []corewasm.ImportName{{}, {Module: "host", Name: "seven"}, {}, {}},
		Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}, GlobalPrefix: "g",
		Known: []corewasm.Known{{Global: 0, Bits: minus}, {Global: 1, Bits: 3},
			{Global: 2, Bits: math.Float64bits(2.5)}, {Global: 3, Bits: 4}},
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, rw, func() {}, func(m api.Module) {
		for _, name := range []string{"g0", "g3"} {
			if m.ExportedGlobal(name) != nil {
				t.Errorf("%s is still exported", name)
			}
		}
		if g := m.ExportedGlobal("g5"); g == nil || g.Get() != 4 {
			t.Errorf("the global that is not known is %v", g)
		}
		for _, tt := range []struct {
			name string
			args []uint64
			want string
		}{
			{"get0", nil, "[4294967295]"}, {"get1", nil, "[3]"}, {"get2", nil, "[4612811918334230528]"},
			{"set3", nil, "[]"}, {"get3", nil, "[4]"}, {"get4", nil, "[5]"}, {"get5", nil, "[4]"},
			{"set5", []uint64{8}, "[8]"}, {"get5", nil, "[8]"}, {"load", []uint64{5}, "[120]"},
			{"table", []uint64{3}, "[7]"},
		} {
			if got := call(t, m, tt.name, tt.args...); got != tt.want {
				t.Errorf("%s gave %s, not %s", tt.name, got, tt.want)
			}
		}
	})
	// g4 is immutable now, g5 and the counter are not.
	if len(rw.Globals) != 2 || rw.Globals[0].Name != "g5" {
		t.Errorf("globals that change are %v", rw.Globals)
	}
	immutable := ct.Module{
		Globals: []ct.Global{{Type: ct.I32, Init: ct.Const(4)}},
		Funcs:   []ct.Func{{Type: sigVoid, Code: ct.Code(ct.Const(4), ct.GlobalSet, 0)}},
	}.Bytes()
	if _, err := corewasm.Rewrite(immutable,
		corewasm.Options{Known: []corewasm.Known{{Global: 0, Bits: 4}}}); err == nil {
		t.Error("a module that sets an immutable global became valid")
	}
}

// TestKnownGlobalsAreAddedUp has the code for addresses of data that can be anywhere.
func TestKnownGlobalsAreAddedUp(t *testing.T) {
	module := ct.Module{
		Globals: []ct.Global{{Type: ct.I32, Init: ct.Const(1000)}},
		Funcs: []ct.Func{{Type: ct.Sig(nil, []byte{ct.I32}),
			Code: ct.Code(ct.GlobalGet, 0, ct.Const(-24), ct.I32Add)}},
	}.Bytes()
	rw, err := corewasm.Rewrite(module,
		corewasm.Options{Known: []corewasm.Known{{Global: 0, Bits: 1000}}})
	if err != nil {
		t.Fatal(err)
	}
	want := ct.Code(0, ct.Const(976), ct.End)
	if !bytes.Contains(rw.Wasm, ct.Code(len(want), want)) {
		t.Errorf("% x is not in % x", want, rw.Wasm)
	}
}
