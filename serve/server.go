package serve

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/exchange"
	"github.com/wasihttp/wasihttp/serve/listen"
)

// ErrorPages is how much the response to a failed request says.
type ErrorPages int

const (
	// PagesAuto is PagesFull if only this machine can reach the listener, and
	// PagesBrief otherwise.
	PagesAuto ErrorPages = iota
	// PagesFull is everything: cause, backtrace, log lines, the request itself.
	PagesFull
	// PagesBrief is the outcome and the request's id.
	PagesBrief
)

// Defaults of Options whose zero value would be of no use.
const (
	DefaultGrace             = time.Second
	DefaultReadHeaderTimeout = 10 * time.Second
	DefaultIdleTimeout       = 2 * time.Minute
	DefaultMaxHeaderBytes    = 128 << 10
)

// Options configures a Server. The zero value serves without limits and logs
// nothing.
type Options struct {
	// Timeout is the longest time from accepting a request to the head of its
	// response; 0 means no limit. Keeping it is the Handler's task.
	Timeout time.Duration
	// Grace is how long after Timeout the server waits for the Handler before
	// it responds itself, and how long it waits for handlers whose context has
	// ended; 0 means DefaultGrace.
	Grace time.Duration
	// MaxConcurrent is how many requests run at once; more wait, no longer than
	// Timeout. 0 means no limit.
	MaxConcurrent int
	// DrainTimeout is how long requests may go on once the context of Serve has
	// ended.
	DrainTimeout time.Duration
	// ErrorPages is how much the response to a failed request says.
	ErrorPages ErrorPages
	// AllowHosts are names of this server, beside localhost and addresses. Requests
	// for any other name reach the Handler, but their failures are as brief as
	// with PagesBrief, and the server's own paths are closed to them.
	AllowHosts []string
	// ReadHeaderTimeout, IdleTimeout and MaxHeaderBytes limit what a connection
	// may cost before and between requests; 0 means the default.
	ReadHeaderTimeout time.Duration
	IdleTimeout       time.Duration
	MaxHeaderBytes    int
	// Log receives each request when it has ended; nil discards it. It is
	// called from many goroutines at once.
	Log func(Record)
	// ErrorLog receives the messages of the HTTP server itself, line by line;
	// nil discards them.
	ErrorLog io.Writer
	// Draining, unless nil, is called when Serve begins to drain, with the number
	// of requests that are still running.
	Draining func(requests int)
	// Abort ends draining at once when it is closed; nil is never closed.
	Abort <-chan struct{}
	// Crashed, unless nil, is called with each request that trapped or expired, from many
	// goroutines. Cut reports that the body is too large to be kept.
	Crashed func(Recorded)
	// TLS is the configuration for a server that speaks https; nil for http. It has certificates;
	// which protocols go through TLS is the server's decision.
	TLS *tls.Config
	// LiveReload makes HTML pages reload themselves after a swap.
	LiveReload bool
	// Explorer, unless nil, follows requests, and has the paths below /__wasihttp/ that are not
	// those of LiveReload.
	Explorer Explorer
	// Direct says that the Handlers of all builds use the context of a request on the goroutine on
	// which Handle was called, and before it returns, wherever a guest gets the request: that may
	// then run right there.
	Direct bool
}

// Record describes a request that has ended, for the log.
type Record struct {
	// ID is the request's id, unique within the process.
	ID string
	// Method and Target are the request line's, as they arrived.
	Method, Target string
	// Remote is the client's address and port.
	Remote string
	// Start is when the request was accepted.
	Start time.Time
	// Duration is the time until the response was handed to the network.
	Duration time.Duration
	// Status is the response's status; 0 if there was no response.
	Status int
	// Bytes is the length of the response's body.
	Bytes int64
	// Outcome is how it ended, and Failure why unless it is OK.
	Outcome Outcome
	Failure *Failure
	// Message is what the program said about a failure of its own for which it made a response by
	// itself, with a status of 5xx; "" for nothing.
	Message string
	// Aborted reports whether the response had begun and the connection was cut.
	Aborted bool
}

