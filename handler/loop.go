package handler

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// loop drives an instance that takes several requests at once, each a task of the guest: the event
// loop of a worker. It has three parts: taking and responding are here, time is in loop_time.go,
// failing in loop_fail.go.
//
// The owner is the worker's goroutine. It alternates between work, which runs guest code until all
// of it waits, and wait. The worker is parked only while it waits, so that no request comes in
// while the guest is busy. Requests expire, and their receivers leave, on other goroutines, which
// leave a note and nudge the owner; if the owner does not come in time, the guest is stopped.
//
// A task goes through these phases:
//
//	request ─────────────── responds ──────────────→ streaming
//	   │                                                 │
//	   │ it responds with an error code, it expires,     │ it expires,
//	   │ or its receiver leaves                          │ or its receiver leaves, which it
//	   │                                                 │ does at the end of the body, too
//	   └──────────────────→ post-return ←────────────────┘
//
// It is done when the guest's task has exited: in request the outcome is then that there is no
// response. In streaming it lingers until the body, which the embedder or another task may go on
// with, has ended and its receiver has left, or the body is found to be stuck.
//
// The status of the worker is Requests if there is a task in request, else Streaming or PostReturn
// if there is one in that phase, and else Idle.
type loop struct {
	w     *worker
	proxy concurrentProxy
	nudge chan struct{} // capacity 1
	noted atomic.Bool   // there is something to attend to
	waits atomic.Bool   // the owner waits: no guest code runs

	// The owner's.
	byID      map[TaskID]*task
	responded []*task // since the guest last waited
	exited    []*task // since the guest last waited
	lingering []*task // have exited, and their bodies have not ended
	retiring  bool    // takes no more requests

	// Guarded by the watch's lock.
	tasks   map[*exchange]*task
	count   [phases]int
	entered [phases]entries
	expired int // tasks in post-return whose time was over before they got there
	queue   deadlines
	left    []*exchange // whose receivers have left

	status       WorkerStatus
	idleSince    time.Time
	cleanUpUntil time.Time // for expired tasks
	alarm        alarm
	stoppedLate  bool // a task was overdue when the guest was stopped
	armed        time.Time
	timer        *time.Timer
}

// task is a request in the guest.
type task struct {
	x       *exchange
	p       *Prepared      // nil until it is prepared
	taken   time.Time      // when the worker took it
	expires time.Time      // zero for never
	res     *wasi.Response // the owner's

	// Guarded by the watch's lock.
	phase   phase
	since   time.Time // when it entered the phase
	exited  bool      // the guest's task has ended
	expired bool      // its time was over
}

// phase is how far a task has come.
type phase uint8

const (
	phaseRequest    phase = iota // there is no response yet
	phaseStreaming               // the response is being received
	phasePostReturn              // the response has lost its receiver or ended
	phaseDone
	phases
)

// runLoop handles x and whatever comes while that takes, until the worker is parked without a
// goroutine or the instance has to end. It returns what is wrong with the instance, if anything.
// Without x the worker ends when it has nothing to do.
func (w *worker) runLoop(proxy concurrentProxy, x *exchange) (parked bool, cause error) {
	l := w.loop
	if l == nil {
		l = &loop{
			w: w, proxy: proxy, nudge: make(chan struct{}, 1),
			byID: map[TaskID]*task{}, tasks: map[*exchange]*task{},
		}
		w.watch.mu.Lock()
		w.loop = l
		w.watch.mu.Unlock()
		w.next = make(chan *exchange, 1)
	}
	if x == nil {
		l.retiring = true
	}
	return l.run(x)
}

func (l *loop) run(x *exchange) (parked bool, cause error) {
	for {
		err := l.work(x)
		if err != nil {
			return false, l.fail(err)
		}
		var then nextStep
		if x, then, err = l.wait(); err != nil {
			return false, l.fail(err)
		}
		if then != goOn {
			return then == leave, nil
		}
	}
}

// work takes x, unless it is nil, and runs the guest until all of it waits.
func (l *loop) work(x *exchange) (err error) {
	defer recoverTo(&err)
	if x != nil {
		if err := l.take(x); err != nil {
			return err
		}
	}
	for more := true; more; {
		if l.noted.Swap(false) {
			if err := l.attend(); err != nil {
				return err
			}
		}
		l.settle(false)
		if more, err = l.proxy.Step(); err != nil {
			return err
		}
		if !more && l.noted.Load() {
			more = true
		}
	}
	l.release()
	l.abandon()
	return nil
}

// settle lets the heads of responses go whose tasks wait or have exited; and with all, because no
// guest code can go on, those of all tasks.
func (l *loop) settle(all bool) {
	if len(l.responded) == 0 || !all && !l.proxy.Busy() {
		return // wait does it, once the worker can take the next request
	}
	if !all && len(l.exited) > 0 {
		l.release()
	}
	l.responded = slices.DeleteFunc(l.responded, func(t *task) bool {
		if !all && t.p.guest.Runnable() {
			return false
		}
		t.x.settle()
		return true
	})
}

