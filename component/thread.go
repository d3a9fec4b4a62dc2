package component

import (
	"slices"

	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// thread is one line of control in a store (CanonicalABI.md, Thread): running, suspended until
// another thread resumes it, or waiting until its condition holds. In components that use no async
// built-in a thread runs on its caller's stack; elsewhere it is a coroutine, so that guest code can
// be parked in the middle of a call.
type thread struct {
	store  *Store
	ectx   *engine.Context
	ownCtx engine.Context // what ectx of a thread in a fiber points to
	task   *task
	index  uint32 // in the instance's thread table
	place  int    // in the store's list of threads that have not ended

	// storage are the context slots: zero in every new call, also in those of realloc, post-return
	// and destructors.
	storage [2]uint64

	fiber       *fiber // nil on the caller's stack, and when it is done
	parked      bool
	done        bool
	queued      bool         // in the store's run queue
	ready       condition    // waiting: for what; nil while suspended
	orCancelled bool         // waiting: or until the task is to be cancelled
	events      *waitableSet // waiting for the slot: for an event of this set too, unless nil
	awaits      awaited      // waiting: for what, for messages; nil for nothing in particular
	cancellable bool
	cancelled   bool    // how it was resumed
	idleSince   int64   // waiting, without guest code on its stack: since then, for a profile
	switchTo    *thread // to be resumed in its place after it parked

	// stack has the parameters and results of the thread's first core function and of the callback.
	stack [types.MaxFlatParams]uint64
}

// condition is what a thread waits for. A value that waits without a thread of its own is a pointer
// or has no size, so that waiting allocates nothing.
type condition interface {
	// holds reports whether the thread may go on.
	holds(th *thread) bool
}

// maxThreads bounds the threads of a store that have not ended, against guests that start calls and
// never end them: each has a stack.
const maxThreads = 1 << 16

// newThread makes a suspended thread of t that will run body.
func (s *Store) newThread(t *task, body func(th *thread)) *thread {
	if len(s.parked) >= maxThreads {
		trapf("too many calls and threads wait in one instance: %d", maxThreads)
	}
	th := &thread{}
	s.initThread(th, t, body)
	return th
}

// initThread makes th a suspended thread of t that will run body.
func (s *Store) initThread(th *thread, t *task, body func(th *thread)) {
	if len(s.parked) >= maxThreads {
		trapf("too many calls and threads wait in one instance: %d", maxThreads)
	}
	th.store, th.task, th.parked = s, t, true
	s.group.InitContext(&th.ownCtx, s.ctx, th)
	th.ectx = &th.ownCtx
	th.fiber = s.takeFiber()
	th.fiber.begin(th, body)
	th.place = len(s.parked)
	s.parked = append(s.parked, th)
}

// unlist takes a thread that has ended out of the list of those that have not.
func (s *Store) unlist(th *thread) {
	last := s.parked[len(s.parked)-1]
	s.parked[th.place], last.place = last, th.place
	s.parked[len(s.parked)-1] = nil
	s.parked = s.parked[:len(s.parked)-1]
}

func (th *thread) suspended() bool { return th.parked && th.ready == nil }
func (th *thread) isReady() bool   { return th.parked && th.ready != nil && th.mayGoOn() }

// mayGoOn reports whether what a waiting thread waits for is there.
func (th *thread) mayGoOn() bool {
	return th.orCancelled && th.task.state == taskPendingCancel || th.ready.holds(th)
}

// startWaiting makes a suspended thread wait for a condition; the code that makes the condition
// true pokes the thread.
func (th *thread) startWaiting(ready condition) {
	th.ready = ready
	if th.mayGoOn() {
		th.store.poke(th)
	}
}

// poke makes the next turn look at a waiting thread.
func (s *Store) poke(th *thread) {
	if th != nil && !th.queued && !th.done {
		th.queued = true
		s.queue = append(s.queue, th)
	}
}

// resume runs a parked thread, and those that it switches to, until they park or end.
func (th *thread) resume(cancelled bool) {
	th.ready = nil
	for cur := th; cur != nil; {
		cur.parked = false
		cur.cancelled = cancelled
		cur.switchTo = nil
		// A trap unwinds past the next lines: then root stays the call that is to blame.
		root := cur.store.runFor(cur.task.root)
		cur.fiber.next()
		cur.store.runFor(root)
		cancelled = false
		cur = cur.switchTo
		if cur != nil {
			cur.ready = nil
		}
	}
}

// park returns control to the resumer, and returns how the thread was resumed.
func (th *thread) park(cancellable bool, other *thread) (cancelled bool) {
	th.cancellable = cancellable
	th.parked = true
	th.switchTo = other
	th.fiber.park()
	th.cancellable = false
	return th.cancelled
}

// suspend parks until another thread resumes this one.
func (th *thread) suspend(cancellable bool) bool {
	if th.task.deliverPendingCancel(cancellable) {
		return true
	}
	return th.park(cancellable, nil)
}

// waitUntil parks until the condition holds, or returns at once if it does already. It reports
// whether the task has been cancelled instead, which only a cancellable wait can see.
func (th *thread) waitUntil(ready condition, cancellable bool) bool {
	if th.task.deliverPendingCancel(cancellable) {
		return true
	}
	if ready.holds(th) {
		return false
	}
	th.orCancelled = cancellable
	th.startWaiting(ready)
	cancelled := th.park(cancellable, nil)
	th.orCancelled = false
	return cancelled || th.task.deliverPendingCancel(cancellable)
}

// always is the condition of a thread that lets others run first.
type always struct{}

func (always) holds(*thread) bool { return true }

// remove takes x out of a list.
func remove[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// yieldNow lets other threads run.
func (th *thread) yieldNow(cancellable bool) bool {
	if th.task.deliverPendingCancel(cancellable) {
		return true
	}
	th.startWaiting(always{})
	return th.park(cancellable, nil)
}

func (th *thread) suspendThenResume(cancellable bool, other *thread) bool {
	if th.task.deliverPendingCancel(cancellable) {
		return true
	}
	return th.park(cancellable, other)
}

func (th *thread) yieldThenResume(cancellable bool, other *thread) bool {
	if th.task.deliverPendingCancel(cancellable) {
		return true
	}
	th.startWaiting(always{})
	return th.park(cancellable, other)
}

// taskState is the state of a task (CanonicalABI.md, Task.State).
type taskState byte

const (
	taskInitial taskState = iota
	taskStarted
	taskPendingCancel
	taskCancelDelivered
	taskResolved
)

// task is one call of a lifted function.
type task struct {
	inst     *instance
	typ      *types.Func
	opts     *options
	core     int // the core function
	from     callSide
	state    taskState
	borrows  int // borrow handles given to it and not dropped yet
	implicit *thread
	threads  []*thread
	one      [1]*thread // storage for threads: most have one
	root     *Task      // the embedder's call that led to it
}

// callSide is the caller's side of a call of a component function.
type callSide interface {
	// arguments returns the arguments, when the callee starts.
	arguments() []Value
	// resolve takes the result; ok is false if the call was cancelled.
	resolve(v Value, ok bool)
}

// entryGate is the condition of a thread that waits to enter its instance.
type entryGate struct{}

func (entryGate) holds(th *thread) bool {
	t := th.task
	return !t.blocked() && (!t.needsExclusive() || t.inst.entering[0] == th)
}

// blocked reports whether an async-typed call cannot enter its instance now.
func (t *task) blocked() bool {
	return t.inst.backpressure > 0 || t.needsExclusive() && t.inst.exclusive != nil
}

func (t *task) needsExclusive() bool { return !t.opts.async || t.opts.callback >= 0 }

// enterImplicit passes the entry gate of async-typed calls: back-pressure, the exclusive slot, and
// earlier entrants. It returns false if the task was cancelled while it waited.
func (t *task) enterImplicit(th *thread) bool {
	in := t.inst
	if t.typ.Async {
		// The holder of the slot may just have become ready: then it goes on first, once, instead
		// of making the caller wait for it.
		if in.exclusive != nil && t.needsExclusive() && len(in.entering) == 0 &&
			in.exclusive.isReady() {
			in.exclusive.resume(false)
		}
		if t.blocked() || len(in.entering) > 0 || len(in.enteringBeside) > 0 {
			queue := &in.entering
			if !t.needsExclusive() {
				queue = &in.enteringBeside
			}
			*queue = append(*queue, th)
			th.beginIdle()
			cancelled := th.waitUntil(entryGate{}, true)
			th.endIdle("admission", true)
			*queue = remove(*queue, th)
			if cancelled {
				t.cancel()
				in.pokeEntering()
				return false
			}
		}
		if t.needsExclusive() {
			in.exclusive = th
		}
	}
	t.register(th)
	return true
}

// pokeEntering makes the entrant whose turn it is to get the slot look at the gate again.
func (in *instance) pokeEntering() {
	if len(in.entering) > 0 {
		in.entering[0].store.poke(in.entering[0])
	}
}

// relieve makes all entrants look at the gate again that could pass it now that there is less
// back-pressure.
func (in *instance) relieve() {
	if in.backpressure > 0 {
		return
	}
	in.pokeEntering()
	for _, th := range in.enteringBeside {
		th.store.poke(th)
	}
}

// releaseExclusive frees the slot and makes the threads that wait for it look again.
func (in *instance) releaseExclusive() {
	in.exclusive = nil
	for th := range in.slotWaiters {
		th.store.poke(th)
		delete(in.slotWaiters, th)
	}
	in.pokeEntering()
}

func (t *task) register(th *thread) {
	if t.threads == nil {
		t.threads = t.one[:0]
	}
	t.threads = append(t.threads, th)
	th.index = t.inst.threads.add(th)
}

func (t *task) unregister(th *thread) {
	t.threads = remove(t.threads, th)
	if len(t.threads) == 0 && t.state != taskResolved {
		trapf("async-lifted export failed to produce a result")
	}
	t.inst.threads.remove(th.index)
	if len(t.threads) == 0 && t.root != nil && t.root.task == t {
		t.root.exit()
	}
}

func (t *task) exitImplicit(th *thread) {
	t.unregister(th)
	if t.typ.Async && t.needsExclusive() {
		t.inst.releaseExclusive()
	}
}

// requestCancellation asks the task to end. If it has not started, it ends at once. If its callback
// waits in the event loop and nothing keeps it from running, the callback runs now, until it waits
// again or ends; no other thread runs after it. If not, the request stays pending, and the callback
// gets it as soon as it can run. Binaries from before the specification took the cancellable
// immediate away may have other threads that can be cancelled.
func (t *task) requestCancellation(caller *instance) {
	if t.state == taskInitial {
		t.state = taskCancelDelivered
		t.implicit.resume(true)
		return
	}
	if t.state != taskStarted {
		return
	}
	t.state = taskPendingCancel
	for _, th := range t.threads {
		if !th.parked || !th.cancellable {
			continue
		}
		if t.inst.mayEnterFrom(caller) && (th.suspended() || th.isReady()) {
			t.state = taskCancelDelivered
			t.inst.enter(caller)
			th.resume(true)
			t.inst.leave(caller)
			return
		}
		th.store.poke(th)
	}
}

func (t *task) deliverPendingCancel(cancellable bool) bool {
	if cancellable && t.state == taskPendingCancel {
		t.state = taskCancelDelivered
		return true
	}
	return false
}

func (t *task) begin() []Value {
	t.state = taskStarted
	return t.from.arguments()
}

func (t *task) returnValue(v Value) {
	if t.state == taskResolved {
		trapf("task.return called more than once")
	}
	if t.borrows > 0 {
		trapf("borrow handles still remain at the end of the call")
	}
	t.from.resolve(v, true)
	t.state = taskResolved
}

func (t *task) cancel() {
	if t.state != taskCancelDelivered {
		trapf("task.cancel called by a task which has not been cancelled")
	}
	if t.borrows > 0 {
		trapf("borrow handles still remain at the end of the call")
	}
	t.from.resolve(Value{}, false)
	t.state = taskResolved
}

// threadTable numbers the threads of an instance; freed numbers are reused last in, first out.
type threadTable struct {
	entries []*thread
	free    []uint32
}

func (t *threadTable) add(th *thread) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[i] = th
		return i
	}
	if len(t.entries) == 0 {
		t.entries = append(t.entries, nil)
	}
	t.entries = append(t.entries, th)
	return uint32(len(t.entries) - 1)
}

func (t *threadTable) get(i uint32) *thread {
	if i == 0 || i >= uint32(len(t.entries)) || t.entries[i] == nil {
		trapf("unknown thread index %d", i)
	}
	return t.entries[i]
}

func (t *threadTable) remove(i uint32) {
	t.entries[i] = nil
	t.free = append(t.free, i)
}
