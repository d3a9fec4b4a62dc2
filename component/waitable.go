package component

// event is what a waitable reports (CanonicalABI.md, EventCode).
type event struct {
	code   uint32
	p1, p2 uint32
}

// The event codes.
const (
	eventNone = iota
	eventSubtask
	eventStreamRead
	eventStreamWrite
	eventFutureRead
	eventFutureWrite
	eventTaskCancelled
)

// blocked is the result of an operation that will be reported later.
const blocked = 0xffff_ffff

// waitable is what a guest can wait for: a subtask, or an end of a stream or future. It has at most
// one pending event, whose contents are computed when it is delivered.
type waitable struct {
	deliver func() event // computes the pending event
	pending bool
	set     *waitableSet
	waiter  *thread // waits for it synchronously
	index   uint32  // in the handle table
}

// waiter is what a handle table holds as a waitable.
type waiter interface{ base() *waitable }

func (w *waitable) base() *waitable { return w }

// notify marks an event as pending and wakes the thread that waits for it.
func (w *waitable) notify() {
	w.pending = true
	if w.waiter != nil {
		w.waiter.store.poke(w.waiter)
	}
	if w.set != nil {
		w.set.poke()
	}
}

func (w *waitable) take() event {
	w.pending = false
	return w.deliver()
}

func (w *waitable) waitSync(th *thread) {
	w.waiter = th
	th.awaits = w
	th.waitUntil(func() bool { return w.pending }, false)
	th.awaits = nil
	w.waiter = nil
}

func (w *waitable) join(s *waitableSet) {
	if w.set != nil {
		w.set.elems = remove(w.set.elems, w)
	}
	w.set = s
	if s != nil {
		s.elems = append(s.elems, w)
		if w.pending {
			s.poke()
		}
	}
}

// waitableSet is a set that a guest waits on.
type waitableSet struct {
	elems   []*waitable
	waiting []*thread
}

func (s *waitableSet) poke() {
	for _, th := range s.waiting {
		th.store.poke(th)
	}
}

func (s *waitableSet) pending() bool {
	for _, w := range s.elems {
		if w.pending {
			return true
		}
	}
	return false
}

func (s *waitableSet) take() event {
	for i, w := range s.elems {
		if w.pending {
			// To the back of the set, so that a busy member does not starve the others.
			copy(s.elems[i:], s.elems[i+1:])
			s.elems[len(s.elems)-1] = w
			return w.take()
		}
	}
	return event{}
}

// wait parks the thread until the set has an event.
func (s *waitableSet) wait(th *thread, cancellable bool) event {
	s.waiting = append(s.waiting, th)
	th.awaits = s
	cancelled := th.waitUntil(s.pending, cancellable)
	th.awaits = nil
	ev := event{code: eventTaskCancelled}
	if !cancelled {
		ev = s.take()
	}
	s.waiting = remove(s.waiting, th)
	return ev
}

func (s *waitableSet) poll(t *task, cancellable bool) event {
	if t.deliverPendingCancel(cancellable) {
		return event{code: eventTaskCancelled}
	}
	if !s.pending() {
		return event{}
	}
	return s.take()
}

func (s *waitableSet) drop() {
	if len(s.elems) > 0 {
		trapf("cannot drop waitable set with members")
	}
	if len(s.waiting) > 0 {
		trapf("cannot drop waitable set with waiters")
	}
}

// subtaskState is the state of a call as its caller sees it.
type subtaskState uint32

const (
	subtaskStarting subtaskState = iota
	subtaskStarted
	subtaskReturned
	subtaskCancelledBeforeStarted
	subtaskCancelledBeforeReturned
)

// subtask is the caller's side of a call.
type subtask struct {
	waitable
	state     subtaskState
	callee    *compFunc
	from      cx // its loans are given back when the resolution is delivered
	onCancel  func(caller *instance)
	cancelReq bool
	delivered bool
	inTable   bool
	waitingTh *thread // a synchronous caller
}

func (s *subtask) resolved() bool { return s.state >= subtaskReturned }

// progress reports a change of state: to the waitable once the caller holds a handle.
func (s *subtask) progress() {
	if s.inTable {
		s.notify()
	}
	if s.waitingTh != nil {
		s.waitingTh.store.poke(s.waitingTh)
	}
}

func (s *subtask) deliverResolve() {
	s.from.endLends()
	s.delivered = true
}

func (s *subtask) event() event {
	if s.resolved() && !s.delivered {
		s.deliverResolve()
	}
	return event{eventSubtask, s.index, uint32(s.state)}
}