// take begins a request.
func (l *loop) take(x *exchange) error {
	w := &l.w.watch
	t := &task{x: x, taken: time.Now()}
	w.mu.Lock()
	if w.stopped != nil {
		w.mu.Unlock()
		l.w.passOn(x, w.stopped)
		return w.stopped
	}
	l.tasks[x] = t
	l.enter(t, phaseRequest, t.taken)
	w.mu.Unlock()
	if !x.take(l.w) {
		// The receiver has left before the guest has seen the request.
		l.remove(t)
		return nil
	}
	l.w.total++
	inst := l.w.inst
	respond := func(res *wasi.Response, code *ErrorCode) { l.respond(t, res, code) }
	p, err := inst.Proxy.Prepare(inst.View(inst.Store.Data()), x.req, respond)
	if err != nil {
		return err
	}
	t.p = p
	l.byID[p.task] = t
	p.guest.OnExit(func() { l.exited = append(l.exited, t) })
	l.follow(t)
	expires := inst.State.OnRequestStart(inst.Store, x.data, p.task)
	w.mu.Lock()
	t.expires = expires
	l.limit(t)
	l.arm(t.taken)
	w.mu.Unlock()
	return p.guest.Start()
}

// follow reports to the timeline of the request when the guest runs for it.
func (l *loop) follow(t *task) {
	line := t.x.req.Timeline
	if line == nil {
		return
	}
	state := l.w.inst.View(l.w.inst.Store.Data())
	began := false
	t.p.guest.OnRun(func(runs bool) {
		if runs {
			state.SetTimeline(line)
			if began {
				line.Run()
			} else {
				began = true
				line.RunAt(t.taken)
			}
			return
		}
		state.SetTimeline(nil)
		line.Wait()
	})
}

// respond passes on the guest's response or its error code.
func (l *loop) respond(t *task, res *wasi.Response, code *ErrorCode) {
	w := &l.w.watch
	t.res = res
	t.x.req.Timeline.Responded()
	now := time.Now()
	w.mu.Lock()
	inTime := t.phase == phaseRequest && w.stopped == nil
	switch {
	case !inTime:
	case code != nil:
		l.enter(t, phasePostReturn, now)
	default:
		l.enter(t, phaseStreaming, now)
		t.expires = l.w.inst.Expiration.Expires(Streaming, t.since)
		l.limit(t)
		l.arm(now)
	}
	w.mu.Unlock()
	switch {
	case code != nil:
		if inTime {
			t.x.resolve(nil, code)
		}
	case !inTime || !l.w.h.heads.hold(t.x, res, now):
		_ = res.Body.Close() // it never fails
	default:
		l.responded = append(l.responded, t)
	}
}

// enter changes the phase of a task. The lock is held.
func (l *loop) enter(t *task, to phase, now time.Time) {
	if t.since.IsZero() {
		l.count[to]++
	} else {
		l.count[t.phase]--
		l.count[to]++
	}
	t.phase, t.since, t.expires = to, now, time.Time{}
	l.entered[to].add(t, l.count[to])
}

// remove is forget without the lock.
func (l *loop) remove(t *task) {
	l.w.watch.mu.Lock()
	defer l.w.watch.mu.Unlock()
	l.forget(t)
}

// forget takes a task that is done with off the books. The owner calls it; the lock is held.
func (l *loop) forget(t *task) {
	if l.tasks[t.x] != t {
		return
	}
	if t.p != nil {
		delete(l.byID, t.p.task)
	}
	t.x.finish()
	delete(l.tasks, t.x)
	l.count[t.phase]--
	t.phase = phaseDone
	if t.expired {
		l.expired--
	}
}

// release forgets the tasks that have exited, except those whose body still has a receiver and is
// written by another task or moved by the embedder.
func (l *loop) release() {
	for _, t := range l.exited {
		l.w.watch.mu.Lock()
		t.exited = true
		phase := t.phase
		l.w.watch.mu.Unlock()
		switch {
		case phase == phaseRequest:
			t.x.resolve(nil, &NoResponseError{})
		case phase == phaseStreaming && !t.res.Body.Ended():
			l.lingering = append(l.lingering, t)
			continue
		}
		l.remove(t)
	}
	clear(l.exited)
	l.exited = l.exited[:0]
}

// abandon cuts the bodies that are stuck: if no guest code can run, a body that only the guest
// could continue never ends by itself.
func (l *loop) abandon() {
	if len(l.lingering) == 0 {
		return
	}
	silent := l.proxy.Quiet()
	kept := l.lingering[:0]
	for _, t := range l.lingering {
		switch {
		case l.byID[t.p.task] != t:
		case silent && t.res.Stuck():
			t.res.Abandon()
			l.remove(t)
		default:
			kept = append(kept, t)
		}
	}
	clear(l.lingering[len(kept):])
	l.lingering = kept
}

// attend does what the notes ask for. The error is why the instance has to end.
func (l *loop) attend() error {
	w := &l.w.watch
	w.mu.Lock()
	if w.stopped != nil {
		w.mu.Unlock()
		return w.stopped
	}
	cancel := l.receiversLeft(time.Now())
	timeOver := l.alarm != quiet
	l.alarm = quiet
	w.mu.Unlock()
	for _, t := range cancel {
		if err := t.p.guest.Cancel(); err != nil {
			return err
		}
	}
	if !timeOver {
		return nil // work that is ready goes on first, which may be what a time was for
	}
	return l.timeOver(time.Now())
}

// receiversLeft makes what the guest still does for those whose receivers have left post-return
// work. It returns the tasks that are to be cancelled. The owner calls it; the lock is held.
func (l *loop) receiversLeft(now time.Time) (cancel []*task) {
	for _, x := range l.left {
		t := l.tasks[x]
		switch {
		case t == nil || t.phase == phasePostReturn:
			continue
		case t.exited:
			l.forget(t)
			continue
		case t.phase == phaseRequest:
			cancel = append(cancel, t)
		}
		l.enter(t, phasePostReturn, now)
	}
	clear(l.left)
	l.left = l.left[:0]
	return cancel
}
