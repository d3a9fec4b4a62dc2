package serve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/serve/listen"
)

func TestAnswerIsPassedOn(t *testing.T) {
	tests := map[string]struct {
		method string
		make   func() *http.Response
		status int
		body   string
		header map[string][]string // nil: must be absent
		bytes  int64
	}{
		"short": {
			method: "GET",
			make:   func() *http.Response { return answer(200, "hello", "content-type", "text/x") },
			status: 200, body: "hello", bytes: 5,
			header: map[string][]string{"Content-Type": {"text/x"}, "Content-Length": {"5"}},
		},
		"content type is not guessed": {
			method: "GET",
			make:   func() *http.Response { return answer(200, "<html>") },
			status: 200, body: "<html>", bytes: 6,
			header: map[string][]string{"Content-Type": nil},
		},
		"repeated headers keep their order": {
			method: "GET",
			make:   func() *http.Response { return answer(201, "", "set-cookie", "a=1", "set-cookie", "b=2") },
			status: 201,
			header: map[string][]string{"Set-Cookie": {"a=1", "b=2"}},
		},
		"headers of the connection are not passed on": {
			method: "GET",
			make:   func() *http.Response { return answer(200, "x", "keep-alive", "1", "upgrade", "h2", "trailer", "x-a") },
			status: 200, body: "x", bytes: 1,
			header: map[string][]string{"Keep-Alive": nil, "Upgrade": nil, "Trailer": nil},
		},
		"HEAD has the head only": {
			method: "HEAD",
			make:   func() *http.Response { return answer(200, "hello", "content-length", "5") },
			status: 200,
			header: map[string][]string{"Content-Length": {"5"}},
		},
		"204 has no body": {
			method: "GET",
			make:   func() *http.Response { return answer(204, "hello", "content-length", "5") },
			status: 204,
			header: map[string][]string{"Content-Length": nil},
		},
		"304 has no body": {
			method: "GET",
			make:   func() *http.Response { return answer(304, "hello", "etag", `"x"`) },
			status: 304,
			header: map[string][]string{"Etag": {`"x"`}},
		},
		"no body at all": {
			method: "GET",
			make:   func() *http.Response { return &http.Response{StatusCode: 404} },
			status: 404,
		},
		"a content-length that is none is dropped": {
			method: "GET",
			make:   func() *http.Response { return answer(200, "hello", "content-length", "many") },
			status: 200, body: "hello", bytes: 5,
			header: map[string][]string{"Content-Length": {"5"}},
		},
		"larger than the buffer": {
			method: "GET",
			make:   func() *http.Response { return answer(200, strings.Repeat("x", 5*(32<<10)+7)) },
			status: 200, body: strings.Repeat("x", 5*(32<<10)+7), bytes: 5*(32<<10) + 7,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, always(tt.make), Options{})
			resp, body := do(t, tt.method, s.url+"/a?b")
			if resp.StatusCode != tt.status || body != tt.body {
				t.Errorf("got %d with %d bytes, want %d with %d bytes", resp.StatusCode, len(body), tt.status, len(tt.body))
			}
			for name, want := range tt.header {
				if diff := cmp.Diff(want, resp.Header[name]); diff != "" {
					t.Errorf("header %s (-want +got):\n%s", name, diff)
				}
			}
			record := s.record(t)
			if record.Status != tt.status || record.Bytes != tt.bytes || record.Outcome != OK ||
				record.Method != tt.method || record.Target != "/a?b" {
				t.Errorf("got record %+v", record)
			}
		})
	}
}

// countingListener counts the writes on the connections it accepts.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, &l.writes}, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestShortAnswerLeavesInOneWrite(t *testing.T) {
	inner, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	l := &countingListener{Listener: inner}
	s := startOn(t, l, Build{Handler: always(func() *http.Response { return answer(200, "hello") })}, Options{})
	do(t, "GET", s.url)
	if got := l.writes.Load(); got != 1 {
		t.Errorf("got %d writes, want 1", got)
	}
}

