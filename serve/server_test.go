package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
	"github.com/wasihttp/wasihttp/serve/listen"
)

func TestDrainLetsRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	closed := make(chan struct{})
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	draining := make(chan int, 1)
	s := startOn(t, l, Build{
		Handler: handlerFunc(func(context.Context, string, *http.Request) (*http.Response, error) {
			close(entered)
			<-release
			return answer(200, "done"), nil
		}),
		Close: func(context.Context) error { close(closed); return nil },
	}, Options{Draining: func(n int) { draining <- n }})
	bodies := make(chan string, 1)
	go func() {
		_, body := do(t, "GET", s.url)
		bodies <- body
	}()
	receive(t, entered, "request")
	s.stop()
	if n := receive(t, draining, "call of Draining"); n != 1 {
		t.Errorf("got %d running requests, want 1", n)
	}
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("a new connection was accepted while draining")
	}
	select {
	case <-closed:
		t.Error("the build was closed under a request")
	default:
	}
	close(release)
	if body := receive(t, bodies, "answer"); body != "done" {
		t.Errorf("got %q", body)
	}
	receive(t, closed, "Close of the build")
}

func TestDrainEndsRequestsThatGoOn(t *testing.T) {
	tests := map[string]struct {
		drain time.Duration
		abort bool
	}{
		"after the drain timeout": {time.Millisecond, false},
		"when aborted":            {time.Hour, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			entered := make(chan struct{})
			abort := make(chan struct{})
			s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
				close(entered)
				return answerBody(200, newChunkBody(ctx, nil, nil)), nil
			}), Options{DrainTimeout: tt.drain, Abort: abort})
			ended := make(chan error, 1)
			go func() {
				resp, err := client().Get(s.url)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				ended <- err
			}()
			receive(t, entered, "request")
			s.stop()
			if tt.abort {
				close(abort)
			}
			if err := receive(t, ended, "end of the stream"); err == nil {
				t.Error("the client took half an answer for a whole one")
			}
			if record := s.record(t); record.Outcome != Stopped || !record.Aborted {
				t.Errorf("got record %+v", record)
			}
			if err := receive(t, s.ended, "end of Serve"); err != nil {
				t.Error(err)
			}
			s.ended <- nil
		})
	}
}

func TestUnusedConnectionsDoNotHoldUpTheDrain(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, _ time.Duration) {
		s := start(t, always(func() *http.Response { return answer(200, "") }), Options{})
		unused, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer unused.Close()
		do(t, "GET", s.url) // accepted later than the other
		begin := time.Now()
		s.stop()
		if err := receive(t, s.ended, "end of Serve"); err != nil {
			t.Error(err)
		}
		s.ended <- nil
		// net/http alone waits five seconds.
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestServeReportsAFailingListener(t *testing.T) {
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := New(Build{Handler: failing(&Failure{})}, Options{DrainTimeout: patience})
	if err := s.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
}

func TestSwapKeepsEachRequestOnItsBuild(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	closed := make(chan struct{})
	build := func(name string, hold bool) Build {
		return Build{
			Handler: handlerFunc(func(context.Context, string, *http.Request) (*http.Response, error) {
				if hold {
					close(entered)
					<-release
				}
				return answer(200, name), nil
			}),
			Close: func(context.Context) error {
				if hold {
					close(closed)
				}
				return nil
			},
		}
	}
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, l, build("old", true), Options{})
	bodies := make(chan string, 1)
	go func() {
		_, body := do(t, "GET", s.url)
		bodies <- body
	}()
	receive(t, entered, "request to the old build")
	old := s.Swap(build("new", false))
	if _, body := do(t, "GET", s.url); body != "new" {
		t.Errorf("got %q from the new build", body)
	}
	retired := make(chan error, 1)
	go func() { retired <- old.Wait(context.Background()) }()
	select {
	case <-closed:
		t.Error("the old build was closed under a request")
	default:
	}
	close(release)
	if body := receive(t, bodies, "answer of the old build"); body != "old" {
		t.Errorf("got %q from the old build", body)
	}
	receive(t, closed, "Close of the old build")
	if err := receive(t, retired, "end of retire"); err != nil {
		t.Error(err)
	}
}

func TestSwapUnderLoadLosesNoRequest(t *testing.T) {
	build := func() Build {
		var mu sync.RWMutex
		open := true
		return Build{
			Handler: handlerFunc(func(context.Context, string, *http.Request) (*http.Response, error) {
				mu.RLock()
				defer mu.RUnlock()
				if !open {
					return nil, errors.New("the build is closed")
				}
				return answer(200, "ok"), nil
			}),
			Close: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				open = false
				return nil
			},
		}
	}
	s := New(build(), Options{})
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				g := s.acquire()
				if _, err := g.build.Handler.Handle(context.Background(), "", nil); err != nil {
					t.Error(err)
				}
				g.release()
			}
		})
	}
	for range 40 {
		if err := s.Swap(build()).Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	clients.Wait()
}

