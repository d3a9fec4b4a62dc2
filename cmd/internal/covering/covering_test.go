package covering

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

func TestWhatRanCountsUntilTheNextBuild(t *testing.T) {
	var s suite.Suite
	var load loader.Config
	dir := t.TempDir()
	if err := (Wanted{lcov: filepath.Join(dir, "sub", "lcov.info")}).Begin(dir, &s, &load, false); err != nil {
		t.Fatal(err)
	}
	rust, first, second := inspect.Toolchain{Language: "Rust"}, [32]byte{1}, [32]byte{2}
	one := load.Cover("app.wasm", first, rust)
	if one == nil || load.Cover("app.wasm", first, rust) != one {
		t.Error("a second run of the same build begins anew")
	}
	if load.Cover("app.wasm", second, rust) == one || load.Cover("other.wasm", first, rust) == one {
		t.Error("another build goes on with what ran of the first")
	}
	if load.Cover("py.wasm", first, inspect.Toolchain{Language: "Python", Runtime: "CPython"}) != nil {
		t.Error("an interpreter is watched")
	}
	c, err := s.Coverage()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "py.wasm: only the engine (CPython)") || !strings.Contains(c.Notes[0], "coverage.py") {
		t.Errorf("notes: %q", c.Notes)
	}
}

func TestNothingIsWatchedUnlessItIsWanted(t *testing.T) {
	for _, w := range []struct {
		Wanted
		list bool
	}{{Wanted{}, false}, {Wanted{html: "pages"}, true}} {
		var s suite.Suite
		var load loader.Config
		if err := w.Begin(t.TempDir(), &s, &load, w.list); err != nil || s.Coverage != nil || load.Cover != nil {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

func TestALeastOfZeroIsWanted(t *testing.T) {
	for _, text := range []string{"0", "0%", "0.0"} {
		var w Wanted
		if err := w.min.Set(text); err != nil {
			t.Fatal(err)
		}
		var s suite.Suite
		var load loader.Config
		if err := w.Begin(t.TempDir(), &s, &load, false); err != nil || load.Cover == nil {
			t.Errorf("%s: %v, or nothing is watched", text, err)
		}
	}
}
