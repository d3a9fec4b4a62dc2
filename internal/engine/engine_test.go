package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

type fixture struct {
	t   *testing.T
	e   *engine.Engine
	r   *engine.Runtime
	g   *engine.Group
	ctx *engine.Context
}

// start makes engine, runtime and group, and checks at the end that all is
// given back.
func start(t *testing.T, lim engine.Limits, host ...engine.HostFunc) *fixture {
	t.Helper()
	return startWith(t, engine.Config{}, lim, host...)
}

func startWith(
	t *testing.T, cfg engine.Config, lim engine.Limits, host ...engine.HostFunc,
) *fixture {
	t.Helper()
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	g := r.NewGroup(lim, 4)
	f := &fixture{t, e, r, g, g.NewContext(t.Context(), t)}
	t.Cleanup(func() {
		if err := errors.Join(f.g.Close(), r.Close(context.Background()), e.Close()); err != nil {
			t.Error(err)
		}
		if got := e.Stats(); got != (engine.Stats{}) {
			t.Errorf("left in use: %+v", got)
		}
	})
	return f
}

func (f *fixture) compile(m coretest.Module, imports ...engine.Import) *engine.Module {
	f.t.Helper()
	c, err := f.r.Compile(f.t.Context(), engine.Source{Name: "test", Wasm: m.Bytes(), Imports: imports})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fixture) instantiate(slot int, m *engine.Module) {
	f.t.Helper()
	if err := f.g.Instantiate(f.ctx, slot, m); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) fn(slot int, name string) *engine.Func {
	f.t.Helper()
	fn, err := f.g.Func(slot, name)
	if err != nil {
		f.t.Fatal(err)
	}
	return fn
}

func (f *fixture) call(slot int, name string, args ...uint64) (uint64, error) {
	f.t.Helper()
	stack := make([]uint64, 8)
	copy(stack, args)
	err := f.fn(slot, name).Call(f.ctx, stack)
	return stack[0], err
}

var (
	sigVoid = coretest.Sig(nil, nil)
	sigI    = coretest.Sig(nil, []byte{coretest.I32})
	sigII   = coretest.Sig([]byte{coretest.I32}, []byte{coretest.I32})
)

// fib calls itself twice for each step.
func fib(self int) []byte {
	return coretest.Code(
		coretest.LocalGet, 0, coretest.Const(2), coretest.I32LtU,
		coretest.If, coretest.I32, coretest.LocalGet, 0, coretest.Else,
		coretest.LocalGet, 0, coretest.Const(1), coretest.I32Sub, coretest.Call, self,
		coretest.LocalGet, 0, coretest.Const(2), coretest.I32Sub, coretest.Call, self,
		coretest.I32Add, coretest.End,
	)
}

func TestCallsGoThroughHostAndOtherInstances(t *testing.T) {
	f := start(t, engine.Limits{}, engine.HostFunc{
		Name: "double", Params: []engine.ValueType{engine.I32}, Results: []engine.ValueType{engine.I32},
		Fn: func(ctx *engine.Context, stack []uint64) {
			if ctx.Owner() != any(t) {
				t.Error("the context lost its owner")
			}
			stack[0] *= 2
		},
	})
	f.instantiate(0,
		f.compile(coretest.Module{Funcs: []coretest.Func{{Type: sigII, Export: "fib", Code: fib(0)}}}))
	f.instantiate(1, f.compile(coretest.Module{
		Imports: []coretest.Import{
			{Module: "", Name: "x", Func: &sigII},
			{Module: "", Name: "y", Func: &sigII},
		},
		Funcs: []coretest.Func{{Type: sigII, Export: "run",
			Code: coretest.Code(coretest.LocalGet, 0, coretest.Call, 1, coretest.Call, 0)}},
	}, engine.Import{Slot: 0, Name: "fib"}, engine.Import{Slot: engine.HostSlot, Name: "double"}))
	got, err := f.call(1, "run", 10)
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(6765); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestTrapHasFramesOfTheOriginalModule(t *testing.T) {
	f := start(t, engine.Limits{})
	f.instantiate(0, f.compile(coretest.Module{
		Name: "guest",
		Funcs: []coretest.Func{
			{Type: sigVoid, Name: "inner", Code: coretest.Code(coretest.Unreachable)},
			{Type: sigVoid, Name: "outer", Export: "run", Code: coretest.Code(coretest.Call, 0)},
		},
	}))
	_, err := f.call(0, "run")
	var trap *engine.Trap
	if !errors.As(err, &trap) {
		t.Fatalf("got %v, want a trap", err)
	}
	want := &engine.Trap{Code: engine.TrapUnreachable, Frames: []engine.Frame{
		{Module: "guest", Func: "inner", Index: 0},
		{Module: "guest", Func: "outer", Index: 1},
	}}
	if d := cmp.Diff(want, trap); d != "" {
		t.Error(d)
	}
}

func TestMemoryBeginsWithData(t *testing.T) {
	f := start(t, engine.Limits{})
	m := f.compile(coretest.Module{
		Memory: &coretest.Memory{Min: 1, Max: 3, Export: "memory"},
		Data: []coretest.Data{
			{Offset: coretest.Const(100), Bytes: "hello"},
			{Offset: coretest.Const(103), Bytes: "p!"},
		},
		Funcs: []coretest.Func{
			{Type: sigII, Export: "grow", Code: coretest.Code(coretest.LocalGet, 0, coretest.MemoryGrow, 0)},
		},
	})
	for range 3 {
		f.instantiate(0, m)
		mem, err := f.g.Memory(0, "memory")
		if err != nil {
			t.Fatal(err)
		}
		b := mem.Bytes()
		if got := string(b[99:106]); got != "\x00help!\x00" || len(b) != 65536 {
			t.Errorf("%q, %d bytes", got, len(b))
		}
		if got, err := f.call(0, "grow", 2); err != nil || got != 1 {
			t.Errorf("grow gave %d, %v", got, err)
		}
		b = mem.Bytes()
		if len(b) != 3*65536 || b[2*65536] != 0 {
			t.Errorf("%d bytes, %d", len(b), b[2*65536])
		}
		copy(b[100:], "dirty")
		b[3*65536-1] = 1
		if err := f.g.Close(); err != nil {
			t.Fatal(err)
		}
		f.g = f.r.NewGroup(engine.Limits{}, 1)
		f.ctx = f.g.NewContext(t.Context(), t)
	}
}