func TestNothingIsLeftRunning(t *testing.T) {
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	h := handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
		switch r.URL.Path {
		case "/trap":
			return nil, &Failure{Outcome: Trap}
		case "/late":
			<-ctx.Done()
			return nil, ctx.Err()
		case "/half":
			return answerBody(200, newChunkBody(ctx, chunks("x"), errFake)), nil
		}
		return answer(200, "ok"), nil
	})
	s := New(Build{Handler: h}, Options{Timeout: time.Millisecond, Grace: time.Millisecond, DrainTimeout: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	c := client()
	for range 10 {
		for _, path := range []string{"/", "/trap", "/late", "/half"} {
			resp, err := c.Get("http://" + l.Addr().String() + path)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	cancel()
	if err := receive(t, ended, "end of Serve"); err != nil {
		t.Fatal(err)
	}
	if n := s.Active(); n != 0 {
		t.Errorf("%d requests are active", n)
	}
	// The goroutines of net/http end a little after their connections.
	var left string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(stack, "/serve.(*") && !strings.Contains(stack, "testing.tRunner") {
				left = stack
			}
		}
		if left == "" {
			return
		}
	}
	t.Errorf("still running:\n%s", left)
}

func TestListenOnAnOccupiedPort(t *testing.T) {
	first, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	addr := first.Addr().String()
	var inUse *listen.AddressInUseError
	if _, err := listen.Listen(t.Context(), addr, false); !errors.As(err, &inUse) || inUse.Addr != addr {
		t.Errorf("got %v, want an AddressInUseError for %s", err, addr)
	}
	second, err := listen.Listen(t.Context(), addr, true)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Addr().String() == addr {
		t.Error("the occupied port was taken")
	}
}

func TestURL(t *testing.T) {
	tests := []struct{ listen, asked, want string }{
		{"127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080/"},
		{"127.0.0.1:8080", "localhost:0", "http://localhost:8080/"},
		{"[::1]:8080", "[::1]:0", "http://[::1]:8080/"},
		{"[::]:8080", ":8080", "http://127.0.0.1:8080/"},
		{"[::]:8080", "[::]:8080", "http://[::1]:8080/"},
		{"0.0.0.0:8080", "0.0.0.0:8080", "http://127.0.0.1:8080/"},
		{"192.0.2.1:8080", "192.0.2.1:8080", "http://192.0.2.1:8080/"},
	}
	for _, tt := range tests {
		addr, err := net.ResolveTCPAddr("tcp", tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := listen.URL(fixedListener{addr}, tt.asked, false); got != tt.want {
			t.Errorf("URL(%s, %s) = %s, want %s", tt.listen, tt.asked, got, tt.want)
		}
	}
}

// fixedListener has an address and nothing else.
type fixedListener struct{ addr *net.TCPAddr }

func (l fixedListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l fixedListener) Close() error              { return nil }
func (l fixedListener) Addr() net.Addr            { return l.addr }

func TestClientsOfTLSLearnThatThisIsNone(t *testing.T) {
	var log lockedBuffer
	s := start(t, always(func() *http.Response { return answer(200, "hello") }), Options{ErrorLog: &log})
	_, err := (&http.Client{Transport: &http.Transport{}}).Get("https://" + s.addr)
	if err == nil || !strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "tried https://") {
		t.Errorf("got log %q", log.String())
	}
	if _, body := do(t, "GET", s.url); body != "hello" {
		t.Errorf("then got %q", body)
	}
}

func TestOtherProtocolsEndTheConnection(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "hello") }), Options{})
	text, err := raw(t, s.addr, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\nGET /in-the-tunnel HTTP/1.1\r\nHost: h\r\n\r\n")
	if err != nil || strings.Count(text, "HTTP/1.1 200 OK") != 1 || !strings.Contains(text, "\r\nConnection: close\r\n") {
		t.Errorf("CONNECT: got %q, %v", text, err)
	}
}

func TestErrorsOfTheHTTPServerAreRouted(t *testing.T) {
	var log lockedBuffer
	s := start(t, handlerFunc(func(context.Context, string, *http.Request) (*http.Response, error) {
		panic("boom")
	}), Options{ErrorLog: &log})
	do(t, "GET", s.url)
	if !strings.Contains(log.String(), "boom") {
		t.Errorf("got log %q", log.String())
	}
}

// lockedBuffer is a buffer that is read while it is written.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func TestResponsesWhileDrainingSayThatTheConnectionEnds(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	draining := make(chan int, 1)
	s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		entered <- struct{}{}
		<-release
		if r.URL.Path == "/trap" {
			return nil, &Failure{Outcome: Trap}
		}
		return answer(200, "done"), nil
	}), Options{Draining: func(n int) { draining <- n }})
	got := make(chan string, 2)
	for _, path := range []string{"/", "/trap"} {
		go func() {
			text, err := raw(t, s.addr, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if err != nil {
				t.Error(err)
			}
			got <- text
		}()
		receive(t, entered, "request")
	}
	s.stop()
	receive(t, draining, "call of Draining")
	close(release)
	for range 2 {
		if text := receive(t, got, "response"); !strings.Contains(text, "\r\nConnection: close\r\n") {
			t.Errorf("got %s", text)
		}
	}
}

func TestARefusalIsSentThoughMoreOfTheRequestComes(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "") }), Options{Grace: patience})
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// More than the server reads in one piece: a socket that is closed on the rest is reset.
	rest := strings.Repeat("x", 64<<10)
	const lengths = "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\n"+lengths+rest); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 400 {
		t.Fatalf("got %v, %v", resp, err)
	}
	// The server has said its last word, and listens still.
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(c, rest); err != nil {
		t.Error(err)
	}
}
