package corewasm_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestCallsInCirclesAreCounted runs functions without loops that do much by calling others, in each
// way that there is, and checks that they come to safepoints all along.
func TestCallsInCirclesAreCounted(t *testing.T) {
	const (
		depth = 17 // a function that calls twice, so deep, makes 2^17 calls
		run   = 0
		leaf  = 1
		self  = 2
	)
	param := ct.Sig([]byte{ct.I32}, nil)
	minus := ct.Code(ct.LocalGet, 0, ct.Const(1), ct.I32Sub)
	// The leaf counts what has been done.
	count := ct.Func{Type: sigVoid, Code: ct.Code(
		ct.GlobalGet, 0, ct.Const(1), ct.I32Add, ct.GlobalSet, 0)}
	// twice calls with one less, by what call is, until nothing is left.
	twice := func(call []byte) ct.Func {
		return ct.Func{Type: param, Code: ct.Code(ct.LocalGet, 0, ct.If, ct.Void,
			minus, call, minus, call, ct.Else, ct.Call, leaf, ct.End)}
	}
	direct := func(index int) []byte { return ct.Code(ct.Call, index) }
	// Each function has a type of its own, of the same index.
	indirect := func(slot int) []byte { return ct.Code(ct.Const(slot), ct.CallIndirect, self, 0) }
	// Each function of this chain calls the next one twice, and none of them itself.
	var chain []ct.Func
	for i := range depth {
		next := direct(self + i + 1)
		if i == depth-1 {
			next = direct(leaf)
		}
		chain = append(chain, ct.Func{Type: sigVoid, Code: ct.Code(next, next)})
	}
	// A function that repeats itself with a tail call, in place of a loop.
	tail := ct.Func{Type: param, Code: ct.Code(ct.Call, leaf,
		ct.LocalGet, 0, ct.If, ct.Void, minus, ct.ReturnCall, self, ct.End)}
	// A loop that nothing goes back to does not count, but is around calls.
	looped := ct.Func{Type: param, Code: ct.Code(ct.Loop, ct.Void, twice(direct(self)).Code, ct.End)}
	deep := ct.Code(ct.Const(depth), direct(self))
	// Another call, which is not run, comes before the two that are.
	past := func(code ...any) []ct.Func {
		f := twice(direct(self))
		f.Code = ct.Code(ct.Code(code...), f.Code)
		return []ct.Func{f}
	}
	other := ct.Code(minus, direct(self))
	for name, tt := range map[string]struct {
		start []byte
		funcs []ct.Func
	}{
		"itself": {deep, []ct.Func{twice(direct(self))}},
		"two of each other": {deep, []ct.Func{twice(direct(self + 1)),
			twice(direct(self))}},
		"three of each other, and one of itself": {deep, []ct.Func{twice(direct(self + 1)),
			twice(direct(self + 2)), twice(direct(self + 1)), twice(direct(self + 3))}},
		"through a table": {deep, []ct.Func{twice(indirect(0))}},
		"through a table, and back": {deep, []ct.Func{twice(indirect(1)),
			twice(direct(self))}},
		"past a branch": {deep, past(ct.Block, ct.Void, ct.Const(1), ct.BrIf, 0, other, ct.End)},
		"past a br_table": {deep, past(ct.Block, ct.Void, ct.Block, ct.Void, ct.Const(1),
			ct.BrTable, 1, 0, 1, ct.End, other, ct.End)},
		"past an if":             {deep, past(ct.Const(0), ct.If, ct.Void, other, ct.End)},
		"past an else":           {deep, past(ct.Const(1), ct.If, ct.Void, ct.Nop, ct.Else, other, ct.End)},
		"past a then":            {deep, past(ct.Const(0), ct.If, ct.Void, other, ct.Else, ct.Nop, ct.End)},
		"in a loop that is none": {deep, []ct.Func{looped}},
		"no circle, but much":    {direct(self), chain},
		"tail calls":             {ct.Code(ct.Const(1<<depth), direct(self)), []ct.Func{tail}},
	} {
		t.Run(name, func(t *testing.T) {
			module := ct.Module{
				Table:   4,
				Globals: []ct.Global{{Type: ct.I32, Mutable: true, Init: ct.Const(0), Export: "n"}},
				Funcs: append([]ct.Func{{Type: sigVoid, Export: "run", Code: tt.start}, count},
					tt.funcs...),
			}
			last := self + len(tt.funcs) - 1
			module.Elems = []ct.Elem{{Offset: ct.Const(0), Funcs: []int{self, last}}}
			safepoints := 0
			m := compiled(t, module.Bytes(), func() { safepoints++ })
			if got := call(t, m, "run"); got != "[]" {
				t.Fatal(got)
			}
			calls := m.ExportedGlobal("n").Get()
			if calls < 1<<depth {
				t.Fatalf("%d calls", calls)
			}
			// Each call takes ten instructions or more.
			if least := int(calls) * 10 / corewasm.DefaultPeriod; safepoints < least {
				t.Errorf("%d safepoints in %d calls", safepoints, calls)
			}
		})
	}
}

