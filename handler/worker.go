package handler

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/wasi"
)

// worker owns one instance. All that concerns the guest happens on the goroutine of run; the fields below mu are shared with the receivers of
// its responses and with its timer.
type worker struct {
	h      *ProxyHandler
	ctx    context.Context // of the store and everything in it
	cancel context.CancelCauseFunc
	next   chan *exchange // the one message that a parked worker gets; nil: end
	// refuses is guarded by the handler's lock.
	refuses bool

	inst  *Instance
	total int              // requests taken
	open  []*wasi.Response // of requests that the guest is done with, whose bodies it has not ended

	watch watch
	crew  *crew // of an instance that takes several requests at once; guarded by the watch's lock
}

func newWorker(h *ProxyHandler) *worker {
	w := &worker{h: h}
	w.ctx, w.cancel = context.WithCancelCause(h.ctx)
	return w
}

// run instantiates for x, handles it and what comes after it, and ends the instance.
func (w *worker) run(x *exchange) {
	defer w.h.gone(w)
	defer w.cancel(nil)
	growStack()
	inst, err := w.instantiate()
	if err != nil {
		x.answer(nil, &InstantiationError{Data: x.data, Request: x.req, Err: err})
		return
	}
	w.inst = inst
	w.guard(inst)
	var cause error
	if p, ok := inst.Proxy.(concurrentProxy); ok {
		cause = w.runCrew(p, x)
	} else {
		cause = w.runOne(x)
	}
	w.end()
	w.abortOpen(cause)
	w.drop(cause)
}

// runOne handles x and what comes after it, one at a time.
func (w *worker) runOne(x *exchange) (cause error) {
	for again := true; again && x != nil; {
		if again, cause = w.handle(x); again {
			x, cause = w.idle()
		}
	}
	return cause
}

// instantiate makes the instance; a panic of the embedder's is an error.
func (w *worker) instantiate() (inst *Instance, err error) {
	defer recoverTo(&err)
	return w.h.state.Instantiate(w.ctx)
}

// drop gives the store back. A panic there has nobody left to be told to.
func (w *worker) drop(cause error) {
	var lost error
	defer recoverTo(&lost)
	w.inst.State.Drop(w.inst.Store, cause)
}

func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = &engine.PanicError{Value: v, Stack: debug.Stack()}
	}
}

// idle waits for the next exchange; nil means that the worker has to end, because of a panic of the embedder's if there is an error.
func (w *worker) idle() (*exchange, error) {
	accept, err := w.accept()
	if err != nil || accept == Never || !w.waitIdle(accept == No) {
		return nil, err
	}
	return <-w.next, nil
}

func (w *worker) accept() (a ShouldAccept, err error) {
	defer recoverTo(&err)
	return w.inst.State.ShouldAcceptRequest(0, w.total), nil
}

// handle has the guest handle x until it has no more work for it. It returns whether the instance can be used again, and if not, what is wrong with
// it, if anything is.
func (w *worker) handle(x *exchange) (again bool, cause error) {
	defer close(x.returned)
	if stopped := w.begin(x); stopped != nil {
		x.answer(nil, stopped)
		return false, stopped
	}
	if !x.take(w) {
		// Nobody wants the response any more, and the guest has not heard of it.
		w.done()
		return true, nil
	}
	w.total++
	call := call{w: w, x: x}
	err := call.run()
	stopped := w.done()
	switch {
	case stopped != nil:
		cause = stoppedBy(stopped, err)
		x.answer(nil, cause)
		call.abort(cause)
		return false, cause
	case err != nil:
		outcome := fault(err)
		x.answer(nil, outcome)
		var exit *NoResponseError
		if errors.As(outcome, &exit) {
			// An end like any other, but of the whole instance.
			call.abort(wasi.ErrBodyDropped)
			return false, nil
		}
		call.abort(outcome)
		return false, outcome
	case !call.responded:
		x.answer(nil, &NoResponseError{})
		return false, nil
	}
	if call.res != nil && !call.res.Body.Ended() {
		w.open = append(w.open, call.res)
	}
	return true, nil
}

// stoppedBy is the outcome for a guest that was stopped, with what is known of where it was.
func stoppedBy(cause, err error) error {
	expired, ok := cause.(*ExpirationError)
	if !ok {
		return cause
	}
	found := *expired
	errors.As(err, &found.Trap)
	return &found
}

// abortOpen cuts the bodies of earlier requests that the guest can end no more.
func (w *worker) abortOpen(cause error) {
	var reason error = wasi.ErrBodyDropped
	if cause != nil {
		reason = lostTo(cause)
	}
	for _, r := range w.open {
		r.Abort(reason)
	}
}

// call is one request in the guest.
type call struct {
	w         *worker
	x         *exchange
	res       *wasi.Response
	responded bool
}

// run runs the guest. A panic in Go code outside of guest calls is an error.
func (c *call) run() (err error) {
	defer recoverTo(&err)
	inst := c.w.inst
	p, err := inst.Proxy.Prepare(inst.View(inst.Store.Data()), c.x.req, c.respond)
	if err != nil {
		return err
	}
	c.w.expireAt(inst.State.OnRequestStart(inst.Store, c.x.data, p.Task()))
	return p.Run(c.w.ctx)
}

// respond passes the guest's answer on.
func (c *call) respond(res *wasi.Response, code *ErrorCode) {
	c.res, c.responded = res, true
	inTime := c.w.headOut()
	if code != nil {
		if inTime {
			c.x.answer(nil, code) // the receiver leaves then
		}
		return
	}
	if !inTime || !c.x.answer(res, nil) {
		_ = res.Body.Close()
	}
}

func (c *call) abort(cause error) {
	if c.res != nil {
		c.res.Abort(cause)
	}
}

// growStack has the goroutine's stack grow to what guest calls need while there is little on it. Else it is copied several times on the way
// through a request, which takes a sixth of the time of a small one.
//
//go:noinline
func growStack() {
	var room [24 << 10]byte
	touch(&room)
}

//go:noinline
func touch(room *[24 << 10]byte) { room[0] = 1 }
