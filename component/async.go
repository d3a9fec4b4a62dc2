package component

import (
	"context"
	"slices"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// callbackCode is what a callback returns (CanonicalABI.md, CallbackCode).
const (
	callbackExit = iota
	callbackYield
	callbackWait
)

// callee is a call under way, as its caller sees it.
type callee interface {
	// requestCancellation asks for the end of the call, for an instance, nil for the embedder.
	requestCancellation(caller *instance)
}

// invoke calls a component function, which may resolve later: CanonicalABI.md, FuncInst. The result
// is nil if the call is resolved and has ended.
func (th *thread) invoke(f *compFunc, caller *instance, from callSide) callee {
	if f.host != nil {
		return th.invokeHost(f.host, from)
	}
	return th.store.invoke(f, caller, th.root(), from)
}

// invoke calls a lifted function.
func (s *Store) invoke(f *compFunc, caller *instance, root *Task, from callSide) *task {
	inst := s.insts[f.lift.inst]
	inst.checkCall(caller)
	inst.enter(caller)
	t := s.lift(f, root, from)
	inst.leave(caller)
	return t
}

// root returns the embedder's call that the thread works for, nil outside of one.
func (th *thread) root() *Task {
	if th.task == nil {
		return nil
	}
	return th.task.root
}

// lift starts a lifted function as a task of its own: CanonicalABI.md, canon_lift.
func (s *Store) lift(f *compFunc, root *Task, from callSide) *task {
	l := f.lift
	var c *liftedCall
	if root != nil && root.task == nil {
		c = &root.first
		root.task = &c.task
	} else {
		c = &liftedCall{}
	}
	c.task = task{inst: s.insts[l.inst], typ: f.typ, opts: &l.opts, core: l.core, from: from,
		root: root}
	s.initThread(&c.implicit, &c.task, runImplicit)
	c.implicit.begin()
	return &c.task
}

// liftedCall is a task with its implicit thread.
type liftedCall struct {
	task     task
	implicit thread
}

func runImplicit(th *thread) { th.task.run(th) }

// begin runs the implicit thread of a new task until it first parks. While a synchronous call is
// parked, the other threads of its instance go on until it is resolved.
func (th *thread) begin() {
	t := th.task
	t.implicit = th
	th.resume(false)
	if t.typ.Async {
		return
	}
	for t.state != taskResolved {
		other := t.inst.nextReady(th.store)
		if other == nil {
			trapf("cannot block a synchronous task before returning")
		}
		other.resume(false)
	}
}

// runSync runs body as a synchronous call into the instance: what a destructor or a start function
// is for the specification.
func (s *Store) runSync(inst *instance, root *Task, body func(th *thread)) {
	t := &task{inst: inst, root: root, typ: &types.Func{}, opts: &options{}}
	s.newThread(t, func(th *thread) {
		t.register(th)
		body(th)
		t.state = taskResolved
		t.unregister(th)
	}).begin()
}

// nextReady takes the thread out of the run queue that has been ready for longest and may run
// during a synchronous call into the instance; nil if there is none.
func (in *instance) nextReady(s *Store) *thread {
	for i, th := range s.queue {
		if th.task.inst != in || th == in.exclusive || !th.isReady() {
			continue
		}
		// The implicit thread of a task that needs the instance to itself would run on a stack that
		// the synchronous call uses.
		if t := th.task; th == t.implicit && t.typ.Async && t.needsExclusive() {
			continue
		}
		s.queue = slices.Delete(s.queue, i, i+1)
		th.queued = false
		return th
	}
	return nil
}

// run is the implicit thread of a task.
func (t *task) run(th *thread) {
	if !t.enterImplicit(th) {
		return
	}
	c := newCX(th, t.inst, t.opts)
	c.task = t
	args := t.begin()
	flat := th.stack[:]
	c.refresh()
	n := c.lowerTuple(t.typ.ParamTuple, args, flat, types.MaxFlatParams)
	th.callCore(t.core, flat[:max(n, 1)])
	switch {
	case !t.opts.async:
		v := c.liftResult(t.typ.Result, flat)
		result := flat[0]
		t.returnValue(v)
		if t.opts.postReturn >= 0 {
			flat[0] = result
			t.inst.callLocked(th, t.opts.postReturn, flat[:1])
		}
	case t.opts.callback >= 0:
		t.callbackLoop(th, uint32(flat[0]))
	}
	t.exitImplicit(th)
}

// liftResult lifts what a synchronously lifted core function returned.
func (c *cx) liftResult(r *types.Type, flat []uint64) Value {
	if r == nil {
		return Value{}
	}
	c.refresh()
	if r.FlatLen() > types.MaxFlatResults {
		p := uint32(flat[0])
		c.check(p, r.Size(), r.Align(), "result")
		return c.load(r, p)
	}
	pos := 0
	return c.liftFlat(r, flat, &pos)
}

// callbackLoop calls the callback of the task with one event after the other until it says that it
// is done: CanonicalABI.md, canon_lift.
func (t *task) callbackLoop(th *thread, packed uint32) {
	in := t.inst
	for {
		code, set := packed&0xf, packed>>4
		if code == callbackExit {
			return
		}
		if code > callbackWait {
			trapf("unsupported callback code: %d", code)
		}
		var ev event
		switch {
		case t.deliverPendingCancel(true):
			ev.code = eventTaskCancelled // the slot stays the task's
		case code == callbackWait:
			ev = t.waitForSlot(th, in.table.set(set))
		default:
			ev = t.waitForSlot(th, nil)
		}
		stack := append(th.stack[:0], uint64(ev.code), uint64(ev.p1), uint64(ev.p2))
		th.callCore(t.opts.callback, stack)
		packed = uint32(stack[0])
	}
}

// waitForSlot releases the slot and waits until it is free again and the set has an event, or the
// task is to be cancelled; without a set, it waits for the next turn. It returns with the slot.
func (t *task) waitForSlot(th *thread, s *waitableSet) (ev event) {
	in := t.inst
	in.releaseExclusive()
	if s != nil {
		s.waiting = append(s.waiting, th)
		th.awaits = s
	}
	th.events = s
	cancelled := false
	if s == nil || !(slotWait{}).holds(th) {
		th.startWaiting(slotWait{})
		th.beginIdle()
		cancelled = th.park(true, nil)
	}
	th.events = nil
	switch {
	case cancelled || t.deliverPendingCancel(true):
		ev.code = eventTaskCancelled
	case s != nil:
		ev = s.take()
	}
	if s != nil {
		s.waiting = remove(s.waiting, th)
		th.awaits = nil
	}
	if th.idleSince != 0 {
		th.endIdle(t.cause(ev))
	}
	delete(in.slotWaiters, th)
	in.exclusive = th
	return ev
}

// slotWait is the condition of a thread that waits for the slot, and for events.
type slotWait struct{}

func (slotWait) holds(th *thread) bool {
	t := th.task
	if th.events != nil && t.state != taskPendingCancel && !th.events.pending() {
		return false
	}
	in := t.inst
	if in.exclusive == nil {
		return true
	}
	// Only a thread that lacks nothing but the slot looks again when it is released: very many
	// may wait.
	if in.slotWaiters == nil {
		in.slotWaiters = map[*thread]struct{}{}
	}
	in.slotWaiters[th] = struct{}{}
	return false
}

// lowerAsync calls a component function for core code in a component that uses async:
// CanonicalABI.md, canon_lower.
func (c *canonFunc) lowerAsync(th *thread, inst *instance, stack []uint64) {
	if c.fn.host != nil && c.fn.host.async == nil && !c.opts.async {
		c.lower(th, inst, stack)
		return
	}
	sub := &subtask{lower: c, from: newCX(th, inst, &c.opts)}
	// The parameters are read when the callee starts, which may be after this call returned and its
	// stack is gone.
	sub.flat = append(sub.few[:0], stack[:max(len(c.params), len(c.results))]...)
	sub.callee = th.invoke(c.fn, inst, sub)
	if !c.opts.async {
		if !sub.resolved() {
			sub.waitingTh, th.awaits = th, c.fn
			th.waitUntil(resolution{sub}, false)
			sub.waitingTh, th.awaits = nil, nil
		}
		sub.deliverResolve()
		copy(stack, sub.flat[:len(c.results)])
		return
	}
	if sub.resolved() {
		sub.deliverResolve()
		stack[0] = uint64(subtaskReturned)
		return
	}
	sub.self = sub
	i := inst.table.addWaitable(sub)
	sub.inTable = true
	stack[0] = uint64(uint32(sub.state) | i<<4)
}

// tick resumes one waiting thread whose condition holds, and reports whether there was one.
func (s *Store) tick() bool {
	for len(s.queue) > 0 {
		th := s.queue[0]
		s.queue = s.queue[1:]
		th.queued = false
		if !th.isReady() {
			continue
		}
		th.task.inst.enter(nil)
		th.resume(false)
		th.task.inst.leave(nil)
		return true
	}
	s.queue = nil
	return false
}

// drive runs the store until done holds or nothing is left that could make it hold.
func (s *Store) drive(ctx context.Context, done func() bool) error {
	for {
		for !done() && (s.mailbox.drain() || s.tick()) {
		}
		if done() {
			return nil
		}
		if s.pending == 0 {
			return &TrapError{Msg: "deadlock detected: event loop cannot make further progress"}
		}
		if err := s.mailbox.wait(ctx); err != nil {
			return err
		}
	}
}

// callAsync calls an exported function of a component that uses async, and drives the store until
// it is resolved.
func (f *Func) callAsync(ctx context.Context, args []Value) (v Value, err error) {
	resolved, cancelled := false, false
	t := &Task{store: f.store, fn: f.fn, args: args}
	t.result = func(r Value, ok bool) { v, resolved, cancelled = r, true, !ok }
	t.begin()
	if err := f.store.drive(ctx, func() bool { return resolved }); err != nil {
		return Value{}, err
	}
	if cancelled {
		return Value{}, &TrapError{Msg: "the task was cancelled"}
	}
	return v, nil
}
