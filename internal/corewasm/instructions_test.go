package corewasm_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

const counted = "\x00instructions"

// countOf runs export "f" with an argument, and returns how many instructions that took.
func countOf(t *testing.T, module []byte, change func(*corewasm.Options), arg uint64) uint64 {
	t.Helper()
	info, err := corewasm.Scan(module)
	if err != nil {
		t.Fatal(err)
	}
	opt := fullOptions(info)
	opt.Imports, opt.Instructions = nil, counted
	if change != nil {
		change(&opt)
	}
	rw, err := corewasm.RewriteScanned(info, opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer func() { _ = r.Close(context.Background()) }()
	_, err = r.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithFunc(func() uint32 { return 50 }).Export("safepoint").
		NewFunctionBuilder().WithFunc(func() { panic("enough") }).Export("stop").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.InstantiateWithConfig(ctx, rw.Wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = m.ExportedFunction("f").Call(ctx, arg) // may trap
	return m.ExportedGlobal(counted).Get()
}

func TestInstructionsAreCountedByBlock(t *testing.T) {
	void := ct.Sig(nil, nil)
	get, work := ct.Code(ct.LocalGet, 0), ct.Code(ct.Const(1), ct.Drop)
	for _, tt := range []struct {
		name string
		code []byte
		arg  uint64
		want uint64
	}{
		{"nothing", ct.Code(), 0, 0},
		{"straight", work, 0, 2},
		{"what is only structure", ct.Code(ct.Block, ct.Void, 0x01, ct.End, work), 0, 2},
		{"if, taken", ct.Code(get, ct.If, ct.Void, work, ct.Else, get, ct.Drop, ct.Return, ct.End), 1, 4},
		{"else", ct.Code(get, ct.If, ct.Void, work, ct.Else, get, ct.Drop, ct.Return, ct.End), 0, 5},
		{"a loop of 1,000 passes", ct.Code(ct.Loop, ct.Void, get, ct.Const(1), ct.I32Sub, ct.LocalTee, 0,
			ct.BrIf, 0, ct.End), 1000, 5000},
		{"a call", ct.Code(work, ct.Call, 2, work), 0, 2 + 1 + 2 + 2},
		{"a call that does not return", ct.Code(work, ct.Call, 0, work), 0, 3},
		{"a trap within a block", ct.Code(work, get, get, 0x6d, ct.Drop), 0, 2 + 4},
		{"a trap that ends a block", ct.Code(work, ct.Unreachable), 0, 3},
		{"br_table", ct.Code(ct.Block, ct.Void, ct.Block, ct.Void, get, ct.BrTable, 1, 0, 1, ct.End,
			work, ct.End, work), 0, 2 + 2 + 2},
		{"a fill, whatever its size", ct.Code(ct.Const(0), ct.Const(1), ct.Const(60000), 0xfc, 11, 0), 0, 4},
		{"memory.grow", ct.Code(ct.Const(1), 0x40, 0, ct.Drop), 0, 3},
	} {
		m := ct.Module{
			Imports: []ct.Import{{Module: "host", Name: "stop", Func: &void}},
			Memory:  &ct.Memory{Min: 1},
			Funcs: []ct.Func{
				{Type: ct.Sig([]byte{ct.I32}, nil), Code: tt.code, Export: "f"},
				{Type: void, Code: work},
			},
		}
		for mode, change := range map[string]func(*corewasm.Options){
			"alone": nil, "and coverage": func(o *corewasm.Options) { o.Coverage = covered },
			"no lines": func(o *corewasm.Options) { o.Lines = false },
		} {
			if got := countOf(t, m.Bytes(), change, tt.arg); got != tt.want {
				t.Errorf("%s, %s: %d, want %d", tt.name, mode, got, tt.want)
			}
		}
	}
}

// TestKnownGlobalsDoNotMoveTheCounter drops a global before it.
func TestKnownGlobalsDoNotMoveTheCounter(t *testing.T) {
	m := ct.Module{
		Globals: []ct.Global{
			{Type: ct.I32, Init: ct.Code(ct.Const(7))},
			{Type: ct.I32, Mutable: true, Init: ct.Code(ct.Const(8)), Export: "g"},
		},
		Funcs: []ct.Func{{Type: ct.Sig([]byte{ct.I32}, nil), Export: "f", Code: ct.Code(
			ct.GlobalGet, 0, ct.GlobalSet, 1)}},
	}
	known := func(o *corewasm.Options) { o.Known = []corewasm.Known{{Global: 0, Bits: 7}} }
	if got := countOf(t, m.Bytes(), known, 0); got != 2 {
		t.Errorf("%d", got)
	}
}

// mixed is code whose instructions are counted in two ways: by running it here, and there.
type mixed struct {
	random *rand.Rand
	arg    uint32
	loops  int // nested around
	left   int // statements that may still come
}

const loopLocals = 4

// statements appends code. The count is of one run; ends reports that the function returns.
func (p *mixed) statements(depth int) (code []byte, count uint64, ends bool) {
	add := func(c []byte, n uint64, e bool) {
		code = append(code, c...)
		if !ends {
			count, ends = count+n, e
		}
	}
	for range 1 + p.random.IntN(3) {
		if p.left--; p.left < 0 || depth > 6 {
			break
		}
		add(p.statement(depth))
	}
	return code, count, ends
}

func (p *mixed) statement(depth int) (code []byte, count uint64, ends bool) {
	bit := uint32(1) << p.random.IntN(8)
	condition := ct.Code(ct.LocalGet, 0, ct.Const(int(bit)), ct.I32And)
	holds := p.arg&bit != 0
	switch p.random.IntN(7) {
	case 0:
		return ct.Code(ct.Const(1), ct.Drop), 2, false
	case 1:
		return ct.Code(ct.Call, 1), 3, false
	case 2:
		yes, a, endsA := p.statements(depth + 1)
		no, b, endsB := p.statements(depth + 1)
		if !holds {
			a, endsA = b, endsB
		}
		return ct.Code(condition, ct.If, ct.Void, yes, ct.Else, no, ct.End), 4 + a, endsA
	case 3:
		body, n, e := p.statements(depth + 1)
		if holds {
			n, e = 0, false
		}
		return ct.Code(ct.Block, ct.Void, condition, ct.BrIf, 0, body, ct.End), 4 + n, e
	case 4:
		return ct.Code(condition, ct.If, ct.Void, ct.Return, ct.End),
			4 + map[bool]uint64{true: 1}[holds], holds
	case 5:
		body, n, e := p.statements(depth + 1)
		if !holds {
			n, e = 0, false
		}
		return ct.Code(condition, ct.If, ct.Void, body, ct.End), 4 + n, e
	}
	if p.loops == loopLocals {
		return nil, 0, false
	}
	p.loops++
	defer func() { p.loops-- }()
	local, passes := p.loops, 1+p.random.IntN(5)
	body, n, e := p.statements(depth + 1)
	code = ct.Code(ct.Const(passes), ct.LocalSet, local, ct.Loop, ct.Void, body,
		ct.LocalGet, local, ct.Const(1), ct.I32Sub, ct.LocalTee, local, ct.BrIf, 0, ct.End)
	if e {
		return code, 2 + n, true // in the first pass
	}
	return code, 2 + uint64(passes)*(n+5), false
}

func TestInstructionsAreThoseThatRun(t *testing.T) {
	for seed := range uint64(300) {
		p := &mixed{random: rand.New(rand.NewPCG(seed, 1)), left: 40}
		p.arg = p.random.Uint32() & 0xff
		code, want, _ := p.statements(0)
		m := ct.Module{Funcs: []ct.Func{
			{Type: ct.Sig([]byte{ct.I32}, nil), Export: "f", Code: code,
				Locals: []byte{ct.I32, ct.I32, ct.I32, ct.I32}},
			{Type: ct.Sig(nil, nil), Code: ct.Code(ct.Const(1), ct.Drop)},
		}}
		if got := countOf(t, m.Bytes(), nil, uint64(p.arg)); got != want {
			t.Errorf("seed %d: %d, want %d", seed, got, want)
		}
	}
}
