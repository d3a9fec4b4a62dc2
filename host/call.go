package host

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/exchange"
	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Call is one request to a Session. A Call is used once.
type Call struct {
	// ID names the request in the guest's output and in the log of outbound requests.
	ID string
	// Head is until when the head of the response is expected; zero for no limit.
	Head time.Time
	// Started, unless nil, is called when the instance has taken the request, before the guest's
	// first instruction for it.
	Started func()
	// After, unless nil, receives what ended the guest too late to be part of the response: a trap,
	// an exit, or the end of its time. It is called at most once, by any goroutine, and reports
	// whether it takes the error; if not, Config.Notice receives it.
	After func(error) bool
	// World changes the World of an instance, if that has a clock: its Clock, unless zero, is the
	// time of day from the request on, and its Seed, unless nil, that of the random numbers that
	// the guest draws for the request, whatever was before it.
	World World

	request  wasi.RequestRoom        // of handle
	describe func(*Failure) error    // Config.Describe
	tail     tail                    // what the guest wrote to stderr meanwhile
	refusals refusals                // what was refused to it meanwhile
	trace    *wasi.Trace             // of its spans; nil before one is asked for, or has no parent
	over     atomic.Bool             // nothing more will come of it
	answer   answerBody              // the body of its response
	cancel   context.CancelCauseFunc // of the context of queue; nil if there is none
	guest    atomic.Pointer[guest]   // that has taken it

	// instructions are what the guest has run for it, counting as long as it goes on, which the
	// owner of the store knows; settled is closed at its end.
	instructions uint64
	counting     bool
	settled      chan struct{}
}

// Memory returns the most linear memory that the instance has had that took the request, in bytes,
// from its beginning until now; 0 if none took it.
func (c *Call) Memory() uint64 {
	if g := c.guest.Load(); g != nil {
		return g.memory()
	}
	return 0
}

// Instructions returns how many instructions guests have run for the call, if the Engine counts
// them: those of the original core modules, of the component and its parts together. A block of
// code counts as a whole when it begins; calls and branches end one. Instructions waits until the
// guest has ended its work for the call. ok is false if ctx ends first, or no instance has taken
// the request.
func (c *Call) Instructions(ctx context.Context) (n uint64, ok bool) {
	if c.guest.Load() == nil || c.settled == nil {
		return 0, false
	}
	select {
	case <-c.settled:
		return c.instructions, true
	case <-ctx.Done():
		return 0, false
	}
}

// settle ends the counting of instructions. The owner of the store calls it.
func (c *Call) settle() {
	if c.counting {
		c.counting = false
		close(c.settled)
	}
}

// Stderr returns the last lines that the guest wrote to its standard error during the call.
func (c *Call) Stderr() []string { return c.tail.last() }

// Message returns what the guest said about a failure of its own on its standard error during the
// call: the message of a panic, an exception or an assertion, on one line without control
// characters; "" if it said nothing. The failure need not have ended the call: a guest may respond
// with a status of its own.
func (c *Call) Message() string { return c.tail.message() }

// Handler passes requests to guests and returns their responses. A Host is a Handler; see
// Host.Handle.
type Handler interface {
	Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error)
}

// Handle passes one request to a guest and returns as soon as the head of the response is there.
// The body streams while the guest works on, and the caller closes it. The trailers are complete
// once the body has returned io.EOF. Only Header counts for the fields of the response: the caller
// does not look at ContentLength.
//
// id names the request in the guest's output and in the log of outbound requests. r is a request as
// a server of net/http receives it. The end of ctx ends the exchange: for the guest, the client has
// gone. The head is expected until WithHeadDeadline says, or else for Config.Timeout from now.
//
// The error, of Handle and of reading the body, is a *Failure (see Config.Describe), or the cause
// of the end of ctx.
func (h *Host) Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	return h.handler.Handle(ctx, id, r)
}

// WithHeadDeadline returns a context for Host.Handle that says until when the head of the response
// is expected; the zero time stands for no limit.
func WithHeadDeadline(ctx context.Context, head time.Time) context.Context {
	return exchange.WithHeadDeadline(ctx, head)
}

// guests is the Handler at the bottom.
type guests Host

// Handle passes one request to a guest.
func (g *guests) Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	c := &Call{ID: id, describe: g.cfg.Describe}
	var given bool
	if c.Head, given = exchange.HeadDeadline(ctx); !given && g.cfg.Timeout > 0 {
		c.Head = time.Now().Add(g.cfg.Timeout)
	}
	if g.cfg.MaxInstances > 0 && !c.Head.IsZero() {
		ctx = c.queue(ctx)
	}
	return c.handle(ctx, g.proxy, r)
}

// queue returns a context for handle that ends when the head is expected and no instance has taken
// the request yet. Later, the worker of the instance keeps that time.
func (c *Call) queue(ctx context.Context) context.Context {
	ctx, c.cancel = context.WithCancelCause(ctx)
	wait := time.Until(c.Head)
	expire := time.AfterFunc(wait, func() {
		c.cancel(&handler.ExpirationError{Status: handler.Requests, After: wait})
	})
	c.Started = func() { expire.Stop() }
	return ctx
}

// end ends the context of queue.
func (c *Call) end() {
	if c.cancel != nil {
		c.Started()
		c.cancel(nil)
	}
}

// handle passes the request to proxy.
func (c *Call) handle(
	ctx context.Context,
	proxy *handler.ProxyHandler,
	r *http.Request,
) (*http.Response, error) {
	req, err := c.request.FromHTTP(r, nil)
	if err != nil {
		c.end()
		return badRequest(err), nil
	}
	if _, ok := r.Header["Traceparent"]; ok {
		c.trace = wasi.TraceOf(r.Header)
	}
	req.Timeline = timeline.From(ctx)
	req.Timeline.Use()
	resp, err := proxy.Handle(ctx, c, req)
	if err != nil {
		c.end()
		return nil, c.explain(err)
	}
	out := resp.HTTP()
	c.answer = answerBody{Body: resp.Body, call: c}
	out.Body = &c.answer
	return out, nil
}

// badRequest returns the response to a request that cannot be passed to a guest.
func badRequest(err error) *http.Response {
	text := http.StatusText(http.StatusBadRequest) + ": " + err.Error() + "\n"
	return &http.Response{
		StatusCode:    http.StatusBadRequest,
		Header:        http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
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
	return n, b.read(err)
}

// Next is Read, but returns bytes where they are, as exchange.Lender says.
func (b *answerBody) Next() ([]byte, error) {
	p, err := b.Body.Next()
	return p, b.read(err)
}

// read explains the error of a read.
func (b *answerBody) read(err error) error {
	switch err {
	case nil:
	case io.EOF:
		b.call.over.Store(true)
	default:
		err = b.call.explain(err)
	}
	return err
}

// Message is that of the call.
func (b *answerBody) Message() string { return b.call.Message() }

// Close stops receiving the body: further writes of the guest fail.
func (b *answerBody) Close() error {
	b.call.over.Store(true)
	err := b.Body.Close()
	b.call.end()
	return err
}

// RequestID returns the id of the request for which the guest has called a host function. It
// returns "" if the request is unknown, as during the initialization of an instance.
func RequestID(c *component.Call) string {
	g, ok := c.Data().(*guest)
	if !ok {
		return ""
	}
	if running := g.requests.running(); running != nil {
		return running.ID
	}
	return ""
}
