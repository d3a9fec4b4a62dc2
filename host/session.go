package host

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Session passes all its requests to one instance, whose state stays from one request to the next.
// The instance is made for the first request, and is not replaced when it has ended. A Session is
// safe for concurrent use.
type Session struct {
	host  *Host
	proxy *handler.ProxyHandler
	life  atomic.Pointer[life] // the last one that has begun
}

// life is what a Session has for one instance.
type life struct {
	maker  maker
	limit  int // of requests at once
	made   atomic.Bool
	hurry  atomic.Bool
	vacant chan struct{} // has an element if another request can come, or is about to
	ended  chan struct{} // closed when the instance has ended
	cause  error         // why; set before ended is closed
}

// SessionOptions configures a Session.
type SessionOptions struct {
	// Env adds variables to the environment of the Host's Config; those of the same name are
	// replaced.
	Env [][2]string
	// Concurrent is how many requests the instance takes at once; values below 1 count as 1, and an
	// instance of WASI 0.2 takes one in any case.
	Concurrent int
	// Connect, unless nil, replaces that of Outbound, and Network that of the Host's Config.
	Connect func(ctx context.Context, r wasi.Destination) (net.Conn, error)
	Network *wasi.Network
	// Recorded says that other servers are recorded: what they respond comes at once.
	Recorded bool
	// World is where the instance begins.
	World World
}

// ErrEnded is the error for a request that comes when the instance of a Session has ended.
var ErrEnded = errors.New("the instance has ended")

// NewSession returns a Session, which must be closed before the Host. The end of ctx stops it.
func (h *Host) NewSession(ctx context.Context, o SessionOptions) (*Session, error) {
	l, err := h.newLife(o)
	if err != nil {
		return nil, err
	}
	s := &Session{host: h}
	s.life.Store(l)
	s.proxy = handler.Options{MaxWorkers: 1}.New(ctx, (*sessionMaker)(s))
	return s, nil
}

// End makes the instance end by itself, as soon as it has no request. It does not wait for that. A
// request that comes after that fails with ErrEnded.
func (s *Session) End() { s.proxy.Retire() }

// Renew makes the Session what NewSession returns for the options, at a lower cost: its next
// request is the first one of a new instance, which is made when the one before has ended. There
// must be no request whose response is not complete. If there is an error, Renew has done nothing.
func (s *Session) Renew(o SessionOptions) error {
	l, err := s.host.newLife(o)
	if err != nil {
		return err
	}
	s.End()
	s.life.Store(l)
	return nil
}

