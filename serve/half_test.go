package serve

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// halfOpen sends a request and ends its side of the connection.
func halfOpen(t *testing.T, s *running, request string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// halfRequests come with the end of the client's side behind them.
var halfRequests = map[string]string{
	"plain":    "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n",
	"a body":   "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
	"chunks":   "POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"the last": "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /the-last HTTP/1.1\r\nHost: h\r\n\r\n",
	"HTTP/1.0": "GET /old HTTP/1.0\r\nHost: h\r\n\r\n",
}

// TestAClientThatOnlyEndsItsSideGetsItsResponse has handlers respond at once, and only after the
// client was asked, which its HTTP/1.1 allows.
func TestAClientThatOnlyEndsItsSideGetsItsResponse(t *testing.T) {
	for _, late := range []bool{false, true} {
		for name, request := range halfRequests {
			t.Run(fmt.Sprint(name, late), func(t *testing.T) {
				t.Parallel()
				respond := make(chan struct{})
				s := start(t, handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return nil, err
					}
					if r.URL.Path == "/1" {
						return answer(200, "first"), nil
					}
					select {
					case <-respond:
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					return answer(200, "done"), nil
				}), Options{Grace: 20 * time.Millisecond})
				c := halfOpen(t, s, request)
				const question = "HTTP/1.1 100 Continue\r\n\r\n"
				if late && name != "HTTP/1.0" && name != "the last" {
					got := make([]byte, len(question))
					if _, err := io.ReadFull(c, got); err != nil || string(got) != question {
						t.Fatalf("got %q, %v", got, err)
					}
				}
				close(respond)
				text, err := io.ReadAll(c)
				got := strings.TrimPrefix(string(text), question)
				if err != nil || !strings.HasPrefix(got, "HTTP/1.") || !strings.HasSuffix(got, "\r\n\r\ndone") {
					t.Errorf("got %q, %v", text, err)
				}
				for record := s.record(t); ; record = s.record(t) {
					if record.Outcome != OK {
						t.Errorf("got %+v", record)
					}
					if record.Target != "/1" {
						break
					}
				}
			})
		}
	}
}

func TestAClientThatOnlyEndsItsSideGetsItsStream(t *testing.T) {
	pieces := make(chan string)
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		return answerBody(200, newChunkBody(ctx, pieces, io.EOF)), nil
	}), Options{Grace: 20 * time.Millisecond})
	c := halfOpen(t, s, halfRequests["plain"])
	for range 3 {
		pieces <- "piece"
		const chunk = "5\r\npiece\r\n"
		var got []byte
		for one := make([]byte, 1); !strings.HasSuffix(string(got), chunk); got = append(got, one...) {
			if _, err := io.ReadFull(c, one); err != nil {
				t.Fatalf("got %q, %v", got, err)
			}
		}
	}
	close(pieces)
	if text, err := io.ReadAll(c); err != nil || string(text) != "0\r\n\r\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestAClientThatLeavesAStreamIsNoticed has nothing sent to the client, which is not asked then.
func TestAClientThatLeavesAStreamIsNoticed(t *testing.T) {
	pieces := make(chan string)
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		return answerBody(200, newChunkBody(ctx, pieces, io.EOF)), nil
	}), Options{Grace: 20 * time.Millisecond})
	c := halfOpen(t, s, halfRequests["plain"])
	pieces <- "piece"
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if record := s.record(t); record.Outcome != ClientGone {
		t.Errorf("got %+v", record)
	}
}

func TestAClientThatHasLeftIsNoticed(t *testing.T) {
	for name, request := range halfRequests {
		if name == "the last" || name == "HTTP/1.0" {
			continue // that takes thirty times the grace
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{})
			s := start(t, handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return nil, err
				}
				<-ctx.Done()
				close(left)
				return nil, ctx.Err()
			}), Options{Grace: 20 * time.Millisecond})
			c := halfOpen(t, s, request)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			receive(t, left, "end of the request")
			if record := s.record(t); record.Outcome != ClientGone {
				t.Errorf("got %+v", record)
			}
		})
	}
}

func TestAnIdleConnectionEndsWithItsClient(t *testing.T) {
	s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, r.Body)
		return answer(200, "done"), err
	}), Options{Grace: time.Hour})
	for name, request := range halfRequests {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 16)
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
		s.record(t)
		if name == "the last" {
			s.record(t)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}
