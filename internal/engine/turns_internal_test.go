package engine

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// queue returns a queue in which as many have their turn as there are processors.
func queue() (q *turns, computing []*ticket) {
	q = &turns{}
	for range runtime.GOMAXPROCS(0) {
		k := &ticket{}
		q.next(k, time.Now(), nil, false)
		computing = append(computing, k)
	}
	return q, computing
}

// join has tickets wait in order. Each is sent when its wait is over.
func join(q *turns, over chan<- *ticket, g *Group, tickets ...*ticket) {
	for _, k := range tickets {
		q.mu.Lock()
		n := len(q.waiting)
		q.mu.Unlock()
		go func() {
			q.next(k, time.Now(), g, false)
			over <- k
		}()
		q.await(n + 1)
	}
}

// await returns when n tickets wait.
func (q *turns) await(n int) {
	for {
		q.mu.Lock()
		got := len(q.waiting)
		q.mu.Unlock()
		if got == n {
			return
		}
		runtime.Gosched()
	}
}

func TestTurnsAreInOrder(t *testing.T) {
	q, computing := queue()
	over := make(chan *ticket)
	first, second, began := &ticket{}, &ticket{}, &ticket{since: time.Now().Add(time.Hour)}
	join(q, over, nil, first, second, began)
	next := computing[0]
	for i, want := range []*ticket{began, first, second} {
		q.leave(next)
		if next = <-over; next != want || !next.holds.Load() {
			t.Errorf("turn %d is that of the wrong ticket, or none", i)
		}
	}
	for _, k := range append(computing[1:], second) {
		q.leave(k)
	}
	if len(q.busy) != 0 || len(q.waiting) != 0 {
		t.Errorf("%d have their turn and %d wait when all have left", len(q.busy), len(q.waiting))
	}
}

func TestATurnEnds(t *testing.T) {
	q, computing := queue()
	over := make(chan *ticket, 2)
	for _, tt := range []struct {
		name        string
		later, wide bool
		used        time.Duration
		ends        bool
	}{
		{"the first one", false, false, 2 * turn, false},
		{"the first one, after long", false, false, long, true},
		{"a later one", true, false, turn, true},
		{"one of a guest with a large stack", true, true, 2 * turn, false},
		{"that, after long", true, true, long, true},
		{"any, at once", true, false, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := &ticket{}
			join(q, over, nil, other)
			k, now := computing[0], time.Now()
			k.later, k.used, k.since = tt.later, 0, now.Add(-tt.used)
			if tt.used == 0 {
				k.since = now.Add(time.Hour)
			}
			if !tt.ends {
				if q.next(k, now, nil, tt.wide); !k.holds.Load() || other.holds.Load() {
					t.Error("the turn has ended")
				}
				q.leave(k)
				<-over
			} else {
				go func() {
					q.next(k, now, nil, tt.wide)
					over <- k
				}()
				if <-over != other {
					t.Error("the turn has not ended")
				}
			}
			q.leave(other)
			if tt.ends {
				<-over
			} else {
				q.next(k, time.Now(), nil, false)
			}
		})
	}
}

// A short call of the host is no reason for a change of guests, but another guest need not wait for
// what the host waits for.
func TestATurnIsAnothersIfItsGuestStaysInTheHost(t *testing.T) {
	q, computing := queue()
	k, other, over := computing[0], &ticket{}, make(chan *ticket, 1)
	for range 3 {
		k.goAway()
		q.look()
		k.comeBack()
	}
	q.look()
	q.look()
	if !k.holds.Load() {
		t.Fatal("its turn has ended")
	}
	k.goAway()
	go func() {
		q.next(other, time.Now(), nil, false)
		over <- other
	}()
	if <-over; k.holds.Load() || !other.holds.Load() {
		t.Error("it still has its turn")
	}
	k.comeBack()
	first := &ticket{}
	q.mu.Lock()
	q.waiting = append(q.waiting, first)
	first.gate.Lock()
	q.mu.Unlock()
	k.since = time.Now().Add(time.Hour) // none of it is used up, however busy the machine is
	go func() {
		q.next(k, time.Now(), nil, false)
		over <- k
	}()
	q.await(2)
	q.leave(other)
	if <-over; !k.holds.Load() || first.holds.Load() {
		t.Error("it does not go on with its turn before another one begins")
	}
}

func TestAnInterruptEndsTheWaitForATurn(t *testing.T) {
	q, computing := queue()
	g, over := &Group{}, make(chan *ticket, 1)
	g.interrupted.Store(&interruption{errors.New("enough")})
	k := &ticket{}
	if q.next(k, time.Now(), g, false); k.holds.Load() {
		t.Error("an interrupted guest has its turn")
	}
	g.interrupted.Store(nil)
	join(q, over, g, k)
	g.interrupted.Store(&interruption{errors.New("enough")})
	q.interrupt(g)
	if <-over; k.holds.Load() || len(q.waiting) != 0 {
		t.Error("it has its turn, or still waits")
	}
	q.interrupt(g) // is nothing when nobody waits
	for _, k := range computing {
		if !k.holds.Load() {
			t.Error("another one lost its turn")
		}
	}
}

