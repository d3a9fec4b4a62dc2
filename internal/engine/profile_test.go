package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
		const kept = 510
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

// TestCallsThatAreNotMeasuredCountAllTheSame has two functions take their time in front of calls of
// the host that are too quick to measure each, and one that is measured.
func TestCallsThatAreNotMeasuredCountAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := engine.NewProfile(20 * time.Microsecond)
		takes := func(name string, us time.Duration) engine.HostFunc {
			return engine.HostFunc{Name: name, Fn: func(*engine.Context, []uint64) {
				time.Sleep(us * time.Microsecond)
			}}
		}
		// What guests compute takes no time here: brief functions stand for it.
		long, short := takes("long", 9), takes("short", 1)
		quick, look := takes("quick", 1), takes("look", 4)
		long.Brief, short.Brief, quick.Quick = true, true, true
		f := startWith(t, engine.Config{Profile: p}, engine.Limits{}, long, short, quick, look)
		module := ct.Module{Name: "m", Funcs: []ct.Func{
			{Type: sigVoid, Name: "far", Code: ct.Code(ct.Call, 0, ct.Call, 2)},
			{Type: sigVoid, Name: "near", Code: ct.Code(ct.Call, 1, ct.Call, 2)},
			{Type: ct.Sig([]byte{ct.I32}, nil), Name: "main", Export: "main", Code: ct.Code(
				ct.Loop, ct.Void, ct.Call, 4, ct.Call, 5, ct.Call, 3,
				ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.LocalTee, 0, ct.BrIf, 0, ct.End)},
		}}
		var from []engine.Import
		for _, name := range []string{"long", "short", "quick", "look"} {
			module.Imports = append(module.Imports, ct.Import{Module: "m", Name: name, Func: &sigVoid})
			from = append(from, engine.Import{Slot: engine.HostSlot, Name: name})
		}
		f.instantiate(0, f.compile(module, from...))
		const rounds = 20_000
		if _, err := f.call(0, "main", rounds); err != nil {
			t.Fatal(err)
		}
		took, all := map[string]time.Duration{}, time.Duration(0)
		for _, s := range p.Samples() {
			took[s.Frames[0].Func] += s.CPU
			all += s.CPU
		}
		const round = 16 * time.Microsecond
		if all.Round(time.Millisecond) != rounds*round {
			t.Errorf("%v in all, and not %v", all, rounds*round)
		}
		for name, us := range map[string]int{"far": 9, "near": 1, "quick": 2, "look": 4} {
			share, want := float64(took[name])/float64(all), float64(us)/16
			if share < 0.85*want || share > 1.15*want {
				t.Errorf("%s has %.3f of the time, and not %.3f", name, share, want)
			}
		}
	})
}
