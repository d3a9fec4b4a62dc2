package engine_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// forever has code run in an endless loop.
func forever(code ...any) []byte {
	return ct.Code(ct.Loop, ct.Void, ct.Code(code...), ct.Br, 0, ct.End)
}

// Function indices in the module of TestInterruptStopsGuestCode, after the imported
// functions.
const (
	begun = iota
	cheap
	burnReturn
	burnThrow
	burnFib
	burnCopy
	burnTail
	burnTailIndirect
	burnTailRef
	burnLarge
	burnLoops
)

// way is a way to burn time.
type way struct {
	name string
	code []byte
}

// burnModule is a module with a function for each way, which says that it has begun.
func burnModule(ways []way) ct.Module {
	three := ct.Code(ct.Const(0), ct.Const(1), ct.Const(1<<20))
	var loops []byte
	for range 300 {
		loops = ct.Code(loops, ct.Loop, ct.Void, ct.End)
	}
	m := ct.Module{
		Imports: []ct.Import{{Name: "begun", Func: &sigVoid}, {Name: "cheap", Func: &sigVoid}},
		Memory:  &ct.Memory{Min: 1024},
		Globals: []ct.Global{{Type: ct.I32, Mutable: true, Init: ct.Const(0)}},
		Table:   100_000,
		Tags:    []ct.Type{sigVoid},
		Elems: []ct.Elem{{Offset: ct.Const(0),
			Funcs: []int{burnReturn, burnTailIndirect, burnTailRef}}},
		Data: []ct.Data{{Bytes: string(make([]byte, 1<<20))}}, DataCount: true,
		Funcs: []ct.Func{
			{Type: sigVoid, Code: ct.Code(ct.Nop)},
			{Type: sigVoid, Code: ct.Code(ct.Throw, 0)},
			{Type: sigII, Code: fib(burnFib)},
			{Type: sigVoid, Code: ct.Code(three, ct.Misc, 10, 0, 0)},
			{Type: sigVoid, Code: ct.Code(ct.ReturnCall, burnTail)},
			{Type: sigVoid, Code: ct.Code(ct.Const(1), ct.ReturnCallIndirect, 2, 0)},
			{Type: sigVoid,
				Code: ct.Code(ct.RefFunc, burnTailRef, ct.ReturnCallRef, ct.U32(burnTailRef))},
			{Type: sigVoid,
				Code: bytes.Repeat(ct.Code(ct.Const(7), ct.Const(3), ct.I32DivU, ct.Drop), 5000)},
			{Type: sigVoid, Code: loops},
		},
	}
	for _, w := range ways {
		code := ct.Code(ct.Call, begun, w.code)
		m.Funcs = append(m.Funcs, ct.Func{Type: sigVoid, Export: w.name, Code: code})
	}
	return m
}

