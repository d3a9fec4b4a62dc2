package handler

import (
	"context"
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Kind is the version of wasi:http that a component is written for.
type Kind uint8

const (
	// P2 components export wasi:http/incoming-handler@0.2.x.
	P2 Kind = iota + 1
	// P3 components export wasi:http/handler@0.3.x.
	P3
)

// String returns the version: "0.2" or "0.3".
func (k Kind) String() string {
	switch k {
	case P2:
		return "0.2"
	case P3:
		return "0.3"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// FindExport returns the name and the kind of the HTTP handler among the names of a component's
// exports. If there are two, it returns the newer one. Pre-releases do not count, since their
// interfaces differ from those of the release.
func FindExport(exports []string) (name string, kind Kind, ok bool) {
	for _, e := range exports {
		switch {
		case releaseOf(e, "wasi:http/handler@0.3"):
			return e, P3, true
		case kind == 0 && releaseOf(e, "wasi:http/incoming-handler@0.2"):
			name, kind = e, P2
		}
	}
	return name, kind, kind != 0
}

// releaseOf reports whether name is track, which is its canonical form, or track followed by a
// patch version without a pre-release.
func releaseOf(name, track string) bool {
	rest, ok := strings.CutPrefix(name, track)
	patch, hasPatch := strings.CutPrefix(rest, ".")
	return ok && (rest == "" || hasPatch && patch != "" && strings.Trim(patch, "0123456789") == "")
}

// ProxyPre is a component that exports an HTTP handler, linked and compiled but not instantiated.
// It is immutable and safe for concurrent use.
type ProxyPre struct {
	linked *component.Linked
	export string
	kind   Kind
}

// NewProxyPre returns the ProxyPre of a linked component with these exports
// ([component.Component.ExportNames]). The error is a *NoHandlerError if none of them is an HTTP
// handler.
func NewProxyPre(linked *component.Linked, exports []string) (*ProxyPre, error) {
	export, kind, ok := FindExport(exports)
	if !ok {
		return nil, &NoHandlerError{Exports: exports}
	}
	return &ProxyPre{linked: linked, export: export, kind: kind}, nil
}

// Kind returns the kind of the component.
func (p *ProxyPre) Kind() Kind { return p.kind }

// Export returns the name of the exported interface that handles requests.
func (p *ProxyPre) Export() string { return p.export }

// Instantiate makes an instance in store, which must be a fresh store of the same linked component.
// If ctx ends first, the guest's initialization is stopped by a trap with the cause of ctx. After
// an error the store can only be closed.
func (p *ProxyPre) Instantiate(ctx context.Context, store *component.Store) (Proxy, error) {
	inst, err := p.instantiate(ctx, store)
	if err != nil {
		return nil, err
	}
	fn := inst.Func(p.export, "handle")
	if fn == nil {
		return nil, fmt.Errorf("%s has no function handle", p.export)
	}
	if p.kind == P3 {
		return &proxyP3{store: store, handle: fn}, nil
	}
	return newProxyP2(fn), nil
}

func (p *ProxyPre) instantiate(
	ctx context.Context, store *component.Store,
) (*component.Instance, error) {
	if store.Quick() {
		return p.linked.Instantiate(ctx, store)
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		store.Interrupt(context.Cause(ctx))
		close(interrupted)
	})
	inst, err := p.linked.Instantiate(ctx, store)
	if !stop() {
		// The store must not be interrupted once its owner has it back.
		<-interrupted
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	return inst, err
}

// Proxy is an instance of a component of either kind. It belongs to the owner of its store.
type Proxy interface {
	// Kind returns the kind of the component.
	Kind() Kind
	// Prepare makes a guest task for a request, without running it. state is that of the store.
	//
	// Prepare calls respond at most once while the task runs, on the goroutine that runs it, as
	// soon as the guest has set the head of the response: with the response, whose Body the callee
	// closes, or with the error-code that the guest chose. respond does not block.
	Prepare(
		state *wasi.State, req *Request, respond func(*wasi.Response, *ErrorCode),
	) (*Prepared, error)
}

// TaskID identifies a guest task within its instance. Instances of 0.2, which has no tasks, count
// requests from 1.
type TaskID uint64

// Prepared is a request with a guest task that does not run yet, so that the embedder learns of the
// task before the guest's first instruction.
type Prepared struct {
	task  TaskID
	run   func(ctx context.Context) error // nil for 0.3
	guest guestTask                       // nil for 0.2
}

// NewPrepared returns a Prepared for a task whose work is run; it is for implementations of Proxy
// that take one request at a time. run executes the task until the guest has no more to do for the
// request, which may be long after it has responded. It is called once, by the owner of the store.
// ctx ends host functions that wait; guest code is stopped by interrupting the store. The error is
// the trap that ended the guest.
func NewPrepared(task TaskID, run func(ctx context.Context) error) *Prepared {
	return &Prepared{task: task, run: run}
}

// Task returns the id of the guest task.
func (p *Prepared) Task() TaskID { return p.task }
