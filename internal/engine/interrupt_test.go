package engine_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

func TestInterruptStopsGuestCode(t *testing.T) {
	self := coretest.U32(0)
	store := coretest.Code(coretest.Const(0), coretest.Const(1), coretest.I32Store, 2, 0)
	for _, tt := range []struct {
		name string
		code []byte
	}{
		{"empty loop", coretest.Code(coretest.Loop, coretest.Void, coretest.Br, 0, coretest.End)},
		{"loop that stores", coretest.Code(coretest.Loop, coretest.Void, store, coretest.Br, 0, coretest.End)},
		{"loop that fills", coretest.Code(coretest.Loop, coretest.Void, coretest.Const(0), coretest.Const(1), coretest.Const(64<<20),
			coretest.Misc, 11, 0, coretest.Br, 0, coretest.End)},
		{"loop that calls what copies", coretest.Code(coretest.Loop, coretest.Void, coretest.Call, 4, coretest.Br, 0, coretest.End)},
		{"tail recursion", coretest.Code(coretest.ReturnCall, self)},
		{"exponential recursion", coretest.Code(coretest.LocalGet, 0, coretest.If, coretest.Void,
			coretest.GlobalGet, 0, coretest.Const(1), coretest.I32Add, coretest.GlobalSet, 0, coretest.End,
			coretest.Loop, coretest.Void, coretest.Call, 1, coretest.Drop, coretest.Br, 0, coretest.End)},
		{"recursion through a table", coretest.Code(coretest.Loop, coretest.Void,
			coretest.Const(0), coretest.CallIndirect, 2, 0, coretest.Br, 0, coretest.End)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, engine.Limits{})
			f.instantiate(0, f.compile(coretest.Module{
				Memory:  &coretest.Memory{Min: 1024},
				Globals: []coretest.Global{{Type: coretest.I32, Mutable: true, Init: coretest.Const(0)}},
				Table:   1,
				Elems:   []coretest.Elem{{Offset: coretest.Const(0), Funcs: []int{2}}},
				Funcs: []coretest.Func{
					{Type: sigVoid, Locals: []byte{coretest.I32}, Export: "run", Code: tt.code},
					{Type: sigI, Code: coretest.Code(coretest.Const(22), coretest.Call, 3)},
					{Type: sigVoid, Code: coretest.Code(coretest.Nop)},
					{Type: sigII, Code: fib(3)},
					{Type: sigVoid, Code: coretest.Code(coretest.Const(0), coretest.Const(1<<20), coretest.Const(1<<20), coretest.Misc, 10, 0, 0)},
				},
			}))
			cause := errors.New("enough")
			running := make(chan struct{})
			stop := make(chan struct{})
			collected := make(chan int)
			go func() { // collecting needs every goroutine to stop for it
				n := 0
				for {
					select {
					case <-stop:
						collected <- n
						return
					default:
						runtime.GC()
						n++
					}
				}
			}()
			type result struct {
				err error
				at  time.Time
			}
			done := make(chan result)
			go func() {
				close(running)
				_, err := f.call(0, "run")
				done <- result{err, time.Now()}
			}()
			<-running
			runtime.GC()
			began := time.Now()
			f.g.Interrupt(cause)
			f.g.Interrupt(errors.New("too late"))
			r := <-done
			close(stop)
			t.Logf("stopped after %v, %d collections", r.at.Sub(began), <-collected)
			if took := r.at.Sub(began); took > 100*time.Millisecond {
				t.Errorf("stopped after %v", took)
			}
			var trap *engine.Trap
			if !errors.As(r.err, &trap) || !errors.Is(r.err, cause) || trap.Code != engine.TrapHost {
				t.Errorf("got %v", r.err)
			}
			if _, err := f.call(0, "run"); !errors.Is(err, cause) {
				t.Errorf("a later call gave %v", err)
			}
		})
	}
}

func TestAnInterruptedGuestCannotCallTheHost(t *testing.T) {
	calls, cause := 0, errors.New("enough")
	f := start(t, engine.Limits{}, engine.HostFunc{Name: "work", Fn: func(ctx *engine.Context, _ []uint64) {
		calls++
		ctx.Group().Interrupt(cause)
	}})
	f.instantiate(0, f.compile(coretest.Module{
		Imports: []coretest.Import{{Name: "work", Func: &sigVoid}},
		Funcs: []coretest.Func{{Type: sigVoid, Export: "run", Code: coretest.Code(
			coretest.Loop, coretest.Void, coretest.Call, 0, coretest.Br, 0, coretest.End)}},
	}, engine.Import{Slot: engine.HostSlot, Name: "work"}))
	if _, err := f.call(0, "run"); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if calls != 1 {
		t.Errorf("the host was called %d times", calls)
	}
}

func TestInfiniteRecursionExhaustsTheStack(t *testing.T) {
	f := start(t, engine.Limits{})
	f.instantiate(0, f.compile(coretest.Module{Funcs: []coretest.Func{
		{Type: sigVoid, Export: "run", Code: coretest.Code(coretest.Call, 0)},
	}}))
	_, err := f.call(0, "run")
	var trap *engine.Trap
	if !errors.As(err, &trap) || trap.Code != engine.TrapStackOverflow {
		t.Errorf("got %v", err)
	}
	if n := f.fn(0, "run").Idle(); n != 0 {
		t.Errorf("%d activations with grown stacks are kept", n)
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
	f.instantiate(0, f.compile(coretest.Module{
		Imports: []coretest.Import{{Name: "park", Func: &sigVoid}},
		Memory:  &coretest.Memory{Min: 1},
		Funcs: []coretest.Func{{Type: sigII, Export: "run", Code: coretest.Code(
			coretest.LocalGet, 0, coretest.Const(1), coretest.MemoryGrow, 0, coretest.Drop,
			coretest.Call, 0, coretest.LocalGet, 0, coretest.I32Add)}},
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
