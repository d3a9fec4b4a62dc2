package handler

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/wasi"
)

const (
	// busyGrace is how long a guest that is busy when a request expires may take to come to where the request's task can be cancelled. Then the
	// instance is stopped.
	busyGrace = 50 * time.Millisecond
	// cleanUp is how long the tasks of expired requests may go on, after they were asked to end, when the instance has nothing else to do.
	cleanUp = time.Second
)

// crew is what a worker needs whose instance takes several requests at once: the requests, each a job, and their times.
//
// The owner is the worker's goroutine. It runs the guest only while the worker is not parked, so that no request comes in while the guest is
// busy. Requests expire, and their receivers leave, on other goroutines, which leave a note and nudge the owner; when the owner does not come
// in time, the guest is stopped.
type crew struct {
	w     *worker
	proxy concurrentProxy
	nudge chan struct{} // capacity 1
	noted atomic.Bool   // there is something to attend to

	// The owner's.
	byTask map[TaskID]*job
	fresh  []*job // have responded since the guest last waited
	exited []*job // have ended since the guest last waited
	last   bool   // takes no more requests

	// Guarded by the watch's lock.
	jobs   map[*exchange]*job
	count  [jobPhases]int
	late   int // expired jobs among those in jobAfter
	queue  deadlines
	left   []*exchange // whose receivers have left
	status WorkerStatus
	since  time.Time // when the status was entered; for Requests, when the latest was taken
	graced time.Time // until when expired tasks may clean up
	alarm  alarm
	armed  time.Time
	timer  *time.Timer
}

// alarm is how far a crew's timer has gone about a deadline that has passed.
type alarm uint8

const (
	quiet    alarm = iota
	nudged         // the owner was told
	stopping       // the guest is being stopped
)

// job is a request in the guest.
type job struct {
	x       *exchange
	p       *Prepared
	taken   time.Time
	expires time.Time      // zero for never
	res     *wasi.Response // the owner's
	marked  bool           // x.returned is closed; the owner's

	// Guarded by the watch's lock.
	phase  jobPhase
	exited bool // the guest's task has ended
	late   bool // has expired
}

// jobPhase is how far a request has come.
type jobPhase uint8

const (
	jobWaits   jobPhase = iota // there is no response yet
	jobStreams                 // the response is being received
	jobAfter                   // nobody receives anything any more
	jobGone                    // all is done
	jobPhases
)

// runCrew handles x and whatever comes while that takes, until the instance has to end. It returns what is wrong with the instance, if anything.
func (w *worker) runCrew(proxy concurrentProxy, x *exchange) (cause error) {
	c := &crew{w: w, proxy: proxy, nudge: make(chan struct{}, 1), byTask: map[TaskID]*job{}, jobs: map[*exchange]*job{}}
	w.watch.mu.Lock()
	w.crew = c
	w.watch.mu.Unlock()
	w.next = make(chan *exchange, 1)
	for {
		err := c.work(x)
		if err != nil {
			return c.fail(err)
		}
		var end bool
		if x, end, err = c.wait(); err != nil {
			return c.fail(err)
		}
		if end {
			return nil
		}
	}
}

// work takes x, unless it is nil, and has the guest work until all of it waits.
func (c *crew) work(x *exchange) (err error) {
	defer recoverTo(&err)
	if x != nil {
		if err := c.take(x); err != nil {
			return err
		}
	}
	for more := true; more; {
		if c.noted.Swap(false) {
			if err := c.attend(); err != nil {
				return err
			}
		}
		if more, err = c.proxy.Step(); err != nil {
			return err
		}
		if !more && c.noted.Load() {
			more = true
		}
	}
	for _, j := range c.fresh {
		j.mark()
	}
	c.fresh = c.fresh[:0]
	c.release()
	return nil
}

