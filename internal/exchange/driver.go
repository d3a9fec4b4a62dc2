package exchange

import "iter"

// Driver drives a goroutine that serves requests, as a coroutine: what it calls in between needs no
// goroutine to wake up.
type Driver = interface {
	// Lend has the driver call work.Run while the calling goroutine waits, which must be the one
	// that is driven. If Run returns true, the caller goes on when Run has returned. Otherwise it
	// has gone on when Resume was called, by any goroutine, once between the beginning and the end
	// of Run.
	Lend(work interface{ Run() bool })
	Resume()
}

// Drive calls serve on a goroutine that the calling one drives. It returns when serve has returned,
// or goes on with another driver.
func Drive(serve func(Driver)) {
	c := &coroutine{}
	c.next, _ = iter.Pull(func(yield func(work) bool) {
		c.yield = yield
		serve(c)
	})
	c.drive()
}

type work = interface{ Run() bool }

// coroutine implements Driver.
type coroutine struct {
	next  func() (work, bool) // the driver's
	yield func(work) bool     // the driven one's
}

func (c *coroutine) drive() {
	for {
		w, more := c.next()
		if !more || !w.Run() {
			return
		}
	}
}

func (c *coroutine) Lend(w work) { c.yield(w) }

func (c *coroutine) Resume() { go c.drive() }
