package handler

import (
	"errors"
	"runtime/debug"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// worker owns one instance. All that concerns the guest happens on the goroutine of run; the fields
// of watch are shared with the receivers of its responses and with its timer.
type worker struct {
	h   *ProxyHandler
	ctx workerContext // of the store and everything in it
	// sits says that the worker is parked with its goroutine, which takes the one message that a
	// parked worker gets from next; nil: end. Otherwise it belongs to no goroutine meanwhile, and
	// is run for the message. It does not change while the worker is parked.
	sits bool
	next chan *exchange
	// borrowed says that the goroutine is the driver of a receiver. It is the owner's.
	borrowed bool
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

// passOn hands a request that the guest has not seen to another worker, because this one was
// stopped; if the handler takes none any more, that is the outcome.
func (w *worker) passOn(x *exchange, stopped error) {
	if _, err := w.h.dispatch(x, false); err != nil {
		x.resolve(nil, stopped)
		x.finish()
	}
}

// run instantiates for the first exchange of the worker, handles it and what comes right after it,
// until the worker is parked, to be run again, or its instance has ended. Without an exchange it
// ends the instance.
func (w *worker) run(x *exchange) {
	if w.inst == nil && !w.start(x) {
		return
	}
	var parked bool
	var cause error
	if p, ok := w.inst.Proxy.(concurrentProxy); ok {
		parked, cause = w.runLoop(p, x)
	} else {
		parked, cause = w.runOne(x)
	}
	w.leave(parked, cause)
}

// goOn is run for a worker that has left another goroutine.
func (w *worker) goOn() { w.leave(w.loop.run(nil)) }

// leave ends the instance, for that cause, unless the worker is another goroutine's by now.
func (w *worker) leave(parked bool, cause error) {
	if parked {
		return
	}
	w.end()
	if err := w.drop(cause); err != nil {
		w.report(nil, &TrapOrPanicError{Err: err})
	}
	w.over()
}

// start instantiates for x. It reports whether there is an instance; if not, the worker has ended.
func (w *worker) start(x *exchange) bool {
	w.ctx.making = x.req.Timeline
	w.ctx.making.Making()
	inst, err := w.instantiate()
	w.ctx.making = nil
	if err != nil {
		x.resolve(nil, &InstantiationError{Data: x.data, Request: x.req, Err: err})
		w.over()
		return false
	}
	w.inst = inst
	w.guard(inst)
	w.respond, w.waits = w.call.respond, w.call.waits
	return true
}

// over ends the worker.
func (w *worker) over() {
	w.ctx.end(nil)
	w.h.workerEnded(w)
}

// runOne handles x, unless it is nil, and what comes right after it, one at a time, until the
// worker is parked or has to end.
func (w *worker) runOne(x *exchange) (parked bool, cause error) {
	for x != nil {
		begun, stopped := w.begin(x)
		if stopped != nil {
			w.passOn(x, stopped)
			return false, stopped
		}
		var again bool
		if again, cause = w.handle(x, begun); !again {
			x.end(false)
			return false, cause
		}
		if x, parked, cause = w.idle(x); parked {
			return true, nil
		}
	}
	return false, cause
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

// idle parks the worker, unless it returns the next exchange, and settles the one that is done: a
// request that comes because of its response finds the worker idle. If idle returns neither, the
// worker has to end; the error is a panic of the embedder's, if there was one.
func (w *worker) idle(done *exchange) (x *exchange, parked bool, err error) {
	accept, err := w.accept()
	if err == nil && accept != Never {
		if x, parked = w.waitIdle(accept == No); parked {
			parked = x == nil
		}
	}
	done.end(parked) // if it is parked, somebody else may run it by now
	return x, parked, err
}

func (w *worker) accept() (a ShouldAccept, err error) {
	defer recoverTo(&err)
	return w.inst.State.ShouldAcceptRequest(0, w.total), nil
}

// handle runs the guest until it has no more work for x, which the worker took at that time. It
// returns whether the instance can be used again, and if not, what is wrong with it, if anything
// is.
func (w *worker) handle(x *exchange, begun time.Time) (again bool, cause error) {
	call := &w.call
	call.ended = time.Time{}
	if !x.take(w) {
		// The receiver has left before the guest has seen the request.
		w.done()
		return true, nil
	}
	w.total++
	call.w, call.x, call.res, call.responded, call.begun = w, x, nil, false, begun
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
	begun     time.Time // when the worker took it
	ended     time.Time // when the guest had no more work for it; zero if nobody has looked
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
		line.RunAt(c.begun)
		defer func() {
			state.SetTimeline(nil)
			c.ended = line.Wait()
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
