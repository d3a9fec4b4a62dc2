package component

import "iter"

// fiber is a coroutine that runs threads, one after the other: making one, and having its stack
// grow as guest code calls the host, takes longer than many a thread runs. When its store closes,
// the one that has no thread goes with the instance tree to the next store.
type fiber struct {
	store *Store
	next  func() (struct{}, bool) // runs the thread until it parks or ends
	stop  func()
	yield func(struct{}) bool

	th   *thread
	body func(th *thread)
}

// takeFiber returns a fiber without a thread: the one that the store has kept, or a new one. A
// second one would hardly help, as threads that wait for nothing follow each other.
func (s *Store) takeFiber() *fiber {
	if f := s.idle; f != nil {
		s.idle = nil
		return f
	}
	f := &fiber{store: s}
	f.next, f.stop = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = yield
		for {
			f.run()
			if f.store.closed || f.store.idle != nil {
				return
			}
			f.store.idle = f
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return f
}

// begin passes a thread to the fiber, which runs it.
func (f *fiber) begin(th *thread, body func(th *thread)) { f.th, f.body = th, body }

// run runs the thread to its end. A trap passes through to the resumer of the thread and ends the
// fiber.
func (f *fiber) run() {
	defer func() {
		f.th.done = true
		f.th.fiber = nil
		f.store.unlist(f.th)
		f.th, f.body = nil, nil
		if f.store.closed {
			_ = recover()
		}
	}()
	f.body(f.th)
}

// aborted unwinds a parked thread when its store closes.
type aborted struct{}

func (aborted) Error() string { return "the store was closed" }

// park returns control to the resumer of the thread until the thread is resumed.
func (f *fiber) park() {
	if !f.yield(struct{}{}) {
		panic(aborted{})
	}
}
