package handler

import (
	"context"
	"errors"
	"sync"

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
	woken    bool // wake has its message
	held     bool // the outcome was held
	outcome  result
	left     bool    // the receiver has left
	worker   *worker // that has taken it
	// failure is what ended the guest within the response's body, until the receiver has read it.
	failure error
	// isSettled says that the guest has responded and will do no more for the request soon: it has
	// returned, or waits. settled is closed then, if somebody waits for that.
	isSettled bool
	settled   chan struct{}

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
	return x.decide(res, err, true)
}

// hold is resolve, but the receiver need not hear of it before release or settle is called: most
// guests end right after they have responded, and the receiver has nothing to do before that.
func (x *exchange) hold(res *wasi.Response) bool { return x.decide(res, nil, false) }

func (x *exchange) decide(res *wasi.Response, err error, now bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.resolved {
		return false
	}
	x.resolved, x.outcome = true, result{res, err}
	x.held = !now
	if now {
		x.wakeReceiver()
	}
	return true
}

// wakeReceiver wakes the receiver if there is an outcome for it. The lock is held.
func (x *exchange) wakeReceiver() {
	if x.resolved && !x.woken {
		x.woken = true
		x.wake <- struct{}{}
	}
}

// release ends what hold began. Any goroutine may call it.
func (x *exchange) release() {
	x.mu.Lock()
	x.wakeReceiver()
	x.mu.Unlock()
}

// settle records that the guest does no more soon, and is release, too. It may be called more than
// once.
func (x *exchange) settle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.isSettled {
		return
	}
	x.isSettled = true
	if x.settled != nil {
		close(x.settled)
	}
	x.wakeReceiver()
}

// whenSettled returns a channel that is closed when the exchange is settled; nil if it is already.
func (x *exchange) whenSettled() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.isSettled {
		return nil
	}
	if x.settled == nil {
		x.settled = make(chan struct{})
	}
	return x.settled
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
	within := res != nil && !x.left
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
	x.resolved, x.woken = true, true
	x.mu.Unlock()
	if done {
		// The outcome came at the same moment.
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
	x.mu.Lock()
	if x.left {
		x.mu.Unlock()
		return
	}
	x.left = true
	w, unread := x.worker, x.failure
	x.failure = nil
	x.mu.Unlock()
	if x.req.Body != nil {
		// The guest sees the error at the end of its reads.
		_ = x.req.Body.Close()
	}
	if w != nil {
		w.receiverLeft(x)
	}
	if unread != nil {
		x.report(unread)
	}
}

// abandoned reports whether the receiver has left.
func (x *exchange) abandoned() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.left
}

// take makes w the worker of the exchange. It returns false if the receiver has left before.
func (x *exchange) take(w *worker) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.worker = w
	return !x.left
}

// wait waits, for the receiver, until the outcome is there.
func (x *exchange) wait(ctx context.Context) (*Response, error) {
	select {
	case <-x.wake:
		if x.wakes != nil {
			x.wakes.pool.Put(x.wake)
		}
		x.mu.Lock()
		r := x.outcome
		x.mu.Unlock()
		if r.err != nil {
			var unseen *InstantiationError
			if !errors.As(r.err, &unseen) { // that one may be tried again, body and all
				x.leave()
			}
			return nil, inPlaceOfResponse(r.err)
		}
		return newResponse(ctx, x, r.res), nil
	case <-ctx.Done():
		x.abandon()
		return nil, context.Cause(ctx)
	}
}
