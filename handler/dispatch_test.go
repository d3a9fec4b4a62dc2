package handler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/internal/engine"
)

func TestRequestsShareAnInstanceOneAtATimeUpToTheLimit(t *testing.T) {
	for _, tc := range []struct{ limit, requests, instances int }{
		{0, 3, 3},
		{1, 3, 3},
		{2, 5, 3},
		{100, 5, 1},
	} {
		t.Run(fmt.Sprint(tc.limit), func(t *testing.T) {
			h := &host{
				guest:  func(g *guestCall) error { g.hello(); return nil },
				accept: Reuse{Max: tc.limit, Concurrent: 16}.ShouldAcceptRequest,
			}
			var tasks []TaskID
			h.start = func(_ *fakeStore, _ any, task TaskID) time.Time {
				tasks = append(tasks, task)
				return time.Time{}
			}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				for range tc.requests {
					body, err := get(t, p)
					wantHello(t, body, err)
					synctest.Wait()
				}
			})
			if h.created() != tc.instances {
				t.Errorf("%d instances, want %d", h.created(), tc.instances)
			}
			limit := max(tc.limit, 1)
			for i, task := range tasks {
				if want := TaskID(i%limit + 1); task != want {
					t.Errorf("request %d is task %d, want %d", i, task, want)
				}
			}
			if diff := cmp.Diff(make([]error, tc.instances), h.dropped(), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("drops (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConcurrentRequestsGetAWorkerEach(t *testing.T) {
	const n = 20
	release := make(chan struct{})
	h := &host{accept: Reuse{Max: 1000}.ShouldAcceptRequest}
	h.guest = func(g *guestCall) error {
		<-release
		g.hello()
		return nil
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		release = make(chan struct{})
		for range 2 {
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					body, err := get(t, p)
					wantHello(t, body, err)
				})
			}
			synctest.Wait()
			if all, idle := p.Workers(); all != n || idle != 0 {
				t.Errorf("while running: %d workers, %d idle", all, idle)
			}
			close(release)
			wg.Wait()
			synctest.Wait()
			if all, idle := p.Workers(); all != n || idle != n {
				t.Errorf("afterwards: %d workers, %d idle", all, idle)
			}
			release = make(chan struct{})
		}
		if h.created() != n {
			t.Errorf("%d instances, want %d: idle ones are to be used again", h.created(), n)
		}
	})
}

func TestIdleWorkersEndQuietlyWhenTheirTimeIsOver(t *testing.T) {
	h := &host{
		guest:    func(g *guestCall) error { g.hello(); return nil },
		accept:   Reuse{Max: 10}.ShouldAcceptRequest,
		timeouts: Timeouts{Requests: 30 * time.Second, Idle: time.Second},
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		start := time.Now()
		for range 3 { // each request begins a new idle time
			body, err := get(t, p)
			wantHello(t, body, err)
			time.Sleep(999 * time.Millisecond)
			synctest.Wait()
			if all, idle := p.Workers(); all != 1 || idle != 1 {
				t.Fatalf("after %v: %d workers, %d idle", time.Since(start), all, idle)
			}
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if all, _ := p.Workers(); all != 0 {
			t.Errorf("%d workers after the idle time", all)
		}
		if diff := cmp.Diff([]error{nil}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("drops (-want +got):\n%s", diff)
		}
	})
}

func TestWorkersWithoutIdleTimeEndAtOnce(t *testing.T) {
	h := &host{
		guest:    func(g *guestCall) error { g.hello(); return nil },
		accept:   Reuse{Max: 10}.ShouldAcceptRequest,
		timeouts: Timeouts{Idle: -1},
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		body, err := get(t, p)
		wantHello(t, body, err)
		synctest.Wait()
		if all, _ := p.Workers(); all != 0 {
			t.Errorf("%d workers", all)
		}
	})
}

func TestAWorkerThatRefusesGetsNoRequests(t *testing.T) {
	h := &host{
		guest:    func(g *guestCall) error { g.hello(); return nil },
		accept:   func(int, int) ShouldAccept { return No },
		timeouts: Timeouts{Idle: time.Second},
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		for range 2 {
			body, err := get(t, p)
			wantHello(t, body, err)
			synctest.Wait()
		}
		if all, idle := p.Workers(); all != 2 || idle != 2 {
			t.Errorf("%d workers, %d idle, want 2 and 2", all, idle)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if all, _ := p.Workers(); all != 0 {
			t.Errorf("%d workers after the idle time", all)
		}
	})
}

