package corewasm_test

import (
	"bytes"
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
