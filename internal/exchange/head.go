package exchange

import (
	"context"
	"time"
)

// headContext is the context of one request, with the deadline for the head of its response beside
// it. The deadline is not the context's own, because a body may stream for much longer.
type headContext struct {
	context.Context
	head time.Time
}

type headKey struct{}

// Value returns c for headKey.
func (c *headContext) Value(key any) any {
	if _, ok := key.(headKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// WithHeadDeadline returns a context for a request, the head of whose response is expected until
// then; the zero time stands for no limit.
func WithHeadDeadline(ctx context.Context, head time.Time) context.Context {
	return &headContext{ctx, head}
}

// HeadDeadline returns the time until which the head of the response to the request of ctx is
// expected, zero for no limit, and whether the context says so.
func HeadDeadline(ctx context.Context) (time.Time, bool) {
	if c, ok := ctx.Value(headKey{}).(*headContext); ok {
		return c.head, true
	}
	return time.Time{}, false
}
