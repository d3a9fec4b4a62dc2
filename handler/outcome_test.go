package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

const limit = 3 * time.Second

func TestExpirationStopsTheGuest(t *testing.T) {
	stubborn := func(g *guestCall) error {
		_ = g.spin()
		time.Sleep(time.Minute)
		g.hello() // too late
		return nil
	}
	for _, tc := range []struct {
		name     string
		guest    func(*guestCall) error
		timeouts Timeouts
		request  time.Duration // the request's own expiration
		after    time.Duration
		want     string
		hostCall string
	}{
		{
			name: "in its own code", guest: (*guestCall).spin, timeouts: Timeouts{Requests: limit},
			after: limit, want: "no response after 3s: the guest was busy in its own code",
		}, {
			name: "in a host function", guest: (*guestCall).sleep, timeouts: Timeouts{Requests: limit},
			after: limit, want: "no response after 3s: the guest was waiting in poll", hostCall: "poll",
		}, {
			name: "that does not unwind", guest: stubborn, timeouts: Timeouts{Requests: limit},
			after: limit + unwind, want: "no response after 3s",
		}, {
			name: "that responds while it is being stopped", guest: func(g *guestCall) error { _ = g.spin(); g.hello(); return nil },
			timeouts: Timeouts{Requests: limit}, after: limit, want: "no response after 3s",
		}, {
			name: "by the request's own limit", guest: (*guestCall).spin, request: time.Second,
			after: time.Second, want: "no response after 1s: the guest was busy in its own code",
		}, {
			name: "by the request's limit before the instance's", guest: (*guestCall).spin, timeouts: Timeouts{Requests: limit}, request: time.Second,
			after: time.Second, want: "no response after 1s: the guest was busy in its own code",
		}, {
			name: "by the instance's limit before the request's", guest: (*guestCall).spin, timeouts: Timeouts{Requests: limit}, request: time.Hour,
			after: limit, want: "no response after 3s: the guest was busy in its own code",
		}, {
			name: "at once when the limit has passed already", guest: (*guestCall).spin, request: -time.Second,
			after: 0, want: "no response after 0s: the guest was busy in its own code",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &host{guest: tc.guest, timeouts: tc.timeouts, accept: Reuse{Max: 100}.ShouldAcceptRequest}
			if tc.request != 0 {
				h.start = func(*fakeStore, any, TaskID) time.Time { return time.Now().Add(tc.request) }
			}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				start := time.Now()
				_, err := get(t, p)
				if d := time.Since(start); d != tc.after {
					t.Errorf("failed after %v, want %v", d, tc.after)
				}
				expired := wantError[*ExpirationError](t, err)
				if expired.Error() != tc.want || expired.HostCall() != tc.hostCall ||
					expired.Status != Requests {
					t.Errorf("got %q (host call %q), want %q (%q)", expired, expired.HostCall(),
						tc.want, tc.hostCall)
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if all, _ := p.Workers(); all != 0 {
					t.Errorf("%d workers left", all)
				}
				dropped := h.dropped()
				if len(dropped) != 1 {
					t.Fatalf("drops: %v", dropped)
				}
				wantError[*ExpirationError](t, dropped[0])
			})
		})
	}
}

func TestAStreamingBodyDoesNotExpire(t *testing.T) {
	h := &host{
		timeouts: Timeouts{Requests: limit, PostReturn: limit, Idle: limit},
		guest: func(g *guestCall) error {
			body, stream := g.head()
			for range 5 {
				time.Sleep(time.Hour)
				_ = stream.Write([]byte("."))
			}
			_ = body.Finish(nil)
			return nil
		},
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		body, err := get(t, p)
		if body != "....." || err != nil {
			t.Errorf("got %q, %v", body, err)
		}
	})
	if diff := cmp.Diff([]error{nil}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
}

