package cmd

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// buffer collects output that is read while it is written.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{} // has room for one
}

func newBuffer() *buffer { return &buffer{news: make(chan struct{}, 1)} }

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until the output matches and returns the first submatch.
func (b *buffer) await(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		if m := re.FindStringSubmatch(b.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-b.news:
		case <-timeout:
			t.Fatalf("%s does not come; got:\n%s", pattern, b)
		}
	}
}

// session is a run of the program with a component that is made of Go.
type session struct {
	out, err *buffer
	signals  chan os.Signal
	hangups  chan os.Signal
	code     chan int
	cfg      chan loader.Config // what load was given
	closed   chan struct{}      // closed when the component was
	file     string
}

// state returns a state of the session's buffers and signals.
func (s *session) state(args ...string) *state {
	// Without its file, the program cannot run itself; without a folder, paths stay as they are.
	program, _ := os.Executable()
	dir, _ := os.Getwd()
	return &state{
		args: args, dir: dir, program: program,
		in: strings.NewReader(""), stdout: term.New(s.out, nil), stderr: term.New(s.err, nil),
		abort: make(chan struct{}),
		notify: func(kinds ...os.Signal) (<-chan os.Signal, func()) {
			return map[os.Signal]chan os.Signal{os.Interrupt: s.signals, syscall.SIGHUP: s.hangups}[kinds[0]], func() {}
		},
	}
}

// newSession returns a session that has not begun.
func newSession() *session {
	return &session{
		out: newBuffer(), err: newBuffer(), signals: make(chan os.Signal, 2), hangups: make(chan os.Signal, 1),
		code: make(chan int, 1),
	}
}

// handlerFunc is a handler in a test.
type handlerFunc func(ctx context.Context, id string, r *http.Request) (*http.Response, error)

func (f handlerFunc) Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	return f(ctx, id, r)
}

// hello answers every request.
func hello(context.Context, string, *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("hello"))}, nil
}

// startServe runs "serve FILE args…" with h as the component, and keeps crashes out of the way.
func startServe(t *testing.T, h handlerFunc, args ...string) *session {
	t.Helper()
	crashes := filepath.Join(t.TempDir(), "crashes")
	return startPlainServe(t, h, append([]string{"--crash-dir", crashes}, args...)...)
}

// startPlainServe runs "serve FILE args…" with h as the component.
func startPlainServe(t *testing.T, h handlerFunc, args ...string) *session {
	t.Helper()
	s := newSession()
	s.cfg, s.closed = make(chan loader.Config, 1), make(chan struct{})
	s.file = filepath.Join(t.TempDir(), "app.wasm")
	if err := os.WriteFile(s.file, []byte("component"), 0o600); err != nil {
		t.Fatal(err)
	}
	st := s.state(append([]string{programName, "serve", s.file}, args...)...)
	st.environ = []string{"HOME=/home/me"}
	d := doors{
		load: func(_ context.Context, path string, cfg loader.Config) (*loader.App, error) {
			s.cfg <- cfg
			return &loader.App{
				Handler: h,
				About:   loader.Description{File: path, Size: 88123, Digest: "0123abcd", Kind: "0.2", Compile: 102 * time.Millisecond},
				Close:   func(context.Context) error { close(s.closed); return nil },
			}, nil
		},
		servable: func(string, int64) (bool, string) { return true, "" },
	}
	go func() { s.code <- st.main(context.Background(), d) }()
	t.Cleanup(func() {
		s.signals <- os.Interrupt
		s.exit(t)
	})
	return s
}

// exit waits for the end and returns the exit code.
func (s *session) exit(t testing.TB) int {
	t.Helper()
	select {
	case code := <-s.code:
		s.code <- code
		return code
	case <-time.After(patience):
		t.Fatalf("the program goes on; stderr:\n%s", s.err)
		return 0
	}
}

