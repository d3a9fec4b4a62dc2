package wasi

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

var worldStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// worldState returns a state whose requests are responded to after their delays, by path.
func worldState(t *testing.T, delays map[string]time.Duration) *State {
	return newState(t, &Config{World: NewWorld(worldStart), Client: &Client{
		Connect: func(ctx context.Context, to Destination) (net.Conn, error) {
			theirs, ours := net.Pipe()
			go func() {
				defer ours.Close()
				if d := delays[to.Target]; d > 0 {
					passed, stop := to.After(d)
					defer stop()
					<-passed
				}
				go func() { _, _ = io.Copy(io.Discard, ours) }()
				fmt.Fprint(ours, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}()
			return theirs, nil
		},
	}})
}

func sendTo(t *testing.T, st *State, path string, opts RequestOptions) *Exchange {
	t.Helper()
	r := newRequest(t, st, "a.test")
	if !r.SetPathWithQuery(path) {
		t.Fatal(path)
	}
	e, code := st.Send(t.Context(), r, opts)
	if code != nil {
		t.Fatal(code)
	}
	return e
}

// waitFor waits as poll does.
func waitFor(t *testing.T, st *State, list ...Source) {
	t.Helper()
	w, alone := NewWaiter(), true
	for _, src := range list {
		alone = alone && Timed(src)
		defer src.Subscribe(w)()
	}
	for {
		for _, src := range list {
			if src.Ready() {
				return
			}
		}
		if err := st.Wait(t.Context(), w, alone); err != nil {
			t.Fatal(err)
		}
	}
}

// elapsed returns what the guest's clocks have moved since the start.
func elapsed(t *testing.T, st *State) time.Duration {
	t.Helper()
	d := time.Duration(st.Clock().Now() - clockOrigin)
	if wall := st.Clock().Wall().Sub(worldStart); wall != d {
		t.Errorf("the time of day has moved by %v, the monotonic clock by %v", wall, d)
	}
	return d
}

func TestASleepTakesNoTimeInAWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		st := worldState(t, nil)
		late, early := st.Clock().After(uint64(2*time.Hour)), st.Clock().After(uint64(time.Hour))
		waitFor(t, st, late, early)
		if d := elapsed(t, st); d != time.Hour || late.Ready() || !early.Ready() {
			t.Errorf("after the earlier of two timers it is %v", d)
		}
		if err := st.Await(t.Context(), late); err != nil || elapsed(t, st) != 2*time.Hour {
			t.Errorf("after the later one it is %v, %v", elapsed(t, st), err)
		}
		if d := time.Since(began); d > 0 {
			t.Errorf("that took %v", d)
		}
	})
}

func TestTimersAndResponsesKeepTheirOrderInAWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		st := worldState(t, map[string]time.Duration{"/slow": 3 * time.Second, "/fast": time.Second})
		slow, fast := sendTo(t, st, "/slow", RequestOptions{}), sendTo(t, st, "/fast", RequestOptions{})
		timer := st.Clock().After(uint64(2 * time.Second))
		var order []string
		for len(order) < 3 {
			var list []Source
			for name, src := range map[string]Source{"slow": slow, "fast": fast, "timer": timer} {
				if src.Ready() && !contains(order, name) {
					order = append(order, fmt.Sprint(name, " ", elapsed(t, st)))
				}
				if !src.Ready() {
					list = append(list, src)
				}
			}
			if len(list) > 0 {
				waitFor(t, st, list...)
			}
		}
		if got := fmt.Sprint(order); got != "[fast 1s timer 2s slow 3s]" {
			t.Errorf("got %s", got)
		}
		if d := time.Since(began); d > 0 {
			t.Errorf("that took %v", d)
		}
	})
}

func contains(order []string, name string) bool {
	for _, o := range order {
		var n, d string
		if _, err := fmt.Sscan(o, &n, &d); err == nil && n == name {
			return true
		}
	}
	return false
}

// A response that nobody waits for does not keep the world from going on.
func TestAResponseThatNobodyWaitsForMovesTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := worldState(t, map[string]time.Duration{"/": time.Second})
		e := sendTo(t, st, "/", RequestOptions{})
		if err := st.Await(t.Context(), st.Clock().After(uint64(time.Minute))); err != nil {
			t.Fatal(err)
		}
		if res, code, ok := e.Take(); !ok || code != nil || elapsed(t, st) != time.Minute {
			t.Errorf("got %v, %v at %v", res, code, elapsed(t, st))
		}
	})
}

func TestTheGuestsTimeoutsCountTheTimeOfItsWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		st := worldState(t, map[string]time.Duration{"/": time.Hour})
		e := sendTo(t, st, "/", RequestOptions{FirstByte: ns(time.Minute)})
		if err := st.Await(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		_, code, _ := e.Take()
		if code == nil || code.Case != ConnectionReadTimeout || elapsed(t, st) != time.Minute {
			t.Errorf("got %v after %v", code, elapsed(t, st))
		}
		if d := time.Since(began); d > 0 {
			t.Errorf("that took %v", d)
		}
	})
}