func TestPostReturnWorkIsLimitedFromTheEndOfTheBody(t *testing.T) {
	// finish ends the response; what follows is post-return work.
	type ending struct {
		name string
		// guest comes to the point from which the time counts; receive is the client's part.
		guest   func(*guestCall)
		receive func(t *testing.T, p *ProxyHandler)
	}
	endings := []ending{
		{
			"the body is complete", (*guestCall).hello,
			func(t *testing.T, p *ProxyHandler) {
				body, err := get(t, p)
				wantHello(t, body, err)
			},
		}, {
			"the client closes", func(g *guestCall) { g.head() },
			func(t *testing.T, p *ProxyHandler) {
				res, err := p.Handle(t.Context(), nil, newRequest())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
			},
		}, {
			"the client's context ends", func(g *guestCall) { g.head() },
			func(t *testing.T, p *ProxyHandler) {
				gone := errors.New("gone")
				ctx, cancel := context.WithCancelCause(t.Context())
				res, err := p.Handle(ctx, nil, newRequest())
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(time.Hour, func() { cancel(gone) })
				if _, err := readAll(res); !errors.Is(err, gone) {
					t.Errorf("the body ended with %v, want the cause of the context", err)
				}
			},
		}, {
			"the client goes before the head", func(*guestCall) {},
			func(t *testing.T, p *ProxyHandler) {
				ctx, cancel := context.WithTimeout(t.Context(), limit/2)
				defer cancel()
				if _, err := p.Handle(ctx, nil, newRequest()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Handle returned %v", err)
				}
			},
		}, {
			"the guest responds with an error-code", func(g *guestCall) { g.out.Set(nil, wasi.NewErrorCode(wasi.LoopDetected, nil)) },
			func(t *testing.T, p *ProxyHandler) {
				_, err := p.Handle(t.Context(), nil, newRequest())
				if code := wantError[*ErrorCode](t, err); code.Case != wasi.LoopDetected {
					t.Errorf("error-code %v", code)
				}
			},
		},
	}
	for _, e := range endings {
		for _, tc := range []struct {
			name    string
			work    time.Duration
			stopped bool
		}{
			{"in time", limit - time.Millisecond, false},
			{"too long", limit + time.Millisecond, true},
		} {
			t.Run(e.name+", "+tc.name, func(t *testing.T) {
				var left chan time.Time
				h := &host{timeouts: Timeouts{Requests: limit, PostReturn: limit}}
				h.guest = func(g *guestCall) error {
					e.guest(g)
					// The guest works on for so long after its client has gone.
					select {
					case at := <-left:
						timer := time.NewTimer(time.Until(at.Add(tc.work)))
						defer timer.Stop()
						select {
						case <-timer.C:
							return nil
						case <-g.store.interrupted:
							return &engine.Trap{Code: engine.TrapHost, Cause: g.store.cause}
						}
					case <-g.store.interrupted:
						return errors.New("stopped before the client left")
					}
				}
				bubble(t, h, func(t *testing.T, p *ProxyHandler) {
					left = make(chan time.Time, 1)
					e.receive(t, p)
					start := time.Now()
					left <- start
					for all := 1; all > 0; all, _ = p.Workers() {
						time.Sleep(time.Millisecond)
						synctest.Wait()
					}
					if d := time.Since(start); d < limit-time.Millisecond || d > limit+time.Millisecond {
						t.Errorf("the guest ended after %v", d)
					}
				})
				drops := h.dropped()
				if len(drops) != 1 {
					t.Fatalf("drops: %v", drops)
				}
				if !tc.stopped {
					// A body that is left unfinished or a head that never comes is not the matter
					// here.
					if drops[0] != nil {
						t.Errorf("dropped with %v", drops[0])
					}
					return
				}
				if expired := wantError[*ExpirationError](t, drops[0]); expired.Status != PostReturn ||
					expired.After != limit {
					t.Errorf("dropped with %#v", expired)
				}
			})
		}
	}
}

