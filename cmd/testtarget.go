package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/wasi"
)

// testTarget is one instance, which takes requests for as long as it lasts: one
// after the other, or up to a number at once.
type testTarget struct {
	host  *host.Host
	after time.Duration // how long the guest may work on after an answer; 0 for no limit
	proxy *handler.ProxyHandler
	limit int // of requests at once
	sent  atomic.Int64

	made    atomic.Bool   // the one instance
	ready   chan struct{} // the instance takes another request, or is about to
	feed    chan struct{} // held by who hands a request over
	gone    chan struct{} // closed when the instance has ended
	cause   error         // why; set before gone is closed
	overdue atomic.Bool   // what the guest still does has taken too long
}

func newTestTarget(ctx context.Context, h *host.Host, after time.Duration, limit int) *testTarget {
	t := &testTarget{host: h, after: after, limit: limit, ready: make(chan struct{}, 1), feed: make(chan struct{}, 1), gone: make(chan struct{})}
	t.proxy = handler.New(ctx, t)
	return t
}

var errOnlyOne = errors.New("the target has its instance already")

// Instantiate makes the one instance.
func (t *testTarget) Instantiate(ctx context.Context) (*handler.Instance, error) {
	if t.made.Swap(true) {
		return nil, errOnlyOne
	}
	inst, err := t.host.Instantiate(ctx)
	if err != nil {
		t.end(err)
		return nil, err
	}
	inst.State = &testWorker{WorkerState: inst.State, target: t}
	inst.Expiration = testExpiration{t}
	return inst, nil
}

// testExpiration limits what the guest does after an answer.
type testExpiration struct{ target *testTarget }

// Expires lets work end at once that is part of an answer that took too long.
func (e testExpiration) Expires(status handler.WorkerStatus, since time.Time) time.Time {
	if status == handler.PostReturn && e.target.overdue.Load() {
		return since
	}
	return handler.Timeouts{PostReturn: e.target.after}.Expires(status, since)
}

// testWorker keeps the instance for all requests of the target.
type testWorker struct {
	handler.WorkerState
	target *testTarget
}

// ShouldAcceptRequest takes as many requests at once as it may, without an end.
func (w *testWorker) ShouldAcceptRequest(concurrent, _ int) handler.ShouldAccept {
	if concurrent >= w.target.limit {
		return handler.No
	}
	w.target.signal()
	return handler.Yes
}

// testCall is a call that tells when the instance has taken it.
type testCall struct {
	host.Call
	taken func()
}

// OnRequestStart tells that the instance has taken the request.
func (w *testWorker) OnRequestStart(store handler.Store, data any, task handler.TaskID) time.Time {
	select {
	case <-w.target.ready: // told more than once
	default:
	}
	c := data.(*testCall)
	c.taken()
	return w.WorkerState.OnRequestStart(store, &c.Call, task)
}

// Drop tells the target that its instance is gone.
func (w *testWorker) Drop(store handler.Store, err error) {
	w.WorkerState.Drop(store, err)
	w.target.end(err)
}

// end says that there is no instance any more.
func (t *testTarget) end(cause error) {
	t.cause = cause
	close(t.gone)
}

// Reusable reports whether hosts give instances of this kind several requests.
func (t *testTarget) Reusable() bool { return t.host.Kind() == handler.P3 }

// Close stops the instance.
func (t *testTarget) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.proxy.Close(ctx)
}

const (
	// graceForBody is how long after its time limit an answer may still end.
	graceForBody = 50 * time.Millisecond
	// graceForHead is how long after a time limit the handler may take to tell
	// what the guest was doing then, before nobody asks any more.
	graceForHead = time.Second
)

// errLate is why an exchange ends that has taken too long.
var errLate = errors.New("the time limit has passed")

