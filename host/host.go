package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/wasi"
	"github.com/wasihttp/wasihttp/wasi/p2"
	"github.com/wasihttp/wasihttp/wasi/p3"
)

// Host is one component that takes HTTP requests: it makes instances when they are needed and gives
// them the requests. It is safe for concurrent use.
type Host struct {
	cfg    Config
	pre    *handler.ProxyPre
	linked *component.Linked
	proxy  *handler.ProxyHandler
	base   wasi.Config
	reuse  handler.Reuse
	ids    atomic.Uint64 // of instances
	engine *Engine       // to be closed with the Host; nil for a shared one
}

// NewLinker returns the interfaces that the components of a Host find.
func NewLinker() *component.Linker {
	l := component.NewLinker()
	view := func(data any) *wasi.State { return data.(*guest).state }
	p2.AddTo(l, view)
	p3.AddTo(l, view)
	return l
}

// New decodes a component, links and compiles it. The Host lives until it is closed, whatever
// becomes of ctx.
func New(ctx context.Context, wasm []byte, cfg Config) (*Host, error) {
	c, err := component.Decode(wasm)
	if err != nil {
		return nil, err
	}
	return FromComponent(ctx, c, cfg)
}

// FromComponent is New for a component that has been decoded. The error is a *CompileError if the
// component cannot be linked or compiled, and a *StartError if the instance that Config.Try asks for
// cannot be made.
func FromComponent(ctx context.Context, c *component.Component, cfg Config) (*Host, error) {
	h := &Host{cfg: cfg.withDefaults()}
	h.base = wasi.Config{Args: append([]string{cfg.Name}, cfg.Args...), Env: cfg.Env}
	if err := h.base.Check(); err != nil {
		return nil, err
	}
	shared := cfg.Engine
	if shared == nil {
		h.engine = NewEngine(EngineOptions{})
		shared = h.engine
	}
	linked, err := shared.Link(ctx, c, NewLinker(), cfg.Quiet, cfg.Progress)
	if err != nil {
		return nil, errors.Join(err, h.closeEngine())
	}
	h.linked = linked
	if h.pre, err = handler.NewProxyPre(linked, c.ExportNames()); err != nil {
		return nil, errors.Join(err, linked.Close(ctx), h.closeEngine())
	}
	h.reuse = handler.Reuse{Max: defaultReuseP2, Concurrent: 1}
	if h.pre.Kind() == handler.P3 {
		h.reuse = handler.Reuse{Max: defaultReuseP3, Concurrent: defaultConcurrentP3}
	}
	if cfg.MaxInstanceReuse > 0 {
		h.reuse.Max = cfg.MaxInstanceReuse
	}
	if cfg.MaxInstanceConcurrentReuse > 0 {
		h.reuse.Concurrent = cfg.MaxInstanceConcurrentReuse
	}
	h.proxy = handler.New(context.WithoutCancel(ctx), h)
	if cfg.Try {
		if err := h.try(ctx); err != nil {
			return nil, errors.Join(&StartError{err}, h.Close(ctx))
		}
	}
	return h, nil
}

// StartError is why no instance can be made.
type StartError struct{ Err error }

// Error returns the cause.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// Close lets no more requests in, waits until those that run have ended, but no longer than ctx
// lasts, stops what still runs, and frees the component.
func (h *Host) Close(ctx context.Context) error {
	h.proxy.Close(ctx)
	return errors.Join(h.linked.Close(ctx), h.closeEngine())
}

func (h *Host) closeEngine() error {
	if h.engine == nil {
		return nil
	}
	return h.engine.Close()
}

// Kind returns the version of WASI HTTP that the component is made for.
func (h *Host) Kind() handler.Kind { return h.pre.Kind() }

// FromCache reports whether nothing had to be compiled.
func (h *Host) FromCache() bool { return h.linked.FromCache() }

// WithEnv returns a Host of the same component whose instances have more variables in their
// environment; those of the same name are replaced. It makes instances by Instantiate only, and
// must not be closed.
func (h *Host) WithEnv(vars [][2]string) (*Host, error) {
	own := &Host{cfg: h.cfg, pre: h.pre, linked: h.linked, base: h.base, reuse: h.reuse}
	own.base.Env = slices.Clone(h.base.Env)
	for _, v := range vars {
		at := slices.IndexFunc(own.base.Env, func(old [2]string) bool { return old[0] == v[0] })
		if at >= 0 {
			own.base.Env[at] = v
		} else {
			own.base.Env = append(own.base.Env, v)
		}
	}
	return own, own.base.Check()
}

// guest is what belongs to one instance: the data of its store.
type guest struct {
	host   *Host
	id     uint64
	cfg    wasi.Config
	state  *wasi.State
	stdout io.WriteCloser
	stderr io.WriteCloser
	expire handler.Timeouts

	requests attribution
}

// Call is one request on its way through an instance. A Call is used once.
type Call struct {
	// ID names the request in the guest's output and in the log of outbound requests.
	ID string
	// Head is until when the head of the response is expected; zero for no limit.
	Head time.Time
	// Failed, unless nil, makes the error that the caller gets in place of a *Failure.
	Failed func(*Failure) error

	tail  tail        // what the guest wrote to stderr meanwhile
	ended atomic.Bool // the answer is out, whole
	over  atomic.Bool // nothing more will come of it
}

// Stderr returns the last lines that the guest wrote to its standard error during the call.
func (c *Call) Stderr() []string { return c.tail.last() }

