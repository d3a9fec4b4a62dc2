package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

// front serves what most requests are, in place of net/http: plain requests, which have no body and
// say nothing about their connection (see parsePlain). The first request on a connection that is
// not plain, or not all there at once, goes to net/http with the connection, which stays there.
//
// net/http starts a goroutine for each request that reads from the connection meanwhile, sets and
// resets deadlines, and makes twenty objects; that is more than the rest of a small request takes.
//
// To net/http a front is the listener that its connections come from.
type front struct {
	server   *Server
	listener *listener
	base     context.Context // of all requests
	complain *log.Logger

	handed   chan net.Conn // to net/http
	failed   chan error    // of the listener
	closed   chan struct{}
	closing  sync.Once
	stopping atomic.Bool // connections end with their next response
	serving  sync.WaitGroup

	soon time.Duration // after the last response comes a request for which turns pay off

	mu    sync.Mutex
	conns map[*plainConn]struct{}

	armed atomic.Bool
	timer *time.Timer // of tick; made when first needed, guarded by mu
}

func newFront(s *Server, l *listener, base context.Context, complain *log.Logger) *front {
	f := &front{
		server: s, listener: l, base: base, complain: complain,
		handed: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{}),
		conns: map[*plainConn]struct{}{}, soon: watchTick,
	}
	f.serving.Go(f.accept)
	return f
}

// accept serves each connection of the listener until the front is closed.
func (f *front) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			// net/http decides whether to go on, and when.
			select {
			case f.failed <- err:
				continue
			case <-f.closed:
				return
			}
		}
		switch c := c.(type) {
		case *conn:
			f.serving.Add(1) // until it is over, whoever drives it
			go f.serve(c)
		default:
			f.hand(c)
		}
	}
}

// hand passes a connection to net/http.
func (f *front) hand(c net.Conn) {
	select {
	case f.handed <- c:
	case <-f.closed:
		_ = c.Close()
	}
}

// Accept implements [net.Listener] for net/http.
func (f *front) Accept() (net.Conn, error) {
	select {
	case c := <-f.handed:
		return c, nil
	case err := <-f.failed:
		return nil, err
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements [net.Listener].
func (f *front) Addr() net.Addr { return f.listener.Addr() }

// Close implements [net.Listener].
func (f *front) Close() error {
	f.closing.Do(func() { close(f.closed) })
	return f.listener.Close()
}

// stop makes the connections end: those that wait for a request at once, the others with their
// response.
func (f *front) stop() {
	f.stopping.Store(true)
	for _, p := range f.all() {
		p.closeIdle()
	}
}

// wait waits until no connection is left or ctx ends.
func (f *front) wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		f.serving.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cut ends all requests, for that cause, and their connections.
func (f *front) cut(cause error) {
	for _, p := range f.all() {
		p.cut(cause)
	}
}

func (f *front) all() []*plainConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*plainConn, 0, len(f.conns))
	for p := range f.conns {
		all = append(all, p)
	}
	return all
}

// watchTick is the time after which a request is watched for a client that gives up: after one tick
// at least, and after two at most.
const watchTick = 5 * time.Millisecond

// arm makes tick be called soon.
func (f *front) arm() {
	if f.armed.Load() || f.armed.Swap(true) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer == nil {
		f.timer = time.AfterFunc(watchTick, f.tick)
	} else {
		f.timer.Reset(watchTick)
	}
}

// tick starts to watch the clients of requests that have been there at the tick before.
func (f *front) tick() {
	f.armed.Store(false)
	again := false
	f.mu.Lock()
	for p := range f.conns {
		again = p.tick() || again
	}
	f.mu.Unlock()
	if again {
		f.arm()
	}
}

// plainConn is a connection that a front serves.
type plainConn struct {
	f    *front
	c    *conn
	ctx  context.Context // of its requests, with the values of net/http for a connection
	buf  []byte          // where requests are read to
	rest int             // bytes in it that have come during a request
	out  plainWriter
	q    request   // of the plain request, which nothing refers to when it has been served
	idle time.Time // until when a request is waited for; not moved for each

	remote string

	driver exchange.Driver // of the goroutine that serves the connection

	late turn        // of the response that has not left
	aged atomic.Bool // the request was there at a tick

	mu      sync.Mutex
	closed  bool                    // no request begins any more
	cancel  context.CancelCauseFunc // of the request; nil if there is none
	marked  bool                    // the request was there at a tick
	watched chan struct{}           // closed when the client is not watched any more; nil if never
}

// plainSize is how long a plain request can be, in bytes.
const plainSize = 4 << 10

// serve serves plain requests until there is another one or the connection ends.
func (f *front) serve(c *conn) {
	if !c.handshake(f.server.options.ReadHeaderTimeout) {
		_ = c.Close()
		f.serving.Done()
		return
	}
	if c.state != nil && c.state.NegotiatedProtocol == protocolHTTP2 {
		c.use()
		f.hand(c.Conn)
		f.serving.Done()
		return
	}
	p := &plainConn{
		f: f, c: c, buf: make([]byte, plainSize), remote: c.RemoteAddr().String(),
	}
	// The context of the server need not know each request: cut ends them.
	p.ctx = context.WithValue(context.WithoutCancel(f.base), connKey{}, c)
	p.ctx = context.WithValue(p.ctx, http.LocalAddrContextKey, c.LocalAddr())
	p.out.p = p
	p.late.p = p
	p.late.wire, _ = c.wire.(turning)
	f.mu.Lock()
	f.conns[p] = struct{}{}
	f.mu.Unlock()
	exchange.Drive(func(d exchange.Driver) {
		p.driver = d
		p.over(!f.stopping.Load() && p.serve())
	})
}

