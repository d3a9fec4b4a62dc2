package sockets

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// pollTime is how long one call waits for its sockets before the next call includes newer ones, in
// milliseconds.
const pollTime = 5

var procPoll = winsock.NewProc("WSAPoll")

// pollFD is WSAPOLLFD.
type pollFD struct {
	fd      windows.Handle
	events  int16
	revents int16
}

// events returns the events to ask the system for.
func (d direction) events() int16 {
	if d == toWrite {
		return 0x10 // POLLWRNORM
	}
	return 0x100 // POLLRDNORM
}

// poll waits for that many milliseconds until one of the sockets is ready.
func poll(p []pollFD, milliseconds int) (int, error) {
	return call(procPoll, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), uintptr(milliseconds))
}

// waits holds what the process waits for: one thread waits for all sockets.
var waits waiting

type waiting struct {
	mu      sync.Mutex
	list    []*wait
	running bool
}

type wait struct {
	socket *system
	dir    direction
	done   chan struct{}
}

// await blocks until the socket is ready or closed.
func (w *waiting) await(s *system, d direction) {
	one := &wait{s, d, make(chan struct{})}
	w.mu.Lock()
	w.list = append(w.list, one)
	if !w.running {
		w.running = true
		go w.run()
	}
	w.mu.Unlock()
	<-one.done
}

// run waits as long as there is something to wait for.
func (w *waiting) run() {
	for {
		w.mu.Lock()
		list := slices.Clone(w.list)
		if len(list) == 0 {
			w.running = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		p := make([]pollFD, len(list))
		for i, one := range list {
			p[i] = pollFD{fd: one.socket.fd, events: one.dir.events()}
		}
		_, err := poll(p, pollTime)
		for i, one := range list {
			if p[i].revents != 0 || err != nil || one.socket.isClosed() {
				close(one.done)
				w.remove(one)
			}
		}
	}
}

func (w *waiting) remove(one *wait) {
	w.mu.Lock()
	w.list = slices.DeleteFunc(w.list, func(o *wait) bool { return o == one })
	w.mu.Unlock()
}

func (s *system) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}
