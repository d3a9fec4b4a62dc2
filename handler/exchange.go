package handler

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// exchange is a request on its way to a response. It is shared by the goroutine in Handle, which
// becomes the receiver of the response, and the worker.
type exchange struct {
	req  *Request
	data any
	// wake gets one message, when the receiver is to take the outcome. It comes from wakes, unless
	// that is nil, and goes back once it is empty again.
	wake  chan struct{}
	wakes *wakes

	mu       sync.Mutex
	resolved bool // there is an outcome, or the receiver does not wait
	told     bool // wake has got its message
	cut      bool // the message is that the context has ended
	outcome  result
	held     heldBack    // the receiver is not to have the outcome yet
	left     atomic.Bool // the receiver has left; changed with the lock
	over     bool        // the worker is done with it
	worker   *worker     // that has taken it
	// driver has been lent to the worker, and resumes the receiver; nil if it has not, or will do
	// so by itself.
	driver  driver
	returns bool // it does
	lent    loan // belongs to the receiver and the driver
	// failure is what ended the guest within the response's body, until the receiver has read it.
	failure error

	// What the receiver gets.
	response Response
	body     Body
}

type result struct {
	res *wasi.Response
	err error
}

// wakes holds free channels for exchange.wake.
type wakes struct{ pool sync.Pool }

// newExchange returns an exchange; free may be nil.
func newExchange(req *Request, data any, free *wakes) *exchange {
	x := &exchange{req: req, data: data, wakes: free}
	if free != nil {
		x.wake, _ = free.pool.Get().(chan struct{})
	}
	if x.wake == nil {
		x.wake = make(chan struct{}, 1)
	}
	return x
}

// resolve passes the outcome to the receiver. It reports whether it did: it does nothing if there
// has been an outcome before, or the receiver does not wait.
func (x *exchange) resolve(res *wasi.Response, err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.resolved {
		return false
	}
	x.resolved, x.outcome = true, result{res, err}
	x.tell()
	return true
}

// tell wakes the receiver, once. The lock is held.
func (x *exchange) tell() {
	if !x.told {
		x.told = true
		x.wake <- struct{}{}
		if x.driver != nil {
			x.driver.Resume()
			x.driver = nil
		}
	}
}

// driver drives the goroutine of the receiver; see exchange.Driver.
type driver = interface {
	Lend(work interface{ Run() bool })
	Resume()
}

// lend has the driver of the receiver's goroutine run w, which was parked, for x: nobody has to
// wake up for a guest that waits for nothing. It returns when the receiver is to go on.
func (x *exchange) lend(d driver, w *worker) {
	x.lent = loan{d, w}
	d.Lend(x)
}

// loan is a driver that was lent to a worker.
type loan struct {
	driver driver
	worker *worker
}

// Run runs the worker on the goroutine of the driver. It reports whether that is to resume the
// receiver.
func (x *exchange) Run() bool {
	w := x.lent.worker
	x.mu.Lock()
	if x.told { // the context of Handle has ended
		x.mu.Unlock()
		w.h.send(w, x)
		return true
	}
	x.driver = x.lent.driver
	x.mu.Unlock()
	w.borrowed = true
	w.run(x)
	x.mu.Lock()
	defer x.mu.Unlock()
	resumes := x.driver != nil || x.returns
	x.driver = nil
	return resumes
}

// comeBack is called when the worker is about to leave the goroutine on which it was run, before
// the exchange is settled.
func (x *exchange) comeBack() {
	x.mu.Lock()
	x.returns, x.driver = x.driver != nil, nil
	x.mu.Unlock()
}

// ContextEnded wakes the receiver because the context of Handle has ended.
func (x *exchange) ContextEnded() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut = !x.told
	x.tell()
}

// finish records that the worker is done with the exchange. What is held back stays so until settle
// is called.
func (x *exchange) finish() {
	x.mu.Lock()
	x.over = true
	x.mu.Unlock()
	x.req.Timeline.Release()
}

// end is, in one, comeBack if the worker is about to leave, finish and settle.
func (x *exchange) end(leaves bool) {
	x.mu.Lock()
	if leaves {
		x.returns, x.driver = x.driver != nil, nil
	}
	x.over = true
	h := x.held.by
	x.mu.Unlock()
	x.req.Timeline.Release()
	if h != nil {
		h.let(x)
	}
}