func (s *session) url(t testing.TB) string {
	t.Helper()
	return s.err.await(t, `(?m)^Serving HTTP on (http://\S+/)$`)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServeAnnouncesAnswersLogsAndEnds(t *testing.T) {
	s := startServe(t, hello, "--addr", "127.0.0.1:0")
	url := s.url(t)
	if status, body := get(t, url+"greet?x"); status != 200 || body != "hello" {
		t.Errorf("got %d %q", status, body)
	}
	s.err.await(t, `\[1\] GET /greet\?x 200 5B \S+ ok\n`)
	s.signals <- syscall.SIGTERM
	if code := s.exit(t); code != 0 {
		t.Errorf("got exit code %d", code)
	}
	select {
	case <-s.closed:
	default:
		t.Error("the component was not closed")
	}
	if s.out.String() != "" {
		t.Errorf("stdout has %q", s.out)
	}
	lines := strings.Split(s.err.String(), "\n")
	if want := s.file + " 88.1 kB, sha256 0123abcd, wasi:http 0.2, compiled in 102ms, at " + url; lines[0] != want {
		t.Errorf("got first line %q, want %q", lines[0], want)
	}
	if !strings.Contains(lines[1], "explorer: "+strings.TrimSuffix(url, "/")+"/__wasihttp/") {
		t.Errorf("got second line %q", lines[1])
	}
	if lines[2] != "Serving HTTP on "+url {
		t.Errorf("got third line %q", lines[2])
	}
}

func TestServeQuietly(t *testing.T) {
	s := startServe(t, func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/trap" {
			return nil, &serve.Failure{Outcome: serve.Trap, Cause: "unreachable"}
		}
		return hello(r.Context(), "", r)
	}, "--quiet", "--addr=127.0.0.1:0")
	url := s.url(t)
	get(t, url)
	get(t, url+"trap")
	s.err.await(t, `unreachable`)
	if got := strings.Count(s.err.String(), "GET"); got != 1 {
		t.Errorf("got %d log lines:\n%s", got, s.err)
	}
	if !strings.HasPrefix(s.err.String(), "Serving HTTP on ") {
		t.Errorf("got:\n%s", s.err)
	}
}

