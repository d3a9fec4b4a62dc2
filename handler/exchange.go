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
	// result receives the outcome, once.
	result chan result
	// settled is closed when the guest has responded and will do no more for the request soon: it
	// has returned, or waits. The worker closes it.
	settled   chan struct{}
	isSettled bool // the worker's

	mu       sync.Mutex
	resolved bool
	left     bool    // the receiver has left
	worker   *worker // that has taken it
	// failure is what ended the guest within the response's body, until the receiver has read it.
	failure error
}

type result struct {
	res *wasi.Response
	err error
}

func newExchange(req *Request, data any) *exchange {
	return &exchange{req: req, data: data, result: make(chan result, 1), settled: make(chan struct{})}
}

// resolve passes the outcome to the receiver. It reports whether it did: it does nothing if there
// has been an outcome before, or the receiver does not wait.
func (x *exchange) resolve(res *wasi.Response, err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.resolved {
		return false
	}
	x.resolved = true
	x.result <- result{res, err}
	return true
}

// settle closes settled. It may be called more than once.
func (x *exchange) settle() {
	if !x.isSettled {
		x.isSettled = true
		close(x.settled)
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
	done := x.resolved
	x.resolved = true
	x.mu.Unlock()
	if done {
		// The outcome came at the same moment.
		switch r := <-x.result; {
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
	case r := <-x.result:
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
