package handler

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// reportLines returns the reports in words, in order.
func (h *host) reportLines() []string {
	lines := []string{}
	for _, r := range h.reports() {
		lines = append(lines, fmt.Sprint(r.Data, ": ", r.Err))
	}
	return lines
}

func wantReports(t *testing.T, h *host, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), h.reportLines()); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// failing is an exchange that a worker has taken, and the response that the guest has given.
type failing struct {
	h    *host
	x    *exchange
	body *wasi.OutgoingBody
	out  *wasi.Response
}

func newFailing(t *testing.T) *failing {
	t.Helper()
	h := &host{}
	inst, err := h.Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := New(t.Context(), h)
	t.Cleanup(func() { p.Close(context.Background()) })
	w := newWorker(p)
	w.inst = inst
	w.guard(inst)
	f := &failing{h: h, x: newExchange(newRequest(), "it", nil)}
	if _, stopped := w.begin(f.x); stopped != nil || !f.x.take(w) {
		t.Fatal("the exchange was not taken")
	}
	state := wasi.NewState(&wasi.Config{})
	t.Cleanup(state.Close)
	res := state.NewOutgoingResponse(wasi.NewFields(state.FieldRules()))
	f.body, _ = res.Body()
	wasi.NewResponseOutparam(func(r *wasi.Response, _ *wasi.ErrorCode) { f.out = r }).Set(res, nil)
	return f
}

// Whatever comes first, the receiver gets what ended the guest, or there is a report, and never
// both.
func TestTheEndOfAGuestIsReportedOnce(t *testing.T) {
	trap := &TrapError{Err: &engine.Trap{Code: engine.TrapUnreachable}}
	for name, tc := range map[string]struct {
		steps   func(f *failing, res *Response)
		reports int
	}{
		"read": {func(f *failing, res *Response) {
			f.x.fail(trap, f.out)
			_, err := readAll(res)
			if !errors.Is(err, trap) {
				t.Errorf("read: %v", err)
			}
		}, 0},
		"not read": {func(f *failing, res *Response) {
			f.x.fail(trap, f.out)
			_ = res.Body.Close()
		}, 1},
		"after the receiver left": {func(f *failing, res *Response) {
			_ = res.Body.Close()
			f.x.fail(trap, f.out)
		}, 1},
		"after the whole body was read": {func(f *failing, res *Response) {
			f.body.Finish(nil)
			_, _ = readAll(res)
			f.x.fail(trap, f.out)
		}, 1},
		"before the whole body is read": {func(f *failing, res *Response) {
			f.body.Finish(nil)
			f.x.fail(trap, f.out)
			if _, err := readAll(res); err != nil {
				t.Errorf("a whole body ended with %v", err)
			}
		}, 1},
		"a body that was cut for another reason": {func(f *failing, res *Response) {
			f.body.Abort(wasi.ErrBodyDropped)
			f.x.fail(trap, f.out)
			if _, err := readAll(res); !errors.Is(err, wasi.ErrBodyDropped) {
				t.Errorf("read: %v", err)
			}
		}, 1},
	} {
		f := newFailing(t)
		f.x.resolve(f.out, nil)
		res, err := f.x.wait(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		tc.steps(f, res)
		if got := f.h.reports(); len(got) != tc.reports ||
			tc.reports == 1 && (got[0].Err != error(trap) || got[0].Data != "it") {
			t.Errorf("%s: %v, want %d reports", name, got, tc.reports)
		}
	}
	for name, tc := range map[string]struct {
		err     error
		reports int
	}{
		"a trap":                    {trap, 1},
		"an exit":                   {&ExitError{}, 1},
		"an expiration":             {&ExpirationError{Status: PostReturn}, 1},
		"a panic":                   {&TrapOrPanicError{Err: &engine.PanicError{}}, 1},
		"another's trap":            {lostTo(trap), 0},
		"a panic that was reported": {&TrapOrPanicError{Err: &engine.PanicError{}, shared: true}, 0},
		"the handler's end":         {ErrClosed, 0},
		"no response in time":       {&ExpirationError{Status: Requests}, 0},
	} {
		f := newFailing(t)
		f.x.abandon()
		if f.x.fail(tc.err, nil) != (tc.reports > 0) || len(f.h.reports()) != tc.reports {
			t.Errorf("%s, with no receiver waiting: %v", name, f.h.reports())
		}
		// It may come at the very moment at which the receiver leaves.
		f = newFailing(t)
		if !f.x.fail(tc.err, nil) {
			t.Errorf("%s: it was not reported", name)
		}
		f.x.abandon()
		if len(f.h.reports()) != tc.reports {
			t.Errorf("%s, resolved and not taken: %v", name, f.h.reports())
		}
	}
}

func TestTheEndOfAGuestIsReportedOnceWhileTheReceiverLeaves(t *testing.T) {
	trap := &TrapError{Err: &engine.Trap{Code: engine.TrapUnreachable}}
	for range 300 {
		f := newFailing(t)
		f.x.resolve(f.out, nil)
		ctx, cancel := context.WithCancel(t.Context())
		res, err := f.x.wait(ctx, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		read := make(chan error, 1)
		wg.Go(func() { f.x.fail(trap, f.out) })
		wg.Go(cancel)
		wg.Go(func() {
			_, err := readAll(res)
			read <- err
		})
		wg.Wait()
		heard := errors.Is(<-read, trap)
		// The end of the context is dealt with on a goroutine of its own.
		for deadline := time.Now().Add(10 * time.Second); !heard && len(f.h.reports()) == 0; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the trap was not reported")
			}
		}
		if n := len(f.h.reports()); heard && n > 0 || n > 1 {
			t.Fatalf("heard: %v, and %d reports", heard, n)
		}
	}
}

