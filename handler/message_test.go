package handler

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// The head of a response is held back while its guest goes on, but never when the body is complete,
// long, or goes on while the guest computes.
func TestTheHeadComesWithTheBodyOfAGuestThatGoesOn(t *testing.T) {
	const pause = settleTime / 2
	hello := []byte("hello")
	for _, tc := range []struct {
		name  string
		guest func(g *guestCall, body *wasi.OutgoingBody, stream wasi.OutputStream)
		took  time.Duration
		whole bool // the body is
		bytes int  // of it are there
	}{
		{"the body comes at once", func(_ *guestCall, body *wasi.OutgoingBody, stream wasi.OutputStream) {
			_ = stream.Write(hello)
			_ = body.Finish(nil)
		}, 0, true, 5},
		{"and work follows", func(_ *guestCall, body *wasi.OutgoingBody, stream wasi.OutputStream) {
			_ = stream.Write(hello)
			_ = body.Finish(nil)
			time.Sleep(time.Second)
		}, settleTick, true, 5},
		{"soon", func(_ *guestCall, body *wasi.OutgoingBody, stream wasi.OutputStream) {
			time.Sleep(pause)
			_ = stream.Write(hello)
			_ = body.Finish(nil)
		}, pause, true, 5},
		{"a long one", func(_ *guestCall, _ *wasi.OutgoingBody, stream wasi.OutputStream) {
			_ = stream.Write(make([]byte, settleBytes))
			time.Sleep(time.Second)
		}, 0, false, settleBytes},
		{"piece by piece", func(_ *guestCall, _ *wasi.OutgoingBody, stream wasi.OutputStream) {
			_ = stream.Write(hello)
			time.Sleep(time.Second)
		}, settleStart, false, 5},
		{"late", func(*guestCall, *wasi.OutgoingBody, wasi.OutputStream) {
			time.Sleep(time.Second)
		}, settleTime, false, 0},
		{"the guest waits", func(g *guestCall, _ *wasi.OutgoingBody, _ wasi.OutputStream) {
			g.store.state.Waits()
			time.Sleep(time.Second)
		}, 0, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &host{guest: func(g *guestCall) error {
				g.store.state.Waits() // before the head, that says nothing
				body, stream := g.head()
				tc.guest(g, body, stream)
				_ = body.Finish(nil)
				return nil
			}}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				start := time.Now()
				res, err := p.Handle(t.Context(), nil, newRequest())
				if err != nil {
					t.Fatal(err)
				}
				if d := time.Since(start); d != tc.took {
					t.Errorf("the head came after %v, want %v", d, tc.took)
				}
				if whole := res.inner.Body.Ended(); whole != tc.whole {
					t.Errorf("the body is whole: %v", whole)
				}
				if n := res.inner.Body.Buffered(); n != tc.bytes || res.Body.Ready() != (n > 0) {
					t.Errorf("%d bytes of the body are there, want %d; Ready is %v", n, tc.bytes,
						res.Body.Ready())
				}
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestResponsesHaveHeadBodyAndTrailers(t *testing.T) {
	h := &host{guest: func(g *guestCall) error {
		rules := g.store.state.FieldRules()
		head := wasi.NewFields(rules)
		trailers := wasi.NewFields(rules)
		if err := errors.Join(head.Append("X-Name", []byte("value")), trailers.Append("x-sum", []byte("42"))); err != nil {
			return err
		}
		res := g.store.state.NewOutgoingResponse(head)
		res.Status = 201
		body, _ := res.Body()
		stream, _ := body.Stream()
		g.out.Set(res, nil)
		_ = stream.Write([]byte("hello"))
		_ = body.Finish(trailers)
		return nil
	}}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		res, err := p.Handle(t.Context(), nil, newRequest())
		if err != nil {
			t.Fatal(err)
		}
		hr := res.HTTP()
		b, err := io.ReadAll(hr.Body)
		type message struct {
			Status                int
			Header, Body, Trailer string
			Own                   string
		}
		got := message{
			hr.StatusCode,
			hr.Header.Get("X-Name"),
			string(b),
			hr.Trailer.Get("X-Sum"),
			string(res.Trailer().Get("x-sum")[0]),
		}
		if diff := cmp.Diff(message{201, "value", "hello", "42", "42"}, got); diff != "" || err != nil {
			t.Errorf("error %v, response (-want +got):\n%s", err, diff)
		}
		if err := hr.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAResponseToAReceiverThatLeavesAtThatMomentIsClosed(t *testing.T) {
	state := wasi.NewState(&wasi.Config{})
	defer state.Close()
	x := newExchange(newRequest(), nil, nil)
	out := wasi.NewResponseOutparam(func(r *wasi.Response, _ *wasi.ErrorCode) {
		if !x.resolve(r, nil) {
			t.Error("the response was refused")
		}
	})
	res := state.NewOutgoingResponse(wasi.NewFields(state.FieldRules()))
	body, _ := res.Body()
	stream, _ := body.Stream()
	out.Set(res, nil)
	x.abandon()
	if err := stream.Write([]byte("late")); err != wasi.ErrClosed {
		t.Errorf("writing gives %v, want ErrClosed", err)
	}
	if x.resolve(nil, io.EOF) {
		t.Error("a second outcome was taken")
	}
}
