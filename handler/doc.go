// Package handler gives HTTP requests to instances of a component.
//
// A [ProxyPre] is a linked component that exports an HTTP handler. A [ProxyHandler] dispatches requests to workers; each worker is one
// goroutine that owns one instance and its store, and ends with it. An instance of WASI 0.2 has one request at a time; one of 0.3 has
// several, each a task that waits while others go on. How many requests an instance takes, how long it may idle and how long a request
// may last is the embedder's to say, through [HandlerState], [WorkerState] and [WorkerExpiration].
//
// The names and the division of labour are those of the handler in Wasmtime's wasi-http crate.
package handler
