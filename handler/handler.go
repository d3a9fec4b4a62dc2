package handler

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// ProxyHandler dispatches requests to workers. It is safe for concurrent use.
//
// A request goes to a worker that is available; if there is none, a new worker is started for it,
// and if Options.MaxWorkers allows no more, the request waits. Limiting how many requests run at
// once is the caller's task.
type ProxyHandler struct {
	state  HandlerState
	max    int             // of workers; 0 for no limit
	ctx    context.Context // of the workers
	cancel context.CancelCauseFunc
	unhook func() bool

	clock   clock
	heads   holder
	wakes   wakes
	workers sync.WaitGroup // grows under mu only while not closed
	crew    crew

	mu     sync.Mutex
	all    map[*worker]struct{}
	parked []*worker // idle workers, the most recently idle one last
	queue  queue     // of requests for which there is no worker
	left   int       // workers that Replace has left to themselves
	closed bool
}

// New returns a ProxyHandler for state with the default Options.
func New(ctx context.Context, state HandlerState) *ProxyHandler { return Options{}.New(ctx, state) }

// Options configures a ProxyHandler. The zero value sets no limits.
type Options struct {
	// MaxWorkers is how many workers, and with them instances, there may be at once; 0 means no
	// limit. A request for which there is no worker waits for one, after those that came before it,
	// until the context of Handle ends.
	MaxWorkers int
}

// New returns a ProxyHandler for state. When ctx ends, everything that runs is stopped as if by
// Close. The caller calls Close in any case.
func (o Options) New(ctx context.Context, state HandlerState) *ProxyHandler {
	h := &ProxyHandler{state: state, max: o.MaxWorkers, all: map[*worker]struct{}{}}
	h.clock.h, h.clock.began = h, time.Now()
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	h.unhook = context.AfterFunc(ctx, func() {
		h.shut()
		h.stopAll(context.Cause(ctx))
	})
	return h
}

// State returns the embedder's state.
func (h *ProxyHandler) State() HandlerState { return h.state }

// Handle passes the request to a guest and waits for the head of the response. data goes to
// WorkerState.OnRequestStart.
//
// A guest that goes on after the head of its response holds it back for a moment: most write the
// body and end right then, and all of the message can leave at once, with its length. The head
// comes as soon as the guest waits or returns, or has written a lot; of a guest that computes,
// about a millisecond after the body is complete, 20 milliseconds after the head if there is a part
// of the body, and 100 milliseconds after it in any case.
//
// The end of ctx ends the wait and, later, the response's body: for the guest, the client has gone.
// The error is then the cause of ctx. Otherwise it is one of *ExpirationError, *TrapError,
// *TrapOrPanicError, *NoResponseError, *ErrorCode, *InstantiationError, or ErrClosed.
func (h *ProxyHandler) Handle(ctx context.Context, data any, req *Request) (*Response, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	x := newExchange(req, data, &h.wakes)
	var d driver
	if c, ok := ctx.(interface{ Driver() driver }); ok {
		d = c.Driver()
	}
	w, err := h.dispatch(x, d != nil)
	if err != nil {
		return nil, err
	}
	res, err := x.wait(ctx, d, w)
	if err != nil && h.max > 0 {
		h.unqueue(x)
	}
	return res, err
}

// dispatch hands the exchange to a worker, or queues it for the next one. If driven, it may return
// a worker that is to be run for the exchange instead.
//
// No request is forgotten: taking a worker off the list of parked ones and deciding to start one or
// to queue the request are the same critical section, and so are parking a worker and looking at
// the queue, and a worker's end and looking at the queue. Each of dispatch, the worker's own
// expiration and shut sends exactly one message to a worker that it has taken off the list of
// parked ones; the worker's channel has room for it.
func (h *ProxyHandler) dispatch(x *exchange, driven bool) (*worker, error) {
	h.mu.Lock()
	if h.closed || h.ctx.Err() != nil {
		h.mu.Unlock()
		return nil, ErrClosed
	}
	for i := len(h.parked) - 1; i >= 0; i-- {
		if w := h.parked[i]; !w.refuses {
			h.unpark(i)
			h.mu.Unlock()
			if driven && !w.sits {
				return w, nil
			}
			h.send(w, x)
			return nil, nil
		}
	}
	if h.full() {
		h.queue.push(x)
	} else {
		h.start(x)
	}
	h.mu.Unlock()
	return nil, nil
}

