package cmd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
)

// host is the embedder of one build: it makes instances for the handler, and answers the server's requests through it.
type host struct {
	cfg    loadConfig
	pre    *handler.ProxyPre
	linked *component.Linked
	proxy  *handler.ProxyHandler
	base   wasi.Config
	tls    *tls.Config // for outbound requests, nil for the system's roots
	reuse  handler.Reuse
	ids    atomic.Uint64 // of instances
}

// The defaults for what is 0 in the configuration.
const (
	defaultReuseP2      = 1
	defaultReuseP3      = 128
	defaultConcurrentP3 = 16
)

func newHost(ctx context.Context, linked *component.Linked, exports []string, arg0 string, cfg loadConfig) (*host, error) {
	pre, err := handler.NewProxyPre(linked, exports)
	if err != nil {
		return nil, err
	}
	h := &host{cfg: cfg, pre: pre, linked: linked}
	h.base = wasi.Config{Args: append([]string{arg0}, cfg.Args...)}
	for _, e := range cfg.Env {
		h.base.Env = append(h.base.Env, [2]string{e.Name, e.Value})
	}
	if err := h.base.Check(); err != nil {
		return nil, err
	}
	if h.tls, err = trust(cfg.CAFiles); err != nil {
		return nil, err
	}
	h.reuse = handler.Reuse{Max: defaultReuseP2, Concurrent: 1}
	if pre.Kind() == handler.P3 {
		h.reuse = handler.Reuse{Max: defaultReuseP3, Concurrent: defaultConcurrentP3}
	}
	if cfg.MaxInstanceReuse > 0 {
		h.reuse.Max = cfg.MaxInstanceReuse
	}
	if cfg.MaxInstanceConcurrentReuse > 0 {
		h.reuse.Concurrent = cfg.MaxInstanceConcurrentReuse
	}
	h.proxy = handler.New(ctx, h)
	return h, nil
}

// trust returns a TLS configuration with the certificates in files beside the system's; nil for no files.
func trust(files []string) (*tls.Config, error) {
	if len(files) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, name := range files {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file %s: no certificate in PEM form found", name)
		}
	}
	return &tls.Config{RootCAs: roots}, nil
}

// guest is what belongs to one instance: the data of its store.
type guest struct {
	host   *host
	id     uint64
	cfg    wasi.Config
	state  *wasi.State
	stdout io.WriteCloser
	stderr io.WriteCloser
	expire handler.Timeouts

	requests attribution
}

// call is one request on its way through the handler.
type call struct {
	id   string
	head time.Time // until when the head of the answer is expected; zero for no limit
	tail term.Tail // what the guest wrote to stderr meanwhile

	ended atomic.Bool // the answer is out, whole
	over  atomic.Bool // nothing more will come of it
}

// Instantiate makes a store with an instance in it.
func (h *host) Instantiate(ctx context.Context) (*handler.Instance, error) {
	g := &guest{host: h, id: h.ids.Add(1), cfg: h.base}
	g.stdout = h.cfg.Stdout.Writer(g.prefix)
	g.stderr = &teeTail{LineWriter: h.cfg.Stderr.Writer(g.prefix), guest: g}
	g.cfg.Stdout, g.cfg.Stderr = guestLog{g.stdout}, guestLog{g.stderr}
	g.cfg.Client = h.client(g)
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

// prefix names instance and request in front of a line of output.
func (g *guest) prefix() string {
	id := "-"
	if c := g.requests.running(); c != nil {
		id = c.id
	}
	return "[" + strconv.FormatUint(g.id, 10) + "/" + id + "] "
}

// ShouldAcceptRequest applies the limits on reuse.
func (g *guest) ShouldAcceptRequest(concurrent, total int) handler.ShouldAccept {
	return g.host.reuse.ShouldAcceptRequest(concurrent, total)
}

// OnRequestStart attributes what the guest does in that task to the request from now on.
func (g *guest) OnRequestStart(_ handler.Store, data any, task handler.TaskID) time.Time {
	c := data.(*call)
	g.requests.started(c, task)
	return c.head
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
		g.host.cfg.Notice("[" + c.id + "] after its answer: " + err.Error())
	case errors.As(err, &late) && late.Status == handler.PostReturn:
		// All of the guest waited, and for which request that was is not known.
		g.host.cfg.Notice("instance " + strconv.FormatUint(g.id, 10) + ": " + err.Error())
	}
}

// client makes outbound requests for a guest under the user's rules.
func (h *host) client(g *guest) *wasi.Client {
	c := &wasi.Client{TLS: h.tls, Log: func(o wasi.Outbound) {
		if h.cfg.Outbound == nil {
			return
		}
		r := outboundRecord{Method: o.Method, URL: o.URL, Status: o.Status, Duration: o.Duration, Start: time.Now().Add(-o.Duration)}
		if o.Err != nil {
			r.ErrorCode = o.Err.Error()
			r.Refused = o.Err.Case == wasi.HTTPRequestDenied
		}
		if c := g.requests.only(); c != nil {
			r.RequestID = c.id
		}
		h.cfg.Outbound(r)
	}}
	if h.cfg.NoOutbound || len(h.cfg.AllowOutbound) > 0 {
		c.Allow = h.allow
	}
	return c
}

var errOutboundRefused = errors.New("refused by the outbound policy")

func (h *host) allow(authority string) error {
	name, portText, err := net.SplitHostPort(authority)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	for _, p := range h.cfg.AllowOutbound {
		if !h.cfg.NoOutbound && p.Match(name, port) {
			return nil
		}
	}
	return errOutboundRefused
}

// Handle answers one request of the server.
func (h *host) Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	c := &call{id: id}
	c.head, _ = serve.HeadDeadline(ctx)
	req, err := wasi.RequestFromHTTP(r, h.base.Fields)
	if err != nil {
		return badRequest(err), nil
	}
	resp, err := h.proxy.Handle(ctx, c, req)
	if err != nil {
		return nil, c.failure(err)
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
	call *call
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
		err = b.call.failure(err)
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
	*term.LineWriter
	guest *guest
}

// Write writes p to both.
func (t *teeTail) Write(p []byte) (int, error) {
	if c := t.guest.requests.running(); c != nil {
		_, _ = c.tail.Write(p) // never fails
	}
	return t.LineWriter.Write(p)
}

// guestLog is output of a guest that serves: when it cannot be written, that is nothing that the guest should fail for.
type guestLog struct{ w io.Writer }

// Write writes p if that is possible, and never fails.
func (l guestLog) Write(p []byte) (int, error) {
	_, _ = l.w.Write(p)
	return len(p), nil
}

// trial makes an instance and drops it.
func (h *host) trial(ctx context.Context) error {
	instance, err := h.Instantiate(ctx)
	if err != nil {
		return err
	}
	instance.State.Drop(instance.Store, nil)
	return nil
}