func TestLeavingEndsTheRequestBodyAndClosesTheResponseBody(t *testing.T) {
	type seen struct {
		Read  error
		Write error
	}
	for _, tc := range []struct {
		name  string
		early bool // before the head
	}{{"before the head", true}, {"after it", false}} {
		t.Run(tc.name, func(t *testing.T) {
			var got seen
			h := &host{guest: func(g *guestCall) error {
				var stream wasi.OutputStream
				if !tc.early {
					_, stream = g.head()
				}
				_, got.Read = g.req.Body.Read(nil)
				if tc.early {
					_, stream = g.head()
				}
				got.Write = stream.Write([]byte("anybody there?"))
				return nil
			}}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				req := newRequest()
				req.Body = newRequestBody()
				time.AfterFunc(time.Second, cancel)
				res, err := p.Handle(ctx, nil, req)
				if tc.early != (err != nil) {
					t.Fatalf("Handle returned %v", err)
				}
				if !tc.early {
					if _, err := readAll(res); !errors.Is(err, context.Canceled) {
						t.Errorf("the body ended with %v", err)
					}
				}
				synctest.Wait()
				if diff := cmp.Diff(seen{io.ErrClosedPipe, wasi.ErrClosed}, got, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("the guest saw (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheOutcomeIsTheEndOfTheGuest(t *testing.T) {
	trap := &engine.Trap{
		Code:   engine.TrapUnreachable,
		Frames: []engine.Frame{{Module: "guest", Func: "fail"}},
	}
	exit := &engine.Trap{Code: engine.TrapHost, Cause: wasi.Exit{Code: 7}}
	slip := &engine.Trap{Code: engine.TrapHost, Cause: &engine.PanicError{Value: "a bug"}}
	const slipped = "the host panicked: host function: a bug"
	type part int
	const (
		before part = iota // the head
		within             // the body
		after
	)
	for _, tc := range []struct {
		name string
		when part
		how  func() error
		want string // of the outcome, "" for none
		// drop is the error that the store is dropped with.
		drop string
		// reports is what is reported, "" for nothing.
		reports string
	}{
		{"trap before the head", before, func() error { return trap }, "wasm trap: unreachable", "wasm trap: unreachable", ""},
		{"trap within the body", within, func() error { return trap }, "wasm trap: unreachable", "wasm trap: unreachable", ""},
		{"trap after the body", after, func() error { return trap }, "", "wasm trap: unreachable", "wasm trap: unreachable"},
		{"return before the head", before, func() error { return nil }, "the guest returned and never set the response-outparam", "", ""},
		{"exit before the head", before, func() error { return exit }, "the guest exited with status 7 instead of responding", "", ""},
		{"exit within the body", within, func() error { return exit }, "the guest exited with status 7", "", ""},
		{"exit after the body", after, func() error { return exit }, "", "", "the guest exited with status 7"},
		{"panic in a host function", before, func() error { return slip }, slipped, slipped, ""},
		{"panic outside of guest code", before, func() error { panic("a bug") }, slipped, slipped, ""},
		{"panic within the body", within, func() error { panic("a bug") }, slipped, slipped, ""},
		{"panic after the body", after, func() error { panic("a bug") }, "", slipped, slipped},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fail := true
			h := &host{accept: Reuse{Max: 2}.ShouldAcceptRequest, timeouts: Timeouts{Idle: limit}}
			h.guest = func(g *guestCall) error {
				if !fail {
					g.hello()
					return nil
				}
				switch tc.when {
				case within:
					_, stream := g.head()
					_ = stream.Write([]byte("part"))
				case after:
					g.hello()
				}
				return tc.how()
			}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				body, err := getData(t, p, "the request")
				got := ""
				if err != nil {
					got = err.Error()
				}
				if got != tc.want {
					t.Errorf("outcome %q, want %q", got, tc.want)
				}
				if tc.when == within && body != "part" {
					t.Errorf("body %q: what was written is to be read first", body)
				}
				synctest.Wait()
				// The others are served by a fresh instance.
				fail = false
				body, err = get(t, p)
				wantHello(t, body, err)
				if h.created() != 2 {
					t.Errorf("%d instances", h.created())
				}
				dropped := ""
				if d := h.dropped(); len(d) == 0 {
					t.Error("the instance was not dropped")
				} else if d[0] != nil {
					dropped = d[0].Error()
				}
				if dropped != tc.drop {
					t.Errorf("dropped with %q, want %q", dropped, tc.drop)
				}
				var reports []string
				for _, r := range h.reports() {
					reports = append(reports, fmt.Sprint(r.Data, ": ", r.Err))
				}
				var want []string
				if tc.reports != "" {
					want = []string{"the request: " + tc.reports}
				}
				if diff := cmp.Diff(want, reports); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Between two calls of a 0.2 guest no code could continue a body: its receiver does not wait for
// the next request, nor for the end of the instance.
func TestABodyLeftUnfinishedIsCutWhenTheGuestReturns(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		whole  bool
	}{
		"a success":                      {200, false},
		"a failure of the client's":      {404, false},
		"an error by its own account":    {500, true},
		"another, as a gateway gives it": {502, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := &host{accept: Reuse{Max: 10}.ShouldAcceptRequest}
			h.guest = func(g *guestCall) error {
				res := g.store.state.NewOutgoingResponse(wasi.NewFields(g.store.state.FieldRules()))
				res.Status = tc.status
				body, _ := res.Body()
				stream, _ := body.Stream()
				_ = stream.Write([]byte("part"))
				g.out.Set(res, nil)
				return nil // and keeps the body for later
			}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				start := time.Now()
				for range 2 {
					body, err := get(t, p)
					if body != "part" || tc.whole != (err == nil) ||
						err != nil && !errors.Is(err, wasi.ErrBodyDropped) {
						t.Errorf("got %q, %v", body, err)
					}
					synctest.Wait()
				}
				if took := time.Since(start); took > 0 || h.created() != 1 {
					t.Errorf("took %v, %d instances", took, h.created())
				}
			})
			if len(h.reports()) > 0 || h.dropped()[0] != nil {
				t.Errorf("reported %v, dropped with %v", h.reports(), h.dropped())
			}
		})
	}
}

func TestARequestThatWasAbandonedWhileItStartedIsPostReturnWork(t *testing.T) {
	h := &host{guest: (*guestCall).sleep, timeouts: Timeouts{PostReturn: limit}}
	h.start = func(*fakeStore, any, TaskID) time.Time {
		time.Sleep(limit)
		return time.Now().Add(time.Millisecond)
	}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		ctx, cancel := context.WithTimeout(t.Context(), limit-time.Second)
		defer cancel()
		if _, err := p.Handle(ctx, nil, newRequest()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Handle returned %v", err)
		}
	})
	drops := h.dropped()
	if len(drops) != 1 {
		t.Fatalf("drops: %v", drops)
	}
	if e := wantError[*ExpirationError](t, drops[0]); e.Status != PostReturn || e.After != limit {
		t.Errorf("dropped with status %v after %v", e.Status, e.After)
	}
}
