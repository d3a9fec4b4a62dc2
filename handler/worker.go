package handler

import (
	"errors"
	"runtime/debug"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// worker owns one instance. All that concerns the guest happens on the goroutine of run; the fields
// below mu are shared with the receivers of its responses and with its timer.
type worker struct {
	h    *ProxyHandler
	ctx  workerContext  // of the store and everything in it
	next chan *exchange // the one message that a parked worker gets; nil: end
	// refuses and retires are guarded by the handler's lock.
	refuses bool // takes no request before it has something else to do
	retires bool // takes no request any more
	left    bool // does not count any more

	inst  *Instance
	total int // requests taken

	call    call // of an instance that takes one request at a time
	respond func(*wasi.Response, *ErrorCode)
	waits   func()

	watch watch
	loop  *loop // of an instance that takes several requests at once; guarded by the watch's lock
}

func newWorker(h *ProxyHandler) *worker {
	w := &worker{h: h}
	w.ctx.parent = h.ctx
	return w
}

// run instantiates for x, handles it and what comes after it, and ends the instance.
func (w *worker) run(x *exchange) {
	defer w.h.workerEnded(w)
	defer w.ctx.end(nil)
	x.req.Timeline.Making()
	inst, err := w.instantiate()
	if err != nil {
		x.resolve(nil, &InstantiationError{Data: x.data, Request: x.req, Err: err})
		return
	}
	w.inst = inst
	w.guard(inst)
	var cause error
	if p, ok := inst.Proxy.(concurrentProxy); ok {
		cause = w.runLoop(p, x)
	} else {
		cause = w.runOne(x)
	}
	w.end()
	if err := w.drop(cause); err != nil {
		w.report(nil, &TrapOrPanicError{Err: err})
	}
}

// runOne handles x and what comes after it, one at a time.
func (w *worker) runOne(x *exchange) (cause error) {
	w.respond, w.waits = w.call.respond, w.call.waits
	for again := true; again && x != nil; {
		if again, cause = w.handle(x); again {
			x, cause = w.idle(x)
		} else {
			x.finish()
			x.settle()
		}
	}
	return cause
}

// instantiate makes the instance; a panic of the embedder's is an error.
func (w *worker) instantiate() (inst *Instance, err error) {
	defer recoverTo(&err)
	return w.h.state.Instantiate(&w.ctx)
}

// drop returns the store to the embedder. The error is a panic of the embedder's.
func (w *worker) drop(cause error) (err error) {
	defer recoverTo(&err)
	w.inst.State.Drop(w.inst.Store, cause)
	return nil
}

// report passes a failure that no outcome can carry to the embedder. Any goroutine may call it once
// there is an instance. A panic of the embedder's Report is dropped.
func (w *worker) report(data any, err error) {
	var again error
	defer recoverTo(&again)
	w.inst.State.Report(data, err)
}

func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = &engine.PanicError{Value: v, Stack: debug.Stack()}
	}
}

// idle settles the exchange that is done, and waits for the next one: a request that comes because
// of the response to the last one finds the worker idle. idle returns nil if the worker has to end;
// the error is a panic of the embedder's, if there was one.
func (w *worker) idle(done *exchange) (*exchange, error) {
	accept, err := w.accept()
	waits := err == nil && accept != Never && w.waitIdle(accept == No)
	done.finish()
	done.settle()
	if !waits {
		return nil, err
	}
	return <-w.next, nil
}

func (w *worker) accept() (a ShouldAccept, err error) {
	defer recoverTo(&err)
	return w.inst.State.ShouldAcceptRequest(0, w.total), nil
}

// handle runs the guest until it has no more work for x. It returns whether the instance can be
// used again, and if not, what is wrong with it, if anything is.
func (w *worker) handle(x *exchange) (again bool, cause error) {
	if stopped := w.begin(x); stopped != nil {
		x.resolve(nil, stopped)
		return false, stopped
	}
	if !x.take(w) {
		// The receiver has left before the guest has seen the request.
		w.done()
		return true, nil
	}
	w.total++
	call := &w.call
	call.w, call.x, call.res, call.responded = w, x, nil, false
	err := call.run()
	switch stopped := w.done(); {
	case stopped != nil:
		cause = stoppedBy(stopped, err)
	case err != nil:
		cause = fault(err)
	case !call.responded:
		x.resolve(nil, &NoResponseError{})
		return false, nil
	default:
		// Between calls no guest code runs that could continue the body.
		if call.res != nil && call.res.Stuck() {
			call.res.Abandon()
		}
		return true, nil
	}
	x.fail(cause, call.res)
	if _, exit := cause.(*ExitError); exit {
		return false, nil
	}
	return false, cause
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
	state := inst.View(inst.Store.Data())
	state.OnWait(c.w.waits)
	defer state.OnWait(nil)
	p, err := inst.Proxy.Prepare(state, c.x.req, c.w.respond)
	if err != nil {
		return err
	}
	c.w.expireAt(inst.State.OnRequestStart(inst.Store, c.x.data, p.Task()))
	if line := c.x.req.Timeline; line != nil {
		state.SetTimeline(line)
		line.Run()
		defer func() {
			state.SetTimeline(nil)
			line.Wait()
		}()
	}
	return p.run(&c.w.ctx)
}

// waits is called when the guest is about to wait.
func (c *call) waits() {
	if c.responded {
		c.x.settle()
	}
}

// respond passes on the guest's response or its error code.
func (c *call) respond(res *wasi.Response, code *ErrorCode) {
	c.res, c.responded = res, true
	c.x.req.Timeline.Responded()
	now := time.Now()
	inTime := c.w.headOut(now)
	if code != nil {
		if inTime {
			c.x.resolve(nil, code) // the receiver leaves then
		}
		return
	}
	if !inTime || !c.w.h.heads.hold(c.x, res, now) {
		_ = res.Body.Close()
	}
}
