package component

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// globalBed is a plan of core instances that share globals, all of type i32.
type globalBed struct {
	plan    plan
	modules []*globalModule // by source
}

// globalModule is a module of the bed. It exports each of its globals, imports first, as g0, g1 and
// so on, a function get0 for each that reads it, and those of its own.
type globalModule struct {
	imports []globalImport
	own     []ct.Global
	funcs   []ct.Func // after the imported ones
	start   []byte    // the code of the start function; nil: none
}

// globalImport is a global, or a function without parameters, of an instance.
type globalImport struct {
	slot int
	name string
	mut  bool
	fn   *ct.Type
}

// add adds a module, and an instance of it in the next slot.
func (b *globalBed) add(m *globalModule) (source int) {
	var mod ct.Module
	var imports []engine.Import
	n, funcs := 0, 0
	for _, im := range m.imports {
		imports = append(imports, engine.Import{Slot: im.slot, Name: im.name})
		mut := byte(0)
		if im.mut {
			mut = 1
		}
		desc := []byte{3, ct.I32, mut}
		if im.fn != nil {
			desc = nil
			funcs++
		} else {
			n++
		}
		mod.Imports = append(mod.Imports, ct.Import{Module: "m", Name: im.name, Func: im.fn, Desc: desc})
	}
	mod.Globals, mod.Funcs = m.own, slices.Clone(m.funcs)
	for i := range n + len(m.own) {
		mod.Exports = append(mod.Exports, ct.Export{Name: fmt.Sprint("g", i), Kind: 3, Index: i})
		mod.Funcs = append(mod.Funcs, ct.Func{Type: sigGet, Export: fmt.Sprint("get", i),
			Code: ct.Code(ct.GlobalGet, i)})
	}
	if m.start != nil {
		mod.Funcs = append(mod.Funcs, ct.Func{Type: ct.Sig(nil, nil), Code: m.start})
		mod.Start = funcs + len(mod.Funcs)
	}
	wasm := mod.Bytes()
	info, err := corewasm.Scan(wasm)
	if err != nil {
		panic(err)
	}
	b.modules = append(b.modules, m)
	b.plan.sources = append(b.plan.sources,
		moduleSource{module: &moduleRef{bytes: wasm, info: info}, imports: imports})
	b.again(len(b.plan.sources) - 1)
	return len(b.plan.sources) - 1
}

// again makes one more instance of a source.
func (b *globalBed) again(source int) {
	b.plan.inits = append(b.plan.inits, coreInit{slot: b.plan.coreSlots, source: source})
	b.plan.coreSlots++
}

var sigGet = ct.Sig(nil, []byte{ct.I32})

