package sockets

import (
	"sync"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// readiness wakes Waiters when a socket can be read or written. One goroutine waits for all of
// them, and only while there are any.
type readiness struct {
	conn *conn
	dir  direction
	wasi.Event

	mu       sync.Mutex
	waiters  int
	watching bool
}

// Ready reports whether the system would not block, or the socket is closed.
func (r *readiness) Ready() bool {
	if r.conn.ready(r.dir) {
		return true
	}
	r.again()
	return false
}

// Subscribe wakes w when Ready may have become true, until the returned function is called.
func (r *readiness) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	stop := r.Event.Subscribe(w)
	r.mu.Lock()
	r.waiters++
	r.watch()
	r.mu.Unlock()
	return func() {
		stop()
		r.mu.Lock()
		r.waiters--
		r.mu.Unlock()
	}
}

// again waits again after a wake-up that was not for the Waiters.
func (r *readiness) again() {
	r.mu.Lock()
	r.watch()
	r.mu.Unlock()
}

// watch starts the goroutine unless it runs or there are no Waiters. The lock is held.
func (r *readiness) watch() {
	if r.watching || r.waiters == 0 {
		return
	}
	r.watching = true
	watch := func() {
		r.conn.await(r.dir)
		r.mu.Lock()
		r.watching = false
		r.mu.Unlock()
		r.Wake()
	}
	if !r.conn.host.goWork(watch) {
		r.watching = false
		r.Wake()
	}
}
