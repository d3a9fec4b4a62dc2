package component

import (
	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// call runs a canonical function for core code: stack holds the core parameters, then the results.
func (c *canonFunc) call(ectx *engine.Context, stack []uint64) {
	th := ectx.Owner().(*thread)
	inst := th.store.insts[c.inst]
	switch c.op {
	case binary.CanonResourceRep:
		stack[0] = uint64(inst.table.resource(uint32(stack[0]), c.res).guest)
		return
	case binary.CanonContextGet:
		if stack[0] = th.storage[c.def.Slot]; c.results[0] == types.I32 {
			stack[0] = uint64(uint32(stack[0]))
		}
		return
	case binary.CanonContextSet:
		th.storage[c.def.Slot] = stack[0]
		return
	case binary.CanonBackpressureInc, binary.CanonBackpressureDec, binary.CanonBackpressureSet:
		c.builtin(th, inst, stack)
		return
	}
	if !inst.mayLeave {
		trapf("cannot leave component instance")
	}
	switch c.op {
	case binary.CanonLower:
		if th.store.linked.plan.async {
			c.lowerAsync(th, inst, stack)
		} else {
			c.lower(th, inst, stack)
		}
	case binary.CanonResourceNew:
		i, e := inst.table.add(entryResource)
		e.own, e.res, e.guest = true, c.res, uint32(stack[0])
		stack[0] = uint64(i)
	case binary.CanonResourceDrop:
		th.dropHandle(inst, uint32(stack[0]), c.res)
	default:
		c.builtin(th, inst, stack)
	}
}

// lower calls a component function for core code in a component without async: CanonicalABI.md,
// canon_lower.
func (c *canonFunc) lower(th *thread, inst *instance, stack []uint64) {
	if c.fn.host != nil {
		c.lowerHost(th, inst, stack)
		return
	}
	from := newCX(th, inst, &c.opts)
	args := from.liftParams(c, stack, nil)
	out := c.outPointer(stack)
	th.callLifted(c.fn, inst, args, func(v Value) {
		if c.outPtr {
			stack[len(c.params)-1] = out
		}
		from.lowerResult(c, v, stack)
	})
	from.endLends()
}

// lowerHost calls a function of the embedder for core code. What the call needs is the store's, and
// is used for one call after the other.
func (c *canonFunc) lowerHost(th *thread, inst *instance, stack []uint64) {
	s := th.store
	room := s.takeRoom()
	from := newCX(th, inst, &c.opts)
	from.views = c.fn.host.views
	from.lends = room.lends[:0]
	args := from.liftParams(c, stack, room.args[:0])
	room.call = Call{store: s, ctx: th.ectx.Parent()}
	s.serving = c.fn.host
	v, err := c.fn.host.fn(&room.call, args)
	s.serving = nil
	if err != nil {
		panic(&callError{err})
	}
	from.lowerResult(c, v, stack)
	from.endLends()
	room.lends = from.lends[:0]
	clear(args)
	room.call = Call{}
	s.room = room
}

// callRoom is what a call of a function of the embedder needs. It holds nothing between calls.
type callRoom struct {
	call  Call
	args  [8]Value
	lends []lend
}

// takeRoom takes the room of the store, or makes one.
func (s *Store) takeRoom() *callRoom {
	room := s.room
	if room == nil {
		return &callRoom{lends: make([]lend, 0, 4)}
	}
	s.room = nil
	return room
}

func (c *canonFunc) outPointer(stack []uint64) uint64 {
	if !c.outPtr {
		return 0
	}
	return stack[len(c.params)-1]
}

// liftParams lifts the parameters of a lowered function and appends them to room, which is empty.
func (c *cx) liftParams(f *canonFunc, stack []uint64, room []Value) []Value {
	if f.spilled {
		t := f.fn.typ.ParamTuple
		p := uint32(stack[0])
		c.check(p, t.Size(), t.Align(), "parameters")
		return c.load(t, p).Items()
	}
	return c.liftFields(f.fn.typ.ParamTuple, stack, room)
}

// lowerResult passes the result of a lowered function to its caller.
func (c *cx) lowerResult(f *canonFunc, v Value, stack []uint64) {
	t := f.fn.typ.Result
	if t == nil {
		return
	}
	c.refresh()
	if f.outPtr {
		out := uint32(stack[len(f.params)-1])
		c.check(out, t.Size(), t.Align(), "result pointer")
		c.store(t, v, out)
		return
	}
	pos := 0
	c.lowerFlat(t, v, stack, &pos)
}

func (th *thread) callHost(h *hostFunc, args []Value) Value {
	th.store.serving = h
	v, err := h.fn(&Call{store: th.store, ctx: th.ectx.Parent()}, args)
	th.store.serving = nil
	if err != nil {
		panic(&callError{err})
	}
	return v
}

// callLifted calls a synchronously lifted function: CanonicalABI.md, canon_lift. caller is nil for
// the embedder. deliver gets the result before post-return runs.
func (th *thread) callLifted(f *compFunc, caller *instance, args []Value, deliver func(Value)) {
	l := f.lift
	inst := th.store.insts[l.inst]
	inst.checkCall(caller)
	inst.enter(caller)
	frame := th.store.frame
	th.store.frame = nil
	if frame == nil {
		frame = new(callFrame)
	}
	t, flat := &frame.task, &frame.flat
	*t = task{inst: inst}
	to := newCX(th, inst, &l.opts)
	to.task = t
	n := to.lowerTuple(f.typ.ParamTuple, args, flat[:], types.MaxFlatParams)
	th.callCore(l.core, flat[:max(n, 1)])
	to.refresh()
	var v Value
	if r := f.typ.Result; r != nil {
		if r.FlatLen() > types.MaxFlatResults {
			p := uint32(flat[0])
			to.check(p, r.Size(), r.Align(), "result")
			v = to.load(r, p)
		} else {
			pos := 0
			v = to.liftFlat(r, flat[:], &pos)
		}
	}
	if t.borrows > 0 {
		trapf("borrow handles still remain at the end of the call")
	}
	result := flat[0]
	deliver(v)
	if l.opts.postReturn >= 0 {
		flat[0] = result
		inst.callLocked(th, l.opts.postReturn, flat[:1])
	}
	inst.leave(caller)
	th.store.frame = frame
}

// callFrame is what a call of a lifted function needs until it returns.
type callFrame struct {
	task task // no handle refers to it once its borrows are 0
	flat [types.MaxFlatParams]uint64
}

// checkCall refuses calls between an instance and itself or one that encloses it: the specification
// would allow some of them, but hosts and its test suite agree to trap on all for now.
func (in *instance) checkCall(caller *instance) {
	if caller != nil && (in.encloses(caller) || caller.encloses(in)) {
		trapf("cannot enter component instance")
	}
}

// mayEnterFrom reports whether enter would succeed.
func (in *instance) mayEnterFrom(caller *instance) bool {
	for i := in; i != nil && !i.encloses(caller); i = i.parent {
		if i.entered {
			return false
		}
	}
	return true
}

// enter marks the instance and its ancestors as entered, but for those that the caller is inside of
// already. Entering one that is on the stack traps: instances are not re-entrant.
func (in *instance) enter(caller *instance) {
	for i := in; i != nil && !i.encloses(caller); i = i.parent {
		if i.entered {
			trapf("cannot enter component instance")
		}
		i.entered = true
	}
}

func (in *instance) leave(caller *instance) {
	for i := in; i != nil && !i.encloses(caller); i = i.parent {
		i.entered = false
	}
}

// encloses reports whether the instance is c or one of its ancestors.
func (in *instance) encloses(c *instance) bool {
	for ; c != nil; c = c.parent {
		if c == in {
			return true
		}
	}
	return false
}

// dropHandle drops a handle: the owner's drop runs the destructor.
func (th *thread) dropHandle(inst *instance, i uint32, r *types.Resource) {
	e := *inst.table.resource(i, r)
	if e.lends > 0 {
		trapf("cannot drop a handle while it is lent out")
	}
	inst.table.remove(i)
	if !e.own {
		e.scope.borrows--
		return
	}
	th.destroy(inst, r, e.guest, e.rep)
}

// maxDestroying bounds how deep destructors that drop resources may nest.
const maxDestroying = 1000

// destroy runs the destructor of a resource whose last owner is gone.
func (th *thread) destroy(from *instance, r *types.Resource, guest uint32, rep any) {
	if r.Host != nil {
		if d := r.Host.(*Resource).Drop; d != nil {
			if err := d(rep); err != nil {
				panic(&callError{err})
			}
		}
		return
	}
	impl := th.store.insts[r.Instance]
	impl.enter(from)
	// Nothing else lets a guest recurse through the host without end, and a stack of Go's that
	// overflows ends the process.
	if th.store.destroying++; th.store.destroying > maxDestroying {
		trapf("call stack exhausted: %d destructors within each other", maxDestroying)
	}
	if dtor := th.store.linked.plan.resources[r.Slot].dtor; dtor >= 0 {
		stack := [1]uint64{uint64(guest)}
		if th.store.linked.plan.async {
			th.store.runSync(impl, th.root(), func(th *thread) { th.callCore(dtor, stack[:]) })
		} else {
			saved := th.storage
			th.storage = [2]uint64{}
			th.callCore(dtor, stack[:])
			th.storage = saved
		}
	}
	th.store.destroying--
	impl.leave(from)
}
