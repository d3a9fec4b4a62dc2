package handler

import (
	"sync"
	"time"
)

// unwind is how long a request that has expired waits for its guest to be stopped, which shows what
// the guest was doing, before it fails without knowing that. Only a guest in a host function that
// does not return takes so long; it is longer than what a busy machine takes a thread away for.
const unwind = 500 * time.Millisecond

// watch enforces the time limits of a worker. Its timer runs beside the guest and does not need the
// guest's help.
//
// Lock order: watch.mu before ProxyHandler.mu; exchange.mu is never held while another lock is
// taken.
type watch struct {
	mu       sync.Mutex
	deadline time.Time // of the status; zero for none
	status   WorkerStatus
	since    time.Time
	x        *exchange // being handled
	inst     *Instance // once there is one, until the end
	stopped  error     // why the guest is being stopped
}

// guard begins the watch over an instance.
func (w *worker) guard(inst *Instance) {
	w.watch.mu.Lock()
	w.watch.inst = inst
	w.watch.mu.Unlock()
}

// begin records that the worker takes x, and when. The error says why the worker must not.
func (w *worker) begin(x *exchange) (now time.Time, stopped error) {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped != nil {
		return now, t.stopped
	}
	t.x = x
	w.enter(Requests)
	return t.since, nil
}

// enter changes the status. The lock is held.
func (w *worker) enter(s WorkerStatus) { w.enterAt(s, time.Now()) }

// enterAt is enter for a known time.
func (w *worker) enterAt(s WorkerStatus, now time.Time) {
	t := &w.watch
	t.status, t.since = s, now
	w.setDeadline(t.inst.Expiration.Expires(s, t.since))
}

// expireAt adds the request's own expiration to that of the instance.
func (w *worker) expireAt(at time.Time) {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.IsZero() || t.status != Requests || !t.deadline.IsZero() && !at.Before(t.deadline) {
		return
	}
	w.setDeadline(at)
}

// headOut records that the guest has responded. It returns false if that is too late.
func (w *worker) headOut(now time.Time) bool {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped != nil {
		return false
	}
	// The receiver may have left before: then this is post-return work already.
	if t.status == Requests {
		w.enterAt(Streaming, now)
	}
	return true
}

// receiverLeft records that the response to x is over for its receiver. Any goroutine may call it.
func (w *worker) receiverLeft(x *exchange) {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := w.loop; l != nil {
		l.left = append(l.left, x)
		l.note()
		return
	}
	if t.x == x && t.stopped == nil {
		w.enter(PostReturn)
	}
}

// done records that the guest has no more work for the request. It returns why the guest was to be
// stopped, or nil if it was not.
func (w *worker) done() (stopped error) {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	t.x = nil
	w.setDeadline(time.Time{})
	return t.stopped
}

// waitIdle makes the worker idle, or returns its next request. It returns false if the worker has
// to end instead.
func (w *worker) waitIdle(refuses bool) (x *exchange, ok bool) {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped != nil {
		return nil, false
	}
	if w.call.ended.IsZero() {
		w.call.ended = time.Now()
	}
	w.enterAt(Idle, w.call.ended)
	if !t.deadline.IsZero() && !t.since.Before(t.deadline) {
		return nil, false
	}
	return w.h.park(w, refuses)
}

// end ends the watch: the store is the worker's alone from now on.
func (w *worker) end() {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inst = nil
	t.deadline = time.Time{}
	if w.loop != nil && w.loop.timer != nil {
		w.loop.timer.Stop()
	}
}

// stop stops the guest. Any goroutine may call it.
func (w *worker) stop(cause error) {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped == nil {
		w.stopGuest(cause)
	}
}

// stopGuest ends guest code and host functions that wait, and waits a moment for the guest to
// unwind before its request fails. The lock is held.
func (w *worker) stopGuest(cause error) {
	t := &w.watch
	t.stopped = cause
	w.ctx.end(cause)
	if t.inst == nil {
		return
	}
	t.inst.Store.Interrupt(cause)
	if t.x != nil {
		w.setDeadline(time.Now().Add(unwind))
	}
}

// setDeadline sets when the status expires. The lock is held.
func (w *worker) setDeadline(at time.Time) {
	w.watch.deadline = at
	if !at.IsZero() {
		w.h.clock.set(at)
	}
}

// onTimer acts if the deadline has come. It is called whenever one has come of some worker.
func (w *worker) onTimer() {
	t := &w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inst == nil || t.deadline.IsZero() {
		return
	}
	now := time.Now()
	if now.Before(t.deadline) {
		w.h.clock.set(t.deadline)
		return
	}
	t.deadline = time.Time{}
	switch {
	case t.stopped != nil:
		if t.x != nil {
			t.x.resolve(nil, t.stopped)
		}
	case t.status == Idle:
		w.h.retire(w)
	default:
		w.stopGuest(&ExpirationError{Status: t.status, After: now.Sub(t.since)})
	}
}
