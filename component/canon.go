package component

import (
	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/engine"
)

// call runs a canonical function for core code: stack holds the core parameters, then the results.
func (c *canonFunc) call(ectx *engine.Context, stack []uint64) {
	th := ectx.Owner().(*thread)
	inst := th.store.insts[c.inst]
	switch c.op {
	case binary.CanonResourceRep:
		e := inst.table.resource(uint32(stack[0]), c.res)
		stack[0] = uint64(e.guest)
		return
	}
	if !inst.mayLeave {
		trapf("cannot leave component instance")
	}
	switch c.op {
	case binary.CanonLower:
		c.lower(th, inst, stack)
	case binary.CanonResourceNew:
		stack[0] = uint64(inst.table.add(entry{kind: entryResource, own: true, res: c.res, guest: uint32(stack[0])}))
	case binary.CanonResourceDrop:
		th.dropHandle(inst, uint32(stack[0]), c.res)
	default:
		trapf("component-model async is not supported yet (canonical built-in %#x)", byte(c.op))
	}
}

// lower calls a component function for core code: CanonicalABI.md, canon_lower, with a synchronous caller.
func (c *canonFunc) lower(th *thread, inst *instance, stack []uint64) {
	if c.opts.async || c.fn.typ.Async {
		trapf("component-model async is not supported yet (function %s)", c.fn.name())
	}
	t := c.fn.typ
	from := newCX(th, inst, &c.opts)
	args := from.liftParams(c, stack)
	var out uint32
	if c.outPtr {
		out = uint32(stack[len(c.params)-1])
	}
	deliver := func(v Value) {
		if t.Result == nil {
			return
		}
		from.refresh()
		if c.outPtr {
			from.check(out, t.Result.Size(), t.Result.Align(), "result pointer")
			from.store(t.Result, v, out)
			return
		}
		pos := 0
		from.lowerFlat(t.Result, v, stack, &pos)
	}
	if c.fn.host != nil {
		deliver(th.callHost(c.fn.host, args))
	} else {
		th.callLifted(c.fn, inst, args, deliver)
	}
	from.endLends()
}

func (c *cx) liftParams(f *canonFunc, stack []uint64) []Value {
	if f.spilled {
		t := f.fn.typ.ParamTuple
		p := uint32(stack[0])
		c.check(p, t.Size(), t.Align(), "parameters")
		return c.load(t, p).Items()
	}
	return c.liftTuple(f.fn.typ.ParamTuple, stack, types.MaxFlatParams)
}

func (f *compFunc) name() string {
	if f.host != nil {
		return f.host.iface.Name + "." + f.host.name
	}
	return "of another component"
}

func (th *thread) callHost(h *hostFunc, args []Value) Value {
	v, err := h.fn(&Call{store: th.store, ctx: th.ectx}, args)
	if err != nil {
		panic(&callError{err})
	}
	return v
}

// callLifted calls a synchronously lifted function: CanonicalABI.md, canon_lift. caller is nil for the embedder. deliver gets the
// result before post-return runs.
func (th *thread) callLifted(f *compFunc, caller *instance, args []Value, deliver func(Value)) {
	l := f.lift
	if l.opts.async {
		trapf("component-model async is not supported yet")
	}
	inst := th.store.insts[l.inst]
	inst.enter(caller)
	t := task{inst: inst}
	to := newCX(th, inst, &l.opts)
	to.task = &t
	var flat [types.MaxFlatParams]uint64
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
}

// enter marks the instance and its ancestors as entered, but for those that the caller is inside of already. Entering one that is
// on the stack traps: instances are not re-entrant.
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

// encloses tells whether the instance is c or one of its ancestors.
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
	dtor := th.store.linked.plan.resources[r.Slot].dtor
	if dtor < 0 {
		if impl != from && impl.entered && !impl.encloses(from) {
			trapf("cannot enter component instance")
		}
		return
	}
	stack := [1]uint64{uint64(guest)}
	if impl == from {
		th.callCore(dtor, stack[:])
		return
	}
	impl.enter(from)
	th.callCore(dtor, stack[:])
	impl.leave(from)
}
