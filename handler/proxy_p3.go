package handler

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/p3"
)

// concurrentProxy is a Proxy whose tasks run side by side: one waits while another goes on. Only
// the owner may call its methods.
type concurrentProxy interface {
	Proxy
	// Step runs guest code for a while and reports whether there may be more to do now. The error
	// is the trap that ended all tasks.
	Step() (more bool, err error)
	// Busy reports whether Step has something to do now.
	Busy() bool
	// Wake receives when there is something to do for Step.
	Wake() <-chan struct{}
	// Culprit returns the task that trapped, or 0 if it is unknown.
	Culprit() TaskID
	// Refusing reports whether the guest holds new tasks back (back-pressure).
	Refusing() bool
	// Quiet reports whether no guest code is left that could run without another task.
	Quiet() bool
	// Idle reports whether nothing at all happens without another task.
	Idle() bool
}

// guestTask is a task of a concurrentProxy; *component.Task is one.
type guestTask interface {
	// Start runs the guest until it first waits.
	Start() error
	// Cancel asks the guest to end the task.
	Cancel() error
	// OnExit registers f, which the owner calls when the guest has ended all threads of the task.
	OnExit(f func())
	// OnRun registers f, which the owner calls when guest code begins to run for the task, and when
	// it stops to.
	OnRun(f func(runs bool))
	// Runnable reports whether the guest goes on with the task without waiting for anything but its
	// turn.
	Runnable() bool
	// Waiting returns what the task waits for, or "" if it does not wait.
	Waiting() string
}

var _ guestTask = (*component.Task)(nil)

// proxyP3 is an instance that exports wasi:http/handler@0.3.x.
type proxyP3 struct {
	store  *component.Store
	handle *component.Func
}

var _ concurrentProxy = (*proxyP3)(nil)

func (p *proxyP3) Kind() Kind { return P3 }

func (p *proxyP3) Prepare(
	state *wasi.State, req *Request, respond func(*wasi.Response, *ErrorCode),
) (*Prepared, error) {
	args := []component.Value{p3.NewRequest(p.store, state, req)}
	t := p.handle.Prepare(args, func(v component.Value, ok bool) {
		if ok {
			p3.Respond(state, v, req.Method, respond)
		}
		// Otherwise the task was cancelled, and the reason is known where that was done.
	})
	return &Prepared{task: TaskID(t.ID()), guest: t}, nil
}

func (p *proxyP3) Step() (more bool, err error) { return p.store.Step() }

func (p *proxyP3) Busy() bool { return p.store.Busy() }

func (p *proxyP3) Wake() <-chan struct{} { return p.store.Wake() }

func (p *proxyP3) Refusing() bool { return p.handle.Refusing() }

func (p *proxyP3) Quiet() bool { return p.store.Quiet() }

func (p *proxyP3) Idle() bool {
	return p.store.Quiet() && !p.store.Waiting() && !p.store.Busy()
}

func (p *proxyP3) Culprit() TaskID {
	if t := p.store.Culprit(); t != nil {
		return TaskID(t.ID())
	}
	return 0
}
