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
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/wasi"
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
	app  *app
	host *host
	err  error
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
	env, err := withEnv(l.host.base, spec.Env)
	if err != nil {
		return nil, err
	}
	limit := 1
	if l.host.pre.Kind() == handler.P3 {
		limit = max(t.concurrent, 1)
	}
	own := &host{cfg: l.host.cfg, pre: l.host.pre, linked: l.host.linked, base: env, tls: l.host.tls, reuse: l.host.reuse}
	return newTestTarget(context.WithoutCancel(ctx), own, limit), nil
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
	if l.err == nil {
		var ok bool
		if l.host, ok = l.app.Handler.(*host); !ok {
			l.err = errNotTestable
		}
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
	if p := inspect.CheckPath(path); p != nil {
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

// withEnv adds variables, as lines of NAME=VALUE, to an environment.
func withEnv(base wasi.Config, lines string) (wasi.Config, error) {
	if lines == "" {
		return base, nil
	}
	base.Env = slices.Clone(base.Env)
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		at := slices.IndexFunc(base.Env, func(v [2]string) bool { return v[0] == name })
		if at >= 0 {
			base.Env[at][1] = value
		} else {
			base.Env = append(base.Env, [2]string{name, value})
		}
	}
	return base, base.Check()
}

// complete checks the body's length, and adds the header fields that a server
// does.
func complete(a *testrunner.Answer, h http.Header) error {
	if declared := h.Get("Content-Length"); declared != "" {
		if n, err := strconv.ParseInt(declared, 10, 64); err == nil && n != int64(len(a.Body)) {
			return &serve.Failure{Outcome: serve.ErrorCode, ErrorCode: "HTTP-response-body-size",
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

// testFailure translates a failure of the server's.
func testFailure(err error) *testrunner.Failure {
	var f *serve.Failure
	if !errors.As(err, &f) {
		return &testrunner.Failure{Outcome: testrunner.Error, Cause: err.Error()}
	}
	out := &testrunner.Failure{Outcome: testrunner.Outcome(f.Outcome), Cause: f.Cause, ErrorCode: f.ErrorCode, Hint: f.Hint, Frames: testFrames(f.Frames)}
	var lost *handler.TrapOrPanicError
	out.Bystander = errors.As(f.Err, &lost) && lost.Panic() == nil
	switch f.Outcome {
	case serve.Internal:
		out.Outcome = testrunner.Trap
		out.Cause = "the host failed: " + f.Cause
	case serve.Expired:
		out.Hint = moreTime
	case serve.ErrorCode:
		if f.Cause == answeredCode {
			out.Cause = ""
		}
	}
	return out
}

// testFrames translates a backtrace. It begins where a panic was, without the
// functions of Rust's library that make a trap of it: stderr says what they do.
func testFrames(in []serve.Frame) []testrunner.Frame {
	var out []testrunner.Frame
	panics := func(f serve.Frame) bool {
		return slices.ContainsFunc([]string{"__rustc::", "rust_panic", "std::panicking::", "std::sys::backtrace::", "core::panicking::"}, func(prefix string) bool {
			return strings.HasPrefix(f.Func, prefix)
		})
	}
	if own := slices.IndexFunc(in, func(f serve.Frame) bool { return !panics(f) }); own > 0 {
		in = in[own:]
	}
	for _, f := range in {
		out = append(out, testrunner.Frame{Func: f.Func, Place: f.Place()})
	}
	return out
}