func TestEachChunkArrivesBeforeTheNextIsMade(t *testing.T) {
	produce := make(chan string)
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		return answerBody(200, newChunkBody(ctx, produce, io.EOF)), nil
	}), Options{})
	resp, err := client().Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, chunk := range []string{"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"} {
		produce <- chunk
		got := make([]byte, len(chunk))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != chunk {
			t.Fatalf("got %q, %v; want %q", got, err, chunk)
		}
	}
	close(produce)
	if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || err != nil {
		t.Errorf("got %q, %v at the end", rest, err)
	}
}

func TestEchoRunsInBothDirectionsAtOnce(t *testing.T) {
	s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		return answerBody(200, r.Body), nil
	}), Options{})
	in, out := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url, in)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(out, "one") }()
	resp, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, word := range []string{"one", "two", "three"} {
		if word != "one" {
			if _, err := io.WriteString(out, word); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, len(word))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != word {
			t.Fatalf("got %q, %v; want %q", got, err, word)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || err != nil {
		t.Errorf("got %q, %v at the end", rest, err)
	}
	if record := s.record(t); record.Outcome != OK || record.Bytes != 11 {
		t.Errorf("got record %+v", record)
	}
}

func TestTrailersArrive(t *testing.T) {
	for name, pieces := range map[string][]string{
		"empty":    nil,
		"short":    {"hello"},
		"streamed": {"hello", strings.Repeat("x", 2000), "end"},
	} {
		for _, waits := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
					resp := answer(200, strings.Join(pieces, ""), "x-a", "head")
					if waits {
						resp.Body = newChunkBody(ctx, chunks(pieces...), io.EOF)
					}
					resp.Trailer = http.Header{"X-Sum": {"1", "2"}, "X-A": {"tail"}, "Content-Length": {"5"}}
					return resp, nil
				}), Options{})
				resp, body := do(t, "GET", s.url)
				if body != strings.Join(pieces, "") {
					t.Errorf("got body of %d bytes", len(body))
				}
				if diff := cmp.Diff(http.Header{"X-Sum": {"1", "2"}, "X-A": {"tail"}}, resp.Trailer); diff != "" {
					t.Errorf("trailers (-want +got):\n%s", diff)
				}
				if got := resp.Header.Get("X-A"); got != "head" {
					t.Errorf("got header x-a %q", got)
				}
			})
		}
	}
}

