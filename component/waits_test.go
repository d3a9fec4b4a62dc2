package component

import (
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// waitBed offers what testdata/waits.wasm imports.
type waitBed struct {
	open    []func(Value, error) // work that has not ended
	dropped map[uint32]int
}

func (b *waitBed) linker() *Linker {
	b.dropped = map[uint32]int{}
	l := NewLinker()
	i := l.Instance("test:host/api@0.2.4")
	i.Resource("thing", func(rep any) error {
		b.dropped[rep.(uint32)]++
		return nil
	})
	i.AsyncFunc("work", "async func(n: u32) -> u32",
		func(_ *Call, _ []Value, done func(Value, error)) (*Value, func(), error) {
			b.open = append(b.open, done)
			return nil, nil, nil
		})
	return l
}

// start begins n calls of an export; got counts their results.
func (b *waitBed) start(t *testing.T, i *Instance, name string, n int, got *int) {
	t.Helper()
	for k := range n {
		_, err := i.Func(name).Start([]Value{Own(uint32(k)), U32(uint32(k))},
			func(v Value, ok bool) {
				if ok {
					*got++
				}
			})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// handles counts what the tables of an instance hold.
func handles(s *Store) (n int) {
	for _, in := range s.insts {
		n += max(len(in.table.entries)-1, 0) - len(in.table.free)
		n += max(len(in.threads.entries)-1, 0) - len(in.threads.free)
	}
	return n
}

func TestManyTasksWaitInOneInstance(t *testing.T) {
	const tasks = 10_000
	for _, name := range []string{"callback", "stackful", "synchronous"} {
		t.Run(name, func(t *testing.T) {
			b := &waitBed{}
			i := instantiateFile(t, "waits.wasm", b.linker(), nil)
			goroutines, threads := runtime.NumGoroutine(), pprof.Lookup("threadcreate").Count()
			got := 0
			b.start(t, i, name, tasks, &got)
			if more := pprof.Lookup("threadcreate").Count() - threads; more > 16 {
				t.Errorf("%d more threads of the system", more)
			}
			if got > 0 {
				t.Fatalf("%d did not wait", got)
			}
			for len(b.open) > 0 {
				open := b.open
				b.open = nil
				for _, done := range open {
					done(U32(7), nil)
				}
				if err := i.store.Turn(); err != nil {
					t.Fatal(err)
				}
			}
			if got != tasks || len(b.dropped) != tasks {
				t.Errorf("%d results, %d resources dropped", got, len(b.dropped))
			}
			if n := handles(i.store); n != 0 {
				t.Errorf("%d handles are left", n)
			}
			if err := i.store.Close(); err != nil {
				t.Error(err)
			}
			goroutinesEnd(t, goroutines)
		})
	}
}

func TestATrapAmongWaitingTasksLeavesNothing(t *testing.T) {
	const tasks = 50
	b := &waitBed{}
	goroutines := runtime.NumGoroutine()
	i := instantiateFile(t, "waits.wasm", b.linker(), nil)
	got := 0
	for _, name := range []string{"callback", "stackful", "synchronous"} {
		b.start(t, i, name, tasks, &got)
	}
	mustTrap(t, i, "unreachable", "trap")
	if err := i.store.Close(); err != nil {
		t.Error(err)
	}
	for _, done := range b.open {
		done(U32(7), nil) // too late, and of no effect
	}
	if got > 0 {
		t.Errorf("%d results", got)
	}
	for k := range uint32(tasks) {
		// The synchronous tasks but the first have not begun: what they would have been given is
		// the embedder's still.
		if n := b.dropped[k]; n != 2 && n != 3 {
			t.Errorf("resources %d were dropped %d times", k, n)
		}
	}
	goroutinesEnd(t, goroutines)
}

// goroutinesEnd waits until there are no more goroutines than before: those that compiled the
// component may still be on their last instructions.
func goroutinesEnd(t *testing.T, before int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for ; runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-before)
		}
	}
}
