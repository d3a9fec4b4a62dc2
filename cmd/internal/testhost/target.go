package testhost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/testrunner"
)

// target passes requests to one instance, and classifies how they end.
type target struct {
	component *loaded
	hint      func(*host.Failure) string
	session   *host.Session
	kind      handler.Kind
	limit     int // of requests at once
	// clock is the time at which the instance begins; zero for that of the machine.
	clock time.Time
	// upstreams stand for other servers, if they are recorded.
	upstreams upstreams
	sent      atomic.Int64
	vacant    atomic.Bool // it has done all there was to do
}

// Reusable reports whether hosts give instances of this kind several requests.
func (t *target) Reusable() bool { return t.kind == handler.P3 }

// graceForEnd is how long an idle instance may take to end.
const graceForEnd = 100 * time.Millisecond

// Close ends the instance. An instance that can take another request ends by itself, so that its
// memory can be recycled; others are stopped.
func (t *target) Close() {
	if t.vacant.Load() {
		t.component.keep(t.session)
		return
	}
	closeSession(t.session, 0)
}

// closeSession ends a session, whose instance gets some time to end by itself.
func closeSession(s *host.Session, grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	s.Close(ctx)
}

const (
	// graceForBody is how long after its time limit a response may still end.
	graceForBody = 50 * time.Millisecond
	// graceForHead is how long after a time limit the handler may take to report what the guest was
	// doing.
	graceForHead = time.Second
)

// errLate is the cause of an exchange that was cancelled because it took too long.
var errLate = errors.New("the time limit has passed")

// Do sends a request to the instance and, where it takes one at a time, waits
// until it can take another.
func (t *target) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	start := time.Now()
	t.vacant.Store(false)
	after := &after{}
	c := &host.Call{ID: strconv.FormatInt(t.sent.Add(1), 10), Started: r.Taken, After: after.take}
	c.World = host.World{Clock: r.Clock, Seed: r.Seed}
	others, remove := t.upstreams.add(c.ID, r.Upstream)
	defer remove()
	exchange, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(r.Timeout+graceForHead, func() {
		if t.limit == 1 {
			t.session.Hurry()
		}
		cancel(errLate)
	})
	defer limit.Stop()
	if r.Timeout > 0 {
		c.Head = start.Add(r.Timeout)
	} else {
		limit.Stop()
	}
	a := &testrunner.Response{}
	head, err := t.session.Handle(exchange, c, httpRequest(exchange, r))
	if err == nil {
		if r.Timeout > 0 {
			limit.Reset(time.Until(c.Head) + graceForBody)
		}
		err = receive(head, r, a, t.now(r))
	}
	a.Duration = time.Since(start)
	if err == nil && r.Responded != nil {
		r.Responded()
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, host.ErrEnded):
		return nil, &testrunner.GoneError{Err: t.session.Err()}
	case err != nil && context.Cause(exchange) == errLate:
		a.Failure = t.late(ctx, head != nil, r.Timeout)
		a.Lost = true
	case err != nil:
		a.Failure = t.failure(err)
		a.Lost = !isHarmless(err, a.Failure) || !t.session.Wait(ctx)
	default:
		a.Lost = !t.session.Wait(ctx)
	}
	t.vacant.Store(!a.Lost && t.limit == 1)
	for _, err := range after.end() {
		a.Notes = append(a.Notes, afterNote(err))
	}
	a.Memory, a.UpstreamRequests = int64(c.Memory()), int(others.sent.Load())
	if n, ok := c.Instructions(ctx); ok {
		a.Instructions = int64(n)
	}
	a.Stderr, a.Message = c.Stderr(), c.Message()
	return a, ctx.Err()
}

// after collects errors of a request after its response, until end is called.
type after struct {
	mu    sync.Mutex
	errs  []error
	ended bool
}

func (a *after) take(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		a.errs = append(a.errs, err)
	}
	return !a.ended
}

func (a *after) end() []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	return a.errs
}

// afterNote is the note about an error after a response.
func afterNote(err error) string {
	note := "after its response: " + err.Error()
	var expired *handler.ExpirationError
	if errors.As(err, &expired) && expired.Status == handler.PostReturn {
		note += "; --post-return-timeout allows more time"
	}
	return note
}

// late explains a response that took too long, with what the guest was doing if
// stopping it shows that.
func (t *target) late(ctx context.Context, begun bool, limit time.Duration) *testrunner.Failure {
	f := &testrunner.Failure{Outcome: testrunner.Expired, Hint: moreTime}
	if !begun {
		f.Cause = fmt.Sprintf("no instance took the request within %s", units.Exact(limit))
		return f
	}
	f.Cause = fmt.Sprintf("the response had begun but was not complete within %s",
		units.Exact(limit))
	if t.limit > 1 {
		return f // the others go on
	}
	ctx, cancel := context.WithTimeout(ctx, graceForHead)
	defer cancel()
	select {
	case <-t.session.Ended():
	case <-ctx.Done():
		return f
	}
	if found := host.Explain(t.session.Err()); found != nil && found.Outcome == host.Expired {
		f.Frames = framesOf(found.Frames)
		if found.Doing != "" {
			f.Cause += ": " + found.Doing
		}
	}
	return f
}

// isHarmless reports whether an instance may be used again after a failure.
func isHarmless(err error, f *testrunner.Failure) bool {
	var large *testrunner.TooLargeError
	return f.Outcome == testrunner.ErrorCode || errors.As(err, &large)
}

// now returns the time of a response to r.
func (t *target) now(r *testrunner.Request) time.Time {
	switch {
	case t.clock.IsZero():
		return time.Now()
	case !r.Clock.IsZero():
		return r.Clock
	}
	return t.clock
}

// receive reads the response, which comes at that time.
func receive(
	out *http.Response, r *testrunner.Request, a *testrunner.Response, at time.Time,
) error {
	length := int64(-1)
	if n, err := strconv.ParseInt(out.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		length = n
	}
	body, err := r.ReadBody(out.Body, length)
	// Reading has reported all errors.
	_ = out.Body.Close()
	a.Status, a.Headers = out.StatusCode, fixture.FieldsOf(out.Header)
	if r.Method != http.MethodHead && a.Status != http.StatusNoContent &&
		a.Status != http.StatusNotModified {
		a.Body, a.Trailers = body, fixture.FieldsOf(out.Trailer)
		if err == nil {
			err = complete(a, out.Header, at)
		}
	}
	return err
}
