package serve

import (
	"sync"
	"time"
)

// watchdog responds for a handler that does not return. The goroutine that
// claims the response first, the handler's or the timer's, may write it.
type watchdog struct {
	mu      sync.Mutex
	timer   *time.Timer
	claimed bool
	fired   chan struct{} // not nil once the timer has claimed; closed when it is done
}

// arm makes the timer call respond at the given time unless disarm is called
// before.
func (w *watchdog) arm(at time.Time, respond func()) {
	w.timer = time.AfterFunc(time.Until(at), func() {
		w.mu.Lock()
		if w.claimed {
			w.mu.Unlock()
			return
		}
		w.claimed, w.fired = true, make(chan struct{})
		w.mu.Unlock()
		defer close(w.fired)
		respond()
	})
}

// disarm claims the response for the caller and reports whether it may write one.
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