// take begins a request.
func (c *crew) take(x *exchange) error {
	t := &c.w.watch
	j := &job{x: x, taken: time.Now()}
	t.mu.Lock()
	if t.stopped != nil {
		t.mu.Unlock()
		x.answer(nil, t.stopped)
		close(x.returned)
		return t.stopped
	}
	c.jobs[x] = j
	c.count[jobWaits]++
	t.mu.Unlock()
	if !x.take(c.w) {
		// Nobody wants the response any more, and the guest has not heard of it.
		c.remove(j)
		return nil
	}
	c.w.total++
	inst := c.w.inst
	p, err := inst.Proxy.Prepare(inst.View(inst.Store.Data()), x.req, func(res *wasi.Response, code *ErrorCode) { c.respond(j, res, code) })
	if err != nil {
		return err
	}
	j.p = p
	c.byTask[p.task] = j
	p.guest.OnExit(func() { c.exited = append(c.exited, j) })
	j.expires = inst.State.OnRequestStart(inst.Store, x.data, p.task)
	t.mu.Lock()
	if !j.expires.IsZero() {
		heap.Push(&c.queue, j)
	}
	c.status, c.since = Requests, j.taken
	c.arm()
	t.mu.Unlock()
	return p.guest.Start()
}

// respond passes the guest's answer on.
func (c *crew) respond(j *job, res *wasi.Response, code *ErrorCode) {
	t := &c.w.watch
	j.res = res
	t.mu.Lock()
	inTime := j.phase == jobWaits && t.stopped == nil
	if inTime {
		if code != nil {
			c.move(j, jobAfter)
		} else {
			c.move(j, jobStreams)
		}
	}
	t.mu.Unlock()
	switch {
	case code != nil:
		if inTime {
			j.x.answer(nil, code)
		}
	case !inTime || !j.x.answer(res, nil):
		_ = res.Body.Close() // it never fails
	default:
		c.fresh = append(c.fresh, j)
	}
}

// move changes the phase of a job. The lock is held.
func (c *crew) move(j *job, to jobPhase) {
	c.count[j.phase]--
	j.phase = to
	c.count[to]++
}

// mark tells that the guest has done all that it can do now.
func (j *job) mark() {
	if !j.marked {
		j.marked = true
		close(j.x.returned)
	}
}

// remove forgets a job that is done with.
func (c *crew) remove(j *job) {
	c.w.watch.mu.Lock()
	c.forget(j)
	c.w.watch.mu.Unlock()
	if j.p != nil {
		delete(c.byTask, j.p.task)
	}
	j.mark()
}

// forget takes a job off the books. The lock is held.
func (c *crew) forget(j *job) {
	if c.jobs[j.x] != j {
		return
	}
	delete(c.jobs, j.x)
	c.move(j, jobGone)
	if j.late {
		c.late--
	}
}

// release forgets the jobs whose tasks have ended, unless somebody still receives what the host itself moves for them.
func (c *crew) release() {
	for _, j := range c.exited {
		c.w.watch.mu.Lock()
		j.exited = true
		phase := j.phase
		c.w.watch.mu.Unlock()
		switch {
		case phase == jobWaits:
			j.x.answer(nil, &NoResponseError{})
		case phase == jobStreams && !j.res.Body.Ended():
			continue
		}
		c.remove(j)
	}
	c.exited = c.exited[:0]
}

// attend does what the notes ask for. The error is why the instance has to end.
func (c *crew) attend() error {
	t := &c.w.watch
	now := time.Now()
	var cancel, expired, done []*job
	t.mu.Lock()
	if t.stopped != nil {
		t.mu.Unlock()
		return t.stopped
	}
	c.alarm = quiet
	for _, x := range c.left {
		j := c.jobs[x]
		if j == nil {
			continue
		}
		if j.phase == jobWaits {
			cancel = append(cancel, j)
		}
		c.move(j, jobAfter)
		if j.exited {
			done = append(done, j)
		}
	}
	c.left = c.left[:0]
	if c.status != Idle && c.overdue(now) {
		defer t.mu.Unlock()
		return c.stopCause(now)
	}
	for len(c.queue) > 0 {
		j := c.queue[0]
		if j.phase == jobWaits && now.Before(j.expires) {
			break
		}
		heap.Pop(&c.queue)
		if j.phase == jobWaits {
			c.move(j, jobAfter)
			j.late = true
			c.late++
			c.graced = now.Add(cleanUp)
			expired = append(expired, j)
		}
	}
	t.mu.Unlock()
	for _, j := range expired {
		c.last = true
		j.x.answer(nil, &ExpirationError{Status: Requests, After: now.Sub(j.taken), Task: j.p.task, Waiting: j.p.guest.Waiting()})
	}
	for _, j := range append(cancel, expired...) {
		if err := j.p.guest.Cancel(); err != nil {
			return err
		}
	}
	for _, j := range done {
		c.remove(j)
	}
	return nil
}