// fail ends the exchange because the guest has ended with err; res is the response that the guest
// has set, or nil. The receiver gets err in place of the response, or from its body. If it is too
// late for that, the embedder gets a report. fail reports whether the receiver or the embedder gets
// err.
func (x *exchange) fail(err error, res *wasi.Response) (heard bool) {
	if x.resolve(nil, err) {
		return true
	}
	x.mu.Lock()
	within := res != nil && !x.left.Load()
	if within {
		x.failure = err
	}
	x.mu.Unlock()
	if within {
		if res.Abort(err) {
			return true // the receiver gets it from the body, or leaves, which reports it
		}
		if !x.received(err) {
			return true // the receiver has left at the same moment
		}
	}
	return x.report(err)
}

// received records that the receiver has got err from the body. It reports whether err is what
// ended the guest and had not been recorded before.
func (x *exchange) received(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failure == nil || x.failure != err {
		return false
	}
	x.failure = nil
	return true
}

// report passes on what ended the guest when no outcome can carry it. It reports false if err is
// nothing to report: the end has another request's fault for its cause, or the embedder's will.
func (x *exchange) report(err error) bool {
	if !reportable(err) {
		return false
	}
	x.mu.Lock()
	w := x.worker
	x.mu.Unlock()
	if w == nil {
		return false
	}
	w.report(x.data, err)
	return true
}

// abandon is called by the receiver when it stops waiting for the outcome.
func (x *exchange) abandon() {
	x.mu.Lock()
	done, r := x.resolved, x.outcome
	x.resolved = true
	x.mu.Unlock()
	if done {
		// The outcome came at the same moment, or was held back.
		switch {
		case r.res != nil:
			_ = r.res.Body.Close()
		default:
			x.report(r.err)
		}
	}
	x.leave()
}

// leave ends the exchange for its receiver: the body has ended or is not wanted. The body of the
// request ends for the guest, too, and what the guest still does for the exchange becomes
// post-return work. leave may be called more than once.
func (x *exchange) leave() {
	if x.left.Load() {
		return
	}
	x.mu.Lock()
	if x.left.Load() {
		x.mu.Unlock()
		return
	}
	x.left.Store(true)
	w, unread := x.worker, x.failure
	x.failure = nil
	working := w != nil && !x.over
	x.mu.Unlock()
	if x.req.Body != nil {
		// The guest sees the error at the end of its reads.
		_ = x.req.Body.Close()
	}
	if working {
		w.receiverLeft(x)
	}
	if unread != nil {
		x.report(unread)
	}
}

// abandoned reports whether the receiver has left.
func (x *exchange) abandoned() bool { return x.left.Load() }

// take makes w the worker of the exchange. It returns false if the receiver has left before.
func (x *exchange) take(w *worker) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.worker = w
	return !x.left.Load()
}

// watched is a context that can say of its end at a lower cost than by a channel.
type watched interface {
	Watch(w interface{ ContextEnded() }) bool
	Unwatch()
}

// wait waits, for the receiver, until the outcome is there. w is a worker, which was parked, for
// its driver d to run; or nil.
func (x *exchange) wait(ctx context.Context, d driver, w *worker) (*Response, error) {
	c, ok := ctx.(watched)
	if ok = ok && c.Watch(x); w != nil {
		if ok {
			x.lend(d, w)
		} else {
			w.h.send(w, x)
		}
	}
	if ok {
		<-x.wake
		c.Unwatch()
	} else {
		select {
		case <-x.wake:
		case <-ctx.Done():
			x.abandon()
			return nil, context.Cause(ctx)
		}
	}
	if x.wakes != nil {
		x.wakes.pool.Put(x.wake)
	}
	x.mu.Lock()
	r, cut := x.outcome, x.cut
	x.mu.Unlock()
	if cut {
		x.abandon()
		return nil, context.Cause(ctx)
	}
	if r.err != nil {
		var unseen *InstantiationError
		if !errors.As(r.err, &unseen) { // that one may be tried again, body and all
			x.leave()
		}
		return nil, inPlaceOfResponse(r.err)
	}
	return newResponse(ctx, x, r.res), nil
}
