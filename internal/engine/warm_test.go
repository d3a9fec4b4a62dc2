package engine_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// unreadable returns the module with bytes in place of its code that neither rewriting nor
// validating would take.
func unreadable(t *testing.T, m ct.Module) []byte {
	t.Helper()
	wasm := m.Bytes()
	code := m.Funcs[0].Code
	at := bytes.Index(wasm, code)
	if at < 0 {
		t.Fatal("the code was not found")
	}
	for i := range code {
		wasm[at+i] = 0xff
	}
	return wasm
}

// otherModule returns a module with a fib that is right for run, and has other code than
// fibModule's.
func otherModule() ct.Module {
	m := fibModule("a")
	m.Funcs[0].Code = ct.Const(55)
	return m
}

// warm reports whether a new engine on dir finds the module by what identifies it, without a look
// at its code. If it does, the code must be right.
func warm(t *testing.T, dir string, m ct.Module) bool {
	t.Helper()
	return run(t, dir, engine.Source{Wasm: unreadable(t, m), Digest: identity(m)}) == nil
}

// identity returns the Digest of a module's source.
func identity(m ct.Module) func() []byte { return m.Bytes }

// run makes an instance of a module with a new engine on dir, and calls fib.
func run(t *testing.T, dir string, src engine.Source) error {
	t.Helper()
	e, err := engine.New(engine.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
	}()
	c, err := r.Compile(t.Context(), src)
	if err != nil {
		return err
	}
	g := r.NewGroup(engine.Limits{}, 1)
	defer func() { _ = g.Close() }()
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
	return nil
}

func cold(t *testing.T, dir string, m ct.Module) {
	t.Helper()
	if err := run(t, dir, engine.Source{Wasm: m.Bytes(), Digest: identity(m)}); err != nil {
		t.Fatal(err)
	}
}

func TestAWarmStartDoesNotLookAtTheCode(t *testing.T) {
	dir := t.TempDir()
	if warm(t, dir, fibModule("a")) {
		t.Error("warm with an empty cache")
	}
	cold(t, dir, fibModule("a"))
	if !warm(t, dir, fibModule("a")) {
		t.Error("the code was looked at")
	}
	// Other data is another module with the same code.
	if warm(t, dir, fibModule("b")) {
		t.Error("a module that was never seen")
	}
	cold(t, dir, fibModule("b"))
	if !warm(t, dir, fibModule("b")) || !warm(t, dir, fibModule("a")) {
		t.Error("the code was looked at")
	}
	if code, known := len(entries(t, dir)), len(records(t, dir)); code != 1 || known != 2 {
		t.Errorf("%d entries and %d records, want 1 and 2", code, known)
	}
}