func TestFailureBeforeTheFirstByteGetsAPage(t *testing.T) {
	trap := &Failure{Outcome: Trap, Cause: "unreachable"}
	failures := map[string]struct {
		handler handlerFunc
		outcome Outcome
		status  int
	}{
		"trap":          {failing(trap), Trap, 500},
		"expired":       {failing(&Failure{Outcome: Expired}), Expired, 504},
		"no response":   {failing(&Failure{Outcome: NoResponse}), NoResponse, 500},
		"error code":    {failing(&Failure{Outcome: ErrorCode, ErrorCode: "DNS-timeout"}), ErrorCode, 500},
		"instantiation": {failing(&Failure{Outcome: Instantiation}), Instantiation, 500},
		"undescribed": {func(context.Context, string, *http.Request) (*http.Response, error) {
			return nil, errFake
		}, Internal, 500},
		"nothing": {func(context.Context, string, *http.Request) (*http.Response, error) {
			return nil, nil
		}, NoResponse, 500},
		"panic":         {func(context.Context, string, *http.Request) (*http.Response, error) { panic("boom") }, Internal, 500},
		"informational": {always(func() *http.Response { return answer(103, "") }), NoResponse, 500},
		"status 0":      {always(func() *http.Response { return answer(0, "") }), NoResponse, 500},
		"body longer":   {always(func() *http.Response { return answer(200, "hello", "content-length", "4") }), ErrorCode, 500},
		"body shorter":  {always(func() *http.Response { return answer(200, "hello", "content-length", "6") }), ErrorCode, 500},
		"first read":    {always(func() *http.Response { return answerBody(200, &readyBody{Reader: failingReader{trap}}) }), Trap, 500},
		"read after a chunk": {always(func() *http.Response {
			return answerBody(200, &readyBody{Reader: io.MultiReader(strings.NewReader("hello"), failingReader{trap})})
		}), Trap, 500},
	}
	for name, tt := range failures {
		t.Run(name, func(t *testing.T) {
			s := start(t, tt.handler, Options{})
			resp, _ := do(t, "GET", s.url)
			if resp.StatusCode != tt.status || resp.Header.Get(OutcomeHeader) != string(tt.outcome) {
				t.Errorf("got %d, outcome %q; want %d, %q", resp.StatusCode, resp.Header.Get(OutcomeHeader), tt.status, tt.outcome)
			}
			record := s.record(t)
			if record.Status != tt.status || record.Outcome != tt.outcome || record.Failure == nil || record.Aborted {
				t.Errorf("got record %+v", record)
			}
			if got := resp.Header.Get(RequestHeader); got != record.ID {
				t.Errorf("got request id %q, want %q", got, record.ID)
			}
		})
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestFailureAfterTheHeadCutsTheConnection(t *testing.T) {
	trap := &Failure{Outcome: Trap, Cause: "unreachable"}
	tests := map[string]struct {
		header []string
		err    error
	}{
		"chunked":         {nil, trap},
		"declared length": {[]string{"content-length", "10"}, trap},
		"too short":       {[]string{"content-length", "10"}, io.EOF},
		"too long":        {[]string{"content-length", "3"}, io.EOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var body *chunkBody
			s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
				body = newChunkBody(ctx, chunks("hello"), tt.err)
				return answerBody(200, body, tt.header...), nil
			}), Options{})
			resp, err := client().Get(s.url)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("the client took %q for a whole answer", got)
			}
			record := s.record(t)
			if !record.Aborted || record.Outcome == OK || record.Status != 200 {
				t.Errorf("got record %+v", record)
			}
			receive(t, body.closed, "Close of the body")
		})
	}
}

func TestFailureAfterTheHeadResetsOlderClients(t *testing.T) {
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		return answerBody(200, newChunkBody(ctx, chunks("hello"), errFake)), nil
	}), Options{})
	got, err := raw(t, s.addr, "GET / HTTP/1.0\r\n\r\n")
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %q, %v; want a reset connection", got, err)
	}
}

func TestHandlerPanicLeavesOtherRequestsAlone(t *testing.T) {
	s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/panic" {
			panic("boom")
		}
		return answer(200, "fine"), nil
	}), Options{})
	if resp, _ := do(t, "GET", s.url+"/panic"); resp.StatusCode != 500 {
		t.Errorf("got %d, want 500", resp.StatusCode)
	}
	if _, body := do(t, "GET", s.url+"/"); body != "fine" {
		t.Errorf("got %q", body)
	}
}

func TestClientThatLeavesCancelsTheRequest(t *testing.T) {
	for name, head := range map[string]bool{"before the head": false, "while streaming": true} {
		t.Run(name, func(t *testing.T) {
			started := make(chan context.Context, 1)
			s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
				started <- ctx
				if head {
					return answerBody(200, newChunkBody(ctx, nil, nil)), nil
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}), Options{})
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			ctx := receive(t, started, "request")
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			receive(t, ctx.Done(), "cancellation")
			record := s.record(t)
			if record.Outcome != ClientGone || record.Aborted != head {
				t.Errorf("got record %+v", record)
			}
		})
	}
}

func TestEndlessBodyOfHEADIsEnded(t *testing.T) {
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		return answerBody(200, newChunkBody(ctx, nil, nil)), nil
	}), Options{Grace: time.Millisecond})
	if resp, _ := do(t, "HEAD", s.url); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
	if record := s.record(t); record.Outcome != OK {
		t.Errorf("got record %+v", record)
	}
}

