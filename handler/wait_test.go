package handler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	requests "github.com/wasihttp/wasihttp/internal/exchange"
)

// contexts returns a context of each kind that Handle may be given, and what ends it.
func contexts() map[string]func() (context.Context, context.CancelCauseFunc) {
	return map[string]func() (context.Context, context.CancelCauseFunc){
		"package context": func() (context.Context, context.CancelCauseFunc) {
			return context.WithCancelCause(context.Background())
		},
		"of a request": func() (context.Context, context.CancelCauseFunc) {
			c := requests.NewContext(context.Background())
			return c, c.End
		},
	}
}

func TestTheEndOfAContextEndsTheWaitWithItsCause(t *testing.T) {
	cause := errors.New("the cause")
	for name, newContext := range contexts() {
		t.Run(name, func(t *testing.T) {
			var ended error
			h := &host{}
			head := false
			h.guest = func(g *guestCall) error {
				if head {
					g.head() // and then the guest goes on, so that it is held back
				}
				err := g.spin()
				ended = g.store.cause
				return err
			}
			for _, head = range []bool{false, true} {
				ended = nil
				bubble(t, h, func(t *testing.T, p *ProxyHandler) {
					ctx, end := newContext()
					got := make(chan error, 1)
					go func() {
						_, err := p.Handle(ctx, nil, newRequest())
						got <- err
					}()
					synctest.Wait()
					end(cause)
					if err := <-got; err != cause {
						t.Errorf("head set %v: got %v", head, err)
					}
					if _, err := p.Handle(ctx, nil, newRequest()); err != cause {
						t.Errorf("a request after the end: %v", err)
					}
					synctest.Wait()
					stopped, stop := context.WithCancel(t.Context())
					stop()
					p.Close(stopped)
				})
				if ended == nil {
					t.Errorf("head set %v: the guest goes on", head)
				}
			}
		})
	}
}

// However the end of a context and an outcome meet, each request gets one of them, and the next
// one is none the worse.
func TestAnEndAndAnOutcomeAtTheSameMoment(t *testing.T) {
	for name, newContext := range contexts() {
		t.Run(name, func(t *testing.T) {
			h := &host{guest: func(g *guestCall) error { g.hello(); return nil }}
			h.accept = Reuse{Max: 1 << 30}.ShouldAcceptRequest
			p := New(t.Context(), h)
			defer p.Close(context.Background())
			cause := errors.New("the cause")
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for i := range 300 {
						ctx, end := newContext()
						ended := make(chan struct{})
						go func() {
							defer close(ended)
							if i%3 > 0 {
								end(cause)
							}
						}()
						res, err := p.Handle(ctx, nil, newRequest())
						if err == nil {
							var body string
							if body, err = readAll(res); err == nil && body != "hello" {
								t.Errorf("got %q", body)
							}
						}
						if err != nil && (err != cause || i%3 == 0) {
							t.Errorf("got %v", err)
						}
						<-ended
						end(nil)
					}
				})
			}
			all.Wait()
		})
	}
}
