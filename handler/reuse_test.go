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

// TestFreshInstancesAreRecycled sends requests each of which gets an instance of its own: it begins
// as a new one does, though its memory was another's.
func TestFreshInstancesAreRecycled(t *testing.T) {
	for _, guest := range []string{"rust-kitchen/rust-kitchen.wasm",
		"rust-kitchen-p3/rust-kitchen-p3.wasm"} {
		h := &guestHost{loaded: load(t, guest), reuse: Reuse{Max: 1}}
		p := New(t.Context(), h)
		for i, target := range []string{"/counter", "/big?n=300000", "/counter", "/echo", "/counter",
			"/headers", "/counter"} {
			got, err := fetch(t.Context(), p, nil, target)
			if err != nil {
				t.Fatal(err)
			}
			if target == "/counter" && got != "1\n" {
				t.Errorf("%s: request %d finds an instance that has seen %q", guest, i, got)
			}
			// Without its worker's end the instance is not there for the next request.
			p.workers.Wait()
			if n := h.linked.Idle(); n != 1 {
				t.Errorf("%s: %d instances are kept after request %d, want 1", guest, n, i)
			}
		}
		p.Close(context.Background())
	}
}