func TestAPanickingEmbedderEndsOnlyTheWorker(t *testing.T) {
	h := &host{
		guest:  func(g *guestCall) error { g.hello(); return nil },
		accept: func(int, int) ShouldAccept { panic("a bug") },
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		for range 2 {
			body, err := get(t, p)
			wantHello(t, body, err)
			synctest.Wait()
		}
	})
	drops := h.dropped()
	if len(drops) != 2 {
		t.Fatalf("drops: %v", drops)
	}
	wantError[*engine.PanicError](t, drops[0])
}

// Requests arrive at the very moment at which idle workers expire.
func TestNoRequestIsLostToAnExpiringWorker(t *testing.T) {
	h := &host{
		guest:    func(g *guestCall) error { g.hello(); return nil },
		accept:   Reuse{Max: 1000}.ShouldAcceptRequest,
		timeouts: Timeouts{Idle: time.Millisecond},
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 300 {
					body, err := get(t, p)
					wantHello(t, body, err)
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
	})
	if n := h.created(); n < 1 || n > 8*300 {
		t.Errorf("%d instances", n)
	}
}

func TestManyRequestsUnderRealTime(t *testing.T) {
	h := &host{
		guest:    func(g *guestCall) error { g.hello(); return nil },
		accept:   Reuse{Max: 7}.ShouldAcceptRequest,
		timeouts: Timeouts{Requests: time.Minute, PostReturn: time.Minute, Idle: 20 * time.Microsecond},
	}
	p := New(t.Context(), h)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				body, err := get(t, p)
				if err != nil || body != "hello" {
					t.Errorf("got %q, %v", body, err)
				}
			}
		})
	}
	wg.Wait()
	p.Close(t.Context())
	if created, dropped := h.created(), len(h.dropped()); created != dropped {
		t.Errorf("%d instances, %d dropped", created, dropped)
	}
}

func TestFailedInstantiationReturnsTheRequest(t *testing.T) {
	cause := errors.New("no memory left")
	for _, tc := range []struct {
		name        string
		instantiate func(context.Context) error
		want        string
	}{
		{"error", func(context.Context) error { return cause }, "cannot instantiate the component: no memory left"},
		{"panic", func(context.Context) error { panic("boom") }, "cannot instantiate the component: host function: boom"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &host{instantiate: tc.instantiate}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				req := newRequest()
				body := newRequestBody()
				req.Body = body
				_, err := p.Handle(t.Context(), "data", req)
				select {
				case <-body.closed:
					t.Error("the request's body was closed")
				default:
				}
				failed := wantError[*InstantiationError](t, err)
				if failed.Request != req || failed.Data != "data" || failed.Error() != tc.want {
					t.Errorf("got %+v: %v", failed, failed)
				}
				synctest.Wait()
				if all, _ := p.Workers(); all != 0 {
					t.Errorf("%d workers", all)
				}
			})
		})
	}
}

func TestARequestAbandonedDuringInstantiationDoesNotReachTheGuest(t *testing.T) {
	release := make(chan struct{})
	gone := errors.New("client gone")
	h := &host{
		guest: func(g *guestCall) error {
			if g.req.PathWithQuery == "/abandoned" {
				t.Error("the guest was given the abandoned request")
			}
			g.hello()
			return nil
		},
		instantiate: func(context.Context) error { <-release; return nil },
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		release = make(chan struct{})
		ctx, cancel := context.WithCancelCause(t.Context())
		req := newRequest()
		req.PathWithQuery = "/abandoned"
		done := make(chan error)
		go func() {
			_, err := p.Handle(ctx, nil, req)
			done <- err
		}()
		synctest.Wait()
		cancel(gone)
		if err := <-done; !errors.Is(err, gone) {
			t.Errorf("error is %v, want the cause of the context", err)
		}
		close(release)
		synctest.Wait()
		// The untouched instance serves somebody else.
		body, err := get(t, p)
		wantHello(t, body, err)
		if h.created() != 1 {
			t.Errorf("%d instances, want 1", h.created())
		}
	})
}

