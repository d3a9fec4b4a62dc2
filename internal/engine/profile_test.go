package engine_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
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

// TestAProfileHasTheWholeStack calls the host at the bottom of calls that are nested more or less
// deeply.
func TestAProfileHasTheWholeStack(t *testing.T) {
	deep := ct.Module{
		Name:    "deep",
		Imports: []ct.Import{{Module: "m", Name: "look", Func: &sigVoid}},
		Funcs: []ct.Func{
			{Type: ct.Sig([]byte{ct.I32}, nil), Name: "down", Export: "entry", Code: ct.Code(
				ct.LocalGet, 0, ct.If, ct.Void, ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.Call, 1,
				ct.Else, ct.Call, 0, ct.End)},
		},
	}
	for _, depth := range []int{1, 5, 26, 27, 28, 29, 30, 31, 100, 400, 3000} {
		p := engine.NewProfile(1)
		f := startWith(t, engine.Config{Profile: p}, engine.Limits{}, engine.HostFunc{
			Name: "look", Fn: func(*engine.Context, []uint64) {},
		})
		f.instantiate(0, f.compile(deep, engine.Import{Slot: engine.HostSlot, Name: "look"}))
		if _, err := f.call(0, "entry", uint64(depth-1)); err != nil {
			t.Fatal(err)
		}
		kept := 510
		if runtime.GOARCH != "amd64" {
			kept = 20
		}
		for _, s := range p.Samples() {
			downs, rest := 0, []string{}
			for _, frame := range s.Frames {
				if frame.Func == "down" {
					downs++
				} else {
					rest = append(rest, frame.Func)
				}
			}
			if len(rest) == 0 || rest[0] != "look" {
				continue
			}
			whole := downs == depth && len(rest) == 1
			cut := downs < depth && downs >= kept &&
				strings.Join(rest, " ") == "look (calls that are not shown) entry"
			if depth <= kept && !whole || depth > kept && !cut && !whole {
				t.Errorf("%d deep: %d calls and %q", depth, downs, rest)
			}
		}
	}
}