// wait parks the worker, if it may take a request, until there is something to do. It returns the next request, or that the instance has to end.
func (c *crew) wait() (x *exchange, end bool, err error) {
	n := len(c.byTask)
	accept, err := c.accept(n)
	if err != nil {
		return nil, false, err
	}
	if end, err := c.review(accept); end || err != nil {
		return nil, end, err
	}
	var next chan *exchange
	if accept == Yes || n == 0 {
		if c.w.h.park(c.w, accept != Yes) {
			next = c.w.next
		} else if c.last = true; n == 0 {
			return nil, true, nil
		}
	}
	select {
	case x = <-next:
		if x == nil {
			c.last = true
		}
		return x, x == nil && n == 0, nil
	case <-c.proxy.Wake():
	case <-c.nudge:
	case <-c.w.ctx.Done():
		err = context.Cause(c.w.ctx)
	}
	if next != nil && !c.w.h.withdraw(c.w) {
		if x = <-c.w.next; x == nil {
			c.last = true
			return nil, n == 0, err
		}
	}
	if err != nil && x != nil {
		x.answer(nil, err)
		close(x.returned)
		x = nil
	}
	return x, false, err
}

// accept asks the embedder, and the guest, whether another request may come.
func (c *crew) accept(concurrent int) (a ShouldAccept, err error) {
	defer recoverTo(&err)
	if c.last {
		return Never, nil
	}
	if a = c.w.inst.State.ShouldAcceptRequest(concurrent, c.w.total); a == Never {
		c.last = true
	}
	if a == Yes && c.proxy.Refusing() {
		a = No
	}
	return a, nil
}

// review finds out what the worker is busy with and whether its time for that is over, and sets the timer.
func (c *crew) review(accept ShouldAccept) (end bool, err error) {
	t := &c.w.watch
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped != nil {
		return false, t.stopped
	}
	if c.observe(now) == Idle && accept == Never {
		return true, nil
	}
	if c.overdue(now) {
		return c.status == Idle, c.stopCause(now)
	}
	c.arm()
	return false, nil
}

// observe returns the status of the worker, and notes when it was entered. The lock is held.
func (c *crew) observe(now time.Time) WorkerStatus {
	status := Idle
	switch {
	case c.count[jobWaits] > 0:
		status = Requests
	case c.count[jobStreams] > 0:
		status = streaming
	case c.count[jobAfter] > 0:
		status = PostReturn
	}
	if status != c.status || c.since.IsZero() {
		c.status, c.since = status, now
	}
	return status
}

// overdue tells whether the time is over for what the worker is busy with. The lock is held.
func (c *crew) overdue(now time.Time) bool {
	at := c.expiry(now)
	return !at.IsZero() && !now.Before(at)
}

// stopCause is why an instance ends whose time is over in its status; nil when that is no fault. The lock is held.
func (c *crew) stopCause(now time.Time) error {
	if c.status == Idle {
		return nil
	}
	return &ExpirationError{Status: c.status, After: now.Sub(c.since)}
}

// expiry is when the instance expires in its present status; zero for never. The lock is held.
func (c *crew) expiry(now time.Time) time.Time {
	status := c.observe(now)
	if status == streaming {
		return time.Time{}
	}
	at := c.w.inst.Expiration.Expires(status, c.since)
	if status == PostReturn && c.late == c.count[jobAfter] && (at.IsZero() || c.graced.Before(at)) {
		at = c.graced
	}
	return at
}

// fail ends all jobs: err is what the guest ended with, or why it must end. It returns what is wrong with the instance.
func (c *crew) fail(err error) (cause error) {
	t := &c.w.watch
	t.mu.Lock()
	stopped := t.stopped
	if t.stopped == nil {
		t.stopped = err // for those who come late
	}
	jobs := make([]*job, 0, len(c.jobs))
	for _, j := range c.jobs {
		jobs = append(jobs, j)
	}
	t.mu.Unlock()
	culprit := c.byTask[c.proxy.Culprit()]
	if culprit == nil && len(jobs) == 1 {
		culprit = jobs[0]
	}
	var expired *ExpirationError
	switch {
	case stopped != nil:
		cause = stoppedBy(stopped, err)
	case errors.As(err, &expired):
		cause = err
	case errors.Is(err, ErrClosed) || c.w.ctx.Err() != nil:
		cause = err
	default:
		cause = fault(err)
		if t, ok := cause.(*TrapError); ok && culprit != nil && culprit.p != nil {
			t.Task = culprit.p.task
		}
	}
	now := time.Now()
	anyLate := slices.ContainsFunc(jobs, func(j *job) bool { return j.overdue(now) })
	for _, j := range jobs {
		outcome := c.outcome(j, culprit, cause)
		if expired, ok := cause.(*ExpirationError); ok && (j.overdue(now) || !anyLate) {
			outcome = j.expired(expired, j == culprit && expired.Trap != nil, now)
			if len(jobs) == 1 {
				cause = outcome // which says more
			}
		}
		j.x.answer(nil, outcome)
		if j.res != nil {
			if isExit(outcome) {
				outcome = wasi.ErrBodyDropped
			}
			j.res.Abort(outcome)
		}
		c.remove(j)
	}
	if isExit(cause) {
		return nil
	}
	return cause
}

