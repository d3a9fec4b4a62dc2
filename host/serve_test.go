package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/wasi"
)

// serveGuest serves a guest that this repository ships over a socket.
func serveGuest(t *testing.T, name string, cfg Config) (h *Host, url string) {
	t.Helper()
	h = newHost(t, name, cfg)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return h, s.URL
}

// do sends a request and reads the whole response.
func do(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = struct{ io.Reader }{strings.NewReader(body)} // of unknown length
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestResponsesStream(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			_, url := serveGuest(t, guest, Config{})
			r, err := http.NewRequestWithContext(
				t.Context(),
				http.MethodGet,
				url+"/sse?n=0&ms=1",
				nil,
			)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			// The response never ends, so that these lines are there says that they were flushed.
			lines := bufio.NewScanner(resp.Body)
			for range 5 {
				if !lines.Scan() {
					t.Fatal(lines.Err())
				}
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTrailersFollowTheBody(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			_, url := serveGuest(t, guest, Config{})
			resp, _ := do(t, http.MethodPost, url+"/trailers", "hello")
			if got := resp.Trailer.Get("X-Body-Bytes"); got != "5" {
				t.Errorf("trailers are %v", resp.Trailer)
			}
		})
	}
}

func TestTheGuestReadsWhileItResponds(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			_, url := serveGuest(t, guest, Config{})
			in, out := io.Pipe()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/echo", in)
			if err != nil {
				t.Fatal(err)
			}
			first := make(chan error, 1)
			go func() {
				_, err := io.WriteString(out, "one")
				first <- err
			}()
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if err := <-first; err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 3)
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != "one" {
				t.Fatalf("%q, %v", got, err)
			}
			go func() {
				_, _ = io.WriteString(out, "two")
				_ = out.Close()
			}()
			if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "two" {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

func TestFailuresAreBareStatusesByDefault(t *testing.T) {
	for want, failures := range map[int]struct {
		timeout time.Duration
		targets []string
	}{
		500: {0, []string{"/trap", "/none", "/error?code=connection-refused", "/alloc?mib=100"}},
		504: {200 * time.Millisecond, []string{"/sleep?ms=60000", "/spin"}},
	} {
		cfg := Config{Timeout: failures.timeout, MaxMemory: 64 << 20}
		_, url := serveGuest(t, "rust-kitchen", cfg)
		for _, target := range failures.targets {
			resp, body := do(t, http.MethodGet, url+target, "")
			if resp.StatusCode != want || body != http.StatusText(want)+"\n" {
				t.Errorf("%s: %d %q", target, resp.StatusCode, body)
			}
		}
	}
}

func TestAClosedHostIsUnavailable(t *testing.T) {
	h := newHost(t, "rust-hello", Config{})
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t, "/"))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

func TestFailedWritesTheResponseToAFailure(t *testing.T) {
	var got *Failure
	_, url := serveGuest(
		t,
		"rust-trap",
		Config{Failed: func(w http.ResponseWriter, r *http.Request, f *Failure) {
			got = f
			w.Header().Set("X-Outcome", string(f.Outcome))
			http.Error(w, r.URL.Path+" failed", f.Status())
		}},
	)
	resp, body := do(t, http.MethodGet, url+"/x", "")
	if resp.StatusCode != 500 || body != "/x failed\n" || resp.Header.Get("X-Outcome") != "trap" {
		t.Errorf("%d %q %v", resp.StatusCode, body, resp.Header)
	}
	if got.RequestID != "1" || len(got.Frames) == 0 || got.Frames[len(got.Frames)-1].File == "" {
		t.Errorf("%+v", got)
	}
}

func TestAFailureAfterTheHeadCutsTheConnection(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			called := make(chan struct{}, 1)
			_, url := serveGuest(
				t,
				guest,
				Config{
					Failed: func(http.ResponseWriter, *http.Request, *Failure) { called <- struct{}{} },
				},
			)
			resp, err := http.Get(url + "/short")
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
			select {
			case <-called: // nothing had left yet
			default:
				if err == nil {
					t.Error("the client takes half a response for all of it")
				}
			}
		})
	}
}

