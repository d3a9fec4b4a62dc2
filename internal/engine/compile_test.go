package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// slowModule is one that takes long to compile, for what it is.
func slowModule() []byte {
	body := bytes.Repeat(ct.Code(
		ct.LocalGet, 0, ct.If, ct.Void, ct.LocalGet, 0, ct.Const(1), ct.I32Add,
		ct.LocalSet, 0, ct.End), 2000)
	m := ct.Module{}
	for range 16 {
		m.Funcs = append(m.Funcs, ct.Func{Type: sigII, Code: ct.Code(body, ct.LocalGet, 0)})
	}
	return m.Bytes()
}

// TestAFunctionThatTakesLongIsNamed checks that the user hears which one it is, and of no other.
func TestAFunctionThatTakesLongIsNamed(t *testing.T) {
	for _, n := range []int{1000, 25_000} {
		var lines []string
		e, err := engine.New(engine.Config{Slow: func(module, function string, blocks int) {
			lines = append(lines, fmt.Sprint(module, " ", function))
			if blocks < n {
				t.Errorf("%d blocks", blocks)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.NewRuntime(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		block := ct.Code(ct.Block, ct.Void, ct.End)
		m := ct.Module{Funcs: []ct.Func{
			{Type: sigVoid, Name: "short", Code: bytes.Repeat(block, 10)},
			// The compiler leaves out what cannot be reached.
			{Type: sigVoid, Name: "long", Code: ct.Code(ct.Unreachable, bytes.Repeat(block, n))},
		}}
		_, err = r.Compile(t.Context(), engine.Source{Name: "generated", Wasm: m.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"generated long"}
		if n == 1000 {
			want = nil
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%d blocks: %q, not %q", n, lines, want)
		}
		if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
	}
}

// cancelled compiles the module with one worker, which nothing stops, and cancels
// that when it has begun.
func cancelled(t *testing.T, r *engine.Runtime, cause error) context.Context {
	t.Helper()
	var begun atomic.Bool
	ctx, cancel := context.WithCancelCause(t.Context())
	ctx = engine.Aside(ctx, func(context.Context, string, []byte) error {
		begun.Store(true)
		return errors.New("no help") // the module is compiled here
	})
	ticks := 0
	src := engine.Source{Wasm: slowModule(), Progress: func(done, total int) {
		if !begun.Load() || done == total {
			return
		}
		if ticks++; ticks > 1 {
			cancel(cause)
		}
	}}
	if _, err := r.Compile(ctx, src); !errors.Is(err, cause) {
		t.Fatalf("got %v", err)
	}
	return ctx
}

// TestACancelledLoadDoesNotWaitForTheCompiler checks that nothing does: not what is
// cancelled, not another compilation that is, nor the end of the engine.
func TestACancelledLoadDoesNotWaitForTheCompiler(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	e, err := engine.New(engine.Config{Helped: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx := cancelled(t, r, cause)
	if _, err := r.Compile(ctx, engine.Source{Wasm: ct.Header()}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(r.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
	if n := e.Stats().Abandoned; n != 1 {
		t.Errorf("%d compilations go on", n)
	}
	for e.Stats().Abandoned > 0 {
		runtime.Gosched()
	}
}