// Do sends a request to the instance and, where it takes one at a time, waits
// until it can take another.
func (t *testTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Answer, error) {
	start := time.Now()
	c := &testCall{Call: host.Call{ID: strconv.FormatInt(t.sent.Add(1), 10)}}
	exchange, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(r.Timeout+graceForHead, func() {
		t.overdue.Store(t.limit == 1)
		cancel(errLate)
	})
	defer limit.Stop()
	if r.Timeout > 0 {
		c.Head = start.Add(r.Timeout)
	} else {
		limit.Stop()
	}
	a := &testrunner.Answer{}
	head, err := t.hand(exchange, c, r)
	if err == nil {
		if r.Timeout > 0 {
			limit.Reset(time.Until(c.Head) + graceForBody)
		}
		err = receive(head, r, a)
	}
	a.Duration = time.Since(start)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errGone):
		return nil, &testrunner.GoneError{Err: t.cause}
	case err != nil && context.Cause(exchange) == errLate:
		a.Failure = t.late(ctx, head != nil, r.Timeout)
		a.Lost = true
	case err != nil:
		a.Failure = testFailure(c.Explain(err))
		a.Lost = a.Failure.Outcome != testrunner.ErrorCode || t.ended(ctx)
	case t.ended(ctx):
		a.Lost = true
		if t.cause != nil {
			a.Notes = append(a.Notes, "after its answer: "+t.cause.Error())
		}
	}
	a.Stderr = c.Stderr()
	return a, ctx.Err()
}

// late explains an answer that took too long: what the guest was doing, if that
// can be found out by stopping it.
func (t *testTarget) late(ctx context.Context, begun bool, limit time.Duration) *testrunner.Failure {
	f := &testrunner.Failure{Outcome: testrunner.Expired, Hint: moreTime}
	if !begun {
		f.Cause = fmt.Sprintf("no instance took the request within %v", limit)
		return f
	}
	f.Cause = fmt.Sprintf("the answer had begun and was not complete within %v", limit)
	if t.limit > 1 {
		return f // the others go on
	}
	ctx, cancel := context.WithTimeout(ctx, graceForHead)
	defer cancel()
	select {
	case <-t.gone:
	case <-ctx.Done():
		return f
	}
	if found := host.Explain(t.cause); found != nil && found.Outcome == host.Expired {
		f.Frames = testFrames(found.Frames)
		if found.Doing != "" {
			f.Cause += ": " + found.Doing
		}
	}
	return f
}

// ended reports whether the instance has ended; one that takes a request at a
// time has until it can take another.
func (t *testTarget) ended(ctx context.Context) bool {
	if t.limit > 1 {
		select {
		case <-t.gone:
			return true
		default:
			return false
		}
	}
	select {
	case <-t.ready:
		t.signal() // for the next request
		return false
	case <-t.gone:
	case <-ctx.Done():
	}
	return true
}

// signal says that the instance may take a request.
func (t *testTarget) signal() {
	select {
	case t.ready <- struct{}{}:
	default:
	}
}

var errGone = errors.New("the instance has ended")

// almostReady is how long a worker may take from saying that it takes a request
// until it does.
const almostReady = 200 * time.Microsecond

// hand gives the instance a request, when it takes one, and waits for the head
// of the answer.
func (t *testTarget) hand(ctx context.Context, c *testCall, r *testrunner.Request) (*handler.Response, error) {
	select {
	case t.feed <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	fed := sync.OnceFunc(func() { <-t.feed })
	defer fed()
	c.taken = func() {
		fed()
		if r.Taken != nil {
			r.Taken()
		}
	}
	for wait := t.made.Load(); ; wait = true {
		if wait {
			if err := t.await(ctx); err != nil {
				return nil, err
			}
		}
		req, err := wasi.RequestFromHTTP(httpRequest(ctx, r), nil)
		if err != nil {
			return nil, err
		}
		resp, err := t.proxy.Handle(ctx, c, req)
		if !errors.Is(err, errOnlyOne) {
			return resp, err
		}
	}
}

// await waits until it is worth trying to give the instance a request.
func (t *testTarget) await(ctx context.Context) error {
	select {
	case <-t.gone:
		return errGone
	default:
	}
	select {
	case <-t.ready:
		return nil
	default:
	}
	timer := time.NewTimer(almostReady)
	defer timer.Stop()
	select {
	case <-t.ready:
	case <-timer.C:
	case <-t.gone:
		return errGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// receive reads the answer.
func receive(resp *handler.Response, r *testrunner.Request, a *testrunner.Answer) error {
	out := resp.HTTP()
	body, err := io.ReadAll(resp.Body)
	// All there is to know, Read has told.
	_ = resp.Body.Close()
	a.Status, a.Headers = out.StatusCode, fixture.FieldsOf(out.Header)
	if r.Method != http.MethodHead && a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		a.Body, a.Trailers = body, fixture.FieldsOf(out.Trailer)
		if err == nil {
			err = complete(a, out.Header)
		}
	}
	return err
}
