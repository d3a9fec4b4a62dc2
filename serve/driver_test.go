package serve

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/exchange"
	"github.com/wasihttp/wasihttp/serve/listen"
)

// lending is work that a handler lends the driver for.
type lending struct {
	driver exchange.Driver
	resume bool
	held   <-chan struct{} // Run returns when it is closed
	runs   int
}

func (l *lending) Run() bool {
	l.runs++
	if !l.resume {
		return true
	}
	l.driver.Resume()
	<-l.held
	return false
}

// Connections whose drivers are lent, and come back or do not, serve one request after the other,
// go to net/http when one is not plain, and end with the server though a driver is still away.
func TestConnectionsGoOnWithOrWithoutTheirDriver(t *testing.T) {
	held := make(chan struct{})
	handler := func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
		said := "nobody"
		if c, ok := ctx.(interface{ Driver() exchange.Driver }); ok && c.Driver() != nil {
			l := &lending{driver: c.Driver(), resume: r.URL.Path == "/resume", held: held}
			l.driver.Lend(l)
			if said = "driver"; l.runs != 1 {
				t.Errorf("the work was done %d times", l.runs)
			}
		}
		return &http.Response{
			StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(said)),
		}, nil
	}
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Build{Handler: handlerFunc(handler)}, Options{
		Direct: true, DrainTimeout: patience,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for i, want := range []struct{ request, said string }{
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "driver"},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "driver"},
		{"GET /resume HTTP/1.1\r\nHost: x\r\n\r\n", "driver"},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "driver"},
		{"GET /resume HTTP/1.1\r\nHost: x\r\n\r\n", "driver"},
		{"GET /resume HTTP/1.1\r\nHost: x\r\n\r\n", "driver"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", "nobody"},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "nobody"},
	} {
		if _, err := io.WriteString(c, want.request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if said, err := io.ReadAll(resp.Body); string(said) != want.said || err != nil {
			t.Errorf("request %d: %q, %v; want %q", i, said, err, want.said)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(held)
}