// TestFunctionsInBoundsDoNotCount checks that a function which does little, directly and by those
// that it calls, is left as it is, and that its callers count for it.
func TestFunctionsInBoundsDoNotCount(t *testing.T) {
	const n = 20_000
	plain := ct.Code(ct.Const(1), ct.I32Eqz, ct.Drop)
	small := ct.Func{Type: sigVoid, Code: repeated(20, plain)}
	middle := ct.Func{Type: sigVoid, Code: repeated(3, ct.Code(ct.Call, 2))}
	module := ct.Module{Funcs: []ct.Func{
		{Type: sigVoid, Export: "run", Locals: []byte{ct.I32},
			Code: times(n, 0, ct.Code(ct.Call, 1))},
		middle, small,
	}}.Bytes()
	safepoints := 0
	m := compiled(t, module, func() { safepoints++ })
	if got := call(t, m, "run"); got != "[]" {
		t.Fatal(got)
	}
	const work = n * 3 * 20
	if counted := safepoints * corewasm.DefaultPeriod; counted < work/2 || counted > 4*work {
		t.Errorf("counted %d, the work is %d", counted, work)
	}
	rw, err := corewasm.Rewrite(module, corewasm.Options{
		Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []ct.Func{middle, small} {
		body := ct.Code(f.Code, ct.End)
		shifted := ct.Code(repeated(3, ct.Code(ct.Call, 3)), ct.End)
		if !bytes.Contains(rw.Wasm, ct.Code(len(body)+1, 0, body)) &&
			!bytes.Contains(rw.Wasm, ct.Code(len(shifted)+1, 0, shifted)) {
			t.Errorf("body % x was changed", f.Code)
		}
	}
}

// TestFunctionsCountBeforeTheyCall checks that a function counts only on the way to a call, once.
func TestFunctionsCountBeforeTheyCall(t *testing.T) {
	call := ct.Code(ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.Call, 0)
	module := ct.Module{Funcs: []ct.Func{{Type: ct.Sig([]byte{ct.I32}, nil),
		Code: ct.Code(ct.LocalGet, 0, ct.If, ct.Void, call, call, ct.End)}}}
	rw, err := corewasm.Rewrite(module.Bytes(), corewasm.Options{
		Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}})
	if err != nil {
		t.Fatal(err)
	}
	count := ct.Code(ct.GlobalGet, 0, ct.Const(0))
	before := ct.Code(1, 1, ct.I32, ct.LocalGet, 0, ct.If, ct.Void, ct.LocalGet, 0, ct.Const(1),
		ct.I32Sub, count[:3])
	again := ct.Code(ct.Call, 1, ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.Call, 1)
	if !bytes.Contains(rw.Wasm, before) || !bytes.Contains(rw.Wasm, again) {
		t.Errorf("% x and % x are not in % x", before, again, rw.Wasm)
	}
}

// circle makes random code of functions that call each other, with one less each time.
type circle struct{ *rand.Rand }

func (c circle) condition() []byte {
	return ct.Code(ct.GlobalGet, 0, ct.Const(1<<c.IntN(4)), ct.I32And)
}

func (c circle) statements(depth int) []byte {
	minus := ct.Code(ct.LocalGet, 0, ct.Const(1), ct.I32Sub)
	var code []byte
	for range 1 + c.IntN(3) {
		switch kind := c.IntN(8); {
		case kind < 3 || depth == 0:
			code = ct.Code(code, minus, ct.Call, 1+c.IntN(4))
		case kind == 3:
			code = ct.Code(code, minus, ct.Const(c.IntN(4)), ct.CallIndirect, 0, 0)
		case kind == 4:
			code = ct.Code(code, ct.Block, ct.Void, c.statements(depth-1), c.condition(), ct.BrIf,
				c.IntN(2), c.statements(depth-1), ct.End)
		case kind == 5:
			code = ct.Code(code, c.condition(), ct.If, ct.Void, c.statements(depth-1), ct.End)
		case kind == 6:
			code = ct.Code(code, c.condition(), ct.If, ct.Void, c.statements(depth-1), ct.Else,
				c.statements(depth-1), ct.End)
		default:
			code = ct.Code(code, c.condition(), ct.If, ct.Void, c.statements(depth-1), ct.Return, ct.End)
		}
	}
	return code
}

// TestNoCircleOfCallsGoesUncounted runs functions that call each other in ways that nobody thought
// of.
func TestNoCircleOfCallsGoesUncounted(t *testing.T) {
	const most, period = 1 << 18, 1 << 12
	long := 0
	for seed := range uint64(60) {
		c := circle{rand.New(rand.NewPCG(seed, 2))}
		module := ct.Module{
			Table:   4,
			Globals: []ct.Global{{Type: ct.I32, Mutable: true, Init: ct.Const(0), Export: "n"}},
			Elems:   []ct.Elem{{Offset: ct.Const(0), Funcs: []int{1, 2, 3, 4}}},
			Funcs: []ct.Func{{Type: ct.Sig([]byte{ct.I32}, nil), Export: "run",
				Code: ct.Code(ct.Const(40), ct.Call, 1)}},
		}
		for range 4 {
			module.Funcs = append(module.Funcs, ct.Func{Type: ct.Sig([]byte{ct.I32}, nil),
				Code: ct.Code(ct.GlobalGet, 0, ct.Const(1), ct.I32Add, ct.GlobalSet, 0,
					ct.LocalGet, 0, ct.I32Eqz, ct.Const(most), ct.GlobalGet, 0, ct.I32LtU, 0x72,
					ct.If, ct.Void, ct.Return, ct.End, c.statements(2))})
		}
		safepoints := 0
		m := compiledEvery(t, period, module.Bytes(), func() { safepoints++ })
		if got := call(t, m, "run", 0); got != "[]" {
			t.Fatal(got)
		}
		calls := int(m.ExportedGlobal("n").Get())
		if calls > most/2 {
			long++
		}
		if counted := safepoints*period + corewasm.DefaultPeriod/8; counted < calls {
			t.Errorf("seed %d: %d safepoints in %d calls", seed, safepoints, calls)
		}
	}
	if long < 20 {
		t.Errorf("only %d of the programs make many calls", long)
	}
}
