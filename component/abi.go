package component

import (
	"github.com/wasihttp/wasihttp/component/internal/types"
)

// Limits of the canonical ABI on what one string or list may have, in bytes.
const (
	maxStringBytes = 1<<28 - 1
	maxListBytes   = 1<<28 - 1
)

// maxLifted is how many bytes of Go memory the parameters or the result of one call may take. Lists
// whose elements overlap in the guest's memory would else become larger than that memory, each
// level of nesting by a factor.
const maxLifted = 1 << 28

// The Go memory behind the parts of a Value, in bytes.
const (
	valueBytes  = 32 // a Value itself, in a slice or behind a pointer
	handleBytes = 64 // a Handle, and its loan
)

// cx is the context of one lifting or lowering: memory, handle table and options.
type cx struct {
	th   *thread
	inst *instance
	opts *options
	mem  []byte // of opts.mem; refetched after every guest call

	task  *task  // lowering into a callee: the scope of its borrows
	lends []lend // lifting: loans to return when the call is over
	views bool   // lifting: a list<u8> is a view of memory, for the time of the call

	lifted uint64 // lifting: bytes of Go memory so far
}

// lend is a loan of a handle for the duration of a call.
type lend struct {
	table *table
	index uint32
}

func newCX(th *thread, inst *instance, opts *options) cx {
	c := cx{th: th, inst: inst, opts: opts}
	c.refresh()
	return c
}

func (c *cx) refresh() {
	if c.opts.mem >= 0 {
		c.mem = c.th.store.memory(c.opts.mem)
	}
}

// endLends returns all loans.
func (c *cx) endLends() {
	for _, l := range c.lends {
		l.table.entries[l.index].lends--
	}
	c.lends = c.lends[:0]
}

// realloc allocates in the receiver's memory; it runs as a call of its own that may not leave the
// instance.
func (c *cx) realloc(old, oldSize, align, size uint32) uint32 {
	if c.opts.realloc < 0 {
		trapf("the canonical options name no realloc")
	}
	stack := [4]uint64{uint64(old), uint64(oldSize), uint64(align), uint64(size)}
	// It is a call of its own, with context slots of its own.
	saved := c.th.storage
	c.th.storage = [2]uint64{}
	c.inst.callLocked(c.th, c.opts.realloc, stack[:])
	c.th.storage = saved
	c.refresh()
	p := uint32(stack[0])
	if p&(align-1) != 0 {
		trapf("realloc return: result not aligned")
	}
	if uint64(p)+uint64(size) > uint64(len(c.mem)) {
		trapf("realloc return: beyond end of memory")
	}
	return p
}

// callLocked calls a core function of the instance that may not leave it: realloc, post-return.
func (in *instance) callLocked(th *thread, fn int, stack []uint64) {
	in.mayLeave = false
	th.callCore(fn, stack)
	in.mayLeave = true
}

// charge counts Go memory that is about to be allocated for lifted values.
func (c *cx) charge(n uint64) {
	before := c.lifted
	if c.lifted += n; c.lifted > maxLifted {
		trapf("the values of one call are too large for the host")
	}
	if before/partBytes != c.lifted/partBytes {
		c.pause()
	}
}

// check traps unless the n bytes at p are aligned and in range.
func (c *cx) check(p, n, align uint32, what string) {
	if p&(align-1) != 0 {
		trapf("%s: pointer not aligned to %d", what, align)
	}
	if uint64(p)+uint64(n) > uint64(len(c.mem)) {
		trapf("%s: pointer out of bounds of memory", what)
	}
}

// liftOwn takes the handle out of the instance's table.
func (c *cx) liftOwn(i uint32, r *types.Resource) Value {
	e := c.inst.table.resource(i, r)
	if e.lends != 0 {
		trapf("cannot remove owned resource while borrowed")
	}
	if !e.own {
		trapf("cannot lift own resource from a borrow")
	}
	v := handleOf(r, e.guest, e.rep)
	c.inst.table.remove(i)
	return v
}

// liftBorrow lends the handle for the duration of the call.
func (c *cx) liftBorrow(i uint32, r *types.Resource) Value {
	e := c.inst.table.resource(i, r)
	c.charge(handleBytes)
	e.lends++
	c.lends = append(c.lends, lend{&c.inst.table, i})
	return handleOf(r, e.guest, e.rep)
}

func (c *cx) lowerOwn(v Value, r *types.Resource) uint32 {
	i, e := c.inst.table.add(entryResource)
	e.own, e.res, e.guest, e.rep = true, r, v.guest(), v.Rep()
	return i
}

func (c *cx) lowerBorrow(v Value, r *types.Resource) uint32 {
	if r.Host == nil && r.Instance == c.inst.idx {
		return v.guest()
	}
	if c.task == nil {
		trapf("a borrow can only be given to a call")
	}
	c.task.borrows++
	i, e := c.inst.table.add(entryResource)
	e.res, e.guest, e.rep, e.scope = r, v.guest(), v.Rep(), c.task
	return i
}

// liftEnd takes the readable end of a stream or future out of the instance's table.
func (c *cx) liftEnd(i uint32, t *types.Type) Value {
	e := c.inst.table.end(i, t, true)
	if e.state != copyIdle {
		trapf("cannot lift a stream or future that is busy or done")
	}
	if e.set != nil {
		trapf("cannot lift a stream or future that is in a waitable set")
	}
	c.inst.table.remove(i)
	sh := e.sh
	putBack(&c.th.store.spares.ends, e)
	return Value{ref: sh}
}

func (c *cx) lowerEnd(v Value, t *types.Type) uint32 {
	sh := v.ref.(*shared)
	// The embedder may pass values of any type to any function.
	if !sh.carries(t.Kind == types.Future, t.Elem) {
		trapf("a stream or future with another payload is given as %s", t)
	}
	return c.inst.table.addWaitable(c.th.store.newEnd(sh, true))
}
