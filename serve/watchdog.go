package serve

import (
	"sync"
	"time"
)

// watchdog responds for a handler that does not return. The goroutine that claims the response
// first, the handler's or the timer's, may write it.
type watchdog struct {
	all     *watchdogs // nil if it was never armed
	at      time.Time
	guarded guarded
	fired   chan struct{} // not nil once the timer has claimed; closed when it is done

	before, after *watchdog // in the list
}

// guarded is what a watchdog responds for.
type guarded interface{ giveUp() }

// watchdogs are the watchdogs of a server that are armed, in the order of their times, which is
// nearly that of arming. They share a timer: one for each would be set and stopped for each
// request, nearly always for nothing. The zero value is ready to use.
type watchdogs struct {
	mu          sync.Mutex
	first, last *watchdog
	timer       *time.Timer // made when first needed
	until       time.Time   // when the timer fires; zero if it is not set
}

// arm makes the timer call giveUp at the given time unless disarm is called before.
func (d *watchdogs) arm(w *watchdog, at time.Time, g guarded) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.all, w.at, w.guarded = d, at, g
	before := d.last
	for before != nil && before.at.After(at) {
		before = before.before
	}
	d.insert(w, before)
	if d.first == w {
		d.start()
	}
}

// insert puts w behind before, or first. The lock is held.
func (d *watchdogs) insert(w, before *watchdog) {
	after := d.first
	if w.before = before; before == nil {
		d.first = w
	} else {
		after, before.after = before.after, w
	}
	if w.after = after; after == nil {
		d.last = w
	} else {
		after.before = w
	}
}

// remove takes w out of the list. The lock is held.
func (d *watchdogs) remove(w *watchdog) {
	if w.before == nil {
		d.first = w.after
	} else {
		w.before.after = w.after
	}
	if w.after == nil {
		d.last = w.before
	} else {
		w.after.before = w.before
	}
	w.before, w.after = nil, nil
}

// start sets the timer for the first watchdog, unless it fires before that. The lock is held.
func (d *watchdogs) start() {
	at := d.first.at
	switch {
	case !d.until.IsZero() && !at.Before(d.until):
		return
	case d.timer == nil:
		d.timer = time.AfterFunc(time.Until(at), d.onTimer)
	default:
		d.timer.Reset(time.Until(at))
	}
	d.until = at
}

// onTimer claims the responses whose time has come.
func (d *watchdogs) onTimer() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Time{}
	for now := time.Now(); d.first != nil; {
		w := d.first
		if now.Before(w.at) {
			d.start()
			return
		}
		d.remove(w)
		w.fired = make(chan struct{})
		go func() {
			defer close(w.fired)
			w.guarded.giveUp()
		}()
	}
}

// stop ends the timer, when no watchdog is armed any more.
func (d *watchdogs) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
}

// disarm claims the response for the caller and reports whether it may write one. If not, the timer
// has written one and is done with it. A watchdog that was never armed has nothing to claim.
func (w *watchdog) disarm() bool {
	if w.all == nil {
		return true
	}
	w.all.mu.Lock()
	fired := w.fired
	if fired == nil {
		w.all.remove(w)
	}
	w.all.mu.Unlock()
	if fired == nil {
		return true
	}
	<-fired
	return false
}