// isExit tells whether the guest ended in order.
func isExit(err error) bool {
	var none *NoResponseError
	return errors.As(err, &none)
}

// outcome is what a request gets when its instance is lost for another reason than its own time.
func (c *crew) outcome(j, culprit *job, cause error) error {
	var other *TrapOrPanicError
	switch {
	case c.w.ctx.Err() != nil && !errors.As(cause, new(*ExpirationError)), errors.Is(cause, ErrClosed), errors.As(cause, &other):
		return cause
	case j == culprit && !errors.As(cause, new(*ExpirationError)):
		return cause
	}
	lost := lostTo(cause)
	if j.p != nil {
		lost.Task, lost.Waiting = j.p.task, j.p.guest.Waiting()
	}
	return lost
}

// overdue tells whether the request's own time is over.
func (j *job) overdue(now time.Time) bool { return !j.expires.IsZero() && !now.Before(j.expires) }

// expired is what the request gets when it was stopped with the instance. The trap tells what the guest did; of another task than the one that
// ran there is only what it waits for.
func (j *job) expired(cause *ExpirationError, ran bool, now time.Time) error {
	own := *cause
	own.After = now.Sub(j.taken)
	if !ran {
		own.Trap = nil
	}
	if j.p != nil {
		own.Task = j.p.task
		if !ran {
			own.Waiting = j.p.guest.Waiting()
		}
	}
	return &own
}

// note nudges the owner. The lock is held.
func (c *crew) note() {
	c.noted.Store(true)
	select {
	case c.nudge <- struct{}{}:
	default:
	}
}

// deadline is when the timer has to do something. The lock is held.
func (c *crew) deadline() time.Time {
	at := c.expiry(time.Now())
	for len(c.queue) > 0 && c.queue[0].phase != jobWaits {
		heap.Pop(&c.queue)
	}
	if len(c.queue) > 0 && (at.IsZero() || c.queue[0].expires.Before(at)) {
		at = c.queue[0].expires
	}
	return at
}

// arm sets the timer for the deadline, unless it fires early enough. The lock is held.
func (c *crew) arm() {
	if c.alarm == quiet {
		c.armFor(c.deadline())
	}
}

func (c *crew) armFor(at time.Time) {
	if at.IsZero() || !c.armed.IsZero() && !at.Before(c.armed) {
		return
	}
	c.armed = at
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(at), c.onTimer)
	} else {
		c.timer.Reset(time.Until(at))
	}
}

// onTimer acts when a deadline has come; it may be called late.
func (c *crew) onTimer() {
	t := &c.w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	c.armed = time.Time{}
	if t.inst == nil {
		return
	}
	now := time.Now()
	switch c.alarm {
	case quiet:
		at := c.deadline()
		if at.IsZero() || now.Before(at) {
			c.armFor(at)
			return
		}
		c.alarm = nudged
		c.note()
		c.armFor(now.Add(busyGrace))
	case nudged:
		c.alarm = stopping
		if t.stopped == nil {
			c.w.stopGuest(&ExpirationError{Status: c.status, After: now.Sub(c.since)})
		}
		c.armFor(now.Add(unwind))
	case stopping:
		for _, j := range c.jobs {
			j.x.answer(nil, t.stopped)
		}
	}
}

// deadlines are jobs, the one that expires first on top.
type deadlines []*job

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].expires.Before(d[j].expires) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push implements heap.Interface.
func (d *deadlines) Push(v any) { *d = append(*d, v.(*job)) }

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	old := *d
	j := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	return j
}
