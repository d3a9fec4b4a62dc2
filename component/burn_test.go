package component

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// interrupted calls an export that never ends, interrupts it when it has begun, and checks that it
// stops.
func interrupted(t *testing.T, i *Instance, call func() error) {
	t.Helper()
	memory := i.store.memory(0)
	done := make(chan error)
	go func() { done <- call() }()
	for memory[0] == 0 {
		runtime.Gosched()
	}
	cause := errors.New("enough")
	i.store.Interrupt(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// TestInterruptStopsGuestCodeBesideExports has guest code spin where no export is called.
func TestInterruptStopsGuestCodeBesideExports(t *testing.T) {
	for name, args := range map[string][]Value{
		"realloc": {String("x")}, "post-return": nil, "destructor": nil,
	} {
		t.Run(name, func(t *testing.T) {
			i := instantiateFile(t, "burn.wasm", NewLinker(), nil)
			interrupted(t, i, func() error {
				_, err := i.Func(name).Call(t.Context(), args...)
				return err
			})
		})
	}
	t.Run("start", func(t *testing.T) {
		begun := make(chan struct{})
		l := NewLinker()
		l.Instance("test:host/api@0.2.4").Func("begun", "func()",
			func(*Call, []Value) (Value, error) {
				close(begun)
				return Value{}, nil
			})
		b, err := os.ReadFile(filepath.Join("testdata", "burn-start.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		s := newTestStore(t, b, l, nil)
		done := make(chan error)
		go func() {
			_, err := s.linked.Instantiate(t.Context(), s)
			done <- err
		}()
		<-begun
		cause := errors.New("enough")
		s.Interrupt(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	})
}

// TestInterruptStopsTasksThatNeverWait has tasks that yield all the time, driven by a call and turn
// by turn.
func TestInterruptStopsTasksThatNeverWait(t *testing.T) {
	for _, name := range []string{"spin", "poll", "yield", "callback"} {
		t.Run(name, func(t *testing.T) {
			i := instantiateFile(t, "burn-async.wasm", NewLinker(), nil)
			interrupted(t, i, func() error {
				_, err := i.Func(name).Call(t.Context())
				return err
			})
		})
		t.Run(name+" in turns", func(t *testing.T) {
			i := instantiateFile(t, "burn-async.wasm", NewLinker(), nil)
			interrupted(t, i, func() error {
				if _, err := i.Func(name).Start(nil, func(Value, bool) {}); err != nil {
					return err
				}
				for {
					if more, err := i.store.Step(); err != nil || !more {
						return err
					}
				}
			})
		})
	}
}