// TestInterruptStopsGuestCode runs ten guests at once in each way to burn time that
// there is.
func TestInterruptStopsGuestCode(t *testing.T) {
	const guests = 10
	store := ct.Code(ct.Const(0), ct.Const(1), ct.I32Store, 2, 0)
	three := ct.Code(ct.Const(0), ct.Const(1), ct.Const(64<<20-1))
	catch := func(kind byte, code ...any) []byte { // one that is caught by a block around
		result := ct.Void
		end := ct.Code(ct.Nop)
		if kind == 1 || kind == 3 {
			result, end = ct.ExnRef, ct.Code(ct.Drop)
		}
		clause := ct.Code(int(kind), 0)
		if kind < 2 {
			clause = ct.Code(int(kind), 0, 0)
		}
		return ct.Code(ct.Block, result, ct.TryTable, ct.Void, 1, clause, ct.Code(code...), ct.End,
			ct.Unreachable, ct.End, end)
	}
	rethrow := ct.Code(ct.Block, ct.ExnRef, ct.TryTable, ct.Void, 1, 3, 0, ct.Throw, 0, ct.End,
		ct.Unreachable, ct.End, ct.ThrowRef)
	ways := []way{
		{"an empty loop", forever()},
		{"a loop that stores", forever(store)},
		{"a loop by br_table", ct.Code(ct.Loop, ct.Void, ct.Const(0), ct.BrTable, 1, 0, 0, ct.End)},
		{"a loop by br_if", ct.Code(ct.Loop, ct.Void, ct.Const(1), ct.BrIf, 0, ct.End)},
		{"a loop by br_on_null",
			ct.Code(ct.Loop, ct.Void, ct.RefNull, 0x70, ct.BrOnNull, 0, ct.Drop, ct.End)},
		{"a loop with a value", ct.Code(ct.Const(0), ct.Loop, 3, ct.Br, 0, ct.End, ct.Drop)},
		{"a loop with a large body",
			forever(bytes.Repeat(ct.Code(ct.Const(7), ct.Const(3), ct.I32DivU, ct.Drop), 5000))},
		{"loops in loops", forever(forever(forever()))},
		{"a function with a large body", forever(ct.Call, burnLarge)},
		{"one of very many loops",
			ct.Code(bytes.Repeat(ct.Code(ct.Loop, ct.Void, ct.End), 300), forever())},
		{"a function with very many", forever(ct.Call, burnLoops)},
		{"calls", forever(ct.Call, burnReturn)},
		{"calls through a table", forever(ct.Const(0), ct.CallIndirect, 2, 0)},
		{"calls of references", forever(ct.RefFunc, burnReturn, ct.CallRef, ct.U32(burnReturn))},
		{"recursion", forever(ct.Const(30), ct.Call, burnFib, ct.Drop)},
		{"tail calls", ct.Code(ct.Call, burnTail)},
		{"tail calls through a table", ct.Code(ct.Call, burnTailIndirect)},
		{"tail calls of references", ct.Code(ct.Call, burnTailRef)},
		{"a host function that does little", forever(ct.Call, cheap)},
		{"exceptions", forever(catch(0, ct.Throw, 0))},
		{"exceptions with references", forever(catch(1, ct.Throw, 0))},
		{"exceptions, all caught", forever(catch(2, ct.Throw, 0))},
		{"exceptions, all with references", forever(catch(3, ct.Throw, 0))},
		{"exceptions from other functions", forever(catch(2, ct.Call, burnThrow))},
		{"exceptions that are thrown again", forever(catch(2, rethrow))},
		{"exceptions whose handlers are loops",
			ct.Code(ct.Loop, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, ct.Throw, 0, ct.End, ct.End)},
		{"exceptions that a loop is caught with",
			forever(catch(2, ct.Loop, ct.Void, ct.Throw, 0, ct.End))},
		{"try_tables that nothing is thrown in",
			forever(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, ct.End, ct.End)},
		{"a loop in a try_table",
			ct.Code(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, forever(), ct.End, ct.End)},
		{"a loop after many exceptions",
			ct.Code(bytes.Repeat(catch(2, ct.Throw, 0), 100), forever())},
		{"fills", forever(three, ct.Misc, 11, 0)},
		{"copies", forever(three, ct.Misc, 10, 0, 0)},
		{"copies in a function", forever(ct.Call, burnCopy)},
		{"small fills",
			forever(bytes.Repeat(ct.Code(ct.Const(0), ct.Const(1), ct.Const(1000), ct.Misc, 11, 0),
				5000))},
		{"initializations", forever(ct.Const(0), ct.Const(0), ct.Const(1<<20), ct.Misc, 8, 0, 0)},
		{"growing by nothing", forever(ct.Const(0), ct.MemoryGrow, 0, ct.Drop)},
		{"growing by too much", forever(ct.Const(-1), ct.MemoryGrow, 0, ct.Drop)},
		{"fills of tables",
			forever(ct.Const(3), ct.RefNull, 0x70, ct.Const(99_000), ct.Misc, 17, 0)},
		{"copies of tables",
			forever(ct.Const(3), ct.Const(4), ct.Const(99_000), ct.Misc, 14, 0, 0)},
		{"growing a table", forever(ct.RefNull, 0x70, ct.Const(1000), ct.Misc, 15, 0, ct.Drop)},
		{"growing a table too much",
			forever(ct.RefNull, 0x70, ct.Const(-1), ct.Misc, 15, 0, ct.Drop)},
		{"references to functions",
			forever(bytes.Repeat(ct.Code(ct.RefFunc, burnReturn, ct.Drop), 1000))},
	}
	began := make(chan struct{}, guests)
	f := start(t, engine.Limits{},
		engine.HostFunc{Name: "begun", Fn: func(*engine.Context, []uint64) { began <- struct{}{} }},
		engine.HostFunc{Name: "cheap", Fn: func(*engine.Context, []uint64) {}})
	host := func(name string) engine.Import {
		return engine.Import{Slot: engine.HostSlot,
			Name: name}
	}
	m := f.compile(burnModule(ways), host("begun"), host("cheap"))
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			cause := errors.New("enough")
			var groups []*engine.Group
			done := make(chan error, guests)
			for range guests {
				g := f.r.NewGroup(engine.Limits{}, 1)
				groups = append(groups, g)
				go func() { done <- runGuest(g, g.NewContext(t.Context(), nil), m, w.name) }()
			}
			for range guests {
				<-began
			}
			runtime.ReadMemStats(new(runtime.MemStats)) // all guests stop for it
			for _, g := range groups {
				g.Interrupt(cause)
				g.Interrupt(errors.New("too late"))
			}
			for range guests {
				err := <-done
				var trap *engine.Trap
				if !errors.As(err, &trap) || !errors.Is(err,
					cause) || trap.Code != engine.TrapHost {
					t.Errorf("got %v", err)
				}
			}
			for _, g := range groups {
				if fn, err := g.Func(0, w.name); err != nil {
					t.Error(err)
				} else if err := fn.Call(g.NewContext(t.Context(),
					nil), nil); !errors.Is(err, cause) {
					t.Errorf("a later call gave %v", err)
				}
				if err := g.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// runGuest makes an instance of m and calls a function of it.
func runGuest(g *engine.Group, ctx *engine.Context, m *engine.Module, name string) error {
	if err := g.Instantiate(ctx, 0, m); err != nil {
		return err
	}
	fn, err := g.Func(0, name)
	if err != nil {
		return err
	}
	return fn.Call(ctx, nil)
}

func TestAnInterruptedGuestCannotCallTheHost(t *testing.T) {
	calls, cause := 0, errors.New("enough")
	f := start(t, engine.Limits{},
		engine.HostFunc{Name: "work", Fn: func(ctx *engine.Context, _ []uint64) {
			calls++
			ctx.Group().Interrupt(cause)
		}})
	f.instantiate(0, f.compile(ct.Module{
		Imports: []ct.Import{{Name: "work", Func: &sigVoid}},
		Funcs: []ct.Func{{Type: sigVoid, Export: "run", Code: ct.Code(
			ct.Loop, ct.Void, ct.Call, 0, ct.Br, 0, ct.End)}},
	}, engine.Import{Slot: engine.HostSlot, Name: "work"}))
	if _, err := f.call(0, "run"); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if calls != 1 {
		t.Errorf("the host was called %d times", calls)
	}
}

// Calls parked in a host function keep their state while others run and end.
func TestParkedActivations(t *testing.T) {
	const parked = 50
	type call struct{ resume, left chan struct{} }
	enter := make(chan *call)
	f := start(t, engine.Limits{}, engine.HostFunc{
		Name: "park", Fn: func(ctx *engine.Context, _ []uint64) {
			c := ctx.Owner().(*call)
			enter <- c
			<-c.resume
		},
	})
	f.instantiate(0, f.compile(ct.Module{
		Imports: []ct.Import{{Name: "park", Func: &sigVoid}},
		Memory:  &ct.Memory{Min: 1},
		Funcs: []ct.Func{{Type: sigII, Export: "run", Code: ct.Code(
			ct.LocalGet, 0, ct.Const(1), ct.MemoryGrow, 0, ct.Drop,
			ct.Call, 0, ct.LocalGet, 0, ct.I32Add)}},
	}, engine.Import{Slot: engine.HostSlot, Name: "park"}))
	fn := f.fn(0, "run")
	var calls []*call
	results := make([]uint64, parked)
	for i := range parked {
		c := &call{make(chan struct{}), make(chan struct{})}
		ctx := f.g.NewContext(t.Context(), c)
		go func() {
			defer close(c.left)
			stack := []uint64{uint64(i)}
			if err := fn.Call(ctx, stack); err != nil {
				t.Error(err)
			}
			results[i] = stack[0]
		}()
		calls = append(calls, <-enter) // one at a time: the group has one owner
	}
	for i, c := range calls {
		close(c.resume)
		<-c.left
		if results[i] != uint64(2*i) {
			t.Errorf("call %d gave %d", i, results[i])
		}
	}
}
