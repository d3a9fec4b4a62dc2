package engine_test

import (
	"errors"
	"testing"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// TestModulesThatDifferInDataShareCode compiles two modules for different
// runtimes and closes them in either order.
func TestModulesThatDifferInDataShareCode(t *testing.T) {
	for name, order := range map[string][2]int{"older first": {0, 1}, "newer first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			e, err := engine.New(engine.Config{})
			if err != nil {
				t.Fatal(err)
			}
			var runtimes [2]*engine.Runtime
			var groups [2]*engine.Group
			for i, data := range []string{"one", "two"} {
				r, err := e.NewRuntime(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				m, err := r.Compile(t.Context(), engine.Source{Wasm: fibModule(data).Bytes()})
				if err != nil {
					t.Fatal(err)
				}
				if m.FromCache() != (i == 1) {
					t.Errorf("module %d: from cache %v", i, m.FromCache())
				}
				g := r.NewGroup(engine.Limits{}, 1)
				if err := g.Instantiate(g.NewContext(t.Context(), nil), 0, m); err != nil {
					t.Fatal(err)
				}
				runtimes[i], groups[i] = r, g
			}
			run := func(i int) {
				t.Helper()
				f, err := groups[i].Func(0, "fib")
				if err != nil {
					t.Fatal(err)
				}
				stack := []uint64{10}
				if err := f.Call(groups[i].NewContext(t.Context(), nil), stack); err != nil || stack[0] != 55 {
					t.Errorf("got %d, %v", stack[0], err)
				}
			}
			run(0)
			run(1)
			if err := errors.Join(groups[order[0]].Close(), runtimes[order[0]].Close(t.Context())); err != nil {
				t.Error(err)
			}
			run(order[1])
			if err := errors.Join(groups[order[1]].Close(), runtimes[order[1]].Close(t.Context()), e.Close()); err != nil {
				t.Error(err)
			}
			if stats := e.Stats(); stats.Runtimes != 0 || stats.Groups != 0 || stats.Mappings != 0 {
				t.Errorf("left: %+v", stats)
			}
		})
	}
}