// run makes all instances, calls each of their functions in an order that depends on seed, and
// returns what came out. resets says how often it does so anew with the instances put back.
func (b *globalBed) run(t *testing.T, e *engine.Engine, seed uint64, resets int) (out []string) {
	t.Helper()
	rt, err := e.NewRuntime(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := rt.NewGroup(engine.Limits{}, b.plan.coreSlots)
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if err := rt.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var modules []*engine.Module
	for _, src := range b.plan.sources {
		m, err := rt.Compile(t.Context(), engine.Source{Wasm: src.module.bytes,
			Imports: src.imports, Known: src.known})
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, m)
	}
	ctx := g.NewContext(t.Context(), nil)
	for _, init := range b.plan.inits {
		if err := g.Instantiate(ctx, init.slot, modules[init.source]); err != nil {
			t.Fatal(err)
		}
	}
	for range resets + 1 {
		r := rand.New(rand.NewPCG(seed, 0))
		for range 40 {
			slot := r.IntN(b.plan.coreSlots)
			info := b.plan.sources[b.plan.inits[slot].source].module.info
			x := info.Exports[r.IntN(len(info.Exports))]
			if x.Kind != corewasm.KindFunc {
				continue
			}
			f, err := g.Func(slot, x.Name)
			if err != nil {
				t.Fatal(err)
			}
			stack := []uint64{0}
			err = f.Call(ctx, stack)
			out = append(out, fmt.Sprint(slot, x.Name, stack, err))
		}
		if !g.Reset() {
			break
		}
		if err := g.Restart(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// known returns the known globals of a source in the form "0=5 2=7".
func (b *globalBed) known(source int) string {
	var s []byte
	for _, k := range b.plan.sources[source].known {
		s = fmt.Appendf(s, "%d=%d ", k.Global, uint32(k.Bits))
	}
	return string(bytes.TrimSpace(s))
}

// TestGlobalsWithOneValue checks which globals of a few instances are found to have one value.
func TestGlobalsWithOneValue(t *testing.T) {
	owner := &globalModule{own: []ct.Global{
		{Type: ct.I32, Mutable: true, Init: ct.Const(1)},
		{Type: ct.I32, Mutable: true, Init: ct.Const(2)},
		{Type: ct.I32, Init: ct.Const(100)},
	}}
	mut := func(slot int, name string) globalImport {
		return globalImport{slot: slot, name: name, mut: true}
	}
	reader := &globalModule{imports: []globalImport{mut(0, "g0"), mut(0, "g1")}}
	set := func(global int, value []byte) []byte { return ct.Code(value, ct.GlobalSet, global) }
	sum := ct.Code(ct.GlobalGet, 2, ct.Const(5), ct.I32Add)
	imports := append(slices.Clone(reader.imports), globalImport{slot: 0, name: "g2"})
	setter := func(start []byte, funcs ...ct.Func) *globalModule {
		return &globalModule{imports: imports, start: start, funcs: funcs}
	}
	fn := func(code []byte) ct.Func { return ct.Func{Type: ct.Sig(nil, nil), Export: "f", Code: code} }
	for _, tt := range []struct {
		name    string
		modules []*globalModule
		want    string // of the reader, in slot 1
	}{
		{"nothing sets them", []*globalModule{owner, reader}, "0=1 1=2"},
		{"the last start function does", []*globalModule{owner, reader,
			setter(ct.Code(set(0, sum), set(1, ct.Const(7))))}, "0=105 1=7"},
		{"and does more afterwards", []*globalModule{owner, reader,
			setter(ct.Code(set(0, sum), ct.Call, 1, ct.Drop, set(1, ct.Const(7))))}, "0=105"},
		{"an earlier start function may read them", []*globalModule{owner, reader,
			{start: ct.Code(ct.Nop)}, setter(set(0, sum))}, "1=2"},
		{"a later one, too", []*globalModule{owner, reader,
			setter(set(0, sum)), {start: ct.Code(ct.Nop)}}, "0=105 1=2"},
		{"one of an instance before does not", []*globalModule{owner, reader,
			setter(nil, fn(set(0, ct.Const(1))))}, "0=1 1=2"},
		{"a function sets it to another number", []*globalModule{owner, reader,
			setter(nil, fn(set(0, ct.Const(9))))}, "1=2"},
		{"a function sets it back", []*globalModule{owner, reader,
			setter(set(0, sum), fn(set(0, ct.Const(1))))}, "1=2"},
		{"a function sets it to the same", []*globalModule{owner, reader,
			setter(set(0, sum), fn(set(0, sum)))}, "0=105 1=2"},
		{"the start function reads one first", []*globalModule{owner, reader,
			setter(ct.Code(ct.GlobalGet, 0, ct.Drop, set(0, sum)))}, "1=2"},
		{"the start function sets it to what it was", []*globalModule{owner, reader,
			setter(ct.Code(ct.GlobalGet, 1, ct.GlobalSet, 0))}, "1=2"},
		{"the start function sets it if so", []*globalModule{owner, reader,
			setter(ct.Code(ct.Const(1), ct.If, ct.Void, set(0, sum), ct.End))}, "1=2"},
		{"two numbers one after the other", []*globalModule{owner, reader,
			setter(ct.Code(set(0, sum), set(0, ct.Const(3))))}, "1=2"},
		{"the owner sets it", []*globalModule{{own: owner.own,
			funcs: []ct.Func{fn(ct.Code(ct.MemorySize, 0, ct.GlobalSet, 1))}}, reader}, "0=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &globalBed{}
			for _, m := range tt.modules {
				b.add(m)
			}
			b.plan.knowGlobals()
			if got := b.known(1); got != tt.want {
				t.Errorf("known are %q, not %q", got, tt.want)
			}
		})
	}
	t.Run("the owner has two instances that differ", func(t *testing.T) {
		b := &globalBed{}
		b.add(owner)
		b.add(reader)
		b.again(0)
		b.add(setter(set(0, sum)))
		b.plan.knowGlobals()
		if got := b.known(1); got != "1=2" {
			t.Errorf("known are %q", got)
		}
	})
}

// TestGlobalsWithOneValueChangeNothing runs instances that share globals in ways chosen at random,
// with and without those that are known.
func TestGlobalsWithOneValueChangeNothing(t *testing.T) {
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	known := 0
	for seed := range uint64(60) {
		b := randomGlobals(seed)
		want := b.run(t, e, seed, 1)
		b.plan.knowGlobals()
		for _, s := range b.plan.sources {
			known += len(s.known)
		}
		got := b.run(t, e, seed, 1) // more, if instances can be put back now
		if d := cmp.Diff(want, got[:min(len(want), len(got))]); d != "" || len(got) < len(want) {
			t.Errorf("seed %d: %s", seed, d)
		}
		if half := len(got) / 2; len(got) > len(want) && !slices.Equal(got[:half], got[half:]) {
			t.Errorf("seed %d: another outcome after a reset: %v", seed, got)
		}
	}
	if known < 100 {
		t.Errorf("only %d globals were known", known)
	}
}

// randomGlobals makes a bed of instances: each may import globals and functions of those before it,
// and set them when it starts and later.
func randomGlobals(seed uint64) *globalBed {
	r := rand.New(rand.NewPCG(seed, 1))
	b := &globalBed{}
	type exported struct {
		name string
		mut  bool
		fn   *ct.Type
	}
	exports := map[int][]exported{} // by source
	for range 2 + r.IntN(5) {
		m := &globalModule{}
		var muts []bool
		calls := 0 // imported functions
		for range r.IntN(6) {
			if b.plan.coreSlots == 0 {
				break
			}
			slot := r.IntN(b.plan.coreSlots)
			if from := exports[b.plan.inits[slot].source]; len(from) > 0 {
				x := from[r.IntN(len(from))]
				m.imports = append(m.imports, globalImport{slot, x.name, x.mut, x.fn})
				if x.fn == nil {
					muts = append(muts, x.mut)
				} else {
					calls++
				}
			}
		}
		imported := len(muts) // the only ones that the engine takes in a constant expression
		number := func() []byte {
			code := ct.Const(r.IntN(3))
			for i, mut := range muts[:imported] {
				if !mut && r.IntN(3) == 0 {
					code = ct.Code(code, ct.GlobalGet, i, ct.I32Add)
				}
			}
			return code
		}
		for range r.IntN(4) {
			mut := r.IntN(3) > 0
			m.own = append(m.own, ct.Global{Type: ct.I32, Mutable: mut, Init: number()})
			muts = append(muts, mut)
		}
		some := func() (code []byte) {
			for range r.IntN(4) {
				switch i := r.IntN(len(muts) + 1); {
				case i < len(muts) && muts[i]:
					code = ct.Code(code, number(), ct.GlobalSet, i)
				case i < len(muts) && r.IntN(6) == 0:
					code = ct.Code(code, ct.GlobalGet, i, ct.Drop)
				case calls > 0 && r.IntN(4) == 0:
					f := m.imports[slices.IndexFunc(m.imports,
						func(i globalImport) bool { return i.fn != nil })]
					if code = ct.Code(code, ct.Call, 0); len(f.fn.Results) > 0 {
						code = ct.Code(code, ct.Drop)
					}
				}
			}
			return code
		}
		if r.IntN(3) == 0 {
			m.start = ct.Code(some(), ct.Nop)
		}
		m.funcs = []ct.Func{{Type: ct.Sig(nil, nil), Export: "f", Code: some()}}
		source := b.add(m)
		for i, mut := range muts {
			exports[source] = append(exports[source], exported{name: fmt.Sprint("g", i), mut: mut},
				exported{name: fmt.Sprint("get", i), fn: &sigGet})
		}
		exports[source] = append(exports[source], exported{name: "f", fn: &m.funcs[0].Type})
		if r.IntN(4) == 0 {
			b.again(source)
		}
	}
	return b
}
