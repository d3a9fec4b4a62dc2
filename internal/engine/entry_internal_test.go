package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// sevenModule has a function that returns 7.
func sevenModule() []byte {
	return ct.Module{Funcs: []ct.Func{
		{Type: ct.Sig(nil, []byte{ct.I32}), Export: "seven", Code: ct.Const(7)},
	}}.Bytes()
}

// seven compiles the module with a new engine on dir, calls it, and reports whether the code came
// from the cache.
func seven(t *testing.T, dir string) (fromCache bool) {
	t.Helper()
	e, err := New(Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Compile(t.Context(), Source{Wasm: sevenModule()})
	if err != nil {
		t.Fatal(err)
	}
	g := r.NewGroup(Limits{}, 1)
	ctx := g.NewContext(t.Context(), nil)
	if err := g.Instantiate(ctx, 0, m); err != nil {
		t.Fatal(err)
	}
	f, err := g.Func(0, "seven")
	if err != nil {
		t.Fatal(err)
	}
	stack := []uint64{0}
	if err := f.Call(ctx, stack); err != nil || stack[0] != 7 {
		t.Errorf("got %d, %v", stack[0], err)
	}
	if err := errors.Join(g.Close(), r.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
	return m.FromCache()
}

func entryOf(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "????????????????????????????????", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	return found[0]
}

// TestWazeroNamesFilesAsExpected fails when wazero names its files otherwise, or writes them in
// another form: without that nothing is kept.
func TestWazeroNamesFilesAsExpected(t *testing.T) {
	dir := t.TempDir()
	seven(t, dir)
	path := entryOf(t, dir)
	if !soundEntry(path, filepath.Base(filepath.Dir(path))) {
		t.Error("the entry is not sound")
	}
	if !seven(t, dir) {
		t.Error("it was not used")
	}
}

// TestCodeForAnotherProcessorIsNotUsed renames an entry so that only a processor with other
// features would look for it. wazero then compiles the stub, which must not pass for the module.
func TestCodeForAnotherProcessorIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	seven(t, dir)
	path := entryOf(t, dir)
	digest := filepath.Base(filepath.Dir(path))
	e, err := New(Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stub := stubOf(t)
	names := fileNames(stub)
	for _, key := range names {
		size, sum, err := entrySum(path, digest, key, maxCacheBytes)
		if err != nil {
			t.Fatal(err)
		}
		if entryName(key, size, sum) == filepath.Base(path) {
			continue
		}
		other := filepath.Join(filepath.Dir(path), entryName(key, size, sum))
		if err := os.Rename(path, other); err != nil {
			t.Fatal(err)
		}
		path = other
		if !soundEntry(path, digest) {
			t.Fatal("the test has made an entry that is not sound")
		}
		if seven(t, dir) {
			t.Error("it was used")
		}
		entryOf(t, dir)
		break
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// stubOf returns the stub of sevenModule.
func stubOf(t *testing.T) []byte {
	t.Helper()
	m := &Module{source: Source{Wasm: sevenModule()}}
	var err error
	if m.info, err = corewasm.Scan(m.source.Wasm); err != nil {
		t.Fatal(err)
	}
	e, err := New(Config{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	r := &Runtime{engine: e}
	opt := rewriteOptions(m.info, nil, nil)
	stub, err := r.rewrite(t.Context(), m, opt)
	if err != nil {
		t.Fatal(err)
	}
	return stub
}

// TestTheSelfCheckRefusesOtherCode gives it code for a stub that it is not for, no code, and a
// module that says something else of itself.
func TestTheSelfCheckRefusesOtherCode(t *testing.T) {
	dir := t.TempDir()
	seven(t, dir)
	path := entryOf(t, dir)
	digest := filepath.Base(filepath.Dir(path))
	stub := stubOf(t)
	key := filepath.Base(path)[:64]
	d, err := openDiskCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := openStage(t.TempDir(), "stage-")
	if err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(other.stage)
	c, err := rt.CompileModule(t.Context(), stub)
	if err != nil {
		t.Fatal(err)
	}
	want := signatures(c)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path, key string
		want      []string
		ok        bool
	}{
		"right":            {path, key, want, true},
		"other name":       {path, fileNames([]byte("other"))[0], want, false},
		"empty":            {empty, key, want, false},
		"missing":          {empty + "-", key, want, false},
		"other signatures": {path, key, append(want[:0:0], "more"), false},
	} {
		if got := d.check(t.Context(), tt.path, digest, tt.key, stub, tt.want); got != tt.ok {
			t.Errorf("%s: got %v", name, got)
		}
	}
	err = errors.Join(rt.Close(context.Background()), other.stage.Close(context.Background()),
		other.close(), d.close())
	if err != nil {
		t.Error(err)
	}
}

// TestRecordsDependOnAllThatDecides changes each part of what a record was made from.
func TestRecordsDependOnAllThatDecides(t *testing.T) {
	d := &diskCache{build: "one", entries: "somewhere"}
	src := &Source{Wasm: sevenModule()}
	base := rewriteOptions(&corewasm.Info{}, nil, nil)
	key := d.recordKey(src, base)
	changed := map[string]string{
		"program": (&diskCache{build: "two", entries: d.entries}).recordKey(src, base),
		"module":  d.recordKey(&Source{Wasm: ct.Header()}, base),
		"imports": d.recordKey(src, rewriteOptions(&corewasm.Info{},
			[]corewasm.ImportName{{Module: "slot0", Name: "f"}}, nil)),
		"values of globals": d.recordKey(src,
			rewriteOptions(&corewasm.Info{}, nil, []corewasm.Known{{Global: 1, Bits: 2}})),
	}
	lines := base
	lines.Lines = true
	changed["line table"] = d.recordKey(src, lines)
	for name, other := range changed {
		if other == key || other == "" {
			t.Errorf("another %s has the record %q", name, other)
		}
	}
	if again := d.recordKey(&Source{Wasm: sevenModule()}, base); again != key {
		t.Error("the same module has two records")
	}
	var none *diskCache
	if none.recordKey(src, base) != "" || (&diskCache{entries: "x"}).recordKey(src, base) != "" {
		t.Error("a record without a folder, or for a program that is not known")
	}
}

func TestTheBuildIsIdentified(t *testing.T) {
	if a, b := buildIdentity(), buildIdentity(); a == "" || a != b {
		t.Errorf("%x, then %x", a, b)
	}
}

// TestCompilationsHaveABoundInAll counts what is let in.
func TestCompilationsHaveABoundInAll(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	full, cancel := context.WithCancelCause(t.Context())
	// Alone, a module may have any size; beside it there is room for none.
	if err := e.enter(t.Context(), 10*maxCompiling); err != nil {
		t.Fatal(err)
	}
	waits := make(chan error, 1)
	go func() { waits <- e.enter(t.Context(), 1) }()
	e.leave(10 * maxCompiling)
	if err := <-waits; err != nil {
		t.Fatal(err)
	}
	if err := e.enter(t.Context(), maxCompiling-1); err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	cancel(stopped)
	if err := e.enter(full, 1); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	e.leave(1)
	e.leave(maxCompiling - 1)
	if e.jobs != 0 || e.compiling != 0 {
		t.Errorf("left: %d jobs, %d bytes", e.jobs, e.compiling)
	}
}
