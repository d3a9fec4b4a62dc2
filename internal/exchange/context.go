package exchange

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Context is the context of one request, with the values of another context but not its end. It
// costs one object before somebody asks for what only a context of package context can do: most
// requests are over before that.
type Context struct {
	values context.Context
	head   time.Time // see WithHeadDeadline
	headed bool
	line   *timeline.Trace

	inner atomic.Pointer[fullContext] // nil before it is needed; changed with the lock
	ended atomic.Bool                 // changed with the lock

	mu      sync.Mutex
	cause   error // of the end, nil for none in particular
	watcher interface{ ContextEnded() }
	driver  Driver // of the goroutine that the request is served on; nil if it has none
}

// fullContext is what a Context stands for.
type fullContext struct {
	context.Context
	cancel context.CancelCauseFunc
}

// SetDriver sets the driver of the goroutine that the request is served on. It must be called
// before the context is used. Whoever asks for the driver is then on that goroutine.
func (c *Context) SetDriver(d Driver) { c.driver = d }

// Driver returns the argument of SetDriver; nil if there was no call.
func (c *Context) Driver() Driver { return c.driver }

// NewContext returns a Context with the values of another context, which does not end.
func NewContext(values context.Context) *Context { return new(Context).Init(values) }

// Init makes c, which is zero, what NewContext returns.
func (c *Context) Init(values context.Context) *Context {
	c.values = values
	return c
}

// full returns the context that c stands for.
func (c *Context) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	inner := c.inner.Load()
	if inner == nil {
		inner = &fullContext{}
		inner.Context, inner.cancel = context.WithCancelCause(c.values)
		if c.ended.Load() {
			inner.cancel(c.cause)
		}
		c.inner.Store(inner)
	}
	return inner.Context
}

// End ends the context with a cause, which may be nil. Only the first call counts.
func (c *Context) End(cause error) {
	if c.ended.Load() {
		return
	}
	c.mu.Lock()
	if c.ended.Load() {
		c.mu.Unlock()
		return
	}
	c.cause = cause
	c.ended.Store(true)
	inner, w := c.inner.Load(), c.watcher
	c.watcher = nil
	c.mu.Unlock()
	if inner != nil {
		inner.cancel(cause)
	}
	if w != nil {
		w.ContextEnded()
	}
}

// Watch makes the end of the context call w.ContextEnded, which costs less than the channel of Done
// does. It reports false, and does nothing, if the context has ended or has a watcher already.
func (c *Context) Watch(w interface{ ContextEnded() }) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() || c.watcher != nil {
		return false
	}
	c.watcher = w
	return true
}

// Unwatch undoes Watch. A call of ContextEnded may still be under way, or about to come.
func (c *Context) Unwatch() {
	c.mu.Lock()
	c.watcher = nil
	c.mu.Unlock()
}

// Deadline implements [context.Context].
func (c *Context) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements [context.Context].
func (c *Context) Done() <-chan struct{} { return c.full().Done() }

// Err implements [context.Context].
func (c *Context) Err() error {
	if c.ended.Load() {
		return context.Canceled
	}
	return nil
}

// Value implements [context.Context]; package context finds the cause of the end with it, too.
func (c *Context) Value(key any) any {
	switch key.(type) {
	case headKey:
		if c.headed {
			return c.head
		}
	case timeline.ContextKey:
		if c.line != nil {
			return c.line
		}
	}
	if inner := c.inner.Load(); inner != nil {
		return inner.Value(key)
	}
	if c.ended.Load() {
		return c.full().Value(key)
	}
	return c.values.Value(key)
}

// SetTimeline makes t the Trace of the context, unless it has one. It must be called before the
// context is used by another goroutine.
func (c *Context) SetTimeline(t *timeline.Trace) bool {
	if c.line != nil {
		return false
	}
	c.line = t
	return true
}

// Timeline returns the Trace of the context; nil if there is none.
func (c *Context) Timeline() *timeline.Trace { return c.line }

// headContext is a context of a request with the deadline for the head of its response beside it.
// The deadline is not the context's own, because a body may stream for much longer.
type headContext struct {
	context.Context
	head time.Time
}

type headKey struct{}

// Value returns the deadline for headKey.
func (c *headContext) Value(key any) any {
	if _, ok := key.(headKey); ok {
		return c.head
	}
	return c.Context.Value(key)
}

// WithHeadDeadline returns a context for a request, the head of whose response is expected until
// then; the zero time stands for no limit. A Context without such a deadline is itself given it.
func WithHeadDeadline(ctx context.Context, head time.Time) context.Context {
	if c, ok := ctx.(*Context); ok && !c.headed {
		c.head, c.headed = head, true
		return c
	}
	return &headContext{ctx, head}
}

// HeadDeadline returns the time until which the head of the response to the request of ctx is
// expected, zero for no limit, and whether the context says so.
func HeadDeadline(ctx context.Context) (time.Time, bool) {
	if c, ok := ctx.(*Context); ok && c.headed {
		return c.head, true // no copy of it is made
	}
	head, ok := ctx.Value(headKey{}).(time.Time)
	return head, ok
}
