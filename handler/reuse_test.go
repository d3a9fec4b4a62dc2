package handler

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestOneRequestAfterAnotherNeedsOneInstance sends each request as soon as the response to the one
// before it is complete: the instance is free by then.
func TestOneRequestAfterAnotherNeedsOneInstance(t *testing.T) {
	one := &host{
		guest:  func(g *guestCall) error { g.hello(); return nil },
		accept: Reuse{Max: 1000}.ShouldAcceptRequest,
	}
	several := &loopHost{
		host:  &host{accept: Reuse{Max: 1000, Concurrent: 1}.ShouldAcceptRequest},
		guest: func(t *fakeTask) error { t.hello(); t.exit(); return nil },
	}
	for _, h := range []HandlerState{one, several} {
		// In a bubble no time passes, after which a response would not be held back any longer.
		synctest.Test(t, func(t *testing.T) {
			p := New(t.Context(), h)
			for range 500 {
				res, err := p.Handle(t.Context(), nil, newRequest())
				if err != nil {
					t.Fatal(err)
				}
				body, err := readAll(res)
				wantHello(t, body, err)
			}
			p.Close(context.Background())
		})
	}
	if one.created() != 1 || several.created() != 1 {
		t.Errorf("%d and %d instances, want 1", one.created(), several.created())
	}
}
