package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/fixture"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/wasi"
)

// testHost makes the instances that fixtures run against: it loads each
// component once. It is the door from the test runner to the engine.
type testHost struct {
	load   func(ctx context.Context, path string, cfg loadConfig) (*app, error)
	find   func() (string, error) // the component for fixtures that name none
	cfg    loadConfig
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
	target := &testTarget{
		host: &host{cfg: l.host.cfg, pre: l.host.pre, linked: l.host.linked, base: env, tls: l.host.tls, reuse: l.host.reuse},
		idle: make(chan struct{}, 1), gone: make(chan error, 1),
	}
	target.proxy = handler.New(context.WithoutCancel(ctx), target)
	return target, nil
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
	if err := checkFile(path); err != nil {
		return nil, err
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

// testTarget is one instance, which takes requests one after the other for as
// long as it lasts.
type testTarget struct {
	host  *host
	proxy *handler.ProxyHandler
	sent  int
	idle  chan struct{} // the instance can take another request
	gone  chan error    // the instance has ended, and why

	mu   sync.Mutex
	made bool
}

var errOnlyOne = errors.New("the target has its instance already")

// Instantiate makes the one instance.
func (t *testTarget) Instantiate(ctx context.Context) (*handler.Instance, error) {
	t.mu.Lock()
	again := t.made
	t.made = true
	t.mu.Unlock()
	if again {
		return nil, errOnlyOne
	}
	inst, err := t.host.Instantiate(ctx)
	if err != nil {
		return nil, err
	}
	inst.State = &testWorker{WorkerState: inst.State, target: t}
	inst.Expiration = handler.Timeouts{PostReturn: t.host.cfg.PostReturnTimeout}
	return inst, nil
}

// testWorker keeps the instance for all requests of the target.
type testWorker struct {
	handler.WorkerState
	target *testTarget
}

// ShouldAcceptRequest takes one request at a time, without an end.
func (w *testWorker) ShouldAcceptRequest(concurrent, _ int) handler.ShouldAccept {
	if concurrent > 0 {
		return handler.No
	}
	select {
	case w.target.idle <- struct{}{}:
	default:
	}
	return handler.Yes
}

// Drop tells the target that its instance is gone.
func (w *testWorker) Drop(store handler.Store, err error) {
	w.WorkerState.Drop(store, err)
	w.target.gone <- err
}

// Reusable reports whether hosts give instances of this kind several requests.
func (t *testTarget) Reusable() bool { return t.host.pre.Kind() == handler.P3 }

// Close stops the instance.
func (t *testTarget) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.proxy.Close(ctx)
}

// graceForBody is how long after its time limit an answer may still end.
const graceForBody = 50 * time.Millisecond

// Do sends a request to the instance and waits until it can take another.
func (t *testTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Answer, error) {
	start := time.Now()
	select {
	case <-t.idle: // told more than once
	default:
	}
	t.sent++
	c := &call{id: strconv.Itoa(t.sent)}
	exchange, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.Timeout > 0 {
		c.head = start.Add(r.Timeout)
		exchange, cancel = context.WithDeadline(exchange, c.head.Add(graceForBody))
		defer cancel()
	}
	a := &testrunner.Answer{}
	err := t.exchange(exchange, c, r, a)
	a.Duration = time.Since(start)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		err = t.wait(ctx, a)
	}
	if err != nil && exchange.Err() != nil {
		a.Lost = true
		a.Failure = &testrunner.Failure{Outcome: testrunner.Expired, Cause: fmt.Sprintf("the answer had begun and was not complete within %s", r.Timeout), Hint: "--timeout or # @timeout allow more time"}
	} else if err != nil {
		a.Failure = testFailure(c.failure(err))
		a.Lost = a.Failure.Outcome != testrunner.ErrorCode || t.ended(ctx)
	}
	a.Stderr = c.tail.last()
	return a, ctx.Err()
}

// wait waits until the instance can take another request, or is gone.
func (t *testTarget) wait(ctx context.Context, a *testrunner.Answer) error {
	select {
	case <-t.idle:
	case err := <-t.gone:
		a.Lost = true
		if err != nil {
			a.Notes = append(a.Notes, "after its answer: "+err.Error())
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// ended waits for what becomes of the instance after an error-code.
func (t *testTarget) ended(ctx context.Context) bool {
	select {
	case <-t.idle:
		return false
	case <-t.gone:
	case <-ctx.Done():
	}
	return true
}

// exchange sends the request and reads the answer.
func (t *testTarget) exchange(ctx context.Context, c *call, r *testrunner.Request, a *testrunner.Answer) error {
	var resp *handler.Response
	for {
		req, err := wasi.RequestFromHTTP(httpRequest(ctx, r), t.host.base.Fields)
		if err != nil {
			return err
		}
		resp, err = t.proxy.Handle(ctx, c, req)
		if errors.Is(err, errOnlyOne) {
			// The worker has said that it is ready, and is about to be.
			runtime.Gosched()
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	out := resp.HTTP()
	body, err := io.ReadAll(resp.Body)
	// All there is to know, Read has told.
	_ = resp.Body.Close()
	a.Status, a.Headers, a.Trailers = out.StatusCode, fieldsOf(out.Header), fieldsOf(out.Trailer)
	if r.Method != http.MethodHead && a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		a.Body = body
		if err == nil {
			err = complete(a, out.Header)
		}
	}
	return err
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

// fieldsOf lists fields sorted by name; net/http does not keep their order.
func fieldsOf(h http.Header) fixture.Fields {
	var out fixture.Fields
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			out = append(out, fixture.Field{Name: name, Value: value})
		}
	}
	return out
}

// testFailure translates a failure of the server's.
func testFailure(err error) *testrunner.Failure {
	var f *serve.Failure
	if !errors.As(err, &f) {
		return &testrunner.Failure{Outcome: testrunner.Error, Cause: err.Error()}
	}
	out := &testrunner.Failure{Outcome: testrunner.Outcome(f.Outcome), Cause: f.Cause, ErrorCode: f.ErrorCode, Hint: f.Hint}
	if f.Outcome == serve.Internal {
		out.Outcome = testrunner.Trap
		out.Cause = "the host failed: " + f.Cause
	}
	for _, frame := range f.Frames {
		out.Frames = append(out.Frames, testrunner.Frame{Func: frame.Func, Place: frame.Place()})
	}
	return out
}