func TestServeKeepsRequestsThatTrapped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	s := startServe(t, func(context.Context, string, *http.Request) (*http.Response, error) {
		return nil, &serve.Failure{Outcome: serve.Trap, Cause: "unreachable"}
	}, "--crash-dir", dir, "--addr=127.0.0.1:0")
	resp, err := http.Post(s.url(t)+"a", "text/plain", strings.NewReader("sent"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	path := s.err.await(t, `the request is kept as (\S+\.hurl); test --crashes says`)
	text, err := os.ReadFile(path)
	if err != nil || filepath.Dir(path) != dir || !strings.Contains(string(text), "/a\n") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestRequestsThatTrappedAreKeptInTheProject(t *testing.T) {
	t.Chdir(t.TempDir())
	s := startPlainServe(t, func(context.Context, string, *http.Request) (*http.Response, error) {
		return nil, &serve.Failure{Outcome: serve.Trap, Cause: "unreachable"}
	}, "--addr=127.0.0.1:0")
	get(t, s.url(t))
	path := s.err.await(t, `the request is kept as (\S+\.hurl); test --crashes says`)
	if filepath.ToSlash(filepath.Dir(path)) != ".wasihttp/crashes" {
		t.Errorf("kept as %s", path)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestServeLogsJSON(t *testing.T) {
	s := startServe(t, hello, "--log-format", "json", "--addr", "127.0.0.1:0")
	get(t, s.url(t))
	s.err.await(t, `(?m)^\{"time":.*"outcome":"ok"\}$`)
	s.err.await(t, `(?m)^\{"file":.*"digest":"0123abcd","kind":"0.2","compile_ms":102,"from_cache":false\}$`)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	entered := make(chan struct{})
	s := startServe(t, func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}, "--addr", "127.0.0.1:0", "--drain-timeout", "1h")
	url := s.url(t)
	ended := make(chan error, 1)
	go func() {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}()
	<-entered
	s.signals <- os.Interrupt
	s.err.await(t, `waiting up to 1h for 1 request to finish; press Ctrl-C again to stop at once`)
	s.signals <- syscall.SIGTERM
	if code := s.exit(t); code != 143 {
		t.Errorf("got exit code %d", code)
	}
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
}

func TestServeOnAnOccupiedPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	t.Run("says so", func(t *testing.T) {
		s := startServe(t, hello, "--addr", addr)
		if code := s.exit(t); code != exit.Load {
			t.Errorf("got exit code %d", code)
		}
		want := "wasihttp: error: address " + addr + " is already in use\n" +
			"hint: stop the program that listens there, or use another port: --find-free-port or --addr 127.0.0.1:0\n"
		if diff := cmp.Diff(want, s.err.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("finds another", func(t *testing.T) {
		s := startServe(t, hello, "--addr", addr, "--find-free-port")
		if status, _ := get(t, s.url(t)); status != 200 {
			t.Errorf("got %d", status)
		}
	})
}

func TestServeSaysThatOthersCanConnect(t *testing.T) {
	s := startServe(t, hello, "--addr", "0.0.0.0:0")
	if url := s.url(t); !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("got %s", url)
	}
	s.err.await(t, `other machines can reach this address; error pages are brief`)
}

func TestServePassesSettingsOn(t *testing.T) {
	dir := t.TempDir()
	envFile := filepath.Join(dir, ".env")
	if err := os.WriteFile(envFile, []byte("A=file\nB=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	caFile := filepath.Join(dir, "ca.pem")
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, hello, "--addr", "127.0.0.1:0",
		"--env-file", envFile, "--env", "A=1,2", "--env", "HOME", "--env", "NOT_SET",
		"--arg", "-v", "--arg", "a,b", "--timeout", "5", "--post-return-timeout", "2m", "--idle-instance-timeout", "0",
		"--max-memory", "64MiB", "--max-instance-reuse-count", "7", "--max-instance-concurrent-reuse-count", "3",
		"--allow-outbound", "*.Example.com:443", "--ca-file", caFile, "--cache-dir", dir)
	s.url(t)
	got := <-s.cfg
	got.Stdout, got.Stderr, got.Progress, got.Outbound, got.Notice = nil, nil, nil, nil, nil
	if got.KeyValue == nil {
		t.Error("builds do not share what wasi:keyvalue keeps")
	}
	got.Engine, got.Data, got.KeyValue = nil, nil, nil
	want := loader.Config{
		Env:     [][2]string{{"A", "1,2"}, {"B", "file"}, {"HOME", "/home/me"}},
		Args:    []string{"-v", "a,b"},
		Timeout: 5 * time.Second, PostReturnTimeout: 2 * time.Minute,
		MaxMemory: 64 << 20, MaxComponentSize: 512 << 20, MaxInstanceReuse: 7, MaxInstanceConcurrentReuse: 3,
		AllowOutbound: []host.Pattern{{Host: "example.com", Subdomains: true, Port: 443}},
		CAFiles:       []string{caFile},
		CacheDir:      dir,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(loader.Config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGuestOutputIsPrefixed(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"by default": {nil, "[0/1] one\n[0/1] two\n"},
		"or bare":    {[]string{"--no-logging-prefix"}, "one\ntwo\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServe(t, hello, append(tt.args, "--addr", "127.0.0.1:0")...)
			s.url(t)
			w := (<-s.cfg).Stdout.Writer(func() string { return "[0/1] " })
			_, _ = io.WriteString(w, "one\ntw")
			_, _ = io.WriteString(w, "o")
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s.out.await(t, `two\n$`)
			if diff := cmp.Diff(tt.want, s.out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignalWhileLoadingEndsWithoutServing(t *testing.T) {
	entered := make(chan struct{})
	file := filepath.Join(t.TempDir(), "app.wasm")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, honours := range map[string]bool{"load that stops": true, "load that does not": false} {
		t.Run(name, func(t *testing.T) {
			entered = make(chan struct{})
			release := make(chan struct{})
			defer close(release)
			s := newSession()
			st := s.state(programName, "serve", file, "--addr", "127.0.0.1:0")
			d := doors{
				load: func(ctx context.Context, _ string, _ loader.Config) (*loader.App, error) {
					close(entered)
					if honours {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					<-release
					return nil, errors.New("too late")
				},
			}
			go func() { s.code <- st.main(context.Background(), d) }()
			<-entered
			s.signals <- os.Interrupt
			if got := s.exit(t); got != exit.Signal+int(syscall.SIGINT) {
				t.Errorf("got exit code %d", got)
			}
			if strings.Contains(s.err.String(), "Serving") {
				t.Errorf("got:\n%s", s.err)
			}
		})
	}
}