func TestRequestsBeyondTheLimitWaitAndFail(t *testing.T) {
	_, url := serveGuest(t, "rust-kitchen",
		Config{MaxConcurrentRequests: 1, Timeout: 500 * time.Millisecond})
	// untilServed sends a request until the machine has enough time for it.
	untilServed := func(target string) *http.Response {
		for {
			resp, err := http.Get(url + target)
			if err != nil {
				t.Fatal(err)
			}
			switch resp.StatusCode {
			case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
				_ = resp.Body.Close()
			case http.StatusOK:
				return resp
			default:
				t.Fatalf("%s: %d", target, resp.StatusCode)
			}
		}
	}
	held := untilServed("/sse?n=0&ms=1")
	resp, _ := do(t, http.MethodGet, url+"/", "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	_ = held.Body.Close()
	_ = untilServed("/").Body.Close()
}

func TestRequestsWaitForAnInstance(t *testing.T) {
	h := newHost(t, "rust-kitchen", Config{MaxInstances: 1, MaxInstanceReuse: 100})
	ctx, cancel := context.WithCancel(t.Context())
	held, err := h.Handle(ctx, "1", request(t, "/sse?n=0&ms=1"))
	if err != nil {
		t.Fatal(err)
	}
	var f *Failure
	soon := WithHeadDeadline(t.Context(), time.Now().Add(300*time.Millisecond))
	if _, err := h.Handle(soon, "2", request(t, "/")); !errors.As(err, &f) ||
		f.Outcome != Expired ||
		f.Limit != LimitTimeout {
		t.Errorf("while the only instance is busy: %v", err)
	}
	cancel()
	_ = held.Body.Close()
	body, err := text(h.Handle(t.Context(), "3", request(t, "/counter")))
	if err != nil || body == "" {
		t.Errorf("after that: %q, %v", body, err)
	}
	if n := h.ids.Load(); n > 2 {
		t.Errorf("%d instances", n)
	}
}

func TestTheZeroConfigGrantsNothing(t *testing.T) {
	var asked atomic.Bool
	other := httptest.NewServer(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }),
	)
	defer other.Close()
	t.Setenv("SECRET", "s3cr3t")
	h := newHost(t, "rust-kitchen", Config{})
	get := func(target string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(t, target))
		return w.Body.String()
	}
	for target, want := range map[string]string{
		"/env": "", "/args": "", "/stdin": "stdin 0 bytes, then closed\nterminals [false, false, false]\n",
		"/fetch?url=" + other.URL: "fetch: ErrorCode::HttpRequestDenied\n",
	} {
		if diff := cmp.Diff(want, get(target)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
	if asked.Load() {
		t.Error("the guest has reached another server")
	}
}

func TestOutboundRequestsGoToTheServersThatAreAllowed(t *testing.T) {
	other := httptest.NewServer(
		http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") },
		),
	)
	defer other.Close()
	allowed, err := ParsePattern(strings.TrimPrefix(other.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var logged []OutboundRequest
	h := newHost(t, "rust-kitchen", Config{Outbound: Outbound{
		Allow: []Pattern{allowed}, Log: func(r OutboundRequest) { logged = append(logged, r) },
	}})
	for url, want := range map[string]string{other.URL: "hi", "http://127.0.0.1:1": "fetch: ErrorCode::HttpRequestDenied\n"} {
		if body, err := text(h.Handle(t.Context(), "7", request(t, "/fetch?url="+url))); err != nil ||
			body != want {
			t.Errorf("%s: %q, %v", url, body, err)
		}
	}
	if len(logged) != 2 || logged[0].RequestID != "7" || logged[0].Refused == logged[1].Refused {
		t.Errorf("logged %+v", logged)
	}
}

func TestWhatIsDeniedWithoutThePolicyIsNotRefused(t *testing.T) {
	var logged []OutboundRequest
	h := newHost(t, "rust-kitchen", Config{Outbound: Outbound{
		Connect: func(_ context.Context, r wasi.Destination) (net.Conn, error) {
			if r.Host == "recorded.test" {
				return nil, fmt.Errorf("as recorded: %w", fs.ErrPermission)
			}
			return r.Dial(t.Context())
		},
		Log: func(r OutboundRequest) { logged = append(logged, r) },
	}})
	const denied = "fetch: ErrorCode::HttpRequestDenied\n"
	for i, name := range []string{"recorded.test", "forbidden.test"} {
		body, err := text(h.Handle(t.Context(), "7", request(t, "/fetch?url=http://"+name+"/")))
		if err != nil || body != denied {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		if len(logged) != i+1 || logged[i].Refused != (name == "forbidden.test") {
			t.Errorf("%s: logged %+v", name, logged)
		}
	}
}

func TestTheGuestSeesWhatMiddlewareMakesOfTheTarget(t *testing.T) {
	h := newHost(t, "rust-kitchen", Config{MaxInstanceReuse: 100})
	stripped := http.StripPrefix("/app", h)
	for target, want := range map[string]string{
		"/app/headers?a=b": "/headers?a=b", "/app/headers": "/headers", "/app/headers?x=%2f%20": "/headers?x=%2f%20",
	} {
		w := httptest.NewRecorder()
		stripped.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if line, _, _ := strings.Cut(w.Body.String(), "\n"); !strings.Contains(line, " "+want) {
			t.Errorf("%s: the guest sees %q", target, line)
		}
	}
	// An unchanged target is passed on as it came.
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/headers?%61=|", nil))
	if line, _, _ := strings.Cut(w.Body.String(), "\n"); !strings.Contains(
		line,
		" /headers?%61=|",
	) {
		t.Errorf("the guest sees %q", line)
	}
}

// plainWriter hides what a ResponseWriter can do beyond its interface, as middleware may.
type plainWriter struct{ w http.ResponseWriter }

func (p plainWriter) Header() http.Header         { return p.w.Header() }
func (p plainWriter) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p plainWriter) WriteHeader(status int)      { p.w.WriteHeader(status) }

func TestMiddlewareMayHideFlushing(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		h := newHost(t, guest, Config{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(plainWriter{w}, r)
		}))
		defer s.Close()
		if _, body := do(t, http.MethodGet, s.URL+"/sse?n=3&ms=1", ""); strings.Count(
			body,
			"data:",
		) != 3 {
			t.Errorf("%s: %q", guest, body)
		}
		if _, body := do(t, http.MethodPost, s.URL+"/counter", "this is not read"); !strings.HasSuffix(
			body,
			"\n",
		) {
			t.Errorf("%s: %q", guest, body)
		}
		if _, body := do(t, http.MethodPost, s.URL+"/echo", "hello"); body != "hello" {
			t.Errorf("%s: %q", guest, body)
		}
	}
}
