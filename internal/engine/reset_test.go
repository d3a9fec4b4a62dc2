package engine_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// stateful is a module whose functions change all that Reset puts back.
func stateful(pages, most int) coretest.Module {
	sigIIV := coretest.Sig([]byte{coretest.I32, coretest.I32}, nil)
	return coretest.Module{
		Memory: &coretest.Memory{Min: pages, Max: most, Export: "memory"},
		Globals: []coretest.Global{
			{Type: coretest.I32, Mutable: true, Init: coretest.Const(1234)},
			{Type: coretest.F64, Mutable: true, Init: coretest.Code(0x44, []byte("\x01\x02\x03\x04\x05\x06\x07\x08"))},
		},
		Data: []coretest.Data{
			{Offset: coretest.Const(5000), Bytes: "first"},
			{Offset: coretest.Const(65536 + 9), Bytes: "second page"},
		},
		Funcs: []coretest.Func{
			{Type: sigIIV, Export: "store", Code: coretest.Code(
				coretest.LocalGet, 0, coretest.LocalGet, 1, coretest.I32Store8, 0, 0,
				coretest.GlobalGet, 0, coretest.Const(1), coretest.I32Add, coretest.GlobalSet, 0,
				0x44, []byte("12345678"), coretest.GlobalSet, 1)},
			{Type: sigII, Export: "grow", Code: coretest.Code(coretest.LocalGet, 0, coretest.MemoryGrow, 0)},
			{Type: sigI, Export: "size", Code: coretest.Code(coretest.MemorySize, 0)},
			{Type: sigI, Export: "global", Code: coretest.Code(coretest.GlobalGet, 0)},
			{Type: sigI, Export: "float", Code: coretest.Code(coretest.GlobalGet, 1, 0xbd, 0xa7)},
			{Type: sigVoid, Export: "trap", Code: coretest.Code(coretest.Unreachable)},
		},
	}
}

type state struct {
	memory             []byte
	size, global, real uint64
}

func (f *fixture) state() state {
	f.t.Helper()
	m, err := f.g.Memory(0, "memory")
	if err != nil {
		f.t.Fatal(err)
	}
	var s state
	s.memory = bytes.Clone(m.Bytes())
	for name, to := range map[string]*uint64{"size": &s.size, "global": &s.global, "float": &s.real} {
		if *to, err = f.call(0, name); err != nil {
			f.t.Fatal(err)
		}
	}
	return s
}

func (f *fixture) expect(want state) {
	f.t.Helper()
	got := f.state()
	if !bytes.Equal(got.memory, want.memory) {
		f.t.Fatalf("memory of %d bytes differs from that of %d", len(got.memory), len(want.memory))
	}
	if got.size != want.size || got.global != want.global || got.real != want.real {
		f.t.Errorf("got size %d, globals %d %x; want %d, %d %x",
			got.size, got.global, got.real, want.size, want.global, want.real)
	}
}

// disturb changes the instance at random and sometimes ends in a trap.
func (f *fixture) disturb(r *rand.Rand, grow bool) {
	f.t.Helper()
	if grow && r.IntN(2) == 0 {
		if _, err := f.call(0, "grow", uint64(1+r.IntN(3))); err != nil {
			f.t.Fatal(err)
		}
	}
	m, err := f.g.Memory(0, "memory")
	if err != nil {
		f.t.Fatal(err)
	}
	size := len(m.Bytes())
	for range r.IntN(60) {
		if _, err := f.call(0, "store", uint64(r.IntN(size)), uint64(1+r.IntN(255))); err != nil {
			f.t.Fatal(err)
		}
	}
	for range r.IntN(8) {
		m.Bytes()[r.IntN(size)]++
	}
	if r.IntN(4) == 0 {
		if _, err := f.call(0, "trap"); err == nil {
			f.t.Error("no trap")
		}
	}
}