// Instantiate makes a store with an instance in it. The data of its requests are *Call.
func (h *Host) Instantiate(ctx context.Context) (*handler.Instance, error) {
	g := &guest{host: h, id: h.ids.Add(1), cfg: h.base}
	g.stdout = g.open(h.cfg.Stdout)
	g.stderr = &teeTail{WriteCloser: g.open(h.cfg.Stderr), guest: g}
	g.cfg.Stdout, g.cfg.Stderr = guestLog{g.stdout}, guestLog{g.stderr}
	g.cfg.Client = h.cfg.Outbound.Client(g.requestID)
	g.state = wasi.NewState(&g.cfg)
	// Requests have their own expiration, given to OnRequestStart.
	g.expire = handler.Timeouts{PostReturn: h.cfg.PostReturnTimeout, Idle: h.cfg.IdleInstanceTimeout}
	store := h.linked.NewStore(ctx, g, component.Limits{MemoryBytes: uint64(h.cfg.MaxMemory)})
	g.requests.store, g.requests.kind = store, h.pre.Kind()
	initCtx, cancel := ctx, context.CancelFunc(func() {})
	if h.cfg.Timeout > 0 {
		initCtx, cancel = context.WithTimeoutCause(ctx, h.cfg.Timeout, &handler.ExpirationError{Status: handler.Requests, After: h.cfg.Timeout})
	}
	proxy, err := h.pre.Instantiate(initCtx, store)
	cancel()
	if err != nil {
		g.Drop(store, err)
		return nil, err
	}
	return &handler.Instance{
		Store: store, Proxy: proxy, State: g, Expiration: g.expire,
		View: func(data any) *wasi.State { return data.(*guest).state },
	}, nil
}

// open opens a stream for the instance's output.
func (g *guest) open(stream func(Origin) io.WriteCloser) io.WriteCloser {
	if stream == nil {
		return discard{}
	}
	return stream(Origin{Instance: g.id, guest: g})
}

// discard takes output that nobody wants.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) Close() error { return nil }

// requestID returns the id of the only request that the guest works for, else "".
func (g *guest) requestID() string {
	if c := g.requests.only(); c != nil {
		return c.ID
	}
	return ""
}

// ShouldAcceptRequest applies the limits on reuse.
func (g *guest) ShouldAcceptRequest(concurrent, total int) handler.ShouldAccept {
	return g.host.reuse.ShouldAcceptRequest(concurrent, total)
}

// OnRequestStart attributes what the guest does in that task to the request from now on.
func (g *guest) OnRequestStart(_ handler.Store, data any, task handler.TaskID) time.Time {
	c := data.(*Call)
	g.requests.started(c, task)
	return c.Head
}

// Drop frees everything that belongs to the instance. A failure after the answer has nobody else to tell.
func (g *guest) Drop(store handler.Store, err error) {
	g.complain(err)
	if s, ok := store.(*component.Store); ok {
		_ = s.Close()
	}
	g.state.Close()
	// Output that cannot be written has nobody to tell.
	_ = g.stdout.Close()
	_ = g.stderr.Close()
}

// complain tells of a failure after an answer, err, which may be nil.
func (g *guest) complain(err error) {
	var late *handler.ExpirationError
	c := g.requests.running()
	switch {
	case err == nil, errors.Is(err, handler.ErrClosed), g.host.cfg.Notice == nil:
	case c != nil && c.ended.Load():
		g.host.cfg.Notice("[" + c.ID + "] after its answer: " + err.Error())
	case errors.As(err, &late) && late.Status == handler.PostReturn:
		// All of the guest waited, and for which request that was is not known.
		g.host.cfg.Notice("instance " + strconv.FormatUint(g.id, 10) + ": " + err.Error())
	}
}

// Handle gives one request to a guest and returns as soon as the head of its response is there. The
// body streams while the guest works on; the caller closes it. The trailers are complete once the
// body has returned io.EOF.
//
// The error, of Handle and of reading the body, is a *Failure, or what ended ctx.
func (h *Host) Handle(ctx context.Context, c *Call, r *http.Request) (*http.Response, error) {
	req, err := wasi.RequestFromHTTP(r, h.base.Fields)
	if err != nil {
		return badRequest(err), nil
	}
	resp, err := h.proxy.Handle(ctx, c, req)
	if err != nil {
		return nil, c.Explain(err)
	}
	out := resp.HTTP()
	out.Body = &answerBody{Body: resp.Body, call: c}
	return out, nil
}

// badRequest is the answer to a request that no guest can be given.
func badRequest(err error) *http.Response {
	text := http.StatusText(http.StatusBadRequest) + ": " + err.Error() + "\n"
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}
}

// answerBody explains failures after the head.
type answerBody struct {
	*handler.Body
	call *Call
}

// Read reads from the guest.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.Body.Read(p)
	switch err {
	case nil:
	case io.EOF:
		b.call.ended.Store(true)
		b.call.over.Store(true)
	default:
		err = b.call.Explain(err)
	}
	return n, err
}

// Close tells the guest that nobody receives the body any more.
func (b *answerBody) Close() error {
	b.call.over.Store(true)
	return b.Body.Close()
}

// teeTail writes lines to the terminal and remembers them for the request.
type teeTail struct {
	io.WriteCloser
	guest *guest
}

// Write writes p to both.
func (t *teeTail) Write(p []byte) (int, error) {
	if c := t.guest.requests.running(); c != nil {
		_, _ = c.tail.Write(p) // never fails
	}
	return t.WriteCloser.Write(p)
}

// guestLog is output of a guest that serves: when it cannot be written, that is nothing that the guest should fail for.
type guestLog struct{ w io.Writer }

// Write writes p if that is possible, and never fails.
func (l guestLog) Write(p []byte) (int, error) {
	_, _ = l.w.Write(p)
	return len(p), nil
}

// try makes an instance and drops it.
func (h *Host) try(ctx context.Context) error {
	instance, err := h.Instantiate(ctx)
	if err != nil {
		return err
	}
	instance.State.Drop(instance.Store, nil)
	return nil
}
