package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// randomScenario makes up a scenario. Its times are so many that no two are the same.
func randomScenario(r *rand.Rand) scenario {
	within := func(d time.Duration) time.Duration { return 1 + time.Duration(r.Int64N(int64(d))) }
	sometimes := func(percent int, d time.Duration) time.Duration {
		if r.IntN(100) >= percent {
			return 0
		}
		return within(d)
	}
	s := scenario{
		reuse: Reuse{Max: 1 + r.IntN(8), Concurrent: 1 + r.IntN(4)},
		limits: Timeouts{
			Requests: within(20 * time.Second), PostReturn: within(20 * time.Second),
			Streaming: within(20 * time.Second), Idle: within(5 * time.Second),
		},
	}
	if r.IntN(2) == 0 {
		s.limits.Streaming += 30 * time.Minute // as good as none, but for bodies that never end
	}
	at := time.Duration(0)
	for range 2 + r.IntN(14) {
		at += within(4 * time.Second)
		q := script{
			arrives: at,
			expires: sometimes(40, 15*time.Second),
			leaves:  sometimes(20, 15*time.Second),
			busy:    sometimes(25, 200*time.Millisecond),
			head:    sometimes(80, 6*time.Second),
			code:    r.IntN(8) == 0,
			exits:   sometimes(75, 12*time.Second),
			traps:   sometimes(8, 12*time.Second),
			obeys:   r.IntN(2) == 0,
		}
		if r.IntN(20) == 0 {
			q.busy = within(30 * time.Second)
		}
		if q.head > 0 && r.IntN(10) > 0 {
			q.body = q.head + within(4*time.Second)
			if r.IntN(2) == 0 {
				q.exits = q.body + within(4*time.Second)
			}
		}
		if q.holds = r.IntN(8) == 0; q.holds {
			q.relents = sometimes(60, 10*time.Second)
		}
		s.requests = append(s.requests, q)
	}
	return s
}

// played is what became of a scenario with the handler and fake guests.
type played struct {
	mu     sync.Mutex
	chosen map[int]int
	lines  []string
}

func (p *played) add(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

var errClientLeft = errors.New("the client has left")

// how names an outcome as the model does.
func how(err error) string {
	var (
		code    *ErrorCode
		expired *ExpirationError
		trap    *TrapError
		lost    *TrapOrPanicError
		none    *NoResponseError
	)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, errClientLeft):
		return "gone"
	case errors.Is(err, wasi.ErrBodyDropped):
		return "cut"
	case errors.As(err, &lost):
		return "lost" // whatever it was lost to
	case errors.As(err, &expired):
		return "expired"
	case errors.As(err, &trap):
		return "trap"
	case errors.As(err, &none):
		return "none"
	case errors.As(err, &code):
		return "code"
	}
	return err.Error()
}

// guest plays a script.
func (s script) guest(t *fakeTask) error {
	do := func(d time.Duration, f func() error) {
		if d > 0 {
			t.after(d, func() error {
				if t.exited {
					return nil
				}
				return f()
			})
		}
	}
	if t.cancelled = func() {}; s.obeys {
		t.cancelled = t.exit
	}
	if s.holds {
		t.loop.holds++
		do(s.relents, func() error { t.loop.holds--; return nil })
	}
	var body *wasi.OutgoingBody
	do(s.head, func() error {
		out := wasi.NewResponseOutparam(t.respond)
		if s.code {
			out.Set(nil, wasi.NewErrorCode(wasi.LoopDetected, nil))
			return nil
		}
		res := t.state.NewOutgoingResponse(wasi.NewFields(t.state.FieldRules()))
		body, _ = res.Body()
		out.Set(res, nil)
		return nil
	})
	do(s.body, func() error {
		if body != nil {
			_ = body.Finish(nil)
		}
		return nil
	})
	do(s.exits, func() error { t.exit(); return nil })
	do(s.traps, func() error {
		t.loop.running = t.id
		return &engine.Trap{Code: engine.TrapUnreachable}
	})
	if s.busy == 0 {
		return nil
	}
	computed := time.NewTimer(s.busy)
	defer computed.Stop()
	select {
	case <-computed.C:
		return nil
	case <-t.loop.store.interrupted:
		return &engine.Trap{Code: engine.TrapHost, Cause: t.loop.store.cause}
	}
}

// play gives the requests of a scenario to a handler.
func play(t *testing.T, s scenario) *played {
	p := &played{chosen: map[int]int{}}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		since := func() time.Duration { return time.Since(start) }
		tasks := map[[2]int]int{} // request by instance and task; only one request comes at a time
		h := &loopHost{host: &host{accept: s.reuse.ShouldAcceptRequest, timeouts: s.limits}}
		h.start = func(store *fakeStore, data any, task TaskID) time.Time {
			r := data.(int)
			p.mu.Lock()
			p.chosen[r] = store.id
			tasks[[2]int{store.id, int(task)}] = r
			p.mu.Unlock()
			if e := s.requests[r].expires; e > 0 {
				return time.Now().Add(e)
			}
			return time.Time{}
		}
		h.onEnd = func(id int, err error) {
			end := how(err)
			if err == nil {
				end = "quiet"
			}
			p.add("instance %d: %s at %v", id, end, since())
		}
		h.onReport = func(data any, err error) { p.add("report %v: %s", data, how(err)) }
		h.guest = func(task *fakeTask) error {
			p.mu.Lock()
			r := tasks[[2]int{task.loop.store.id, int(task.id)}]
			p.mu.Unlock()
			return s.requests[r].guest(task)
		}
		handler := New(t.Context(), h)
		var clients sync.WaitGroup
		for i, q := range s.requests {
			clients.Go(func() {
				time.Sleep(q.arrives)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if q.leaves > 0 {
					leave := time.AfterFunc(q.leaves, func() { cancel(errClientLeft) })
					defer leave.Stop()
				}
				res, err := handler.Handle(ctx, i, newRequest())
				if err == nil {
					_, err = readAll(res)
				}
				p.add("request %d in instance %d: %s at %v", i, p.of(i), how(err), since())
			})
		}
		clients.Wait()
		// All limits are set: whatever the guests do, they come to an end.
		time.Sleep(time.Hour)
		synctest.Wait()
		if all, _ := handler.Workers(); all != 0 {
			t.Errorf("%d instances never ended", all)
		}
		handler.Close(t.Context())
	})
	slices.SortFunc(p.lines, cmp.Compare)
	return p
}

func (p *played) of(request int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.chosen[request]
}

// compareWithModel plays the scenario of a seed and compares what became of it.
func compareWithModel(t *testing.T, seed uint64) {
	t.Helper()
	s := randomScenario(rand.New(rand.NewPCG(seed, seed)))
	p := play(t, s)
	m := &model{s: s, chosen: p.chosen}
	m.run()
	if diff := gocmp.Diff(m.report(), p.lines); diff != "" {
		t.Logf("seed %d: reuse %+v, limits %+v", seed, s.reuse, s.limits)
		for i, q := range s.requests {
			t.Logf("request %d: %+v", i, q)
		}
		t.Logf("handler:\n%s", strings.Join(p.lines, "\n"))
		t.Fatalf("(-model +handler):\n%s", diff)
	}
}

// TestInstancesDoWhatTheModelDoes plays random scenarios: requests arrive, hang, end, trap, expire
// and are given up, guests compute and hold back.
func TestInstancesDoWhatTheModelDoes(t *testing.T) {
	for seed := range uint64(1500) {
		compareWithModel(t, seed)
	}
}

func FuzzInstances(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(compareWithModel)
}
