package engine_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// compileIn compiles one module with a new engine on dir, runs it and tells
// whether the code came from the cache.
func compileIn(t *testing.T, dir string, m coretest.Module) bool {
	t.Helper()
	e, err := engine.New(engine.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Warning(); err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Compile(t.Context(), engine.Source{Wasm: m.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	g := r.NewGroup(engine.Limits{}, 1)
	ctx := g.NewContext(t.Context(), nil)
	if err := g.Instantiate(ctx, 0, c); err != nil {
		t.Fatal(err)
	}
	f, err := g.Func(0, "fib")
	if err != nil {
		t.Fatal(err)
	}
	stack := []uint64{10}
	if err := f.Call(ctx, stack); err != nil || stack[0] != 55 {
		t.Errorf("got %d, %v", stack[0], err)
	}
	hit := c.FromCache()
	if err := errors.Join(g.Close(), r.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
	return hit
}

func fibModule(data string) coretest.Module {
	return coretest.Module{
		Memory: &coretest.Memory{Min: 1},
		Funcs:  []coretest.Func{{Type: sigII, Export: "fib", Code: fib(0)}},
		Data:   []coretest.Data{{Offset: coretest.Const(8), Bytes: data}},
	}
}

// entries returns the files with code of the cache, and fails when something was left behind.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	for _, pattern := range []string{"stage-*/[^w]*", "stage-*/*/*", "*/tmp-*"} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	return slices.DeleteFunc(filesOf(t, dir, "*"), func(path string) bool {
		return filepath.Base(filepath.Dir(path)) == "notes"
	})
}

// records returns the files of the cache with what is known of modules.
func records(t *testing.T, dir string) []string { return filesOf(t, dir, "notes") }

func filesOf(t *testing.T, dir, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCacheServesTheNextEngine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if compileIn(t, dir, fibModule("a")) {
		t.Error("a hit in an empty cache")
	}
	if !compileIn(t, dir, fibModule("a")) {
		t.Error("no hit the second time")
	}
	if !compileIn(t, dir, fibModule("other data")) {
		t.Error("no hit when only data differs")
	}
	if n := len(entries(t, dir)); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

func TestDamagedCacheEntriesAreCompiledAnew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(old []byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"truncated", func(b []byte) []byte { return b[:len(b)-3] }},
		{"cut to the header", func(b []byte) []byte { return b[:8] }},
		{"one bit", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"function offset", func(b []byte) []byte { b[20] ^= 0x40; return b }},
		{"something else", func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			compileIn(t, dir, fibModule("a"))
			files := entries(t, dir)
			if len(files) != 1 {
				t.Fatalf("entries: %v", files)
			}
			b, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], tt.damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if compileIn(t, dir, fibModule("a")) {
				t.Error("the damaged entry was used")
			}
			if !compileIn(t, dir, fibModule("a")) {
				t.Error("the entry was not repaired")
			}
		})
	}
}

func TestForeignCacheEntryIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	compileIn(t, dir, fibModule("a"))
	files := entries(t, dir)
	// The same sound file under wazero's name for another processor.
	parts := strings.Split(filepath.Base(files[0]), "-")
	parts[0] = strings.Repeat("0", 64)
	if err := os.Rename(files[0], filepath.Join(filepath.Dir(files[0]), strings.Join(parts, "-"))); err != nil {
		t.Fatal(err)
	}
	if compileIn(t, dir, fibModule("a")) {
		t.Error("the code for another processor was used")
	}
}

func TestEnginesShareACacheFolder(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { compileIn(t, dir, fibModule(strings.Repeat("x", i%3))) })
	}
	wg.Wait()
	if !compileIn(t, dir, fibModule("y")) {
		t.Error("no entry is left")
	}
	if files := entries(t, dir); len(files) != 1 {
		t.Errorf("entries: %v", files)
	}
}

func TestUnusableCacheFolderIsAWarning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{CacheDir: filepath.Join(file, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	if e.Warning() == nil {
		t.Error("no warning")
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Compile(t.Context(), engine.Source{Wasm: fibModule("").Bytes()}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
}

// Losing the staging folder under a running engine must not stop it.
func TestLostStageIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	e, err := engine.New(engine.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stages, err := filepath.Glob(filepath.Join(dir, "stage-*"))
	if err != nil || len(stages) != 1 {
		t.Fatalf("%v, %v", stages, err)
	}
	if err := os.RemoveAll(stages[0]); err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Compile(t.Context(), engine.Source{Wasm: fibModule("").Bytes()}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
}
