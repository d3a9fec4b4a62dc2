package wasi

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// here is a Continuation: the rest comes without the guest.
type here bool

func (h here) WithoutGuest() bool { return bool(h) }

// A request with content-length 0 is whole once its head is there. So the head waits until it is
// known that nothing else comes: the server does not take a request for whole that ends in an
// error.
func TestARequestThatSaysItIsEmptyWaitsForItsEnd(t *testing.T) {
	const soon, late = undecided - 1, undecided
	finish := func(b *OutgoingBody, _ OutputStream) { b.Finish(nil) }
	write := func(b *OutgoingBody, s OutputStream) {
		if err := s.Write([]byte("x")); AsErrorCode(err) == nil {
			t.Errorf("a write: %v", err)
		}
	}
	for name, tc := range map[string]struct {
		length  string
		spliced bool
		then    func(*OutgoingBody, OutputStream) // after a time
		after   time.Duration
		early   bool // the head has left before that
		whole   bool // and afterwards
	}{
		"it ends":                       {"0", false, finish, soon, false, true},
		"it ends, passed on":            {"0", true, finish, time.Minute, false, true},
		"the contents end":              {"0", false, func(b *OutgoingBody, _ OutputStream) { b.NoMore() }, soon, false, true},
		"something is written":          {"0", false, write, soon, false, false},
		"something is passed on":        {"0", true, write, time.Minute, false, false},
		"it is given up":                {"0", false, func(b *OutgoingBody, _ OutputStream) { b.Abort(ErrBodyDropped) }, soon, false, false},
		"the guest waits":               {"0", false, finish, late, true, true},
		"a length of a body that comes": {"1", false, finish, 0, true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, client := net.Pipe()
			var got strings.Builder
			read := make(chan struct{})
			go func() {
				defer close(read)
				_, _ = io.Copy(&got, server) // however it ends
			}()
			st := NewState(&Config{Client: &Client{
				Connect: func(context.Context, Destination) (net.Conn, error) { return client, nil },
			}})
			r := newRequest(t, st, "h", "content-length", tc.length)
			r.Method = "POST"
			body, _ := r.Body()
			stream, _ := body.Stream()
			body.ComesWithoutGuest(here(tc.spliced), tc.spliced)
			if _, code := st.Send(t.Context(), r, RequestOptions{}); code != nil {
				t.Fatal(code)
			}
			whole := func() bool { return strings.HasSuffix(got.String(), "\r\n\r\n") }
			time.Sleep(tc.after)
			synctest.Wait()
			if whole() != tc.early {
				t.Errorf("%s: the server has %q", name, got.String())
			}
			tc.then(body, stream)
			synctest.Wait()
			if whole() != tc.whole {
				t.Errorf("%s: in the end, the server has %q", name, got.String())
			}
			st.Close()
			<-read
		})
	}
}

// The reader of a response that declares no contents, but passes on those of another message, waits
// until these have ended. It does not wait for a guest, which may go on for long.
func TestAResponseThatSaysItIsEmptyWaitsForWhatItPassesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		length  string
		spliced bool
		end     func(*OutgoingBody)
		waits   bool
	}{
		"the end":           {"0", true, func(b *OutgoingBody) { b.Finish(nil) }, true},
		"no contents":       {"0", true, func(b *OutgoingBody) { b.NoMore() }, true},
		"an error":          {"0", true, func(b *OutgoingBody) { b.Abort(io.ErrUnexpectedEOF) }, true},
		"the reader leaves": {"0", true, func(b *OutgoingBody) { b.Reader().Close() }, true},
		"a guest's":         {"0", false, nil, false},
		"a length":          {"3", true, nil, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			st := NewState(&Config{})
			defer st.Close()
			b, _, r := newOutgoing(t, st, "content-length", tc.length)
			b.ComesWithoutGuest(here(tc.spliced), tc.spliced)
			done := make(chan struct{})
			go func() {
				defer close(done)
				r.AwaitWhole(0)
			}()
			synctest.Wait()
			select {
			case <-done:
				if tc.waits {
					t.Errorf("%s: not awaited", name)
				}
			default:
				if !tc.waits {
					t.Fatalf("%s: awaited", name)
				}
				tc.end(b)
			}
			<-done
		})
	}
}