// over is called when the connection has been served, and is for net/http or has ended.
func (p *plainConn) over(handed bool) {
	f, c := p.f, p.c
	defer f.serving.Done()
	f.mu.Lock()
	delete(f.conns, p)
	f.mu.Unlock()
	switch {
	case !handed:
		_ = c.Close()
	case c.state != nil:
		f.hand(tlsConn{c})
	default:
		f.hand(c)
	}
}

// serve reports whether the connection is net/http's from now on.
func (p *plainConn) serve() (hand bool) {
	o := &p.f.server.options
	if p.setDeadline(time.Now().Add(o.ReadHeaderTimeout)) != nil {
		return false
	}
	for {
		n := p.rest
		p.rest = 0
		if n == 0 {
			var err error
			if n, err = p.read(); err != nil || n == 0 {
				return false
			}
		}
		if n = copy(p.buf, afterEmptyLines(p.buf[:n])); n == 0 {
			continue
		}
		now := time.Now()
		p.c.use()
		p.c.half.began(now)
		head, ok := parsePlain(p.buf[:n], o.MaxHeaderBytes)
		if !ok {
			return p.handOver(n)
		}
		p.late.came(now)
		if !p.exchange(&head, now) || p.rest < 0 {
			return false
		}
		// stop leaves connections with a request alone.
		if !p.late.held && p.f.stopping.Load() {
			return false
		}
		// To within a sixteenth, so that it need not be moved for each request.
		left := p.idle.Sub(now)
		if (left < o.IdleTimeout-o.IdleTimeout/16 || left > o.IdleTimeout) &&
			p.setDeadline(now.Add(o.IdleTimeout)) != nil {
			return false
		}
	}
}

// afterEmptyLines returns what is behind empty lines, which are ignored before a request (RFC 9112,
// section 2.2).
func afterEmptyLines(b []byte) []byte {
	for {
		rest, found := bytes.CutPrefix(b, []byte("\n"))
		if !found {
			rest, found = bytes.CutPrefix(b, []byte("\r\n"))
		}
		if !found {
			return b
		}
		b = rest
	}
}

func (p *plainConn) setDeadline(at time.Time) error {
	p.idle = at
	return p.c.SetReadDeadline(at)
}

// handOver prepares the connection for net/http, which gets the first n bytes of the buffer first.
func (p *plainConn) handOver(n int) bool {
	p.c.ahead, p.c.served = p.buf[:n], 0
	p.c.half.ended.Store(0)
	return p.c.SetReadDeadline(time.Time{}) == nil
}

// exchange serves a request that has come just now. It reports whether the connection can be used
// for another one.
func (p *plainConn) exchange(head *plainHead, now time.Time) (more bool) {
	ctx := head.room.ctx.Init(p.ctx)
	if p.f.server.options.Direct {
		ctx.SetDriver(p.driver)
	}
	cancel := ctx.End
	defer cancel(nil)
	if !p.begin(cancel) {
		return false
	}
	defer func() {
		if !p.late.held {
			p.end()
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			more = false
			if v != http.ErrAbortHandler {
				p.f.complain.Printf("panic serving %s: %v\n%s", p.remote, v, debug.Stack())
			}
		}
	}()
	r := head.request(ctx, p.remote)
	r.TLS = p.c.state
	p.out.begin(r, cancel, now)
	p.f.server.ServeHTTP(&p.out, r)
	return p.out.finish()
}

// begin records that there is a request, which cancel ends. It reports false if it is too late for
// one.
func (p *plainConn) begin(cancel context.CancelCauseFunc) bool {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	p.cancel = cancel
	if p.aged.Load() {
		p.aged.Store(false)
	}
	p.mu.Unlock()
	p.f.arm()
	return true
}

// end records that there is no request any more, and stops watching its client. rest is then the
// number of bytes of the next request that have come already, or -1 if the connection has ended.
func (p *plainConn) end() {
	p.mu.Lock()
	p.cancel, p.marked = nil, false
	watched := p.watched
	p.watched = nil
	p.mu.Unlock()
	if watched == nil {
		return
	}
	// The read ends, or has ended.
	_ = p.c.SetReadDeadline(time.Unix(1, 0))
	<-watched
	p.idle = time.Time{} // it has to be set again
}

// tick starts to watch the client of a request that has been there at the tick before. It reports
// whether there is a request whose client is not watched.
func (p *plainConn) tick() (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.late.held, p.late.unread:
		return p.late.tick()
	case p.cancel == nil || p.watched != nil:
		return false
	case !p.marked:
		p.marked = true
		p.aged.Store(true)
		return true
	}
	if p.c.SetReadDeadline(time.Time{}) != nil {
		return false // it has ended
	}
	watched, cancel := make(chan struct{}), p.cancel
	p.watched = watched
	p.f.serving.Go(func() { p.watch(watched, cancel) })
	return false
}

// watch reads from the connection until the request ends: the client may leave meanwhile, which
// ends the context of the request.
func (p *plainConn) watch(watched chan<- struct{}, cancel context.CancelCauseFunc) {
	defer close(watched)
	n, err := p.c.Conn.Read(p.buf)
	p.rest = n
	if err == io.EOF {
		p.rest = -1
		err = p.c.awaitLeave(false)
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.rest = -1
		cancel(nil)
	}
}

// cut ends the connection, and the request that there may be for that cause.
func (p *plainConn) cut(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.cancel != nil {
		p.cancel(cause)
	}
	_ = p.c.Close()
}

// closeIdle closes the connection unless it has a request.
func (p *plainConn) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel == nil {
		p.closed = true
		_ = p.c.Close()
	}
}
