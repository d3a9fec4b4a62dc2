package handler

import (
	"context"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Store is what a worker needs of the store of its instance. A *component.Store is one.
type Store interface {
	// Interrupt stops running guest code with a trap of that cause. Any goroutine may call it.
	Interrupt(cause error)
	// Data returns the embedder's data.
	Data() any
}

var _ Store = (*component.Store)(nil)

// ViewFn returns the state behind wasi:http for the data that the embedder put into the store.
type ViewFn func(data any) *wasi.State

// Instance is an instance that is ready for requests, with what its worker needs. All fields must
// be set.
type Instance struct {
	Store Store
	// Proxy is the instance itself, as ProxyPre.Instantiate returns it.
	Proxy Proxy
	// View finds the state in the data of Store.
	View       ViewFn
	Expiration WorkerExpiration
	// State is the embedder's side of the worker. It owns Store, and closes it in Drop.
	State WorkerState
	// Waits, unless nil, is called with true when all of a guest that takes several requests at
	// once waits for the embedder, and with false when it goes on.
	Waits func(waits bool)
}

// HandlerState is the embedder's side of one ProxyHandler. It is safe for concurrent use.
type HandlerState interface {
	// Instantiate makes a new store and an instance in it. The embedder limits how long that may
	// take. ctx lives as long as the worker: the store is made with it, and it ends early if the
	// handler is closed.
	Instantiate(ctx context.Context) (*Instance, error)
}

// WorkerState is the embedder's side of one worker. Its methods are called by the worker's
// goroutine only.
type WorkerState interface {
	// ShouldAcceptRequest decides whether the worker takes another request, given that it handles
	// concurrent requests now and has taken total requests so far. It is not called for the first
	// request of a worker.
	ShouldAcceptRequest(concurrent, total int) ShouldAccept
	// OnRequestStart is called before the guest gets a request, and returns when the request
	// expires; the zero Time stands for never. data is the argument of Handle. A request without a
	// response by then fails with an *ExpirationError.
	OnRequestStart(store Store, data any, task TaskID) time.Time
	// Report receives a failure that no outcome can carry, because the response of the request is
	// complete or its receiver has left: a *TrapError, an *ExitError, an *ExpirationError, or a
	// *TrapOrPanicError if the host panicked. Each is reported once, if and only if no receiver has
	// got it. data is the argument of Handle; nil if the request is unknown, and for a panic of
	// Drop. Unlike the other methods it may be called by any goroutine, several at once, and after
	// Drop.
	Report(data any, err error)
	// Drop closes the store and whatever belongs to it, at the end of the worker. err is why the
	// worker had to end: a trap, a panic, an *ExpirationError, ErrClosed; nil if nothing was wrong,
	// also after an exit. A panic of Drop is given to Report.
	Drop(store Store, err error)
}

// WorkerExpiration says how long an instance may last. It must be safe for use by one goroutine at
// a time.
type WorkerExpiration interface {
	// Expires returns when an instance expires that has been in a status since that time; the zero
	// Time stands for never. It is enforced without the guest's help.
	//
	// For Requests, since is when the worker took its newest outstanding request: whatever came
	// after that has its response. For PostReturn it is when the newest of the responses was over
	// for which the guest still works. For Streaming it is when that response began: unlike an
	// instance that has expired in another status, one that takes several requests at once goes on
	// with the others then.
	Expires(status WorkerStatus, since time.Time) time.Time
}

// WorkerStatus is what a worker is busy with.
type WorkerStatus uint8

const (
	// Idle: there are no requests and there is no work left for earlier ones.
	Idle WorkerStatus = iota
	// Requests: at least one request has no response yet and has not expired.
	Requests
	// PostReturn: all responses are out and their bodies have ended or lost their receivers, but
	// the guest still works.
	PostReturn
	// Streaming: all responses are out, but the body of at least one has not ended and still has a
	// receiver. Wasmtime counts that as PostReturn: a limit for work after the response would then
	// cut long downloads and event streams.
	Streaming
)

// String returns the status in lower case.
func (s WorkerStatus) String() string {
	switch s {
	case Idle:
		return "idle"
	case Requests:
		return "requests"
	case PostReturn:
		return "post-return"
	}
	return "streaming"
}

// ShouldAccept is the decision whether a worker takes another request.
type ShouldAccept uint8

const (
	// Yes: it takes one.
	Yes ShouldAccept = iota
	// No: it takes none until the number of its concurrent requests has changed.
	No
	// Never: it takes no more, and ends when its work is done.
	Never
)
