package component

import (
	"strings"
	"testing"
)

func TestAStartFunctionMayWaitForItsOwnThreads(t *testing.T) {
	i := instantiateFile(t, "start.wasm", NewLinker(), nil)
	if got := must(t, i, "started").U32(); got != 42 {
		t.Errorf("its thread left %d", got)
	}
}

func TestADestructorIsACallOfItsOwn(t *testing.T) {
	instantiate := func() *Instance { return instantiateFile(t, "start.wasm", NewLinker(), nil) }
	if got := must(t, instantiate(), "destroy", U32(0)).U32(); got != 1 {
		t.Error("it runs in the thread of who drops the resource")
	}
	mustTrap(t, instantiate(), "only for async-lifted functions", "destroy", U32(1))
	mustTrap(t, instantiate(), "cannot block a synchronous task", "destroy", U32(2))
}

func TestThreadsWithoutNeedOfTheSlotDoNotQueueForIt(t *testing.T) {
	i := instantiateFile(t, "start.wasm", NewLinker(), nil)
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
	i := instantiateFile(t, "destructors.wasm", NewLinker(), nil)
	must(t, i, "run", U32(maxDestroying-1))
	must(t, i, "run", U32(maxDestroying-1)) // none is counted twice
	mustTrap(t, i, "call stack exhausted", "run", U32(maxDestroying))
}
