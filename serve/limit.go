package serve

import (
	"context"
	"sync"
	"time"
)

// limit lets a number of requests through at a time. A zero or negative number
// lets all through.
type limit struct {
	slots chan struct{}
}

func newLimit(n int) *limit {
	if n <= 0 {
		return &limit{}
	}
	return &limit{slots: make(chan struct{}, n)}
}

// enter waits for a slot until the deadline (zero: for as long as it takes) or
// until ctx ends, and reports whether it got one. Who gets one must leave.
func (l *limit) enter(ctx context.Context, deadline time.Time) bool {
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
		return false
	case <-ctx.Done():
		return false
	}
}

func (l *limit) leave() {
	if l.slots != nil {
		<-l.slots
	}
}

// watchdog answers for a handler that does not come back. Whoever claims the
// answer first, the handler's goroutine or the timer's, may write it.
type watchdog struct {
	mu      sync.Mutex
	timer   *time.Timer
	claimed bool
	fired   chan struct{} // not nil once the timer has claimed; closed when it is done
}

// arm makes the timer run answer at the given time unless disarm is called
// before.
func (w *watchdog) arm(at time.Time, answer func()) {
	w.timer = time.AfterFunc(time.Until(at), func() {
		w.mu.Lock()
		if w.claimed {
			w.mu.Unlock()
			return
		}
		w.claimed, w.fired = true, make(chan struct{})
		w.mu.Unlock()
		defer close(w.fired)
		answer()
	})
}

// disarm claims the answer for the caller and reports whether it may write one.
// If not, the timer has written one and is done with it. A watchdog that was
// never armed has nothing to claim.
func (w *watchdog) disarm() bool {
	if w.timer == nil {
		return true
	}
	w.timer.Stop()
	w.mu.Lock()
	fired := w.fired
	w.claimed = true
	w.mu.Unlock()
	if fired == nil {
		return true
	}
	<-fired
	return false
}
