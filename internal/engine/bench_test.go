package engine_test

import (
	"os"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

func benchComponent() string {
	if path := os.Getenv("WASIHTTP_BENCH_COMPONENT"); path != "" {
		return path
	}
	return "../../testdata/guests/rust-hello/rust-hello.wasm"
}

func newBenchEngine(b *testing.B) *engine.Engine {
	e, err := engine.New(engine.Config{CacheDir: os.Getenv("WASIHTTP_BENCH_CACHE")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	return e
}

func BenchmarkInstantiate(b *testing.B) {
	r, m := stubbed(b, newBenchEngine(b), mainModule(b, benchComponent()))
	b.ReportAllocs()
	for b.Loop() {
		g := r.NewGroup(engine.Limits{MaxMemoryBytes: 1 << 30}, 1)
		if err := g.Instantiate(g.NewContext(b.Context(), nil), 0, m); err != nil {
			b.Fatal(err)
		}
		if mem, err := g.Memory(0, "memory"); err == nil {
			touch(mem.Bytes())
		}
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// touch writes to 20 pages.
func touch(b []byte) {
	for i := range 20 {
		b[(len(b)/20)*i]++
	}
}

func BenchmarkCompile(b *testing.B) {
	wasm := mainModule(b, benchComponent())
	for b.Loop() {
		stubbed(b, newBenchEngine(b), wasm)
	}
}

func BenchmarkCall(b *testing.B) {
	e, err := engine.New(engine.Config{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := e.NewRuntime(b.Context(), []engine.HostFunc{{Name: "nothing", Fn: func(*engine.Context, []uint64) {}}})
	if err != nil {
		b.Fatal(err)
	}
	load := coretest.Code(coretest.LocalGet, 0, coretest.Const(0xffff), 0x71, coretest.I32Load8U, 0, 0,
		coretest.LocalGet, 1, coretest.I32Add, coretest.LocalSet, 1)
	countdown := func(body []byte) []byte {
		return coretest.Code(coretest.Loop, coretest.Void, body,
			coretest.LocalGet, 0, coretest.Const(1), coretest.I32Sub, coretest.LocalTee, 0, coretest.BrIf, 0, coretest.End, coretest.LocalGet, 1)
	}
	m, err := r.Compile(b.Context(), engine.Source{Imports: []engine.Import{{Slot: engine.HostSlot, Name: "nothing"}}, Wasm: coretest.Module{
		Imports: []coretest.Import{{Func: &sigVoid}},
		Memory:  &coretest.Memory{Min: 1},
		Funcs: []coretest.Func{
			{Type: sigVoid, Export: "empty"},
			{Type: sigVoid, Export: "host", Code: coretest.Code(coretest.Call, 0)},
			{Type: sigII, Export: "loop", Locals: []byte{coretest.I32}, Code: countdown(nil)},
			{Type: sigII, Export: "load", Locals: []byte{coretest.I32}, Code: countdown(load)},
			{Type: sigII, Export: "fib", Code: fib(5)},
		},
	}.Bytes()})
	if err != nil {
		b.Fatal(err)
	}
	g := r.NewGroup(engine.Limits{}, 1)
	ctx := g.NewContext(b.Context(), nil)
	if err := g.Instantiate(ctx, 0, m); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		arg  uint64
	}{{"empty", 0}, {"host", 0}, {"loop", 1e6}, {"load", 1e6}, {"fib", 25}} {
		b.Run(c.name, func(b *testing.B) {
			f, err := g.Func(0, c.name)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			stack := make([]uint64, 1)
			for b.Loop() {
				stack[0] = c.arg
				if err := f.Call(ctx, stack); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReset(b *testing.B) {
	r, m := stubbed(b, newBenchEngine(b), mainModule(b, benchComponent()))
	g := r.NewGroup(engine.Limits{MaxMemoryBytes: 1 << 30}, 1)
	if err := g.Instantiate(g.NewContext(b.Context(), nil), 0, m); err != nil {
		b.Fatal(err)
	}
	mem, err := g.Memory(0, "memory")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		touch(mem.Bytes())
		if !g.Reset() {
			b.Fatal("no reset")
		}
	}
}
