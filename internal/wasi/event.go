package wasi

import (
	"sync"
	"sync/atomic"
)

// event is a set of subscribed waiters. It is safe for concurrent use; the zero value is ready.
type event struct {
	waited atomic.Bool // somebody has ever subscribed
	mu     sync.Mutex
	subs   []*subscription
}

type subscription struct{ w *Waiter }

// subscribe makes every wake wake w, until the returned function is called.
func (e *event) subscribe(w *Waiter) (unsubscribe func()) {
	s := &subscription{w}
	e.waited.Store(true)
	e.mu.Lock()
	e.subs = append(e.subs, s)
	e.mu.Unlock()
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for i, t := range e.subs {
			if t == s {
				last := len(e.subs) - 1
				e.subs[i], e.subs[last] = e.subs[last], nil
				e.subs = e.subs[:last]
				return
			}
		}
	}
}

// wake wakes all subscribed Waiters, and reports whether there are any.
func (e *event) wake() bool {
	if !e.waited.Load() {
		return false // whoever subscribes looks at what has changed afterwards
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.subs {
		s.w.Wake()
	}
	return len(e.subs) > 0
}

// Event is a set of Waiters that wait for one Source. It is safe for concurrent use; the zero
// value is ready.
type Event struct{ e event }

// Subscribe makes every Wake wake w, until the returned function is called.
func (e *Event) Subscribe(w *Waiter) (unsubscribe func()) { return e.e.subscribe(w) }

// Wake wakes all subscribed Waiters.
func (e *Event) Wake() { e.e.wake() }