func TestARequestWhoseContextHasEndedStartsNothing(t *testing.T) {
	h := &host{guest: func(g *guestCall) error { g.hello(); return nil }}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		if _, err := p.Handle(ctx, nil, newRequest()); !errors.Is(err, gone) {
			t.Errorf("got %v, want the cause of the context", err)
		}
	})
	if h.created() != 0 {
		t.Errorf("%d instances", h.created())
	}
}

func TestCloseLetsRequestsFinish(t *testing.T) {
	release := make(chan struct{})
	h := &host{accept: Reuse{Max: 10}.ShouldAcceptRequest}
	h.guest = func(g *guestCall) error {
		if g.req.PathWithQuery != "/" {
			<-release
		}
		g.hello()
		return nil
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		release = make(chan struct{})
		body, err := get(t, p)
		wantHello(t, body, err)
		synctest.Wait()
		slow := newRequest()
		slow.PathWithQuery = "/slow"
		finished := make(chan error)
		go func() {
			res, err := p.Handle(t.Context(), nil, slow)
			if err == nil {
				_, err = readAll(res)
			}
			finished <- err
		}()
		synctest.Wait()
		closed := make(chan struct{})
		go func() {
			p.Close(t.Context())
			close(closed)
		}()
		synctest.Wait()
		if _, err := p.Handle(t.Context(), nil, newRequest()); !errors.Is(err, ErrClosed) {
			t.Errorf("a request after Close gets %v", err)
		}
		select {
		case <-closed:
			t.Error("Close did not wait for a request")
		default:
		}
		close(release)
		if err := <-finished; err != nil {
			t.Errorf("the request before Close failed: %v", err)
		}
		<-closed
		if diff := cmp.Diff([]error{nil}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("drops (-want +got):\n%s", diff)
		}
	})
}

func TestCloseEndsIdleWorkers(t *testing.T) {
	for name, accept := range map[string]ShouldAccept{"available": Yes, "refusing": No} {
		t.Run(name, func(t *testing.T) {
			h := &host{
				guest:  func(g *guestCall) error { g.hello(); return nil },
				accept: func(int, int) ShouldAccept { return accept },
			}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				body, err := get(t, p)
				wantHello(t, body, err)
				synctest.Wait()
				if _, idle := p.Workers(); idle != 1 {
					t.Fatalf("%d idle workers, want 1", idle)
				}
			})
		})
	}
}

func TestCloseStopsWhatStillRunsWhenItsContextEnds(t *testing.T) {
	for _, tc := range []struct {
		name  string
		guest func(*guestCall) error
	}{
		{"spinning", (*guestCall).spin},
		{"sleeping", (*guestCall).sleep},
		{"streaming", func(g *guestCall) error { g.head(); return g.spin() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &host{guest: tc.guest}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				failed := make(chan error)
				go func() {
					_, err := get(t, p)
					failed <- err
				}()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				go p.Close(ctx)
				if err := <-failed; !errors.Is(err, ErrClosed) {
					t.Errorf("the request got %v, want ErrClosed", err)
				}
				if d := time.Since(start); d != time.Second {
					t.Errorf("stopped after %v", d)
				}
				synctest.Wait()
				if diff := cmp.Diff([]error{ErrClosed}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
					t.Errorf("drops (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAnInstanceThatComesTooLateIsNotUsed(t *testing.T) {
	release := make(chan struct{})
	h := &host{
		guest:       func(*guestCall) error { t.Error("the guest was called"); return nil },
		instantiate: func(context.Context) error { <-release; return nil },
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		release = make(chan struct{})
		failed := make(chan error)
		go func() {
			_, err := get(t, p)
			failed <- err
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		synctest.Wait()
		go p.Close(ctx)
		synctest.Wait()
		close(release)
		if err := <-failed; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]error{ErrClosed}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("drops (-want +got):\n%s", diff)
		}
	})
}

func TestTheContextOfTheHandlerStopsInstantiation(t *testing.T) {
	cause := errors.New("over")
	h := &host{instantiate: func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		p := New(ctx, h)
		failed := make(chan error)
		go func() {
			_, err := p.Handle(t.Context(), nil, newRequest())
			failed <- err
		}()
		synctest.Wait()
		cancel(cause)
		if err := <-failed; !errors.Is(wantError[*InstantiationError](t, err), cause) {
			t.Errorf("got %v", err)
		}
		if _, err := p.Handle(t.Context(), nil, newRequest()); !errors.Is(err, ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
		p.Close(t.Context())
	})
}
