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
func (th *thread) invokeHost(h *hostFunc, start func() []Value,
	resolve func(Value, bool)) (cancel func(*instance)) {
	args := start()
	if h.async == nil {
		resolve(th.callHost(h, args), true)
		return func(*instance) {}
	}
	s := th.store
	settled := false
	now, stop, err := h.async(&Call{store: s, ctx: th.ectx.Parent()}, args,
		func(v Value, err error) {
			s.mailbox.post(func() {
				if settled {
					return
				}
				settled = true
				s.pending--
				if err != nil {
					panic(&callError{err})
				}
				resolve(v, true)
			})
		})
	if err != nil {
		panic(&callError{err})
	}
	if now != nil {
		settled = true
		resolve(*now, true)
		return func(*instance) {}
	}
	s.pending++
	return func(*instance) {
		if settled {
			return
		}
		settled = true
		s.pending--
		if stop != nil {
			stop()
		}
		resolve(Value{}, false)
	}
}
