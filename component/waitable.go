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
	self    waiter // what it is the waitable of
	pending bool
	set     *waitableSet
	waiter  *thread // waits for it synchronously
	index   uint32  // in the handle table
}

// waiter is what a handle table holds as a waitable.
type waiter interface {
	base() *waitable
	event() event // computes the pending event
}

func (w *waitable) base() *waitable { return w }

// holds makes a waitable the condition of a thread that waits for it alone.
func (w *waitable) holds(*thread) bool { return w.pending }

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
	return w.self.event()
}

func (w *waitable) waitSync(th *thread) {
	w.waiter = th
	th.awaits = w
	th.waitUntil(w, false)
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

	// Storage for the lists: most sets are small.
	few [2]*waitable
	one [1]*thread
}

// newSet returns an empty set.
func (s *Store) newSet() *waitableSet {
	set := takeSpare(&s.spares.sets)
	set.elems, set.waiting = set.few[:0], set.one[:0]
	return set
}

// holds makes a set the condition of a thread that waits for its events.
func (s *waitableSet) holds(*thread) bool { return s.pending() }

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
	cancelled := th.waitUntil(s, cancellable)
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
	lower     *canonFunc
	from      cx       // its loans are given back when the resolution is delivered
	flat      []uint64 // the core parameters, then the results
	few       [8]uint64
	callee    callee
	cancelReq bool
	delivered bool
	inTable   bool
	waitingTh *thread // a synchronous caller
}

func (s *subtask) resolved() bool { return s.state >= subtaskReturned }

// arguments implements callSide.
func (s *subtask) arguments() []Value {
	s.state = subtaskStarted
	s.progress()
	s.from.refresh()
	return s.from.liftParams(s.lower, s.flat, nil)
}

// resolve implements callSide.
func (s *subtask) resolve(v Value, ok bool) {
	switch {
	case ok:
		s.from.lowerResult(s.lower, v, s.flat)
		s.state = subtaskReturned
	case s.state == subtaskStarting:
		s.state = subtaskCancelledBeforeStarted
	default:
		s.state = subtaskCancelledBeforeReturned
	}
	s.progress()
}

// resolution is the condition of a thread that waits for the end of a call.
type resolution struct{ s *subtask }

func (r resolution) holds(*thread) bool { return r.s.resolved() }

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
