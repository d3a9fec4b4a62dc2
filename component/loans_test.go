package component

import (
	"strings"
	"testing"
)

// loanBed offers what testdata/loans.wasm imports.
type loanBed struct {
	open    []func(Value, error) // calls of hold that have not ended
	stopped int                  // calls of hold that were cancelled
	dropped int
}

func (b *loanBed) linker() *Linker {
	l := NewLinker()
	i := l.Instance("test:host/api@0.2.4")
	i.Resource("thing", func(any) error {
		b.dropped++
		return nil
	})
	i.AsyncFunc("hold", "async func(t: borrow<thing>) -> u32",
		func(_ *Call, _ []Value, done func(Value, error)) (*Value, func(), error) {
			b.open = append(b.open, done)
			return nil, func() { b.stopped++ }, nil
		})
	i.Func("make", "func() -> own<thing>",
		func(*Call, []Value) (Value, error) { return Own("thing"), nil })
	i.Func("texts", "func(n: u32) -> list<string>", func(_ *Call, args []Value) (Value, error) {
		texts := make([]Value, args[0].U32())
		for k := range texts {
			texts[k] = String(strings.Repeat("a", k))
		}
		return List(texts...), nil
	})
	return l
}

// The steps are exports of testdata/loans.wasm; "end" has the embedder end what it holds. trap is
// what the last one traps with, if anything.
func TestALoanEndsWithTheCall(t *testing.T) {
	for name, tt := range map[string]struct {
		steps   string
		trap    string
		dropped int
	}{
		"not dropped while a call has it":              {"make hold drop", "lent out", 0},
		"not given away while a call has it":           {"make hold own-it", "while borrowed", 0},
		"nor when it ended, unobserved":                {"make hold end drop", "lent out", 0},
		"dropped when its end is known":                {"make hold end wait forget drop", "", 1},
		"dropped when it was cancelled":                {"make hold cancel drop", "", 1},
		"an end that comes too late is none":           {"make hold cancel drop end make drop", "", 2},
		"a call is not forgotten before":               {"make hold forget", "has not yet resolved", 0},
		"nor when it ended, with its handle forgotten": {"make hold end forget", "has not yet resolved", 0},
		"a callee returns what it got":                 {"make give-back drop", "", 1},
		"a callee cannot keep it":                      {"make keep", "borrow handles still remain", 0},
		"lent on, it is with the last":                 {"make lend-on drop", "lent out", 0},
		"lent on, it comes back from all":              {"make lend-on end wait forget drop", "", 1},
		"lent to several, all must end":                {"make hold hold end wait drop", "lent out", 0},
		"given away after the loan":                    {"make hold end wait own-it", "", 0},
		"a handle that is gone is not lent":            {"make drop hold", "unknown handle", 1},
		"what was passed on is not, either":            {"make own-it give-back", "unknown handle", 0},
		"used again, the index has no loans":           {"make hold cancel drop make drop", "", 2},
		"a cancelled call cannot be again": {"make hold cancel cancel", "after terminal status",
			0},
		"a forgotten call is gone": {"make hold end wait forget cancel",
			"unknown handle", 0},
		"a call that ended is not cancelled": {"make hold end wait cancel",
			"after terminal status", 0},
		"one that just ended is not, either":  {"make hold end cancel drop", "", 1},
		"the embedder's own loan is returned": {"make give-back give-back give-back drop", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := &loanBed{}
			i := instantiateFile(t, "loans.wasm", b.linker(), nil)
			steps := strings.Fields(tt.steps)
			for n, step := range steps {
				switch {
				case step == "end":
					for _, done := range b.open {
						done(U32(7), nil)
					}
					turn(t, i.store)
				case n == len(steps)-1 && tt.trap != "":
					mustTrap(t, i, tt.trap, step)
				default:
					must(t, i, step)
				}
			}
			if b.dropped != tt.dropped {
				t.Errorf("%d resources were dropped, want %d", b.dropped, tt.dropped)
			}
			if got := handles(i.store); i.store.poison == nil && i.store.handles.live > got {
				t.Errorf("%d handles are counted, %d are there", i.store.handles.live, got)
			}
		})
	}
}

func TestLoansLeaveNothingBehind(t *testing.T) {
	b := &loanBed{}
	i := instantiateFile(t, "loans.wasm", b.linker(), nil)
	must(t, i, "make")
	before := i.store.handles.live
	for range 1000 {
		must(t, i, "give-back")
	}
	if got := i.store.handles.live; got != before {
		t.Errorf("%d handles became %d", before, got)
	}
}

// Each string that is lowered into a list is allocated in memory that has grown for it, and may
// have moved.
func TestMemoryMayMoveWhileAValueIsLowered(t *testing.T) {
	i := instantiateFile(t, "loans.wasm", (&loanBed{}).linker(), nil)
	const n = 40
	if got := must(t, i, "texts", U32(n)).U32(); got != 'a'*n*(n-1)/2 {
		t.Errorf("the sum of the bytes is %d", got)
	}
}
