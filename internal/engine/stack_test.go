package engine_test

import (
	"errors"
	"runtime"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// recursive is a module whose function "run" calls itself as many times as it is
// told, "forever" without end, and "caught" without end within try_tables.
func recursive() ct.Module {
	const run, forever, caught = 0, 1, 2
	return ct.Module{
		Memory: &ct.Memory{Min: 1},
		Tags:   []ct.Type{sigVoid},
		Funcs: []ct.Func{
			{Type: sigII, Export: "run", Code: ct.Code(
				ct.LocalGet, 0, ct.If, ct.I32, ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.Call, run,
				ct.Const(1), ct.I32Add, ct.Else, ct.Const(0), ct.End)},
			{Type: sigII, Export: "forever", Code: ct.Code(
				ct.LocalGet, 0, ct.Const(1), ct.I32Add, ct.Call, forever, ct.Const(1), ct.I32Add)},
			{Type: sigII, Export: "caught", Code: ct.Code(
				ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0,
				ct.LocalGet, 0, ct.Const(1), ct.I32Add, ct.Call, caught, ct.Return,
				ct.End, ct.End, ct.Const(7))},
			{Type: sigVoid, Export: "loop", Code: ct.Code(ct.Const(0), ct.Call, forever, ct.Drop)},
			{Type: sigII, Export: "grow", Code: ct.Code(ct.LocalGet, 0, ct.MemoryGrow, 0)},
		},
	}
}

// exhausted checks that err is a trap of a stack that was too large.
func exhausted(t *testing.T, err error, refused bool) {
	t.Helper()
	var trap *engine.Trap
	if !errors.As(err, &trap) || trap.Code != engine.TrapStackOverflow || trap.Cause != nil ||
		trap.MemoryRefused != refused {
		t.Errorf("got %#v", err)
	}
}

func TestRecursionWithoutEndExhaustsTheStack(t *testing.T) {
	for _, name := range []string{"forever", "caught"} {
		f := start(t, engine.Limits{})
		f.instantiate(0, f.compile(recursive()))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := f.call(0, name)
		runtime.ReadMemStats(&after)
		exhausted(t, err, false)
		if trap := (*engine.Trap)(nil); errors.As(err, &trap) && len(trap.Frames) == 0 {
			t.Error("there is no backtrace")
		}
		if n := f.fn(0, name).Idle(); n != 0 {
			t.Errorf("%d activations with large stacks are kept", n)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 256 {
			t.Errorf("%s: its stacks took %d MiB", name, took)
		}
	}
}

func TestStacksCountAsMemory(t *testing.T) {
	const pages = 40
	f := start(t, engine.Limits{MaxMemoryBytes: pages << 16})
	f.instantiate(0, f.compile(recursive()))
	for _, name := range []string{"forever", "caught"} {
		_, err := f.call(0, name)
		exhausted(t, err, true)
	}
	// All of it has been given back.
	if was, err := f.call(0, "grow", pages-1); err != nil || was != 1 {
		t.Fatalf("the memory cannot grow: %d, %v", int32(was), err)
	}
	if _, err := f.call(0, "run", 100); err != nil {
		t.Errorf("a small stack does not fit: %v", err)
	}
}

func TestDeepRecursionReturns(t *testing.T) {
	const deep = 100_000
	f := start(t, engine.Limits{MaxMemoryBytes: 64 << 20})
	f.instantiate(0, f.compile(recursive()))
	for range 3 {
		if got, err := f.call(0, "run", deep); err != nil || got != deep {
			t.Fatalf("got %d, %v", got, err)
		}
	}
	if n := f.fn(0, "run").Idle(); n != 0 {
		t.Errorf("%d activations with large stacks are kept", n)
	}
}

// TestStacksAreReturnedToTheSystem checks that what large stacks took does not stay
// with the process.
func TestStacksAreReturnedToTheSystem(t *testing.T) {
	f := start(t, engine.Limits{})
	m := f.compile(recursive())
	const guests = 40
	done := make(chan error, guests)
	var groups []*engine.Group
	for range guests {
		g := f.r.NewGroup(engine.Limits{}, 1)
		groups = append(groups, g)
		go func() { done <- runGuest(g, g.NewContext(t.Context(), nil), m, "loop") }()
	}
	for range guests {
		exhausted(t, <-done, false)
	}
	for _, g := range groups {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	if kept := (s.HeapSys - s.HeapReleased) >> 20; kept > 200 {
		t.Errorf("%d MiB of heap are left", kept)
	}
}
