package host

import (
	"sync"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
)

// attribution finds the request that a guest works for. An instance of 0.2 has one request at a
// time; in an instance of 0.3, the running task identifies it.
type attribution struct {
	store *component.Store // set before the first request
	kind  handler.Kind

	mu    sync.Mutex
	last  *Call                    // the latest
	tasks map[handler.TaskID]*Call // of 0.3: those that have not ended, and some that have
}

// prune is how many tasks are remembered before those whose requests have ended are forgotten.
const prune = 64

// started records that a task has begun for a request.
func (a *attribution) started(c *Call, task handler.TaskID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = c
	if a.kind != handler.P3 {
		return
	}
	if a.tasks == nil {
		a.tasks = map[handler.TaskID]*Call{}
	}
	if len(a.tasks) >= prune {
		for id, c := range a.tasks {
			if c.over.Load() && !c.counting {
				delete(a.tasks, id)
			}
		}
	}
	a.tasks[task] = c
}

// running returns the request for which the guest is running, or nil if it is unknown. Only the
// owner of the store may call it.
func (a *attribution) running() *Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kind != handler.P3 {
		return a.last
	}
	if a.store == nil {
		return nil
	}
	if t := a.store.Current(); t != nil {
		return a.tasks[handler.TaskID(t.ID())]
	}
	return nil
}

// lastOfP2 returns the latest request of an instance that takes one at a time; else nil.
func (a *attribution) lastOfP2() *Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kind == handler.P3 {
		return nil
	}
	return a.last
}

// each calls f for the requests that are remembered.
func (a *attribution) each(f func(*Call)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.tasks {
		f(c)
	}
}

// named returns the latest request with that id that the guest has taken, or nil. Any goroutine may
// call it.
func (a *attribution) named(id string) *Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != nil && a.last.ID == id {
		return a.last
	}
	for _, c := range a.tasks {
		if c.ID == id && !c.over.Load() {
			return c
		}
	}
	return nil
}
