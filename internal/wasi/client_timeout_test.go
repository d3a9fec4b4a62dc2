package wasi

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A server on the same machine is connected to at once, and that is in time whatever the timeout.
func TestATimeoutOfZeroLetsThroughWhatNeedsNoWait(t *testing.T) {
	addr := rawServer(t, func(c net.Conn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	})
	began := time.Now()
	client := &Client{Connect: func(ctx context.Context, to Destination) (net.Conn, error) {
		end, ok := ctx.Deadline()
		if !ok || !end.After(began) || end.After(time.Now().Add(time.Minute)) {
			t.Errorf("the connection may be made until %v", end)
		}
		return net.Dial("tcp", to.Address)
	}}
	st := newState(t, &Config{Client: client})
	res, code := exchange(t, st, newRequest(t, st, addr), RequestOptions{Connect: ns(0)})
	if code != nil {
		t.Fatal(code)
	}
	if text, _, code := bodyOf(t, res); text != "hi" || code != nil {
		t.Errorf("got %q, %v", text, code)
	}
	if patience(ns(0)) <= 0 || patience(ns(time.Hour)) != time.Hour ||
		patience(nil) != DefaultTimeout {
		t.Error("timeouts are not kept")
	}
}

func TestATimeoutThatHasPassedIsNamed(t *testing.T) {
	never := func(ctx context.Context, _ Destination) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	silent := rawServer(t, func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	half := rawServer(t, func(c net.Conn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		_, _ = io.Copy(io.Discard, r)
	})
	for want, c := range map[string]struct {
		authority string
		connect   func(ctx context.Context, to Destination) (net.Conn, error)
		opts      RequestOptions
	}{
		"no connection within the connect-timeout of 0s": {
			"h", never, RequestOptions{Connect: ns(0)}},
		"no response head within the first-byte-timeout of 1ms": {
			silent, nil, RequestOptions{FirstByte: ns(time.Millisecond)}},
		"nothing more of the body within the between-bytes-timeout of 1ms": {
			half, nil, RequestOptions{BetweenBytes: ns(time.Millisecond)}},
	} {
		st := newState(t, &Config{Client: &Client{Connect: c.connect}})
		res, code := exchange(t, st, newRequest(t, st, c.authority), c.opts)
		if code == nil {
			_, _, code = bodyOf(t, res)
		}
		if code == nil || !strings.HasSuffix(code.Error(), ": "+want) {
			t.Errorf("got %v, want %s", code, want)
		}
	}
	// What the system says by itself stays: it has a limit of its own.
	code := dialError(t.Context(), context.DeadlineExceeded).explain(t.Context().Err(), "x", nil)
	if strings.Contains(code.Error(), "x of") {
		t.Errorf("got %v", code)
	}
}

func TestUserinfoThatIsNotSentIsReported(t *testing.T) {
	addr := rawServer(t, func(c net.Conn, r *bufio.Reader) {
		head := strings.Join(readHead(r), "\n")
		if strings.Contains(head, "secret") || strings.Contains(head, "uthorization") {
			t.Errorf("got %s", head)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	for authority, dropped := range map[string]bool{
		addr: false, "user:secret@" + addr: true, "user@" + addr: true,
	} {
		logged := make(chan Outbound, 1)
		st := newState(t, &Config{Client: &Client{Log: func(o Outbound) { logged <- o }}})
		if _, code := exchange(t, st, newRequest(t, st, authority), RequestOptions{}); code != nil {
			t.Fatal(code)
		}
		if o := <-logged; o.Userinfo != dropped || strings.Contains(o.URL, "user") {
			t.Errorf("%s: got %+v", authority, o)
		}
	}
}
