package engine_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// The second module imports memory 0 and defines memory 1; the third imports
// both under its own numbers.
func TestModulesWithSeveralMemories(t *testing.T) {
	const second = 0x40 // the bit of an alignment that says a memory index follows
	f := start(t, engine.Limits{})
	f.instantiate(0, f.compile(coretest.Module{Memory: &coretest.Memory{Min: 1, Export: "m"}}))
	peek := func(memory int) []byte {
		return coretest.Code(coretest.LocalGet, 0, coretest.I32Load8U, second, memory, 1)
	}
	f.instantiate(1, f.compile(coretest.Module{
		Name:    "two",
		Imports: []coretest.Import{{Name: "m", Desc: []byte{2, 0, 1}}},
		Memory:  &coretest.Memory{Min: 1, Max: 9},
		Exports: []coretest.Export{{Name: "zero", Kind: 2}, {Name: "one", Kind: 2, Index: 1}},
		Table:   1,
		Elems:   []coretest.Elem{{Offset: coretest.Const(0), Funcs: []int{2}}},
		Funcs: []coretest.Func{
			{Type: sigVoid, Export: "poke", Code: coretest.Code(
				coretest.Const(4), coretest.Const(10), coretest.I32Store8, 0, 1,
				coretest.Const(4), coretest.Const(20), coretest.I32Store8, second, 1, 1,
				coretest.Const(8), coretest.Const(30), coretest.Const(1), coretest.Misc, 11, 1)},
			{Type: sigII, Export: "peek0", Code: peek(0)},
			{Type: sigII, Export: "peek1", Name: "peek one", Code: peek(1)},
			{Type: sigII, Export: "grow1", Code: coretest.Code(coretest.LocalGet, 0, coretest.MemoryGrow, 1)},
			{Type: sigI, Export: "sizes", Code: coretest.Code(
				coretest.MemorySize, 0, coretest.Const(16), coretest.I32Mul, coretest.MemorySize, 1, coretest.I32Add)},
			{Type: sigII, Export: "indirect", Code: coretest.Code(coretest.LocalGet, 0, coretest.Const(0), coretest.CallIndirect, 2, 0)},
		},
	}, engine.Import{Slot: 0, Name: "m"}))
	f.instantiate(2, f.compile(coretest.Module{
		Imports: []coretest.Import{{Name: "a", Desc: []byte{2, 0, 1}}, {Name: "b", Desc: []byte{2, 0, 1}}},
		Funcs: []coretest.Func{
			{Type: sigII, Export: "peek0", Code: peek(0)},
			{Type: sigII, Export: "peek1", Code: peek(1)},
		},
	}, engine.Import{Slot: 1, Name: "one"}, engine.Import{Slot: 1, Name: "zero"}))

	if _, err := f.call(1, "poke"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		slot      int
		fn        string
		arg, want uint64
	}{
		{1, "peek0", 4, 10}, {1, "peek1", 4, 20}, {1, "peek1", 7, 30}, {1, "peek0", 7, 0},
		{2, "peek0", 4, 20}, {2, "peek1", 4, 10},
		{1, "sizes", 0, 17}, {1, "grow1", 1, 1}, {1, "sizes", 0, 18},
	} {
		if got, err := f.call(c.slot, c.fn, c.arg); err != nil || got != c.want {
			t.Errorf("slot %d, %s(%d): got %d, %v; want %d", c.slot, c.fn, c.arg, got, err, c.want)
		}
	}
	for export, want := range map[string]byte{"zero": 10, "one": 20} {
		m, err := f.g.Memory(1, export)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Bytes()[5]; got != want {
			t.Errorf("memory %s has %d, want %d", export, got, want)
		}
	}
	_, err := f.call(1, "peek1", 1<<20)
	var trap *engine.Trap
	if !errors.As(err, &trap) || trap.Code != engine.TrapOutOfBounds {
		t.Fatalf("got %v", err)
	}
	if d := cmp.Diff([]engine.Frame{{Module: "two", Func: "peek one", Index: 2}}, trap.Frames); d != "" {
		t.Error(d)
	}
	if !f.g.Reset() {
		t.Fatal("no reset")
	}
	if got, err := f.call(1, "peek1", 4); err != nil || got != 0 {
		t.Errorf("after the reset: %d, %v", got, err)
	}
	if got, err := f.call(1, "sizes"); err != nil || got != 17 {
		t.Errorf("after the reset: %d, %v", got, err)
	}
}