func TestAPanicOfDropIsReported(t *testing.T) {
	for name, guest := range map[string]func(*guestCall) error{
		"an idle instance":   func(g *guestCall) error { g.hello(); return nil },
		"one that trapped":   func(*guestCall) error { return &engine.Trap{Code: engine.TrapUnreachable} },
		"one that was ended": (*guestCall).spin,
	} {
		h := &host{
			guest:    guest,
			timeouts: Timeouts{Requests: time.Second},
			onDrop:   func() { panic("a bug in Drop") },
		}
		bubble(t, h, func(t *testing.T, p *ProxyHandler) {
			for range 2 { // the next request is served as if nothing had been
				_, _ = get(t, p)
				synctest.Wait()
			}
		})
		got := h.reports()
		if len(got) != 2 {
			t.Fatalf("%s: %v", name, got)
		}
		for _, r := range got {
			var p *TrapOrPanicError
			if !errors.As(r.Err, &p) || p.Panic() == nil || p.Panic().Value != "a bug in Drop" ||
				r.Data != nil {
				t.Errorf("%s: reported %v: %v", name, r.Data, r.Err)
			}
		}
	}
}

// Tasks of a shared instance, when it is lost: each outcome is heard, or the fault is reported,
// once.
func TestReportsOfASharedInstance(t *testing.T) {
	trap := &engine.Trap{Code: engine.TrapUnreachable}
	exit := &engine.Trap{Code: engine.TrapHost, Cause: wasi.Exit{Code: 3}}
	// Each request has its data for a name: "works" has its response and works on, "waits" waits
	// for it, and the last one makes an end after a second.
	names := map[TaskID]any{}
	name := func(_ *fakeStore, data any, task TaskID) time.Time {
		names[task] = data
		return time.Time{}
	}
	fate := func(end func() error, blamed bool) func(*fakeTask) error {
		return func(t *fakeTask) error {
			switch names[t.id] {
			case "works":
				t.hello()
			case "ends":
				t.hello()
				t.after(time.Second, func() error {
					if blamed {
						t.loop.running = t.id
					}
					return end()
				})
			}
			return nil
		}
	}
	for which, tc := range map[string]struct {
		guest    func(*fakeTask) error
		requests []any
		limits   Timeouts
		want     []string
	}{
		"a trap": {fate(func() error { return trap }, true), []any{"works", "ends"}, Timeouts{},
			[]string{"ends: wasm trap: unreachable, in the guest's task 2"}},
		"a trap beside one that waits": {fate(func() error { return trap }, true), []any{"waits", "ends"}, Timeouts{},
			[]string{"ends: wasm trap: unreachable, in the guest's task 2"}},
		"a trap of no task": {fate(func() error { return trap }, false), []any{"works", "ends"}, Timeouts{},
			[]string{"<nil>: wasm trap: unreachable"}},
		"a trap of no task, with a request that waits": {fate(func() error { return trap }, false), []any{"waits", "ends"}, Timeouts{},
			[]string{}},
		"an exit": {fate(func() error { return exit }, true), []any{"works", "ends"}, Timeouts{},
			[]string{"ends: the guest exited with status 3"}},
		"a panic": {fate(func() error { panic("a bug") }, true), []any{"works", "works", "ends"}, Timeouts{},
			[]string{"ends: the host panicked: host function: a bug"}},
		"a panic of no task": {fate(func() error { panic("a bug") }, false), []any{"works", "works", "ends"}, Timeouts{},
			[]string{"<nil>: the host panicked: host function: a bug"}},
		"no end in time": {fate(func() error { return nil }, true), []any{"works", "ends"}, Timeouts{PostReturn: 2 * time.Second},
			[]string{
				"ends: the guest was still working 2s after the response: the guest's task 2 was waiting for the test",
				"works: the guest was still working 2s after the response: the guest's task 1 was waiting for the test",
			}},
	} {
		h := &loopHost{host: &host{accept: many, timeouts: tc.limits, start: name}, guest: tc.guest}
		loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
			for _, data := range tc.requests {
				send(t, p, data)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		})
		got := h.reportLines()
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", which, diff)
		}
	}
}
