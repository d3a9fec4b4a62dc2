package handler

import (
	"slices"
	"time"
)

const (
	// busyGrace is how long a guest that is busy when a request expires may take to come to where
	// the request's task can be cancelled. Then the instance is stopped.
	busyGrace = 50 * time.Millisecond
	// cleanUp is how long the tasks of expired requests may go on, after they were asked to end,
	// when the instance has nothing else to do.
	cleanUp = time.Second
)

// alarm is how far a loop's timer has gone about a deadline that has passed:
//
//	quiet ─ a deadline passes ─→ nudged ─ the guest is busy for busyGrace ─→ stopping
//	  ↑                            │                                             │
//	  ├──── the owner attends ─────┤   the guest does not unwind within unwind ──┴─→ all fail
//	  └── what was late has come ──┘
type alarm uint8

const (
	quiet    alarm = iota
	nudged         // the owner has a note
	stopping       // the guest, which is busy, is being stopped
)

// status returns what a worker is busy with whose only task is in the phase.
func (p phase) status() WorkerStatus {
	switch p {
	case phaseRequest:
		return Requests
	case phaseStreaming:
		return Streaming
	case phasePostReturn:
		return PostReturn
	}
	return Idle
}

// overdue reports whether the own time of the request is over.
func (t *task) overdue(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

// timeOver ends what has taken too long. The error is why the instance has to end.
func (l *loop) timeOver(now time.Time) error {
	w := &l.w.watch
	w.mu.Lock()
	if status, _ := l.observe(now); status != Idle && l.overdue(now) {
		defer w.mu.Unlock()
		return l.stopCause(now)
	}
	expired := l.expire(now)
	w.mu.Unlock()
	for t, err := range expired {
		l.retiring = true
		t.x.fail(err, t.res)
		if t.exited {
			l.remove(t)
		} else if err := t.p.guest.Cancel(); err != nil {
			return err
		}
	}
	return nil
}

// expire moves the tasks whose own time is over to post-return. It returns them with the outcomes
// of their requests. The owner calls it; the lock is held.
func (l *loop) expire(now time.Time) map[*task]*ExpirationError {
	expired := map[*task]*ExpirationError{}
	for len(l.queue) > 0 {
		d := l.queue[0]
		if d.current() && now.Before(d.at) {
			break
		}
		l.queue.drop()
		if t := d.t; d.current() {
			expired[t] = &ExpirationError{
				Status: t.phase.status(), After: now.Sub(t.since), Task: t.p.task,
				Waiting: t.p.guest.Waiting(),
			}
			l.enter(t, phasePostReturn, now)
			t.expired = true
			l.expired++
			l.cleanUpUntil = now.Add(cleanUp)
		}
	}
	return expired
}

// limit adds t to the tasks whose expiration the timer watches. The lock is held.
func (l *loop) limit(t *task) {
	if !t.expires.IsZero() {
		l.queue.add(deadline{t.expires, t, t.phase})
	}
}

// observe returns the status of the worker and since when it counts: that of Requests, Streaming
// and PostReturn since the newest task got there. Tasks that came later and are done with do not
// count, or one that hangs would never be found while others come and go. The lock is held.
func (l *loop) observe(now time.Time) (WorkerStatus, time.Time) {
	status, since := Idle, l.idleSince
	switch {
	case l.count[phaseRequest] > 0:
		status, since = Requests, l.entered[phaseRequest].newest(phaseRequest)
	case l.count[phaseStreaming] > 0:
		status, since = Streaming, l.entered[phaseStreaming].newest(phaseStreaming)
	case l.count[phasePostReturn] > 0:
		status, since = PostReturn, l.entered[phasePostReturn].newest(phasePostReturn)
	case l.status != Idle || since.IsZero():
		l.idleSince, since = now, now
	}
	l.status = status
	return status, since
}

// entries are the tasks that entered a phase, in that order; those that have left it may be among
// them.
type entries []*task

// add adds a task to those in a phase, of which there are count now.
func (e *entries) add(t *task, count int) {
	if len(*e) > 2*count+8 {
		*e = slices.DeleteFunc(*e, func(old *task) bool { return old.phase != t.phase })
	}
	*e = append(*e, t)
}

// newest returns when the newest of those that are in the phase entered it. There must be one.
func (e *entries) newest(p phase) time.Time {
	for n := len(*e); ; n-- {
		if t := (*e)[n-1]; t.phase == p {
			return t.since
		}
		(*e)[n-1] = nil
		*e = (*e)[:n-1]
	}
}

// review finds out what the worker is busy with and whether its time for that is over, and sets the
// timer. An idle instance ends if it is closed to new requests: nothing could open it.
func (l *loop) review(closed bool) (end bool, err error) {
	w := &l.w.watch
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped != nil {
		return false, w.stopped
	}
	if status, _ := l.observe(now); status == Idle && closed {
		return true, nil
	}
	if l.overdue(now) {
		return l.status == Idle, l.stopCause(now)
	}
	l.arm(now)
	return false, nil
}

// overdue reports whether the time is over for what the worker is busy with. The lock is held.
func (l *loop) overdue(now time.Time) bool {
	at := l.expiry(now)
	return !at.IsZero() && !now.Before(at)
}

// stopCause returns why an instance ends whose time in its status is over, or nil if that is no
// fault. The lock is held.
func (l *loop) stopCause(now time.Time) error {
	status, since := l.observe(now)
	if status == Idle {
		return nil
	}
	return &ExpirationError{Status: status, After: now.Sub(since)}
}

// expiry is when the instance expires in its present status; zero for never. The lock is held.
func (l *loop) expiry(now time.Time) time.Time {
	status, since := l.observe(now)
	if status == Streaming {
		return time.Time{} // each task has its own time
	}
	at := l.w.inst.Expiration.Expires(status, since)
	if status == PostReturn && l.expired == l.count[phasePostReturn] &&
		(at.IsZero() || l.cleanUpUntil.Before(at)) {
		at = l.cleanUpUntil
	}
	return at
}

// note leaves a note for the owner and nudges it. The lock is held.
func (l *loop) note() {
	l.noted.Store(true)
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// deadline is when the timer has to do something. The lock is held.
func (l *loop) deadline(now time.Time) time.Time {
	at := l.expiry(now)
	for len(l.queue) > 0 && !l.queue[0].current() {
		l.queue.drop()
	}
	if len(l.queue) > 0 && (at.IsZero() || l.queue[0].at.Before(at)) {
		at = l.queue[0].at
	}
	return at
}

// arm sets the timer for the deadline, unless it fires early enough. The lock is held.
func (l *loop) arm(now time.Time) {
	if l.alarm == quiet {
		l.armFor(l.deadline(now))
	}
}

func (l *loop) armFor(at time.Time) {
	if at.IsZero() || !l.armed.IsZero() && !at.Before(l.armed) {
		return
	}
	l.armed = at
	if l.timer == nil {
		l.timer = time.AfterFunc(time.Until(at), l.onTimer)
	} else {
		l.timer.Reset(time.Until(at))
	}
}

// onTimer acts when a deadline has come; it may be called late.
func (l *loop) onTimer() {
	w := &l.w.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	l.armed = time.Time{}
	if w.inst == nil {
		return
	}
	now := time.Now()
	switch l.alarm {
	case quiet:
		at := l.deadline(now)
		if at.IsZero() || now.Before(at) {
			l.armFor(at)
			return
		}
		if l.status == Idle {
			l.w.h.retire(l.w) // it may have no goroutine
		}
		l.alarm = nudged
		l.note()
		l.armFor(now.Add(busyGrace))
	case nudged:
		switch at := l.deadline(now); {
		case at.IsZero() || now.Before(at): // what was late has come meanwhile
			l.alarm = quiet
			l.armFor(at)
			return
		case l.waits.Load(): // no guest code runs: the owner comes as soon as the machine lets it
			l.armFor(now.Add(busyGrace))
			return
		}
		l.alarm = stopping
		for _, t := range l.tasks {
			l.stoppedLate = l.stoppedLate || t.overdue(now)
		}
		if w.stopped == nil {
			status, since := l.observe(now)
			l.w.stopGuest(&ExpirationError{Status: status, After: now.Sub(since)})
		}
		l.armFor(now.Add(unwind))
	case stopping:
		l.giveUp(now)
	}
}

// deadline is when a task expires unless it leaves the phase before.
type deadline struct {
	at    time.Time
	t     *task
	phase phase
}

// current reports whether the task is still in the phase.
func (d deadline) current() bool { return d.t.phase == d.phase }

// deadlines are in the order of their times, which is nearly that of their coming.
type deadlines []deadline

func (d *deadlines) add(new deadline) {
	at := len(*d)
	for at > 0 && new.at.Before((*d)[at-1].at) {
		at--
	}
	*d = slices.Insert(*d, at, new)
}

// drop removes the first one.
func (d *deadlines) drop() { *d = slices.Delete(*d, 0, 1) }