// Server serves the current build. Its methods are safe for concurrent use.
type Server struct {
	options Options
	limit   *exchange.Limit
	current atomic.Pointer[generation]
	builds  atomic.Uint64 // made so far
	stale   atomic.Pointer[Stale]
	// staleTimes is how often there was a reason.
	staleTimes atomic.Uint64
	live       *live // nil without live reload
	ids        atomic.Uint64
	active     atomic.Int64
	// detailed is decided by Serve, before the first request.
	detailed  atomic.Bool
	exchanges exchange.Config
	dogs      watchdogs
}

// New returns a Server of the build b, which it owns from then on: the build is
// closed when it was swapped out or when Serve returns.
func New(b Build, o Options) *Server {
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.ReadHeaderTimeout == 0 {
		o.ReadHeaderTimeout = DefaultReadHeaderTimeout
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = DefaultIdleTimeout
	}
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = DefaultMaxHeaderBytes
	}
	if o.Log == nil {
		o.Log = func(Record) {}
	}
	if o.ErrorLog == nil {
		o.ErrorLog = io.Discard
	}
	names := make([]string, len(o.AllowHosts))
	for i, name := range o.AllowHosts {
		names[i] = canonicalName(name)
	}
	o.AllowHosts = names
	s := &Server{options: o, limit: exchange.NewLimit(o.MaxConcurrent)}
	s.detailed.Store(o.ErrorPages == PagesFull)
	s.exchanges.Grace = o.Grace
	s.exchanges.Reserved = []string{BuildHeader, StaleHeader}
	s.exchanges.Conn = connOf
	g := newGeneration(b, s.builds.Add(1))
	s.current.Store(g)
	if o.LiveReload {
		s.live = newLive(g.page)
	}
	return s
}

// Swap makes b the current build, which gets every later request and is not
// stale. The caller must call Wait on the returned build, the previous one.
func (s *Server) Swap(b Build) *Retired {
	g := newGeneration(b, s.builds.Add(1))
	s.stale.Store(nil)
	old := s.current.Swap(g)
	if s.live != nil {
		s.live.announce(g.page, nil)
	}
	return &Retired{old}
}

// Active returns the number of requests being served.
func (s *Server) Active() int { return int(s.active.Load()) }

// acquire takes a reference on the current generation.
func (s *Server) acquire() *generation {
	for {
		if g := s.current.Load(); g.acquire() {
			return g
		}
	}
}

// Serve serves requests on l until ctx ends, then stops accepting, lets the
// requests that run finish for the drain timeout, cuts what is left, and closes
// the current build. It closes l, and returns nil unless accepting or closing
// failed. It may be called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if s.options.ErrorPages == PagesAuto {
		s.detailed.Store(listen.IsLoopback(l))
	}
	base, cancelBase := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelBase(nil)

	below := wrapListener(l)
	below.complain, below.grace = log.New(s.options.ErrorLog, "", 0), s.options.Grace
	below.maxLine = s.options.MaxHeaderBytes
	if s.options.TLS != nil {
		below.tls = withProtocols(s.options.TLS)
	}
	server := s.httpServer(base)
	plain := newFront(s, below, base, server.ErrorLog)
	accepting := make(chan error, 1)
	go func() { accepting <- server.Serve(plain) }()

	var acceptErr error
	stopped := false
	select {
	case <-ctx.Done():
		below.stopping.Store(true)
		// Heads from now on say that their connection ends.
		server.SetKeepAlivesEnabled(false)
		plain.stopping.Store(true)
	case acceptErr = <-accepting:
		stopped = true
	}
	// Closing may find the listener already closed by what made it fail.
	_ = plain.Close()
	if !stopped {
		<-accepting
	}
	below.closeUnused()
	plain.stop()
	defer s.dogs.stop()
	if err := s.drain(base, cancelBase, server, plain); err != nil {
		return err
	}
	return acceptErr
}

