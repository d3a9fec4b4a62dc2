package host

import (
	"context"
	"strings"
	"sync"
	"testing"
)

// TestCoverageAddsUpOverInstances sends different requests at the same time, and one after the
// other to instances that are used again.
func TestCoverageAddsUpOverInstances(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			c := NewCoverage()
			h := profiledHost(t, guest, EngineOptions{Coverage: c})
			var wg sync.WaitGroup
			for _, path := range []string{"/", "/nothing-there", "/"} {
				wg.Go(func() { ask(t, h, path) })
			}
			wg.Wait()
			for range 3 {
				ask(t, h, "/headers")
			}
			if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
			modules, err := c.Modules(DebugFiles{
				Wanted: func(string) bool { return true },
			})
			if err != nil {
				t.Fatal(err)
			}
			ran, all, called := 0, 0, ""
			for _, m := range modules {
				for _, f := range m.Functions {
					if all++; f.Ran {
						ran++
						called += f.Name + "\n"
					}
				}
			}
			crate := strings.ReplaceAll(guest, "-", "_") + "::"
			if ran == 0 || ran == all || !strings.Contains(called, crate) {
				t.Errorf("%d of %d functions ran:\n%s", ran, all, called)
			}
		})
	}
}
