package component

import (
	"errors"
	"fmt"
)

// ErrStoreClosed is why streams and futures end that were open when their store was closed.
var ErrStoreClosed = errors.New("the store was closed")

// Task is a call of the embedder into a store that is driven by Turn. Its methods are the owner's.
type Task struct {
	store  *Store
	id     uint64
	start  func() // nil once started
	task   *task
	cancel func(*instance)
	exited bool
	onExit func()
}

// ID numbers the calls of a store, from 1.
func (t *Task) ID() uint64 { return t.id }

// Exited tells whether the guest has ended all threads of the call, which may be long after it returned its result.
func (t *Task) Exited() bool { return t.exited }

// OnExit has f called by the owner when Exited becomes true. It is set before Start; f must not call into the store.
func (t *Task) OnExit(f func()) { t.onExit = f }

func (t *Task) exit() {
	t.exited = true
	if t.onExit != nil {
		t.onExit()
	}
}

// Cancel asks the guest to end the call. A guest that is not waiting learns of it later, or never.
func (t *Task) Cancel() error {
	if t.cancel == nil || t.exited || t.store.poison != nil {
		return nil
	}
	return t.store.enterOwner(func() { t.cancel(nil) })
}

// Prepare makes a call of the function that has not begun. resolve will be told the result by the owner, in Start or in a later Turn; ok is false
// when the call was cancelled. Only functions of components that use async may be called so; see Async.
func (f *Func) Prepare(args []Value, resolve func(v Value, ok bool)) *Task {
	s := f.store
	s.calls++
	t := &Task{store: s, id: s.calls}
	t.start = func() { f.start(t, args, resolve) }
	return t
}

// Start begins a prepared call: the guest runs until it first waits. It is called once. The error is that of a trap.
func (t *Task) Start() error {
	if p := t.store.poison; p != nil {
		return fmt.Errorf("%w: %w", ErrPoisoned, p)
	}
	start := t.start
	t.start = nil
	return t.store.enterOwner(start)
}

// Start prepares a call and begins it.
func (f *Func) Start(args []Value, resolve func(v Value, ok bool)) (*Task, error) {
	t := f.Prepare(args, resolve)
	return t, t.Start()
}

func (f *Func) start(t *Task, args []Value, resolve func(v Value, ok bool)) {
	s := f.store
	s.root = t
	if f.fn.host != nil {
		t.cancel = s.base.invokeHost(f.fn.host, func() []Value { return args }, resolve)
		t.exit()
		return
	}
	caller := thread{store: s, ectx: s.base.ectx, task: &task{root: t}}
	t.cancel = caller.invoke(f.fn, nil, func() []Value { return args }, resolve)
}

// enterOwner runs f, which may enter guest code, and turns a trap into an error.
func (s *Store) enterOwner(f func()) (err error) {
	defer s.guard(&err)
	f()
	s.root = nil
	return nil
}

// Turn does everything that can be done without waiting: deliver completions, resume threads. It returns when all guest code waits. The
// error is that of a trap; Culprit then tells whose it was.
func (s *Store) Turn() error {
	return s.enterOwner(func() {
		for s.mailbox.drain() || s.tick() {
		}
	})
}

// Step does a part of what Turn does, and tells whether there may be more to do now. The owner of a store whose guests always have something to
// do comes to its other duties between two steps.
func (s *Store) Step() (more bool, err error) {
	err = s.enterOwner(func() { more = s.mailbox.drain() || s.tick() })
	return more, err
}

// Current returns the call that the running guest code belongs to, nil when none runs. The owner calls it, from a host function.
func (s *Store) Current() *Task { return s.root }

// Culprit returns the call during which the store trapped, nil when it cannot be told.
func (s *Store) Culprit() *Task { return s.root }

// Wake receives when there is something to do for Turn.
func (s *Store) Wake() <-chan struct{} { return s.mailbox.wake }

// Waiting tells whether guest code waits for something that the embedder has yet to deliver. When it does not, and Turn has nothing to do,
// nothing will ever happen again by itself.
func (s *Store) Waiting() bool { return s.pending > 0 }

// Quiet reports whether no guest code is left that could run before there is another call: all threads
// of all calls have ended.
func (s *Store) Quiet() bool { return len(s.parked) == 0 }

// Post has f run by the owner in its next Turn. Any goroutine may call it; after Close f is dropped.
func (s *Store) Post(f func()) { s.mailbox.post(f) }

// Async tells whether the component uses async functions or built-ins, so that its calls can be driven by Turn.
func (l *Linked) Async() bool { return l.plan.async }

// Refusing tells whether the instance that the function belongs to holds back new calls (back-pressure).
func (f *Func) Refusing() bool {
	if f.fn.lift == nil {
		return false
	}
	in := f.store.insts[f.fn.lift.inst]
	return in.backpressure > 0 || len(in.entering) > 0 || len(in.enteringBeside) > 0
}
