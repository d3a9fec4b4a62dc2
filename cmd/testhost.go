package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/testrunner"
)

// testHost makes the instances that fixtures run against: it loads each
// component once. It is the door from the test runner to the engine.
type testHost struct {
	load func(ctx context.Context, path string, cfg loadConfig) (*app, error)
	find func() (string, error) // the component for fixtures that name none
	cfg  loadConfig
	// concurrent is how many requests an instance gets at once if it can.
	concurrent int

	mu     sync.Mutex
	loaded map[string]*loadedApp
}

// loadedApp is a component, or why there is none.
type loadedApp struct {
	app *app
	err error
}

func newTestHost(load func(ctx context.Context, path string, cfg loadConfig) (*app, error), find func() (string, error), cfg loadConfig) *testHost {
	return &testHost{load: load, find: find, cfg: cfg, loaded: make(map[string]*loadedApp)}
}

// Open returns a target that makes its instance with the first request.
func (t *testHost) Open(ctx context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	l := t.component(ctx, spec.Component)
	if l.err != nil {
		return nil, l.err
	}
	h := l.app.Host
	limit := 1
	if h.Kind() == handler.P3 {
		limit = max(t.concurrent, 1)
	}
	session, err := h.NewSession(context.WithoutCancel(ctx), host.SessionOptions{Env: envOf(spec.Env), Concurrent: limit})
	if err != nil {
		return nil, err
	}
	return &testTarget{session: session, kind: h.Kind(), limit: limit}, nil
}

var errNotTestable = errors.New("this component cannot be tested")

// component loads a component unless it is there.
func (t *testHost) component(ctx context.Context, path string) *loadedApp {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.loaded[path]; l != nil {
		return l
	}
	l := &loadedApp{}
	l.app, l.err = t.build(ctx, path)
	if l.err == nil && l.app.Host == nil {
		l.err = errNotTestable
	}
	t.loaded[path] = l
	return l
}

// prepare begins to load the component that most fixtures need, unless it is
// not known, so that it is there when they have been read. The channel is closed
// when that has ended. What failed is told to those who need the component.
func (t *testHost) prepare(ctx context.Context, path string) (done <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if path != "" {
			t.component(ctx, path)
		}
	}()
	return ended
}

func (t *testHost) build(ctx context.Context, path string) (*app, error) {
	if path == "" {
		found, err := t.find()
		if err != nil {
			return nil, err
		}
		path = found
	}
	if p := inspect.CheckPath(path, t.cfg.MaxComponentSize); p != nil {
		return nil, problemError(p)
	}
	return t.load(ctx, path, t.cfg)
}

// close frees the components. All targets must be closed.
func (t *testHost) close(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, l := range t.loaded {
		if l.app != nil && l.app.Close != nil {
			errs = append(errs, l.app.Close(ctx))
		}
	}
	t.loaded = make(map[string]*loadedApp)
	return errors.Join(errs...)
}

// envOf reads variables as lines of NAME=VALUE.
func envOf(lines string) [][2]string {
	var env [][2]string
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env = append(env, [2]string{name, value})
	}
	return env
}

// complete checks the body's length, and adds the header fields that a server
// does.
func complete(a *testrunner.Answer, h http.Header) error {
	if declared := h.Get("Content-Length"); declared != "" {
		if n, err := strconv.ParseInt(declared, 10, 64); err == nil && n != int64(len(a.Body)) {
			return &host.Failure{Outcome: host.ErrorCode, ErrorCode: "HTTP-response-body-size",
				Cause: fmt.Sprintf("the body has %d bytes, its content-length is %d", len(a.Body), n)}
		}
	} else if len(a.Trailers) == 0 && len(a.Body) < wholeBody {
		a.Headers = append(a.Headers, fixture.Field{Name: "Content-Length", Value: strconv.Itoa(len(a.Body))})
	}
	if h.Get("Date") == "" {
		a.Headers = append(a.Headers, fixture.Field{Name: "Date", Value: time.Now().UTC().Format(http.TimeFormat)})
	}
	return nil
}

// wholeBody is up to which size the server sends bodies with their length, in
// bytes.
const wholeBody = 32 << 10

// httpRequest returns a request as a server would get it.
func httpRequest(ctx context.Context, r *testrunner.Request) *http.Request {
	out := &http.Request{Method: r.Method, RequestURI: r.Target, Host: r.Authority, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
	for _, f := range r.Headers {
		if strings.EqualFold(f.Name, "Host") {
			out.Host = f.Value
			continue
		}
		out.Header.Add(f.Name, f.Value)
	}
	if r.Body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(r.Body)), int64(len(r.Body))
	}
	if r.Body != nil && len(r.Body) == 0 {
		out.Header.Set("Content-Length", "0")
	}
	return out.WithContext(ctx)
}

// moreTime is the hint for what took too long.
const moreTime = "--timeout or # @timeout allow more time"

// testFailure translates a failure of the host's.
func testFailure(err error) *testrunner.Failure {
	var f *host.Failure
	if !errors.As(err, &f) {
		return &testrunner.Failure{Outcome: testrunner.Error, Cause: err.Error()}
	}
	out := &testrunner.Failure{Outcome: testrunner.Outcome(f.Outcome), Cause: f.Cause, ErrorCode: f.ErrorCode, Hint: failureHint(f), Frames: testFrames(f.Frames)}
	var lost *handler.TrapOrPanicError
	out.Bystander = errors.As(f.Err, &lost) && lost.Panic() == nil
	switch f.Outcome {
	case host.Internal:
		out.Outcome = testrunner.Trap
		out.Cause = "the host failed: " + f.Cause
	case host.Expired:
		out.Hint = moreTime
	}
	return out
}

// testFrames translates a backtrace. It begins where a panic was, without the
// functions of Rust's library that make a trap of it: stderr says what they do.
func testFrames(in []host.Frame) []testrunner.Frame {
	var out []testrunner.Frame
	panics := func(f host.Frame) bool {
		return slices.ContainsFunc([]string{"__rustc::", "rust_panic", "std::panicking::", "std::sys::backtrace::", "core::panicking::"}, func(prefix string) bool {
			return strings.HasPrefix(f.Func, prefix)
		})
	}
	if own := slices.IndexFunc(in, func(f host.Frame) bool { return !panics(f) }); own > 0 {
		in = in[own:]
	}
	for _, f := range in {
		out = append(out, testrunner.Frame{Func: f.Func, Place: serve.Frame(f).Place()})
	}
	return out
}