// TestModulesThatDifferInCodeAloneHaveTheirOwn compiles modules whose stubs would be the same, if
// they did not say what they are for.
func TestModulesThatDifferInCodeAloneHaveTheirOwn(t *testing.T) {
	dir := t.TempDir()
	other := otherModule()
	cold(t, dir, fibModule("a"))
	cold(t, dir, other)
	if !warm(t, dir, fibModule("a")) || !warm(t, dir, other) {
		t.Error("one has replaced the other")
	}
	if n := len(entries(t, dir)); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

// TestUnsoundRecordsAreMadeAnew damages what is known about a module. The module runs all the same,
// and is known again afterwards.
func TestUnsoundRecordsAreMadeAnew(t *testing.T) {
	more := fibModule("a")
	more.Funcs = append(more.Funcs, ct.Func{Type: sigII, Export: "more", Code: fib(0)})
	for name, damage := range map[string]func(dir, record string) []byte{
		"empty":          func(string, string) []byte { return nil },
		"truncated":      func(_, path string) []byte { return read(t, path)[:100] },
		"one bit":        func(_, path string) []byte { return flip(read(t, path), 0.5) },
		"head":           func(_, path string) []byte { return flip(read(t, path), 0) },
		"end":            func(_, path string) []byte { return flip(read(t, path), 1) },
		"something else": func(_, path string) []byte { return bytes.Repeat([]byte("x"), 5000) },
		"of another module": func(dir, path string) []byte {
			cold(t, dir, more)
			for _, p := range records(t, dir) {
				if p != path {
					return read(t, p)
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cold(t, dir, fibModule("a"))
			path := records(t, dir)[0]
			if err := os.WriteFile(path, damage(dir, path), 0o600); err != nil {
				t.Fatal(err)
			}
			if warm(t, dir, fibModule("a")) {
				t.Error("the record was used")
			}
			cold(t, dir, fibModule("a"))
			if !warm(t, dir, fibModule("a")) {
				t.Error("the record was not replaced")
			}
		})
	}
}

// TestUnsoundCodeIsCompiledAnew damages the code of a module that is known.
func TestUnsoundCodeIsCompiledAnew(t *testing.T) {
	other := otherModule()
	for name, damage := range map[string]func(dir, path string){
		"gone":      func(_, path string) { remove(t, path) },
		"truncated": func(_, path string) { write(t, path, read(t, path)[:200]) },
		"longer":    func(_, path string) { write(t, path, append(read(t, path), 0)) },
		"in the machine code": func(_, path string) {
			write(t, path, flip(read(t, path), 0.5))
		},
		"in the offsets": func(_, path string) { write(t, path, flip(read(t, path), 0.02)) },
		"of another module": func(dir, path string) {
			cold(t, dir, other)
			for _, p := range entries(t, dir) {
				if p != path { // of the same length, and under a name that fits it
					name := strings.SplitN(filepath.Base(path), "-", 2)[0] + "-" +
						strings.SplitN(filepath.Base(p), "-", 2)[1]
					write(t, filepath.Join(filepath.Dir(path), name), read(t, p))
				}
			}
			remove(t, path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cold(t, dir, fibModule("a"))
			damage(dir, entries(t, dir)[0])
			if warm(t, dir, fibModule("a")) {
				t.Error("the damaged code was used")
			}
			cold(t, dir, fibModule("a"))
			if !warm(t, dir, fibModule("a")) {
				t.Error("it was not compiled anew")
			}
		})
	}
}

// TestDataThatChangesInARunningEngineIsKnownLater is what a server that reloads leaves behind.
func TestDataThatChangesInARunningEngineIsKnownLater(t *testing.T) {
	dir := t.TempDir()
	e, err := engine.New(engine.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"a", "b"} {
		m := fibModule(data)
		src := engine.Source{Wasm: m.Bytes(), Digest: identity(m)}
		if _, err := r.Compile(t.Context(), src); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
		t.Fatal(err)
	}
	if !warm(t, dir, fibModule("a")) || !warm(t, dir, fibModule("b")) {
		t.Error("it is not known")
	}
}

// TestCodeFromTheCacheBehavesAlike compares what can be seen of a module that was just compiled
// with the same from the cache: results, traps with their frames, memory, globals after a reset,
// and how it is stopped.
func TestCodeFromTheCacheBehavesAlike(t *testing.T) {
	m := ct.Module{
		Memory:  &ct.Memory{Min: 1},
		Imports: []ct.Import{{Func: &sigVoid}},
		Globals: []ct.Global{{Type: ct.I32, Mutable: true, Init: ct.Const(7)}},
		Table:   2,
		Elems:   []ct.Elem{{Offset: ct.Const(0), Funcs: []int{1}}},
		Funcs: []ct.Func{
			{Type: sigVoid, Name: "inner", Code: ct.Code(ct.Call, 0, ct.Unreachable)},
			{Type: sigVoid, Name: "trap", Export: "trap", Code: ct.Code(ct.Const(0), ct.CallIndirect, 0, 0)},
			{Type: sigVoid, Name: "forever", Export: "forever", Code: ct.Code(ct.Loop, ct.Void, ct.Br, 0, ct.End)},
			{Type: sigI, Export: "next", Code: ct.Code(
				0x23, 0, ct.Const(1), ct.I32Add, 0x24, 0, // global.get, global.set
				ct.Const(0), ct.I32Load, 2, 0, 0x23, 0, ct.I32Add)},
		},
		Data: []ct.Data{{Offset: ct.Const(0), Bytes: "\x64\x00\x00\x00"}},
	}
	dir := t.TempDir()
	type seen struct {
		FromCache, Reset bool
		First, Again     uint64
		Trap, Stopped    *engine.Trap
		Name             string
	}
	observe := func() (s seen) {
		e, err := engine.New(engine.Config{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		host := []engine.HostFunc{{Name: "nothing", Fn: func(*engine.Context, []uint64) {}}}
		r, err := e.NewRuntime(t.Context(), host)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Compile(t.Context(), engine.Source{Name: "alike", Wasm: m.Bytes(),
			Imports: []engine.Import{{Slot: engine.HostSlot, Name: "nothing"}}})
		if err != nil {
			t.Fatal(err)
		}
		g := r.NewGroup(engine.Limits{}, 1)
		ctx := g.NewContext(t.Context(), nil)
		if err := g.Instantiate(ctx, 0, c); err != nil {
			t.Fatal(err)
		}
		call := func(name string) (uint64, error) {
			f, err := g.Func(0, name)
			if err != nil {
				t.Fatal(err)
			}
			stack := []uint64{0}
			err = f.Call(ctx, stack)
			return stack[0], err
		}
		next := func() uint64 {
			v, err := call("next")
			if err != nil {
				t.Error(err)
			}
			return v
		}
		s.FromCache, s.Name, s.First = c.FromCache(), c.Name(), next()
		s.Reset = g.Reset()
		if err := g.Restart(ctx); err != nil {
			t.Error(err)
		}
		s.Again = next()
		_, err = call("trap")
		if !errors.As(err, &s.Trap) || len(s.Trap.Frames) != 2 {
			t.Errorf("got %v", err)
		}
		g.Interrupt(errors.New("enough"))
		if _, err = call("forever"); !errors.As(err, &s.Stopped) || s.Stopped.Cause == nil {
			t.Errorf("got %v", err)
		}
		s.Stopped.Cause = nil
		if err := errors.Join(g.Close(), r.Close(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
		return s
	}
	want, got := observe(), observe()
	if want.FromCache || !got.FromCache || want.First != 108 || !want.Reset {
		t.Errorf("%+v, then %+v", want, got)
	}
	want.FromCache = true
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// flip changes one bit at a part of the length.
func flip(b []byte, part float64) []byte {
	b[int(part*float64(len(b)-1))] ^= 1
	return b
}