// TestBusyGuestsLeaveTheSchedulerToOthers runs more guests than there are processors, and counts
// those that are ready to run, behind which a request would wait at each of its steps.
func TestBusyGuestsLeaveTheSchedulerToOthers(t *testing.T) {
	const others = 5
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	parked, resume := make(chan struct{}), make(chan struct{})
	r, err := e.NewRuntime(t.Context(), []HostFunc{{Name: "park", Fn: func(*Context, []uint64) {
		parked <- struct{}{}
		<-resume
	}}})
	if err != nil {
		t.Fatal(err)
	}
	void := ct.Sig(nil, nil)
	m, err := r.Compile(t.Context(), Source{
		Imports: []Import{{Slot: HostSlot, Name: "park"}},
		Wasm: ct.Module{
			Imports: []ct.Import{{Func: &void}},
			Funcs: []ct.Func{
				{Type: void, Export: "spin", Code: ct.Code(ct.Loop, ct.Void, ct.Br, 0, ct.End)},
				{Type: void, Export: "park", Code: ct.Code(ct.Loop, ct.Void, ct.Call, 0, ct.Br, 0,
					ct.End)},
			},
		}.Bytes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var groups []*Group
	done := make(chan error)
	begin := func(export string) {
		g := r.NewGroup(Limits{}, 1)
		groups = append(groups, g)
		ctx := g.NewContext(t.Context(), nil)
		if err := g.Instantiate(ctx, 0, m); err != nil {
			t.Fatal(err)
		}
		fn, err := g.Func(0, export)
		if err != nil {
			t.Fatal(err)
		}
		go func() { done <- fn.Call(ctx, nil) }()
	}
	procs := runtime.GOMAXPROCS(0)
	for range procs + 1 { // all of them have no turn while they are in the host
		begin("park")
		<-parked
	}
	for range procs + others {
		begin("spin")
	}
	processors.await(others)
	cause := errors.New("enough")
	for _, g := range slices.Backward(groups) {
		g.Interrupt(cause)
	}
	close(resume)
	for range groups {
		if err := <-done; !errors.Is(err, cause) {
			t.Error(err)
		}
	}
	processors.await(0)
	if len(processors.busy) != 0 {
		t.Errorf("%d have their turn when all have ended", len(processors.busy))
	}
	for _, g := range groups {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// A ticket whose turn was ended, because its guest stayed in a host function, is the guest's alone.
func TestATicketWhoseTurnHasEndedIsLeftAlone(t *testing.T) {
	var q turns
	k := &ticket{}
	q.wait(k, nil, false)
	k.goAway()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.look()
		q.look()
	}()
	for k.holds.Load() {
		runtime.Gosched()
	}
	k.seen = 0 // as for the next call
	<-ended
}

// A host function that calls the guest, as for the memory of a result, neither ends the turn of the
// guest nor makes it look as if the guest were back.
func TestATurnGoesOnWhenTheHostCallsTheGuest(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	var g *Group
	var nested *Func
	calls := 0 // with a turn
	r, err := e.NewRuntime(t.Context(), []HostFunc{{Name: "host", Fn: func(c *Context, _ []uint64) {
		began := c.turns.holds.Load()
		if err := nested.Call(c, nil); err != nil {
			t.Error(err)
		}
		if !began {
			return
		}
		if !c.turns.holds.Load() {
			t.Error("the turn has ended")
		}
		if c.turns.away.Load() == 0 {
			t.Error("the guest seems to have come back")
		}
		if calls++; calls == 10 || t.Failed() {
			g.Interrupt(cause)
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	void := ct.Sig(nil, nil)
	m, err := r.Compile(t.Context(), Source{
		Imports: []Import{{Slot: HostSlot, Name: "host"}},
		Wasm: ct.Module{
			Imports: []ct.Import{{Func: &void}},
			Funcs: []ct.Func{
				{Type: void, Export: "call", Code: ct.Code(ct.Loop, ct.Void, ct.Call, 0, ct.Br, 0,
					ct.End)},
				{Type: void, Export: "nested", Code: ct.Code(ct.Nop)},
			},
		}.Bytes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	g = r.NewGroup(Limits{}, 1)
	ctx := g.NewContext(t.Context(), nil)
	if err := g.Instantiate(ctx, 0, m); err != nil {
		t.Fatal(err)
	}
	if nested, err = g.Func(0, "nested"); err != nil {
		t.Fatal(err)
	}
	fn, err := g.Func(0, "call")
	if err != nil {
		t.Fatal(err)
	}
	if err := fn.Call(ctx, nil); !errors.Is(err, cause) {
		t.Error(err)
	}
	if ctx.turns.holds.Load() {
		t.Error("it is its turn after the call")
	}
	if err := errors.Join(g.Close(), r.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
}

func TestOneProcessorIsAlwaysCrowded(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !crowded() {
		t.Error("a guest keeps the only processor to itself")
	}
}
