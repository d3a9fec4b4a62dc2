package component

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/engine"
)

// load decodes and links a component of testdata, and returns what makes instances of it, each in a store of its own.
func load(t *testing.T, name string, l *Linker) func() *Instance {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(code)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	linked, err := c.Link(t.Context(), e, l, LinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(linked.Close(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
	})
	return func() *Instance {
		t.Helper()
		s := linked.NewStore(t.Context(), nil, Limits{})
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		i, err := linked.Instantiate(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
}

func TestAStartFunctionMayWaitForItsOwnThreads(t *testing.T) {
	i := load(t, "start.wasm", NewLinker())()
	if got := must(t, i, "started").U32(); got != 42 {
		t.Errorf("its thread left %d", got)
	}
}

func TestADestructorIsACallOfItsOwn(t *testing.T) {
	instantiate := load(t, "start.wasm", NewLinker())
	if got := must(t, instantiate(), "destroy", U32(0)).U32(); got != 1 {
		t.Error("it runs in the thread of who drops the resource")
	}
	mustTrap(t, instantiate(), "only for async-lifted functions", "destroy", U32(1))
	mustTrap(t, instantiate(), "cannot block a synchronous task", "destroy", U32(2))
}

func TestWhoNeedsNoSlotDoesNotQueueForIt(t *testing.T) {
	i := load(t, "start.wasm", NewLinker())()
	var order []string
	for _, name := range []string{"hold", "queued", "beside"} {
		task := i.Func(name).Prepare(nil, func(Value, bool) { order = append(order, name) })
		if err := task.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if len(order) > 0 {
		t.Fatalf("%v did not wait", order)
	}
	must(t, i, "open")
	for n := 0; len(order) < 3 && n < 1000; n++ {
		if _, err := i.store.Step(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(order, " "), "beside hold queued"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

// The stack of the host that they would need is not the guest's to use up.
func TestDestructorsNestToABound(t *testing.T) {
	i := load(t, "destructors.wasm", NewLinker())()
	must(t, i, "run", U32(maxDestroying-1))
	must(t, i, "run", U32(maxDestroying-1)) // none is counted twice
	mustTrap(t, i, "call stack exhausted", "run", U32(maxDestroying))
}
