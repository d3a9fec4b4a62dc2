package handler

import (
	"context"
	"errors"
	"sync"

	"github.com/wasihttp/wasihttp/wasi"
)

// exchange is a request on its way to a response. It is shared by the goroutine in Handle, which becomes the receiver of the response, and
// the worker.
type exchange struct {
	req  *Request
	data any
	// result gets the one answer.
	result chan result
	// returned is closed when the guest has responded and will do no more for the request soon: it has returned, or waits.
	returned chan struct{}

	mu       sync.Mutex
	answered bool
	left     bool    // nobody receives the response any more
	worker   *worker // that has taken it
}

type result struct {
	res *wasi.Response
	err error
}

func newExchange(req *Request, data any) *exchange {
	return &exchange{req: req, data: data, result: make(chan result, 1), returned: make(chan struct{})}
}

// answer gives the receiver the outcome. It returns false, and does nothing, when there has been one or nobody waits for one.
func (x *exchange) answer(res *wasi.Response, err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.answered {
		return false
	}
	x.answered = true
	x.result <- result{res, err}
	return true
}

// abandon is called by the receiver when it does not wait for the answer any more.
func (x *exchange) abandon() {
	x.mu.Lock()
	answered := x.answered
	x.answered = true
	x.mu.Unlock()
	if answered {
		// The answer came at the same moment.
		if r := <-x.result; r.res != nil {
			_ = r.res.Body.Close()
		}
	}
	x.leave()
}

// leave ends the exchange for its receiver: the body has ended, or nobody wants it. What the guest still reads of the request ends, too, and what it
// still does for the exchange has become post-return work. It may be called more than once.
func (x *exchange) leave() {
	x.mu.Lock()
	if x.left {
		x.mu.Unlock()
		return
	}
	x.left = true
	w := x.worker
	x.mu.Unlock()
	if x.req.Body != nil {
		// The guest sees the end of its reads; there is nobody else to tell.
		_ = x.req.Body.Close()
	}
	if w != nil {
		w.receiverLeft(x)
	}
}

// abandoned reports whether the receiver has left.
func (x *exchange) abandoned() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.left
}

// take makes w the worker of the exchange. It returns false when the receiver has left before.
func (x *exchange) take(w *worker) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.worker = w
	return !x.left
}

// wait is the receiver's wait for the answer.
func (x *exchange) wait(ctx context.Context) (*Response, error) {
	select {
	case r := <-x.result:
		if r.err != nil {
			var unseen *InstantiationError
			if !errors.As(r.err, &unseen) { // that one may be tried again, body and all
				x.leave()
			}
			return nil, r.err
		}
		return newResponse(ctx, x, r.res), nil
	case <-ctx.Done():
		x.abandon()
		return nil, context.Cause(ctx)
	}
}
