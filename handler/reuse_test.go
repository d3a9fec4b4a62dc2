package handler

import (
	"context"
	"testing"
)

// TestOneRequestAfterAnotherNeedsOneInstance sends each request as soon as the response to the one
// before it is complete: the instance is free by then.
func TestOneRequestAfterAnotherNeedsOneInstance(t *testing.T) {
	h := &host{
		guest:  func(g *guestCall) error { g.hello(); return nil },
		accept: Reuse{Max: 1000}.ShouldAcceptRequest,
	}
	p := New(t.Context(), h)
	for range 500 {
		res, err := p.Handle(t.Context(), nil, newRequest())
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Ready()
		body, err := readAll(res)
		wantHello(t, body, err)
	}
	p.Close(context.Background())
	if h.created() != 1 {
		t.Errorf("%d instances, want 1", h.created())
	}
}