func TestHandlerThatDoesNotReturnIsAnsweredFor(t *testing.T) {
	release := make(chan struct{})
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		if deadline, ok := HeadDeadline(ctx); !ok || time.Until(deadline) > time.Millisecond {
			t.Errorf("got deadline %v, %v", deadline, ok)
		}
		<-ctx.Done()
		<-release
		return answer(200, "late"), nil
	}), Options{Timeout: time.Millisecond, Grace: time.Millisecond})
	resp, _ := do(t, "GET", s.url)
	if resp.StatusCode != 504 || resp.Header.Get(OutcomeHeader) != "expired" {
		t.Errorf("got %d, outcome %q", resp.StatusCode, resp.Header.Get(OutcomeHeader))
	}
	if record := s.record(t); record.Outcome != Expired || record.Status != 504 {
		t.Errorf("got record %+v", record)
	}
	close(release)
}

func TestNoDeadlineWithoutTimeout(t *testing.T) {
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		if deadline, ok := HeadDeadline(ctx); ok {
			t.Errorf("got deadline %v", deadline)
		}
		return answer(200, ""), nil
	}), Options{})
	do(t, "GET", s.url)
}

func TestRequestsBeyondTheLimitWait(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan string, 3)
	h := handlerFunc(func(_ context.Context, id string, _ *http.Request) (*http.Response, error) {
		entered <- id
		<-release
		return answer(200, id), nil
	})
	t.Run("and learn when it takes too long", func(t *testing.T) {
		release = make(chan struct{})
		// The handler of the first keeps its slot until it is released.
		s := start(t, h, Options{MaxConcurrent: 1, Timeout: 50 * time.Millisecond, Grace: time.Hour})
		first := make(chan struct{})
		go func() {
			defer close(first)
			for full := true; full; { // the machine may be too busy even for the first
				resp, _ := do(t, "GET", s.url)
				full = resp.StatusCode == 503
			}
		}()
		receive(t, entered, "first request")
		resp, _ := do(t, "GET", s.url)
		if resp.StatusCode != 503 || resp.Header.Get(OutcomeHeader) != "full" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("got %d, %v", resp.StatusCode, resp.Header)
		}
		close(release)
		receive(t, first, "first answer")
	})
	t.Run("and run when there is room", func(t *testing.T) {
		release = make(chan struct{})
		s := start(t, h, Options{MaxConcurrent: 1, Timeout: patience})
		bodies := make(chan string, 2)
		for range 2 {
			go func() {
				_, body := do(t, "GET", s.url)
				bodies <- body
			}()
		}
		receive(t, entered, "first request")
		release <- struct{}{}
		receive(t, bodies, "first answer")
		receive(t, entered, "second request")
		release <- struct{}{}
		receive(t, bodies, "second answer")
	})
}

// barking is what a watchdog calls.
type barking func()

func (b barking) giveUp() { b() }

func TestWatchdogsRespondInTheOrderOfTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all watchdogs
		defer all.stop()
		dogs := make([]watchdog, 5)
		barked := make(chan int, len(dogs))
		for i, after := range []time.Duration{3, 1, 4, 2, 5} {
			all.arm(&dogs[i], time.Now().Add(after*time.Second), barking(func() { barked <- i }))
		}
		if !dogs[2].disarm() {
			t.Error("a watchdog that was disarmed in time has responded")
		}
		for _, want := range []int{1, 3, 0, 4} {
			begin := time.Now()
			if got := <-barked; got != want {
				t.Errorf("watchdog %d responded in place of %d", got, want)
			}
			if time.Since(begin) < time.Second {
				t.Error("a watchdog responded too early")
			}
			if dogs[want].disarm() {
				t.Error("a watchdog that has responded leaves the response to others")
			}
		}
		if all.first != nil || all.last != nil {
			t.Error("watchdogs are left")
		}
	})
}