// send passes a message to a worker that was parked.
func (h *ProxyHandler) send(w *worker, x *exchange) {
	if w.sits {
		w.next <- x
	} else {
		h.crew.run(w, x)
	}
}

// full reports whether no more workers may be started. The lock is held.
func (h *ProxyHandler) full() bool { return h.max > 0 && len(h.all)-h.left >= h.max }

// start starts a worker for x. The lock is held, and the handler not closed.
func (h *ProxyHandler) start(x *exchange) {
	w := newWorker(h)
	h.all[w] = struct{}{}
	h.workers.Add(1)
	h.crew.run(w, x)
}

// unqueue takes x out of the queue, if it is there.
func (h *ProxyHandler) unqueue(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue.remove(x)
}

// unpark takes a worker off the list. The lock is held.
func (h *ProxyHandler) unpark(i int) {
	copy(h.parked[i:], h.parked[i+1:])
	h.parked[len(h.parked)-1] = nil
	h.parked = h.parked[:len(h.parked)-1]
}

// park makes w wait for a message; with refuses that will not be a request. If there is a request
// already, park returns it. It returns false when no more messages will come.
func (h *ProxyHandler) park(w *worker, refuses bool) (x *exchange, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || w.retires {
		return nil, false
	}
	if !refuses {
		if x := h.queue.pop(); x != nil {
			return x, true
		}
	}
	w.refuses = refuses
	h.parked = append(h.parked, w)
	return nil, true
}

// withdraw takes w off the list of parked workers. It returns false if w has got a message, or
// will at once.
func (h *ProxyHandler) withdraw(w *worker) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, p := range h.parked {
		if p == w {
			h.unpark(i)
			return true
		}
	}
	return false
}

// retire sends an idle worker home. It does nothing when w has got a message already.
func (h *ProxyHandler) retire(w *worker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, p := range h.parked {
		if p == w {
			h.unpark(i)
			h.send(w, nil)
			return
		}
	}
}

// Retire makes each worker that there is end as soon as it has no request: those that come from now
// on are for new instances.
func (h *ProxyHandler) Retire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retireAll()
}

// Replace is Retire, but does not wait for the workers: Options.MaxWorkers does not count them any
// more, so that requests that wait get new ones.
func (h *ProxyHandler) Replace() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retireAll()
	for w := range h.all {
		if !w.left {
			w.left = true
			h.left++
		}
	}
	if h.closed || h.ctx.Err() != nil {
		return
	}
	for !h.full() {
		x := h.queue.pop()
		if x == nil {
			return
		}
		h.start(x)
	}
}

func (h *ProxyHandler) retireAll() {
	for w := range h.all {
		w.retires = true
	}
	for _, w := range h.parked {
		h.send(w, nil)
	}
	clear(h.parked)
	h.parked = h.parked[:0]
}

// workerEnded is called by a worker at its very end.
func (h *ProxyHandler) workerEnded(w *worker) {
	h.mu.Lock()
	delete(h.all, w)
	if w.left {
		h.left--
	}
	if !h.closed && h.ctx.Err() == nil && !h.full() {
		if x := h.queue.pop(); x != nil {
			h.start(x)
		}
	}
	h.mu.Unlock()
	h.workers.Done()
}

// shut refuses further requests and those that are queued, and ends idle workers.
func (h *ProxyHandler) shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, w := range h.parked {
		h.send(w, nil)
	}
	h.parked = nil
	for x := h.queue.pop(); x != nil; x = h.queue.pop() {
		x.resolve(nil, ErrClosed)
	}
}

// stopAll stops the workers that run.
func (h *ProxyHandler) stopAll(cause error) {
	for _, w := range h.running() {
		w.stop(cause)
	}
}

// running returns the workers that there are.
func (h *ProxyHandler) running() []*worker {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.all))
}

// Close refuses further requests and waits until the workers have ended. If ctx ends before that,
// it stops them, with ErrClosed as the outcome of their requests. It returns when no worker is
// left. Close may be called more than once.
func (h *ProxyHandler) Close(ctx context.Context) {
	h.shut()
	unhook := context.AfterFunc(ctx, func() { h.stopAll(ErrClosed) })
	h.workers.Wait()
	h.crew.end()
	h.clock.stop()
	h.heads.stop()
	unhook()
	h.unhook()
	h.cancel(ErrClosed)
}

// Workers returns the number of workers, and how many of them can take a request or are idle.
func (h *ProxyHandler) Workers() (all, idle int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all), len(h.parked)
}