// A guest that a response woke may wait for its next timer before the world has seen the response
// out.
func TestAGuestMayWaitAgainAsSoonAsAResponseWokeIt(t *testing.T) {
	w := NewWorld(worldStart)
	x := w.begin()
	fired := make(chan struct{})
	waits := make(chan struct{})
	x.end(func() bool {
		go func() {
			defer close(waits)
			hour := clockOrigin + uint64(time.Hour)
			w.add(&worldTimer{at: hour, real: farOff, fire: func() { close(fired) }})
			w.Wait(nil, true)
		}()
		return true
	})
	<-waits
	<-fired
}

// A timer does not overtake a response that came just before the guest waits.
func TestAWaitThatIsOverAtOnceMovesNoClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := worldState(t, nil)
		w := NewWaiter()
		defer st.Clock().After(uint64(time.Hour)).Subscribe(w)()
		w.Wake()
		if err := st.Wait(t.Context(), w, true); err != nil || elapsed(t, st) != 0 {
			t.Errorf("after %v, %v", elapsed(t, st), err)
		}
	})
}

// A body whose pieces come one after the other goes on after the head has ended the exchange.
func TestAnExchangeMayWaitAfterItsResponseHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(worldStart)
		x := w.begin()
		early, stopEarly := x.after(time.Second) // before the end
		x.end(func() bool { return false })
		w.Wait(nil, false)
		began := time.Now()
		<-early
		stopEarly()
		late, stopLate := x.after(time.Second)
		w.Wait(nil, false)
		<-late
		stopLate()
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("two pauses of a second took %v", d)
		}
		hour := w.now + uint64(time.Hour)
		fired := make(chan struct{})
		w.add(&worldTimer{at: hour, real: farOff, fire: func() { close(fired) }})
		w.Wait(nil, true)
		<-fired
	})
}

// external is a source outside of the world.
type external struct{ event }

func (*external) Ready() bool                                { return false }
func (x *external) Subscribe(w *Waiter) (unsubscribe func()) { return x.subscribe(w) }

func TestTimersTakeRealTimeWhileSomethingElseIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		st := worldState(t, nil)
		timer := st.Clock().After(uint64(time.Minute))
		x := &external{}
		time.AfterFunc(20*time.Second, func() { x.wake() }) // wakes the guest, and nothing is there
		waitFor(t, st, x, timer)
		if d := time.Since(began); d != time.Minute || elapsed(t, st) != time.Minute {
			t.Errorf("after %v, and %v in the world", d, elapsed(t, st))
		}
	})
}

func TestReadingTheClockOverAndOverMovesIt(t *testing.T) {
	w := NewWorld(worldStart)
	c := NewWorldClock(w)
	first := c.Now()
	for range freeReadings - 1 {
		if c.Now() != first {
			t.Fatal("a reading has moved the clock")
		}
	}
	if d := c.Now() - first; d != readingStep {
		t.Errorf("one more reading moved it by %d", d)
	}
	w.Wait(nil, true)
	w.Run()
	if now := c.Now(); c.Now() != now {
		t.Error("readings move the clock after a wait")
	}
}

func TestEachRequestHasItsRandomNumbers(t *testing.T) {
	seed, own := uint64(1), uint64(9)
	sender := ""
	drawn := func(order ...string) map[string]string {
		st := newState(t, &Config{Seed: &seed, Client: &Client{Sender: func() string { return sender }}})
		got := map[string]string{}
		draw := func(id string) {
			sender = id
			b, err := st.Random().Bytes(8)
			n, err2 := st.Random().InsecureUint64()
			hash, err3 := st.Random().InsecureSeed()
			if err != nil || err2 != nil || err3 != nil {
				t.Fatal(err, err2, err3)
			}
			got[id] += fmt.Sprintf("%x %x %x;", b, n, hash)
		}
		draw("")
		st.StartRequest("a", nil)
		st.StartRequest("b", nil)
		st.StartRequest("c", &own)
		for _, id := range order {
			draw(id)
		}
		return got
	}
	one, two := drawn("a", "b", "c", "a"), drawn("c", "a", "a", "b")
	for id, want := range one {
		if two[id] != want {
			t.Errorf("request %q drew %s and %s", id, want, two[id])
		}
	}
	if one["a"] == one["b"] || one["a"] == one["c"] {
		t.Errorf("two requests drew the same: %v", one)
	}
	st := newState(t, &Config{Client: &Client{Sender: func() string { return "x" }}})
	st.StartRequest("y", nil)
	st.StartRequest("x", &own)
	sender = "x"
	if b, _ := st.Random().Bytes(8); one["c"][:16] != fmt.Sprintf("%x", b) {
		t.Errorf("the seed of a request alone gives %x, with others %s", b, one["c"])
	}
}
