package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// largeModule has enough code to be given to a helper.
func largeModule(data string) coretest.Module {
	m := fibModule(data)
	const nop = 0x01
	m.Funcs[0].Code = append(bytes.Repeat([]byte{nop}, 256<<10), m.Funcs[0].Code...)
	return m
}

// compileInto is what a helper does, in this process.
func compileInto(ctx context.Context, dir string, wasm []byte) error {
	c, err := engine.NewCompiler(dir)
	if err != nil {
		return err
	}
	return c.Compile(ctx, wasm)
}

// runFib compiles m in a context that says so, and runs it.
func runFib(
	t *testing.T, ctx context.Context, e *engine.Engine, m coretest.Module,
) (fromCache bool, err error) {
	t.Helper()
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	c, err := r.Compile(ctx, engine.Source{Wasm: m.Bytes()})
	if err != nil {
		return false, err
	}
	g := r.NewGroup(engine.Limits{}, 1)
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := g.Instantiate(g.NewContext(t.Context(), nil), 0, c); err != nil {
		t.Fatal(err)
	}
	f, err := g.Func(0, "fib")
	if err != nil {
		t.Fatal(err)
	}
	stack := []uint64{10}
	if err := f.Call(g.NewContext(t.Context(), nil), stack); err != nil || stack[0] != 55 {
		t.Errorf("got %d, %v", stack[0], err)
	}
	return c.FromCache(), nil
}

// TestAHelperCompilesLargeModules looks at which modules are given away, with a
// cache folder and without, and that nothing is left behind.
func TestAHelperCompilesLargeModules(t *testing.T) {
	for name, kept := range map[string]bool{"cache": true, "no cache": false} {
		t.Run(name, func(t *testing.T) {
			temporary, dir := t.TempDir(), ""
			t.Setenv("TMPDIR", temporary)
			if kept {
				dir = t.TempDir()
			}
			e, err := engine.New(engine.Config{CacheDir: dir, Helped: true})
			if err != nil {
				t.Fatal(err)
			}
			helped := 0
			ctx := engine.Aside(t.Context(), func(ctx context.Context, dir string, wasm []byte) error {
				helped++
				return compileInto(ctx, dir, wasm)
			})
			for _, step := range []struct {
				what      string
				ctx       context.Context
				m         coretest.Module
				helped    int
				fromCache bool
			}{
				{"small", ctx, fibModule("a"), 0, false},
				{"large", ctx, largeModule("a"), 1, false},
				{"again", ctx, largeModule("b"), map[bool]int{true: 1, false: 2}[kept], kept},
				{"not aside", t.Context(), largeModule("c"), map[bool]int{true: 1, false: 2}[kept], kept},
			} {
				fromCache, err := runFib(t, step.ctx, e, step.m)
				if err != nil || helped != step.helped || fromCache != step.fromCache {
					t.Errorf("%s: helped %d, from cache %v, %v", step.what, helped, fromCache, err)
				}
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if kept && len(entries(t, dir)) != 2 {
				t.Errorf("the cache has %v", entries(t, dir))
			}
		})
	}
}

// TestAFailedHelperIsReplacedByCompilingHere has helpers that do nothing, fail, and
// leave half a file behind.
func TestAFailedHelperIsReplacedByCompilingHere(t *testing.T) {
	for name, help := range map[string]engine.Helper{
		"does nothing": func(context.Context, string, []byte) error { return nil },
		"fails":        func(context.Context, string, []byte) error { return errors.New("no memory") },
		"is killed": func(ctx context.Context, dir string, wasm []byte) error {
			if err := compileInto(ctx, dir, wasm); err != nil {
				t.Error(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
			if err != nil || len(files) != 1 {
				t.Errorf("got %v, %v", files, err)
			}
			for _, file := range files {
				if err := os.Truncate(file, 100); err != nil {
					t.Error(err)
				}
			}
			return errors.New("killed")
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := engine.New(engine.Config{Helped: true})
			if err != nil {
				t.Fatal(err)
			}
			if fromCache, err := runFib(t, engine.Aside(t.Context(), help), e, largeModule("a")); err != nil ||
				fromCache {
				t.Errorf("from cache %v, %v", fromCache, err)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACancelledHelperEndsTheCompilation(t *testing.T) {
	e, err := engine.New(engine.Config{Helped: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = runFib(t, engine.Aside(ctx, func(ctx context.Context, _ string, _ []byte) error {
		cancel()
		return ctx.Err()
	}), e, largeModule("a"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