func (h *Host) newLife(o SessionOptions) (*life, error) {
	l := &life{
		maker: h.maker, limit: 1,
		vacant: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	if h.Kind() == handler.P3 {
		l.limit = max(o.Concurrent, 1)
	}
	if h.cfg.KeyValue == nil {
		l.maker.base.KeyValue = wasi.NewKeyValue()
	}
	l.maker.base.Env = withEnv(h.maker.base.Env, o.Env)
	if o.Connect != nil {
		outbound := h.cfg.Outbound
		outbound.Connect = o.Connect
		l.maker.outbound = &outbound
	}
	l.maker.base.Recorded = o.Recorded
	if o.Network != nil {
		l.maker.base.Network = o.Network
	}
	if err := l.maker.base.Check(); err != nil {
		return nil, err
	}
	l.maker.instance = func() InstanceOptions { return InstanceOptions{World: o.World} }
	l.signal()
	return l, nil
}

// withEnv returns an environment with more variables.
func withEnv(env, more [][2]string) [][2]string {
	env = slices.Clone(env)
	for _, v := range more {
		at := slices.IndexFunc(env, func(old [2]string) bool { return old[0] == v[0] })
		if at >= 0 {
			env[at] = v
		} else {
			env = append(env, v)
		}
	}
	return env
}

// Handle passes one request to the instance, as Host.Handle does to any. A request that the
// instance cannot take yet waits for it, after those that came before. The error is ErrEnded if the
// instance has ended before it could take the request.
func (s *Session) Handle(ctx context.Context, c *Call, r *http.Request) (*http.Response, error) {
	resp, err := c.handle(ctx, s.proxy, r)
	if errors.Is(err, ErrEnded) {
		return nil, ErrEnded
	}
	return resp, err
}

// Wait waits until the guest has finished its work for requests whose responses are complete, and
// reports whether the instance can take another request; if not, it has ended. An instance that
// takes several requests at once is not waited for. The end of ctx ends the wait.
func (s *Session) Wait(ctx context.Context) bool {
	l := s.life.Load()
	select {
	case <-l.ended:
		return false
	default:
	}
	if l.limit > 1 {
		return true
	}
	select {
	case <-l.vacant:
		l.signal() // for the next Wait
		return true
	case <-l.ended:
	case <-ctx.Done():
	}
	return false
}

// Ended returns a channel that is closed when the instance has ended.
func (s *Session) Ended() <-chan struct{} { return s.life.Load().ended }

// Err returns why the instance has ended; nil if it has not, or nothing was wrong with it.
func (s *Session) Err() error {
	l := s.life.Load()
	select {
	case <-l.ended:
		return l.cause
	default:
		return nil
	}
}

// Hurry ends the time for work after a response: if the guest still works when no response has a
// receiver any more, the instance is stopped, and Err returns what the guest was doing.
func (s *Session) Hurry() { s.life.Load().hurry.Store(true) }

// Close refuses requests that wait, waits until the guest has ended its work, and stops it if ctx
// ends before that. It returns when there is no instance.
func (s *Session) Close(ctx context.Context) { s.proxy.Close(ctx) }

// end records that there is no instance any more.
func (l *life) end(cause error) {
	l.cause = cause
	close(l.ended)
}

// signal wakes a Wait.
func (l *life) signal() {
	select {
	case l.vacant <- struct{}{}:
	default:
	}
}

// sessionMaker is the handler's view of a Session.
type sessionMaker Session

// Instantiate makes the one instance.
func (m *sessionMaker) Instantiate(ctx context.Context) (*handler.Instance, error) {
	l := m.life.Load()
	if l.made.Swap(true) {
		return nil, ErrEnded
	}
	inst, err := l.maker.Instantiate(ctx)
	if err != nil {
		l.end(err)
		return nil, err
	}
	inst.State = &sessionWorker{inst.State, l}
	inst.Expiration = sessionExpiration{l}
	return inst, nil
}

// sessionExpiration lets an instance without requests live.
type sessionExpiration struct{ *life }

// Expires limits work after a response.
func (e sessionExpiration) Expires(status handler.WorkerStatus, since time.Time) time.Time {
	if status == handler.PostReturn && e.hurry.Load() {
		return since
	}
	cfg := &e.maker.host.cfg
	return handler.Timeouts{
		PostReturn: cfg.PostReturnTimeout,
		Streaming:  cfg.BodyTimeout,
	}.Expires(
		status,
		since,
	)
}

// sessionWorker keeps the instance for all requests of its life.
type sessionWorker struct {
	handler.WorkerState
	life *life
}

// ShouldAcceptRequest takes as many requests at once as it may, without an end.
func (w *sessionWorker) ShouldAcceptRequest(concurrent, _ int) handler.ShouldAccept {
	if concurrent >= w.life.limit {
		return handler.No
	}
	if g, ok := w.WorkerState.(*guest); ok && g.host.counts {
		g.settle()
	}
	w.life.signal()
	return handler.Yes
}

// OnRequestStart records that the instance is not vacant.
func (w *sessionWorker) OnRequestStart(
	store handler.Store,
	data any,
	task handler.TaskID,
) time.Time {
	select {
	case <-w.life.vacant:
	default:
	}
	return w.WorkerState.OnRequestStart(store, data, task)
}

// Drop frees the instance and ends its life.
func (w *sessionWorker) Drop(store handler.Store, err error) {
	w.WorkerState.Drop(store, err)
	w.life.end(err)
}
