package component

import (
	"errors"
	"fmt"
)

// ErrStoreClosed is the end of streams and futures that were open when their store was closed.
var ErrStoreClosed = errors.New("the store was closed")

// Task is a call of the embedder into a store that Turn drives. Only the owner of the store may use
// it.
type Task struct {
	store  *Store
	id     uint64
	fn     *compFunc
	args   []Value
	arg    [1]Value // storage for args
	result func(v Value, ok bool)
	task   *task
	first  liftedCall // what task points to, if fn is a lifted function
	callee callee     // nil before the start and when there is nothing to cancel
	exited bool
	onExit func()
	onRun  func(runs bool)
}

// ID returns the number of the call in its store, from 1.
func (t *Task) ID() uint64 { return t.id }

// Exited reports whether the guest has ended all threads of the call, which may be long after it
// returned its result.
func (t *Task) Exited() bool { return t.exited }

// OnExit registers f, which the owner calls when Exited becomes true. It must be called before
// Start; f must not call into the store.
func (t *Task) OnExit(f func()) { t.onExit = f }

// OnRun registers f, which the owner calls when code of the guest begins to run for the call, and
// when it stops to. It must be called before Start; f must not call into the store.
func (t *Task) OnRun(f func(runs bool)) { t.onRun = f }

// runFor makes t the call that guest code runs for, nil for none, and returns the one before.
func (s *Store) runFor(t *Task) (before *Task) {
	before = s.root
	if before == t {
		return before
	}
	s.tallyUp(false)
	if before != nil && before.onRun != nil {
		before.onRun(false)
	}
	s.root = t
	if t != nil && t.onRun != nil {
		t.onRun(true)
	}
	return before
}

// OnInstructions registers f, which the owner calls now and then with how many instructions the
// guest has run for a call since the last time: at the latest when the call has ended, which ended
// reports, or the store has trapped. It must be called before the first call of Start; f must not
// call into the store. Instructions must be counted, see [Store.Instructions].
func (s *Store) OnInstructions(f func(t *Task, n uint64, ended bool)) { s.tally = f }

// Instructions returns how many instructions the guest has run in this store: of the original core
// modules, block by block. It is 0 unless the engine counts them. The owner calls it.
func (s *Store) Instructions() uint64 { return s.group.Instructions() }

// tallyUp passes on what guest code has run for the present call.
func (s *Store) tallyUp(ended bool) {
	if s.tally == nil {
		return
	}
	n := s.group.Instructions()
	if s.root != nil && (ended || n != s.tallied) {
		s.tally(s.root, n-s.tallied, ended)
	}
	s.tallied = n
}

func (t *Task) exit() {
	t.exited = true
	if t.store.root == t {
		t.store.tallyUp(true)
	}
	if t.onExit != nil {
		t.onExit()
	}
}

// Cancel asks the guest to end the call. A guest that does not wait learns of it later, or never.
func (t *Task) Cancel() error {
	if t.callee == nil || t.exited || t.store.poison != nil {
		return nil
	}
	return t.store.enterOwner(func() { t.callee.requestCancellation(nil) })
}

// Prepare returns a call of the function that has not begun. The owner of the store calls resolve
// with the result, in Start or in a later Turn; ok is false if the call was cancelled. The
// component must use async; see Linked.Async.
func (f *Func) Prepare(args []Value, resolve func(v Value, ok bool)) *Task {
	s := f.store
	s.calls++
	t := &Task{store: s, id: s.calls, fn: f.fn, result: resolve}
	t.args = append(t.arg[:0], args...)
	return t
}

// Start begins a prepared call: the guest runs until it first waits. It must be called once. The
// error is a trap.
func (t *Task) Start() error {
	if p := t.store.poison; p != nil {
		return fmt.Errorf("%w: %w", ErrPoisoned, p)
	}
	return t.store.enterOwner(t.begin)
}

// Start prepares a call and begins it.
func (f *Func) Start(args []Value, resolve func(v Value, ok bool)) (*Task, error) {
	t := f.Prepare(args, resolve)
	return t, t.Start()
}

// begin makes the call.
func (t *Task) begin() {
	s := t.store
	s.runFor(t)
	if t.fn.host != nil {
		t.callee = s.base.invokeHost(t.fn.host, t)
		t.exit()
		return
	}
	t.callee = s.invoke(t.fn, nil, t, t)
}

// arguments implements callSide. They belong to the callee then.
func (t *Task) arguments() []Value { return t.args }

// resolve implements callSide.
func (t *Task) resolve(v Value, ok bool) { t.result(v, ok) }

// enterOwner runs f, which may enter guest code, and turns a trap into an error.
func (s *Store) enterOwner(f func()) (err error) {
	defer s.guard(&err)
	f()
	s.runFor(nil)
	return nil
}

// Turn does everything that can be done without waiting: it delivers completions and resumes
// threads. It returns when all guest code waits. The error is a trap, whose call Culprit returns.
func (s *Store) Turn() error {
	return s.enterOwner(func() {
		for s.mailbox.drain() || s.tick() {
		}
	})
}

// Step does a part of what Turn does, and reports whether there may be more to do now. Between two
// steps, the owner of a store whose guests are always busy can do its other work.
func (s *Store) Step() (more bool, err error) {
	err = s.enterOwner(func() { more = s.mailbox.drain() || s.tick() })
	return more, err
}

// Busy reports whether Step may have something to do now.
func (s *Store) Busy() bool { return len(s.queue) > 0 || s.mailbox.full() }

// Current returns the call that the running guest code belongs to; nil if none runs. The owner
// calls it, from a host function.
func (s *Store) Current() *Task { return s.root }

// Culprit returns the call during which the store trapped; nil if it is unknown.
func (s *Store) Culprit() *Task { return s.root }

// Wake returns a channel that receives when Turn has something to do.
func (s *Store) Wake() <-chan struct{} { return s.mailbox.woken() }

// Waiting reports whether guest code waits for something that the embedder has yet to deliver. If
// it does not, and Turn has nothing to do, nothing happens in the store until the next call.
func (s *Store) Waiting() bool { return s.pending > 0 }

// Pending returns how many things guest code waits for that the embedder has yet to deliver,
// without futures that Follow was called for.
func (s *Store) Pending() int { return s.pending - s.following }

// Quiet reports whether no guest code is left that could run before there is another call: all
// threads of all calls have ended.
func (s *Store) Quiet() bool { return len(s.parked) == 0 }

// Post makes the owner call f in its next Turn. Any goroutine may call it. After Close, f is
// dropped.
func (s *Store) Post(f func()) { s.mailbox.post(f) }

// Async reports whether the component uses async functions or built-ins, so that Turn can drive its
// calls.
func (l *Linked) Async() bool { return l.plan.async }

// Refusing reports whether the instance that the function belongs to holds back new calls
// (back-pressure).
func (f *Func) Refusing() bool {
	if f.fn.lift == nil {
		return false
	}
	in := f.store.insts[f.fn.lift.inst]
	return in.backpressure > 0 || len(in.entering) > 0 || len(in.enteringBeside) > 0
}
