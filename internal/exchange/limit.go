package exchange

import (
	"context"
	"time"
)

// Limit lets a number of requests through at a time.
type Limit struct {
	slots chan struct{} // nil lets all through
}

// NewLimit returns a Limit of n requests; less than 1 lets all through.
func NewLimit(n int) *Limit {
	if n <= 0 {
		return &Limit{}
	}
	return &Limit{slots: make(chan struct{}, n)}
}

// Enter waits for a slot until the deadline, zero for as long as it takes, or until ctx ends, and
// reports whether it has one. The caller must then call Leave.
func (l *Limit) Enter(ctx context.Context, deadline time.Time) bool {
	if l.slots == nil {
		return true
	}
	select {
	case l.slots <- struct{}{}:
		return true
	default:
	}
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case l.slots <- struct{}{}:
		return true
	case <-expired:
	case <-ctx.Done():
	}
	return false
}

// Leave frees a slot.
func (l *Limit) Leave() {
	if l.slots != nil {
		<-l.slots
	}
}