// httpServer configures net/http to stay out of the way: no write timeout,
// because responses may stream for hours, and no response of its own to OPTIONS
// *.
func (s *Server) httpServer(base context.Context) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	h := &http.Server{
		Handler:                      s,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            s.options.ReadHeaderTimeout,
		IdleTimeout:                  s.options.IdleTimeout,
		MaxHeaderBytes:               s.options.MaxHeaderBytes,
		ErrorLog:                     log.New(s.options.ErrorLog, "", 0),
		Protocols:                    protocols,
		BaseContext:                  func(net.Listener) context.Context { return base },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, connOfNet(c))
		},
	}
	if s.live != nil {
		h.RegisterOnShutdown(s.live.close)
	}
	if s.options.Explorer != nil {
		h.RegisterOnShutdown(s.options.Explorer.Stop)
	}
	return h
}

// connKey finds the connection of a request in its context.
type connKey struct{}

// connOf returns the connection of a request in HTTP/1, nil if it is not one of a listener. What
// matters about it does not concern HTTP/2, whose requests share it.
func connOf(r *http.Request) exchange.Conn {
	if c := httpConn(r); c != nil {
		return c
	}
	return nil
}

func httpConn(r *http.Request) *conn {
	if r.ProtoMajor != 1 {
		return nil
	}
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

// drain waits for running requests, for the drain timeout at most, and then closes the remaining
// connections.
func (s *Server) drain(
	base context.Context, cancelBase context.CancelCauseFunc, server *http.Server, plain *front,
) error {
	if s.options.Draining != nil {
		s.options.Draining(s.Active())
	}
	ctx, cancel := context.WithTimeout(base, s.options.DrainTimeout)
	defer cancel()
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		select {
		case <-s.options.Abort:
			cancel()
		case <-ctx.Done():
		}
	}()

	retireCtx, cancelRetire := ctx, context.CancelFunc(func() {})
	err := server.Shutdown(ctx)
	if err == nil {
		err = plain.wait(ctx)
	}
	if err != nil {
		// Out of time: closing the connections and ending the contexts makes
		// the handlers return.
		cancelBase(errStopped)
		plain.listener.hurry.Store(true)
		_ = server.Close()
		plain.cut(errStopped)
		retireCtx, cancelRetire = context.WithTimeout(context.WithoutCancel(base), s.options.Grace)
	}
	defer cancelRetire()
	err = s.current.Load().retire(retireCtx)
	cancel()
	<-listening
	return err
}

// nextID returns the id of the next request: a number, which is short enough
// for each line of a log.
func (s *Server) nextID() string { return strconv.FormatUint(s.ids.Add(1), 10) }

// ServeHTTP serves one request. It panics with http.ErrAbortHandler, as net/http
// requires, if the response was not sent whole.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := httpConn(r)
	if c != nil {
		if c.over.Load() {
			// These bytes are the rest of a request whose body was not read.
			panic(http.ErrAbortHandler)
		}
		if c.served++; c.Last() {
			w.Header().Set("Connection", "close")
		}
		defer func() { c.half.ended.Store(c.served) }()
	}
	if problem := invalid(r, c != nil && c.framer.isHostless(c.served)); problem != "" {
		if r.ProtoMajor == 1 || r.Method == "PRI" {
			w.Header().Set("Connection", "close")
		}
		http.Error(w, "400 Bad Request: "+problem, http.StatusBadRequest)
		return
	}
	own := isOwn(r.Host, s.options.AllowHosts)
	if s.isReserved(r.URL.Path) && s.serveReserved(w, r, own) {
		return
	}
	s.active.Add(1)
	defer s.active.Add(-1)
	q, start := roomFor(w)
	q.server, q.w = s, w
	q.detailed, q.live = own && s.detailed.Load(), own && s.live != nil
	q.record = Record{
		ID:      s.nextID(),
		Method:  r.Method,
		Target:  r.RequestURI,
		Remote:  r.RemoteAddr,
		Start:   start,
		Outcome: OK,
	}
	q.x.Begin(&s.exchanges, w, r)
	q.r = q.x.Request()
	if s.options.Explorer != nil {
		q.follow(s.options.Explorer)
	}
	q.run()
	q.x.End()
}
