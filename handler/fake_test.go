package handler

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// fakeStore is the store of a guest that is written in Go.
type fakeStore struct {
	id          int
	state       *wasi.State
	once        sync.Once
	interrupted chan struct{}
	cause       error
}

func (s *fakeStore) Data() any { return s.state }

func (s *fakeStore) Interrupt(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.interrupted)
	})
}

// guestCall is what a fake guest sees of a request.
type guestCall struct {
	ctx   context.Context
	store *fakeStore
	req   *Request
	out   *wasi.ResponseOutparam
	task  TaskID
}

// head responds with status 200 and returns the body and its stream.
func (g *guestCall) head() (*wasi.OutgoingBody, wasi.OutputStream) {
	res := g.store.state.NewOutgoingResponse(wasi.NewFields(g.store.state.FieldRules()))
	body, _ := res.Body()
	stream, _ := body.Stream()
	g.out.Set(res, nil)
	return body, stream
}

// hello responds completely.
func (g *guestCall) hello() {
	body, stream := g.head()
	_ = stream.Write([]byte("hello"))
	_ = body.Finish(nil)
}

// spin is guest code that does not return.
func (g *guestCall) spin() error {
	<-g.store.interrupted
	return &engine.Trap{
		Code:   engine.TrapHost,
		Cause:  g.store.cause,
		Frames: []engine.Frame{{Module: "guest", Func: "spin"}},
	}
}

// sleep is a wait in a host function.
func (g *guestCall) sleep() error {
	<-g.ctx.Done()
	return &engine.Trap{
		Code:   engine.TrapHost,
		Cause:  context.Cause(g.ctx),
		Frames: []engine.Frame{{Module: "host", Func: "poll"}, {Module: "guest", Func: "wait"}},
	}
}

type fakeProxy struct {
	store *fakeStore
	guest func(*guestCall) error
	n     TaskID
}

func (p *fakeProxy) Kind() Kind { return P2 }

func (p *fakeProxy) Prepare(
	state *wasi.State, req *Request, respond func(*wasi.Response, *ErrorCode),
) (*Prepared, error) {
	p.n++
	n := p.n
	return NewPrepared(n, func(ctx context.Context) error {
		out := wasi.NewResponseOutparam(func(r *wasi.Response, c *wasi.ErrorCode) {
			if r != nil || c != nil {
				respond(r, c)
			}
		})
		return p.guest(&guestCall{ctx: ctx, store: p.store, req: req, out: out, task: n})
	}), nil
}

// host is a fake embedder. Its fields are set before it is used.
type host struct {
	guest       func(*guestCall) error
	instantiate func(ctx context.Context) error // may be nil
	start       func(store *fakeStore, data any, task TaskID) time.Time
	timeouts    WorkerExpiration
	accept      func(concurrent, total int) ShouldAccept

	// May be nil.
	onDrop   func()
	onEnd    func(store int, err error)
	onReport func(data any, err error)

	mu     sync.Mutex
	stores int
	drops  []drop
	log    []reported
}

// reported is one call of WorkerState.Report.
type reported struct {
	Data any
	Err  error
}

// drop is one call of WorkerState.Drop.
type drop struct {
	Store int
	Err   error
}

func (h *host) Instantiate(ctx context.Context) (*Instance, error) {
	if h.instantiate != nil {
		if err := h.instantiate(ctx); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	h.stores++
	id := h.stores
	h.mu.Unlock()
	s := &fakeStore{id: id, state: wasi.NewState(&wasi.Config{}), interrupted: make(chan struct{})}
	timeouts := h.timeouts
	if timeouts == nil {
		timeouts = Timeouts{}
	}
	return &Instance{
		Store: s, Proxy: &fakeProxy{store: s, guest: h.guest},
		View:       func(data any) *wasi.State { return data.(*wasi.State) },
		Expiration: timeouts, State: &hostWorker{h},
	}, nil
}

type hostWorker struct{ h *host }

func (w *hostWorker) ShouldAcceptRequest(concurrent, total int) ShouldAccept {
	if w.h.accept == nil {
		return Reuse{}.ShouldAcceptRequest(concurrent, total)
	}
	return w.h.accept(concurrent, total)
}

func (w *hostWorker) OnRequestStart(store Store, data any, task TaskID) time.Time {
	if w.h.start == nil {
		return time.Time{}
	}
	return w.h.start(store.(*fakeStore), data, task)
}

func (w *hostWorker) Report(data any, err error) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	w.h.log = append(w.h.log, reported{data, err})
	if w.h.onReport != nil {
		w.h.onReport(data, err)
	}
}

// reports returns what was reported, in order.
func (h *host) reports() []reported {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.log)
}

func (w *hostWorker) Drop(store Store, err error) {
	s := store.(*fakeStore)
	s.state.Close()
	w.h.mu.Lock()
	w.h.drops = append(w.h.drops, drop{s.id, err})
	w.h.mu.Unlock()
	if w.h.onEnd != nil {
		w.h.onEnd(s.id, err)
	}
	if w.h.onDrop != nil {
		w.h.onDrop()
	}
}

// dropped returns the errors that stores were dropped with, in order.
func (h *host) dropped() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	errs := []error{}
	for _, d := range h.drops {
		errs = append(errs, d.Err)
	}
	return errs
}

// created returns how many instances were made.
func (h *host) created() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stores
}

// bubble runs f with a handler for h in a synctest bubble: time is faked, and goroutines that stay
// behind fail the test.
func bubble(t *testing.T, h *host, f func(t *testing.T, p *ProxyHandler)) {
	t.Helper()
	bubbleWith(t, Options{}, h, f)
}

// bubbleWith is bubble for a handler with options.
func bubbleWith(t *testing.T, o Options, h *host, f func(t *testing.T, p *ProxyHandler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := o.New(t.Context(), h)
		f(t, p)
		p.Close(t.Context())
		if all, idle := p.Workers(); all != 0 || idle != 0 {
			t.Errorf("after Close there are %d workers, %d idle", all, idle)
		}
	})
}

// get sends a request and returns the whole body.
func get(t *testing.T, p *ProxyHandler) (string, error) {
	t.Helper()
	return getData(t, p, nil)
}

func getData(t *testing.T, p *ProxyHandler, data any) (string, error) {
	t.Helper()
	res, err := p.Handle(t.Context(), data, newRequest())
	if err != nil {
		return "", err
	}
	return readAll(res)
}

func readAll(res *Response) (string, error) {
	b, err := io.ReadAll(res.Body)
	return string(b), errors.Join(err, res.Body.Close())
}

func newRequest() *Request {
	return &Request{Method: "GET", Scheme: "HTTP", Authority: "localhost", PathWithQuery: "/"}
}

// requestBody is a request body that blocks until it is closed.
type requestBody struct {
	once   sync.Once
	closed chan struct{}
}

func newRequestBody() *requestBody { return &requestBody{closed: make(chan struct{})} }

func (b *requestBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, io.ErrClosedPipe
}

func (b *requestBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func wantError[T error](t testing.TB, err error) (target T) {
	t.Helper()
	if !errors.As(err, &target) {
		t.Fatalf("error is %T: %v, want a %T", err, err, target)
	}
	return target
}

func wantHello(t testing.TB, body string, err error) {
	t.Helper()
	if err != nil || !strings.HasPrefix(strings.ToLower(body), "hello") {
		t.Fatalf("got %q, %v, want hello", body, err)
	}
}
