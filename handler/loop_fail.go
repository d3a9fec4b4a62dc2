package handler

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// fail ends all tasks: err is what the guest ended with, or why it must end. It returns what is
// wrong with the instance.
func (l *loop) fail(err error) (cause error) {
	defer l.settle(true)
	l.release() // what came to its end before
	w := &l.w.watch
	w.mu.Lock()
	stopped := w.stopped
	if w.stopped == nil {
		w.stopped = err // for requests that come later
	}
	tasks := make([]*task, 0, len(l.tasks))
	for _, t := range l.tasks {
		tasks = append(tasks, t)
	}
	now := time.Now()
	late := l.lateOnes(tasks, now)
	w.mu.Unlock()
	culprit := l.byID[l.proxy.Culprit()]
	if culprit == nil && len(tasks) == 1 {
		culprit = tasks[0]
	}
	cause = l.cause(stopped, err, culprit)
	heard := false
	for _, t := range tasks {
		outcome := l.outcome(t, culprit, cause)
		if e, ok := cause.(*ExpirationError); ok && late(t) {
			outcome = t.expiredWith(e, t == culprit && e.Trap != nil, now)
			if len(tasks) == 1 {
				cause = outcome // which says more
			}
		}
		if _, again := outcome.(*ExpirationError); again && t.expired {
			heard = true // of its expiration, from which this follows
		} else if t.x.fail(outcome, t.res) {
			heard = true
		}
		l.remove(t)
	}
	if !heard && reportable(cause) {
		l.w.report(nil, cause)
	}
	if _, exit := cause.(*ExitError); exit {
		return nil
	}
	return cause
}

// lateOnes returns which of the tasks have expired if their instance has: those whose own time is
// over; all, if it did not end because of any such. The lock is held.
func (l *loop) lateOnes(tasks []*task, now time.Time) func(*task) bool {
	own := l.stoppedLate || slices.ContainsFunc(tasks, func(t *task) bool { return t.overdue(now) })
	return func(t *task) bool { return !own || t.overdue(now) }
}

// giveUp fails the requests of a guest that was stopped and does not unwind. The lock is held; what
// the owner knows of the tasks is not known here.
func (l *loop) giveUp(now time.Time) {
	stopped := l.w.watch.stopped
	_, expired := stopped.(*ExpirationError)
	tasks := slices.Collect(maps.Values(l.tasks))
	late := l.lateOnes(tasks, now)
	for _, t := range tasks {
		if expired && !late(t) {
			t.x.resolve(nil, lostTo(stopped))
		} else {
			t.x.resolve(nil, stopped)
		}
	}
}

// cause returns what is wrong with an instance that ends with err or has been stopped before.
func (l *loop) cause(stopped, err error, culprit *task) error {
	var expired *ExpirationError
	switch {
	case stopped != nil:
		return stoppedBy(stopped, err)
	case errors.As(err, &expired), errors.Is(err, ErrClosed), l.w.ctx.Err() != nil:
		return err
	}
	cause := fault(err)
	if culprit != nil && culprit.p != nil {
		switch c := cause.(type) {
		case *TrapError:
			c.Task = culprit.p.task
		case *ExitError:
			c.Task = culprit.p.task
		}
	}
	return cause
}

// outcome returns the outcome of a request whose instance is lost for another reason than its own
// time.
func (l *loop) outcome(t, culprit *task, cause error) error {
	var expired *ExpirationError
	var other *TrapOrPanicError
	switch timeout := errors.As(cause, &expired); {
	case l.w.ctx.Err() != nil && !timeout, errors.Is(cause, ErrClosed):
		return cause
	case t == culprit && !timeout:
		return cause
	case errors.As(cause, &other):
		return &TrapOrPanicError{Err: other.Err, shared: true}
	}
	lost := lostTo(cause)
	if t.p != nil {
		lost.Task, lost.Waiting = t.p.task, t.p.guest.Waiting()
	}
	return lost
}

// expiredWith returns the outcome of a request that is stopped with its instance. The trap says
// what the guest did; of a task that did not run, only what it waits for is known.
func (t *task) expiredWith(cause *ExpirationError, ran bool, now time.Time) error {
	own := *cause
	own.Status, own.After = t.phase.status(), now.Sub(t.since)
	if !ran {
		own.Trap = nil
	}
	if t.p != nil {
		own.Task = t.p.task
		if !ran {
			own.Waiting = t.p.guest.Waiting()
		}
	}
	return &own
}
