package handler

import (
	"context"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// workerContext is the context of a worker. It costs nothing before somebody asks for what only a
// context of package context can do: most instances never wait.
type workerContext struct {
	parent context.Context
	making *timeline.Trace // of the request for which the worker makes its instance

	mu     sync.Mutex
	inner  context.Context // nil before it is needed
	cancel context.CancelCauseFunc
	ended  bool
	cause  error // of the end, nil for none in particular
}

func (c *workerContext) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithCancelCause(c.parent)
		if c.ended {
			c.cancel(c.cause)
		}
	}
	return c.inner
}

// end ends the context with a cause, which may be nil. Only the first call counts.
func (c *workerContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended, c.cause = true, cause
	if c.cancel != nil {
		c.cancel(cause)
	}
}

// Deadline implements [context.Context].
func (c *workerContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done implements [context.Context].
func (c *workerContext) Done() <-chan struct{} { return c.full().Done() }

// Err implements [context.Context].
func (c *workerContext) Err() error {
	c.mu.Lock()
	inner, ended := c.inner, c.ended
	c.mu.Unlock()
	if inner == nil && !ended {
		return c.parent.Err()
	}
	return c.full().Err()
}

// Value implements [context.Context]; package context finds the cause of the end with it, too.
func (c *workerContext) Value(key any) any { return c.full().Value(key) }

// Timeline returns the Trace of the request for which the worker makes its instance just now; nil
// for none.
func (c *workerContext) Timeline() *timeline.Trace { return c.making }

// SetTimeline implements the interface of timeline.With, which nobody calls for a worker.
func (c *workerContext) SetTimeline(*timeline.Trace) bool { return false }
