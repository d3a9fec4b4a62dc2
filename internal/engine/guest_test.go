package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// mainModule gives the largest core module that stands directly in a component.
func mainModule(t testing.TB, path string) []byte {
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var largest []byte
	for rest := file[8:]; len(rest) > 1; {
		size, n, shift := 0, 1, 0
		for ; ; n++ {
			size |= int(rest[n]&0x7f) << shift
			shift += 7
			if rest[n] < 0x80 {
				n++
				break
			}
		}
		if rest[0] == 1 && size > len(largest) {
			largest = rest[n : n+size]
		}
		rest = rest[n+size:]
	}
	return largest
}

// stubbed makes a runtime whose host functions are what the module imports,
// doing nothing.
func stubbed(t testing.TB, e *engine.Engine, wasm []byte) (*engine.Runtime, *engine.Module) {
	info, err := corewasm.Scan(wasm)
	if err != nil {
		t.Fatal(err)
	}
	var host []engine.HostFunc
	var imports []engine.Import
	for i, im := range info.Imports {
		if im.Kind != corewasm.KindFunc {
			t.Fatalf("import %d is a %s", i, im.Kind)
		}
		f := engine.HostFunc{Name: fmt.Sprint("f", i), Fn: func(*engine.Context, []uint64) {}}
		typ := info.Types[im.TypeIndex].Func
		for _, p := range typ.Params {
			f.Params = append(f.Params, engine.ValueType(p))
		}
		for _, p := range typ.Results {
			f.Results = append(f.Results, engine.ValueType(p))
		}
		host = append(host, f)
		imports = append(imports, engine.Import{Slot: engine.HostSlot, Name: f.Name})
	}
	r, err := e.NewRuntime(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Compile(t.Context(), engine.Source{Name: "main", Wasm: wasm, Imports: imports})
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

// marked gives the number of the line that ends in "// line: MARK".
func marked(t *testing.T, path, mark string) int {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		if strings.HasSuffix(s.Text(), "// line: "+mark) {
			return n
		}
	}
	t.Fatalf("%s: no line is marked %q", path, mark)
	return 0
}

// The guest traps three calls deep and was built with line tables. Its code is
// compiled once and found in the cache the second time, source map included.
func TestBacktraceHasSourceLines(t *testing.T) {
	const guest = "../../testdata/guests/rust-trap/"
	wasm := mainModule(t, guest+"rust-trap.wasm")
	dir := t.TempDir()
	for _, fromCache := range []bool{false, true} {
		e, err := engine.New(engine.Config{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		r, m := stubbed(t, e, wasm)
		if m.FromCache() != fromCache {
			t.Errorf("from cache: %t", m.FromCache())
		}
		g := r.NewGroup(engine.Limits{}, 1)
		ctx := g.NewContext(t.Context(), nil)
		if err := g.Instantiate(ctx, 0, m); err != nil {
			t.Fatal(err)
		}
		f, err := g.Func(0, "wasi:http/incoming-handler@0.2.12#handle")
		if err != nil {
			t.Fatal(err)
		}
		err = f.Call(ctx, make([]uint64, 2))
		var trap *engine.Trap
		if !errors.As(err, &trap) || trap.Code != engine.TrapUnreachable {
			t.Fatalf("got %v", err)
		}
		var got []string
		for _, f := range trap.Frames {
			t.Logf("%+v", f)
			if strings.HasSuffix(f.File, "depth.rs") {
				got = append(got, fmt.Sprint("depth.rs:", f.Line))
			}
		}
		var want []string
		for _, mark := range []string{"third", "second", "first"} {
			want = append(want, fmt.Sprint("depth.rs:", marked(t, guest+"src/depth.rs", mark)))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if err := errors.Join(g.Close(), r.Close(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
	}
}
