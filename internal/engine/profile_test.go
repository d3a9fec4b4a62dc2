package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// TestProfilesHaveSourceLines looks for the lines that backtraces have, in code that was compiled
// and in code from the cache.
func TestProfilesHaveSourceLines(t *testing.T) {
	const guest = "../../testdata/guests/rust-trap/"
	wasm := mainModule(t, guest+"rust-trap.wasm")
	dir := t.TempDir()
	for _, fromCache := range []bool{false, true} {
		e, err := engine.New(engine.Config{CacheDir: dir, Profile: engine.NewProfile(1)})
		if err != nil {
			t.Fatal(err)
		}
		r, m := stubbed(t, e, wasm)
		if m.FromCache() != fromCache {
			t.Errorf("from cache: %t", m.FromCache())
		}
		var got []string
		for _, frames := range m.LineRows() {
			for _, f := range frames {
				if strings.HasSuffix(f.File, "depth.rs") {
					got = append(got, fmt.Sprint(f.Line))
				}
			}
		}
		for _, mark := range []string{"third", "second", "first"} {
			if want := fmt.Sprint(marked(t, guest+"src/depth.rs", mark)); !slices.Contains(got, want) {
				t.Errorf("from cache %t: no line %s: %q", fromCache, want, got)
			}
		}
		if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
	}
}
