package component

import (
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// maxBackpressure bounds the back-pressure counter, which is 16 bits wide.
const maxBackpressure = 1 << 16

// errorContext is a value with a debugging message.
type errorContext struct{ msg Value }

// The bounds of the debugging messages of error contexts, in bytes: of one, and of all that a store
// has ever kept. The specification lets the host drop them, and guests can have very many.
const (
	maxMessage  = 1024
	maxMessages = 1 << 20
)

// kept returns what the store keeps of a message.
func (s *Store) kept(msg Value) Value {
	text := msg.Str()
	if len(text) > maxMessage {
		end := maxMessage
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if s.messages+len(text) > maxMessages {
		return String("")
	}
	s.messages += len(text)
	if len(text) == len(msg.Str()) {
		return msg
	}
	return String(strings.Clone(text))
}

// builtin runs a built-in of the async half of the canonical ABI.
func (c *canonFunc) builtin(th *thread, inst *instance, stack []uint64) {
	arg := func(i int) uint32 { return uint32(stack[i]) }
	ret := func(v uint32) { stack[0] = uint64(v) }
	d := c.def
	switch c.op {
	case binary.CanonBackpressureInc:
		if inst.backpressure++; inst.backpressure == maxBackpressure {
			trapf("backpressure counter overflow")
		}
	case binary.CanonBackpressureDec:
		if inst.backpressure--; inst.backpressure < 0 {
			trapf("backpressure counter underflow")
		}
		inst.relieve()
	case binary.CanonBackpressureSet:
		inst.backpressure = int(min(arg(0), 1))
		inst.relieve()
	case binary.CanonTaskReturn:
		c.taskReturn(th, inst, stack)
	case binary.CanonTaskCancel:
		th.asyncTask().cancel()
	case binary.CanonSubtaskCancel:
		ret(subtaskCancel(th, inst, arg(0), d.Async))
	case binary.CanonSubtaskDrop:
		s := inst.table.subtask(arg(0))
		if !s.delivered {
			trapf("cannot drop a subtask which has not yet resolved")
		}
		s.join(nil)
		inst.table.remove(arg(0))
	case binary.CanonWaitableSetNew:
		ret(inst.table.addOther(th.store.newSet()))
	case binary.CanonWaitableSetWait:
		ev := inst.table.set(arg(0)).wait(th, d.Cancellable)
		c.event(th, inst, ev, stack)
	case binary.CanonWaitableSetPoll:
		ev := inst.table.set(arg(0)).poll(th.task, d.Cancellable)
		c.event(th, inst, ev, stack)
	case binary.CanonWaitableSetDrop:
		set := inst.table.set(arg(0))
		set.drop()
		inst.table.remove(arg(0))
		putBack(&th.store.spares.sets, set)
	case binary.CanonWaitableJoin:
		w := inst.table.waitable(arg(0))
		if w.waiter != nil {
			trapf("waitable cannot be used synchronously while added to a waitable set")
		}
		if arg(1) == 0 {
			w.join(nil)
		} else {
			w.join(inst.table.set(arg(1)))
		}
	case binary.CanonStreamNew, binary.CanonFutureNew:
		s := th.store
		sh := s.newShared()
		sh.future, sh.elem = c.typ.Kind == types.Future, c.typ.Elem
		r := inst.table.addWaitable(s.newEnd(sh, true))
		w := inst.table.addWaitable(s.newEnd(sh, false))
		stack[0] = uint64(r) | uint64(w)<<32
	case binary.CanonStreamRead, binary.CanonFutureRead:
		ret(c.copy(th, inst, stack, true))
	case binary.CanonStreamWrite, binary.CanonFutureWrite:
		ret(c.copy(th, inst, stack, false))
	case binary.CanonStreamCancelRead, binary.CanonFutureCancelRead:
		ret(c.cancelCopy(th, inst, arg(0), true))
	case binary.CanonStreamCancelWrite, binary.CanonFutureCancelWrite:
		ret(c.cancelCopy(th, inst, arg(0), false))
	case binary.CanonStreamDropReadable, binary.CanonFutureDropReadable:
		c.dropEnd(th.store, inst, arg(0), true)
	case binary.CanonStreamDropWritable, binary.CanonFutureDropWritable:
		c.dropEnd(th.store, inst, arg(0), false)
	case binary.CanonErrorContextNew:
		x := newCX(th, inst, &c.opts)
		ret(inst.table.addOther(&errorContext{th.store.kept(x.liftString(arg(0), arg(1)))}))
	case binary.CanonErrorContextDebugMsg:
		e := inst.table.errorContext(arg(0))
		x := newCX(th, inst, &c.opts)
		out := arg(1)
		x.check(out, 8, 4, "debug message")
		p, n := x.lowerString(e.msg)
		le.PutUint32(x.mem[out:], p)
		le.PutUint32(x.mem[out+4:], n)
	case binary.CanonErrorContextDrop:
		inst.table.errorContext(arg(0))
		inst.table.remove(arg(0))
	default:
		c.threadBuiltin(th, inst, stack)
	}
}

// threadBuiltin runs a built-in about threads.
func (c *canonFunc) threadBuiltin(th *thread, inst *instance, stack []uint64) {
	cancellable := c.def.Cancellable
	flag := func(cancelled bool) {
		stack[0] = 0
		if cancelled {
			stack[0] = 1
		}
	}
	other := func() *thread {
		o := inst.threads.get(uint32(stack[0]))
		if o == th {
			trapf("a thread cannot resume itself")
		}
		return o
	}
	parked := func() *thread {
		o := other()
		if !o.suspended() {
			trapf("cannot resume thread which is not suspended")
		}
		return o
	}
	switch c.op {
	case binary.CanonThreadYield:
		flag(th.yieldNow(cancellable))
	case binary.CanonThreadIndex:
		stack[0] = uint64(th.index)
	case binary.CanonThreadNewIndirect:
		stack[0] = uint64(c.newThread(th, inst, uint32(stack[0]), stack[1]))
	case binary.CanonThreadResumeLater:
		parked().startWaiting(always{})
	case binary.CanonThreadSuspend:
		flag(th.suspend(cancellable))
	case binary.CanonThreadSuspendThenRes:
		flag(th.suspendThenResume(cancellable, parked()))
	case binary.CanonThreadYieldThenRes:
		flag(th.yieldThenResume(cancellable, parked()))
	case binary.CanonThreadSuspendThenProm:
		if o := other(); o.isReady() {
			flag(th.suspendThenResume(cancellable, o))
		} else {
			flag(th.suspend(cancellable))
		}
	case binary.CanonThreadYieldThenProm:
		if o := other(); o.isReady() {
			flag(th.yieldThenResume(cancellable, o))
		} else {
			flag(th.yieldNow(cancellable))
		}
	default:
		trapf("canonical built-in %#x is not supported", byte(c.op))
	}
}

func (c *canonFunc) newThread(th *thread, inst *instance, fi uint32, arg uint64) uint32 {
	s := th.store
	ref := s.linked.plan.tables[c.table]
	f, err := s.group.TableFunc(ref.slot, ref.name, fi, []engine.ValueType{engine.I32}, nil)
	if err != nil {
		panic(&callError{err})
	}
	t := th.task
	nt := s.newThread(t, func(nt *thread) {
		stack := [1]uint64{arg}
		if err := f.Call(nt.ectx, stack[:]); err != nil {
			panic(&callError{err})
		}
		t.unregister(nt)
	})
	t.register(nt)
	return nt.index
}

// asyncTask returns the current task, which must be async-lifted.
func (th *thread) asyncTask() *task {
	if th.task == nil || th.task.opts == nil || !th.task.opts.async {
		trapf("task.return and task.cancel are only for async-lifted functions")
	}
	return th.task
}

func (c *canonFunc) taskReturn(th *thread, inst *instance, stack []uint64) {
	t := th.asyncTask()
	if !types.Equal(c.typ, t.typ.Result) || c.opts.enc != t.opts.enc ||
		(c.opts.mem >= 0 && c.opts.mem != t.opts.mem) {
		trapf("invalid `task.return` signature and/or options for current task")
	}
	var v Value
	if c.typ != nil {
		x := newCX(th, inst, &c.opts)
		if c.typ.FlatLen() > types.MaxFlatParams {
			p := uint32(stack[0])
			x.check(p, c.typ.Size(), c.typ.Align(), "result")
			v = x.load(c.typ, p)
		} else {
			pos := 0
			v = x.liftFlat(c.typ, stack, &pos)
		}
	}
	t.returnValue(v)
}

func (c *canonFunc) dropEnd(s *Store, inst *instance, i uint32, readable bool) {
	e := inst.table.end(i, c.typ, readable)
	e.drop()
	inst.table.remove(i)
	putBack(&s.spares.ends, e)
}

func (c *canonFunc) event(th *thread, inst *instance, ev event, stack []uint64) {
	x := newCX(th, inst, &c.opts)
	p := uint32(stack[1])
	x.check(p, 8, 4, "event")
	le.PutUint32(x.mem[p:], ev.p1)
	le.PutUint32(x.mem[p+4:], ev.p2)
	stack[0] = uint64(ev.code)
}

func subtaskCancel(th *thread, inst *instance, i uint32, async bool) uint32 {
	s := inst.table.subtask(i)
	if s.delivered {
		trapf("`subtask.cancel` called after terminal status delivered")
	}
	if s.cancelReq {
		trapf("`subtask.cancel` called more than once")
	}
	if s.set != nil {
		trapf("waitable cannot be used synchronously while added to a waitable set")
	}
	if !s.resolved() {
		s.cancelReq = true
		s.waiter = th // the callee runs now: no thread may put the subtask into a set meanwhile
		s.callee.requestCancellation(inst)
		s.waiter = nil
		if !s.resolved() {
			if async {
				return blocked
			}
			s.waitSync(th)
			for !s.resolved() {
				s.pending = false
				s.waitSync(th)
			}
		}
	}
	return s.take().p2
}

func (c *canonFunc) copy(th *thread, inst *instance, stack []uint64, readable bool) uint32 {
	e := inst.table.end(uint32(stack[0]), c.typ, readable)
	if e.state != copyIdle {
		if e.state == copyDone {
			trapf("cannot read from or write to stream or future after it is done")
		}
		trapf("cannot have concurrent operations active on a future/stream")
	}
	if e.set != nil && !c.opts.async {
		trapf("waitable cannot be used synchronously while added to a waitable set")
	}
	n := uint32(1)
	if !e.sh.future {
		n = uint32(stack[2])
	}
	e.room.init(newCX(th, inst, &c.opts), c.typ.Elem, uint32(stack[1]), n)
	e.buf = &e.room
	e.state = copying
	if readable {
		e.sh.read(inst, e.buf, e)
	} else {
		e.sh.write(inst, e.buf, e)
	}
	return e.finish(th, c.opts.async)
}

// finish returns the pending event of an operation, or waits for it in the synchronous form.
func (e *copyEnd) finish(th *thread, async bool) uint32 {
	if !e.pending {
		if async {
			return blocked
		}
		e.waitSync(th)
	}
	return e.take().p2
}

func (c *canonFunc) cancelCopy(th *thread, inst *instance, i uint32, readable bool) uint32 {
	e := inst.table.end(i, c.typ, readable)
	if e.state != copying || e.waiter != nil {
		trapf("cannot cancel an operation on a stream or future that is not in progress")
	}
	if e.set != nil && !c.def.Async {
		trapf("waitable cannot be used synchronously while added to a waitable set")
	}
	e.state = copyCancelling
	// A buffer that is only partly used up is still with the other side, whatever progress is to be
	// reported.
	if !e.pending || e.reclaim && e.buf.remain() > 0 {
		e.sh.cancel()
	}
	return e.finish(th, c.def.Async)
}
