// Package handler passes HTTP requests to instances of a component that exports a WASI HTTP
// handler, by rules that the embedder sets. Package host has such rules; this package is for
// programs that need others.
//
// # The pieces
//
// A [ProxyPre] is a linked component that exports a handler. A [ProxyHandler] dispatches requests
// to workers. Each worker is one goroutine that owns one instance and its store, and ends with it.
// An instance of WASI 0.2 has one request at a time; an instance of WASI 0.3 can have several, each
// a task that waits while others go on.
//
// # What the embedder decides
//
// [HandlerState] makes instances. For each instance, [WorkerState] decides whether it takes another
// request ([Reuse] is a policy for that), is called for each request and for the end of the
// instance; and [WorkerExpiration] limits how long the instance may be in each status ([Timeouts]
// is one of fixed durations). [Options] limits the number of workers.
//
// # Outcomes
//
// [ProxyHandler.Handle] returns a response as soon as the guest has set its head, or one of the
// errors of this package. A failure after the head is an error of reading the [Body]. A failure
// that neither can carry goes to WorkerState.Report. An instance that has trapped takes no further
// request.
//
// # Compared with Wasmtime
//
// The names and the division of labour are those of the handler in Wasmtime's wasi-http crate:
// ProxyPre, Proxy, Instance, ViewFn, ProxyHandler, HandlerState, WorkerState, WorkerExpiration,
// WorkerStatus, ShouldAccept. Go's errors and contexts stand in for its results and futures.
package handler
