package component

// AsyncHostFunc is an async function that the embedder offers to components. The owner of the store
// calls it, and it must not block. It either returns its result at once (now is not nil), or calls
// done later, from any goroutine and at most once. An error, returned or given to done, traps the
// store.
//
// The owner calls cancel, which may be nil, if the guest cancels the call; done has no effect from
// then on.
type AsyncHostFunc func(c *Call, args []Value, done func(Value, error)) (
	now *Value, cancel func(), err error)

// AsyncFunc declares an async function; wit starts with `async func`.
func (i *HostInstance) AsyncFunc(name, wit string, fn AsyncHostFunc) {
	i.Func(name, wit, nil)
	i.funcs[name].async = fn
}

// invokeHost calls a function of the embedder that may resolve later.
func (th *thread) invokeHost(h *hostFunc, from callSide) callee {
	args := from.arguments()
	if h.async == nil {
		from.resolve(th.callHost(h, args), true)
		return nil
	}
	s := th.store
	c := &hostCall{store: s, from: from}
	s.serving = h
	now, stop, err := h.async(&Call{store: s, ctx: th.ectx.Parent()}, args, c.done)
	s.serving = nil
	if err != nil {
		panic(&callError{err})
	}
	if now != nil {
		c.settled = true
		from.resolve(*now, true)
		return nil
	}
	c.stop = stop
	s.pending++
	return c
}

// hostCall is a call of the embedder that has not returned at once.
type hostCall struct {
	store   *Store
	from    callSide
	stop    func() // nil for none
	settled bool
}

// done takes the result, on any goroutine.
func (c *hostCall) done(v Value, err error) {
	c.store.mailbox.post(func() {
		if c.settled {
			return
		}
		c.settled = true
		c.store.pending--
		if err != nil {
			panic(&callError{err})
		}
		c.from.resolve(v, true)
	})
}

// requestCancellation implements callee: the call ends at once.
func (c *hostCall) requestCancellation(*instance) {
	if c.settled {
		return
	}
	c.settled = true
	c.store.pending--
	if c.stop != nil {
		c.stop()
	}
	c.from.resolve(Value{}, false)
}