func TestResetIsIndistinguishableFromNew(t *testing.T) {
	f := start(t, engine.Limits{MaxMemoryBytes: 10 * 65536})
	m := f.compile(stateful(3, 40))
	f.instantiate(0, m)
	want := f.state()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f.disturb(r, true)
		if !f.g.Reset() {
			t.Fatal("no reset")
		}
		f.expect(want)
	}
	// The limit counts from the beginning again.
	if got, err := f.call(0, "grow", 7); err != nil || got != 3 {
		t.Errorf("grow gave %d, %v", got, err)
	}
}

func TestNewInstancesShowNothingOfOldOnes(t *testing.T) {
	f := start(t, engine.Limits{})
	m := f.compile(stateful(40, 60))
	r := rand.New(rand.NewPCG(3, 4))
	var want state
	for i := range 100 {
		f.instantiate(0, m)
		if i == 0 {
			want = f.state()
		}
		f.expect(want)
		f.disturb(r, true)
		if err := f.g.Close(); err != nil {
			t.Fatal(err)
		}
		f.g = f.r.NewGroup(engine.Limits{}, 1)
		f.ctx = f.g.NewContext(t.Context(), t)
	}
}

func TestResetIsRefused(t *testing.T) {
	set := coretest.Code(coretest.Const(0), coretest.RefNull, 0x70, coretest.TableSet, 0)
	for _, tt := range []struct {
		name   string
		module coretest.Module
		do     func(f *fixture)
	}{
		{name: "start function before another module", module: stateful(2, 0), do: func(f *fixture) {
			f.instantiate(1, f.compile(coretest.Module{Start: 1, Funcs: []coretest.Func{{Type: sigVoid}}}))
			f.instantiate(2, f.compile(coretest.Module{}))
		}},
		{name: "table written", module: coretest.Module{Table: 1, Funcs: []coretest.Func{{Type: sigVoid, Code: set}}}},
		{name: "data dropped", module: coretest.Module{
			Memory: &coretest.Memory{Min: 1}, DataCount: true, Data: []coretest.Data{{Bytes: "x"}},
			Funcs: []coretest.Func{{Type: sigVoid, Code: coretest.Code(coretest.Misc, 9, 0)}}}},
		{name: "global that is no number", module: coretest.Module{
			Globals: []coretest.Global{{Type: 0x70, Mutable: true, Init: []byte{coretest.RefNull, 0x70}}},
			Funcs: []coretest.Func{{Type: sigVoid,
				Code: coretest.Code(coretest.RefNull, 0x70, coretest.GlobalSet, 0)}}}},
		{name: "computed offset", module: coretest.Module{
			Memory: &coretest.Memory{Min: 1},
			Data:   []coretest.Data{{Offset: coretest.Code(coretest.Const(1), coretest.Const(2), coretest.I32Add), Bytes: "x"}}}},
		{name: "interrupted", module: stateful(2, 0), do: func(f *fixture) { f.g.Interrupt(errors.New("stop")) }},
		{name: "memory at its maximum", module: stateful(2, 3), do: func(f *fixture) {
			if _, err := f.call(0, "grow", 1); err != nil {
				f.t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, engine.Limits{})
			f.instantiate(0, f.compile(tt.module))
			if tt.do != nil {
				tt.do(f)
			}
			if f.g.Reset() {
				t.Error("reset")
			}
		})
	}
}

