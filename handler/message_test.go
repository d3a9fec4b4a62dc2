package handler

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

func TestReadyWaitsOnceForAGuestThatIsAboutToFinish(t *testing.T) {
	for _, tc := range []struct {
		name  string
		waits bool          // in a host function after the head
		pause time.Duration // between head and body
		ready bool
		took  time.Duration
	}{
		{"at once", false, 0, true, 0},
		{"soon", false, settleTime / 2, true, settleTime / 2},
		{"late", false, time.Second, false, settleTime},
		{"when it waits", true, settleTime / 2, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &host{guest: func(g *guestCall) error {
				g.store.state.Waits() // before the head, that says nothing
				body, stream := g.head()
				if tc.waits {
					g.store.state.Waits()
				}
				time.Sleep(tc.pause)
				_ = stream.Write([]byte("hello"))
				_ = body.Finish(nil)
				return nil
			}}
			bubble(t, h, func(t *testing.T, p *ProxyHandler) {
				// Handle may have waited for all of it already.
				start := time.Now()
				res, err := p.Handle(t.Context(), nil, newRequest())
				if err != nil {
					t.Fatal(err)
				}
				if ready := res.Body.Ready(); ready != tc.ready {
					t.Errorf("Ready is %v", ready)
				}
				if d := time.Since(start); d != tc.took {
					t.Errorf("Ready took %v, want %v", d, tc.took)
				}
				if ready := res.Body.Ready(); ready != tc.ready {
					t.Errorf("the second Ready is %v", ready)
				}
				if d := time.Since(start); d != tc.took {
					t.Errorf("the second Ready waited again, until %v", d)
				}
				body, err := readAll(res)
				wantHello(t, body, err)
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
