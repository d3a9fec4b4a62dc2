//go:build linux || darwin

package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// awaited is what a handler finds about the body of a request.
type awaited struct {
	readable bool
	err      error
	body     string
}

// TestABodyIsAwaitedWithoutAGoroutine has a handler wait for bytes, which are there, or come once
// it waits, and read all that there is; the client's next request is on the same connection.
func TestABodyIsAwaitedWithoutAGoroutine(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for name, tt := range map[string]struct {
		head, before, after string // sent before the handler runs, and then
		cannot              bool
	}{
		"with the head":      {"Content-Length: 5", "hello", "", false},
		"more than a buffer": {"Content-Length: 9000", long, "", false},
		"later":              {"Content-Length: 5", "", "hello", false},
		"in parts":           {"Content-Length: 9005", "hello", long, false},
		"chunks":             {"Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "", true},
		"an invitation":      {"Content-Length: 5\r\nExpect: 100-continue", "hello", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			began, got := make(chan struct{}), make(chan awaited, 1)
			s := start(t, handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodGet {
					return answer(200, "next"), nil
				}
				close(began)
				var a awaited
				buf := make([]byte, 64<<10)
				for err := error(nil); err == nil; {
					a.readable, a.err = r.Body.(interface {
						AwaitReadable(ctx context.Context) (bool, error)
					}).AwaitReadable(ctx)
					var n int
					n, err = r.Body.Read(buf)
					a.body += string(buf[:n])
				}
				got <- a
				return answer(200, "done"), nil
			}), Options{})
			c, r := dialServer(t, s)
			_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s", tt.head, tt.before)
			if err != nil {
				t.Fatal(err)
			}
			<-began
			if _, err := io.WriteString(c, tt.after); err != nil {
				t.Fatal(err)
			}
			a, want := <-got, tt.before+tt.after
			if tt.cannot {
				want = "hello"
			}
			if a.readable == tt.cannot || a.err != nil || a.body != want {
				t.Errorf("readable %v, %v, and %d bytes; want %d", a.readable, a.err, len(a.body), len(want))
			}
			readStatus(t, r, 200)
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			readStatus(t, r, 200)
		})
	}
}

// prompt is a body that can be read without a wait.
type prompt interface {
	ReadNow(p []byte) (n int, known bool, err error)
}

// TestABodyIsReadWithoutAWait has a handler that finds nothing at first, if nothing has been sent,
// and reads what comes, until the end or until the client has gone.
func TestABodyIsReadWithoutAWait(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for name, tt := range map[string]struct {
		head, before, after string // sent before the handler runs, and then
		cannot, gone        bool
	}{
		"with the head": {head: "Content-Length: 5", before: "hello"},
		"later":         {head: "Content-Length: 5", after: "hello"},
		"in parts":      {head: "Content-Length: 9005", before: "hello", after: long},
		"a part":        {head: "Content-Length: 9005", before: "hello", after: "hello", gone: true},
		"chunks":        {head: "Transfer-Encoding: chunked", cannot: true},
		"an invitation": {head: "Content-Length: 5\r\nExpect: 100-continue", cannot: true},
	} {
		t.Run(name, func(t *testing.T) {
			type result struct {
				known bool
				body  string
				err   error
			}
			found, got := make(chan struct{}), make(chan result, 1)
			var once sync.Once
			s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
				var all result
				buf := make([]byte, 64<<10)
				for all.err == nil {
					n, known, err := r.Body.(prompt).ReadNow(buf)
					all = result{known, all.body + string(buf[:n]), err}
					if len(all.body) >= len(tt.before) || !known {
						once.Do(func() { close(found) })
					}
					if !known {
						break
					}
					runtime.Gosched()
				}
				got <- all
				return answer(200, "done"), nil
			}), Options{Grace: time.Minute})
			c, _ := dialServer(t, s)
			_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s", tt.head, tt.before)
			if err != nil {
				t.Fatal(err)
			}
			<-found
			if _, err := io.WriteString(c, tt.after); err != nil {
				t.Fatal(err)
			}
			want, end := tt.before+tt.after, io.EOF
			if tt.gone {
				_, end = c.Close(), io.ErrUnexpectedEOF
			}
			if tt.cannot {
				want, end = "", nil
			}
			if r := <-got; r.known == tt.cannot || r.body != want || !errors.Is(r.err, end) {
				t.Errorf("known %v, %d bytes, %v; want %d, %v", r.known, len(r.body), r.err, len(want), end)
			}
		})
	}
}

// TestAwaitingABodyEndsWithTheContext has a client that does not go on: the handler's time ends,
// and the client gets the response, sends the rest, and another request.
func TestAwaitingABodyEndsWithTheContext(t *testing.T) {
	late := errors.New("late")
	got := make(chan awaited, 1)
	began := make(chan context.CancelCauseFunc, 1)
	s := start(t, handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return answer(200, "next"), nil
		}
		ctx, cancel := context.WithCancelCause(ctx)
		began <- cancel
		var a awaited
		a.readable, a.err = r.Body.(interface {
			AwaitReadable(ctx context.Context) (bool, error)
		}).AwaitReadable(ctx)
		got <- a
		return answer(200, "done"), nil
	}), Options{Grace: time.Minute})
	c, r := dialServer(t, s)
	const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	(<-began)(late)
	if a := <-got; a.readable || !errors.Is(a.err, late) {
		t.Errorf("readable %v, %v", a.readable, a.err)
	}
	if _, err := io.WriteString(c, "helloGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	readStatus(t, r, 200)
	readStatus(t, r, 200)
}

func dialServer(t *testing.T, s *running) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

func readStatus(t *testing.T, r *bufio.Reader, want int) {
	t.Helper()
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		if err != nil || resp.StatusCode != want {
			t.Fatalf("status %d, %v; want %d", resp.StatusCode, err, want)
		}
		return
	}
}