func TestStartFunctionsRunAnewAfterReset(t *testing.T) {
	asked, stop := uint64(0), errors.New("stop")
	var fail error
	f := start(t, engine.Limits{}, engine.HostFunc{Name: "ask", Results: []engine.ValueType{engine.I32}, Fn: func(_ *engine.Context, stack []uint64) {
		if fail != nil {
			panic(fail)
		}
		asked++
		stack[0] = asked
	}})
	// The start function adds what the host says to a global that begins as 1000, and grows the
	// memory.
	f.instantiate(0, f.compile(coretest.Module{
		Imports: []coretest.Import{{Func: &sigI}},
		Memory:  &coretest.Memory{Min: 1, Max: 9},
		Globals: []coretest.Global{{Type: coretest.I32, Mutable: true, Init: coretest.Const(1000)}},
		Start:   2,
		Funcs: []coretest.Func{
			{Type: sigVoid, Code: coretest.Code(
				coretest.GlobalGet, 0, coretest.Call, 0, coretest.I32Add, coretest.GlobalSet, 0,
				coretest.Const(2), coretest.MemoryGrow, 0, 0x1a)},
			{Type: sigI, Export: "global", Code: coretest.Code(coretest.GlobalGet, 0)},
			{Type: sigI, Export: "size", Code: coretest.Code(coretest.MemorySize, 0)},
		},
	}, engine.Import{Slot: engine.HostSlot, Name: "ask"}))
	for round := range uint64(5) {
		for name, want := range map[string]uint64{"global": 1001 + round, "size": 3} {
			if got, err := f.call(0, name); err != nil || got != want {
				t.Errorf("round %d: %s is %d, %v; want %d", round, name, got, err, want)
			}
		}
		if !f.g.Reset() {
			t.Fatal("no reset")
		}
		if got, err := f.call(0, "global"); err != nil || got != 1000 {
			t.Errorf("round %d: before the start function the global is %d, %v", round, got, err)
		}
		if err := f.g.Restart(f.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if !f.g.Reset() {
		t.Fatal("no reset")
	}
	fail = stop
	if err := f.g.Restart(f.ctx); !errors.Is(err, stop) {
		t.Errorf("the start function failed with %v", err)
	}
	if f.g.Reset() {
		t.Error("reset after a start function that failed")
	}
}

func TestStartFunctionsHaveNoParametersAndResults(t *testing.T) {
	f := start(t, engine.Limits{})
	m := coretest.Module{Start: 1, Funcs: []coretest.Func{{Type: sigI, Code: coretest.Const(1)}}}
	if _, err := f.r.Compile(t.Context(), engine.Source{Wasm: m.Bytes()}); err == nil ||
		!strings.Contains(err.Error(), "start function") {
		t.Errorf("compiled with %v", err)
	}
}

func TestResetIsRefusedDuringACall(t *testing.T) {
	var f *fixture
	f = start(t, engine.Limits{}, engine.HostFunc{Name: "reset", Fn: func(*engine.Context, []uint64) {
		if f.g.Reset() {
			t.Error("reset")
		}
	}})
	f.instantiate(0, f.compile(coretest.Module{
		Imports: []coretest.Import{{Func: &sigVoid}},
		Funcs:   []coretest.Func{{Type: sigVoid, Export: "run", Code: coretest.Code(coretest.Call, 0)}},
	}, engine.Import{Slot: engine.HostSlot, Name: "reset"}))
	if _, err := f.call(0, "run"); err != nil {
		t.Error(err)
	}
	if !f.g.Reset() {
		t.Error("no reset after the call")
	}
}

func TestGroupsOfOneModuleInParallel(t *testing.T) {
	f := start(t, engine.Limits{})
	m := f.compile(stateful(4, 30))
	f.instantiate(0, m)
	want := f.state()
	var wg sync.WaitGroup
	for seed := range uint64(6) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 9))
			for range 40 {
				g := f.r.NewGroup(engine.Limits{}, 1)
				own := &fixture{t: t, r: f.r, g: g, ctx: g.NewContext(t.Context(), nil)}
				if err := g.Instantiate(own.ctx, 0, m); err != nil {
					t.Error(err)
				}
				if got := own.state(); !bytes.Equal(got.memory, want.memory) || got.global != want.global {
					t.Error("an instance is not new")
				}
				own.disturb(r, true)
				if r.IntN(2) == 0 && !g.Reset() {
					t.Error("no reset")
				}
				if err := g.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
