// Package host serves a WASI HTTP component from a Go program: a [Host] is an [net/http.Handler]
// that passes each request to an instance of the component.
//
//	wasm, err := os.ReadFile("app.wasm")
//	…
//	h, err := host.New(ctx, wasm, host.Config{})
//	…
//	defer h.Close(context.Background())
//	err = http.ListenAndServe("localhost:8080", h)
//
// Components export wasi:http/incoming-handler of WASI 0.2 or wasi:http/handler of WASI 0.3;
// [Host.Kind] returns which. Everything runs in the process, without cgo.
//
// # Serving
//
// [New] decodes, links and compiles a component. [Host.ServeHTTP] streams: what the guest writes
// leaves as soon as the guest waits, trailers follow the body, and the guest may read the request
// while it responds. A Host goes behind any middleware and any router; the guest sees the URL that
// they leave. [Host.Handle] is the same without an [net/http.ResponseWriter], for programs that
// want the response themselves.
//
// Compiling takes most of the time of New. An [Engine] with a folder keeps compiled code between
// runs, and shares it between Hosts.
//
// # Limits
//
// Each limit of [Config] has a default, the one of "wasihttp serve": 30 s to the head of a
// response, 1 GiB of memory for an instance, 1000 requests at once, and so on. A limit that is
// exceeded ends the request and, if need be, the instance, whether or not the guest cooperates; the
// program goes on.
//
// Instances are made when requests come. One of WASI 0.2 takes one request and is thrown away,
// unless Config.MaxInstanceReuse says more; one of WASI 0.3 takes up to 128 requests, 16 at once.
// An instance starts with the memory that the component has after its initialization, so that one
// request sees of another what their instance has kept, and nothing else.
//
// # What a guest may do
//
// A guest has clocks and random numbers, and what the Config grants: arguments and environment
// (Config.Args, Config.Env), configuration (Config.ConfigVars), output (Config.Stdout and Stderr),
// requests to other servers (Config.Outbound), files below folders (Config.Dirs) and sockets
// (Config.Network). The zero Config grants none of these. The interfaces for them are there all the
// same, because the libraries of most languages import them, and refuse. Keys and values are kept
// in memory, unless Config.KeyValue keeps them elsewhere. Config.Used learns what guests use and
// are refused.
//
// Config.Plugs and Config.Chain put other components inside the component and in front of it.
//
// Config.Link offers interfaces of your own: an import that no interface of WASI satisfies is
// looked for among them. Their functions run on the goroutine of the calling guest; [RequestID]
// returns the id of the request.
//
// # Failures
//
// A request without a response, or without all of it, has a [Failure]: a trap, too much time or
// memory, an error code, no response at all. It says what happened, with a backtrace that has the
// names of the source, and the last lines that the guest wrote to its standard error. Config.Failed
// writes the response to it; by default that has a status, 500, 503 or 504, and nothing that the
// client should not know. Once the head has left, the connection is cut instead, so that no client
// takes half a response for all of it.
//
// An instance that has trapped takes no other request. Other instances are not affected.
//
// # Reload by swapping Hosts
//
// A Host never changes. To replace a component, make a Host of the new one, with Config.Background
// so that compiling leaves a processor to the requests and Config.Try so that one that cannot start
// is found out; send new requests there; and close the old Host when its last request has ended:
//
//	type generation struct {
//		*host.Host
//		running sync.WaitGroup
//	}
//
//	func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
//		a.mu.Lock()
//		g := a.current
//		g.running.Add(1)
//		a.mu.Unlock()
//		defer g.running.Done()
//		g.ServeHTTP(w, r)
//	}
//
//	func (a *app) swap(ctx context.Context, next *generation) error {
//		a.mu.Lock()
//		old := a.current
//		a.current = next
//		a.mu.Unlock()
//		old.running.Wait()
//		return old.Close(ctx)
//	}
//
// With the same [Engine], what both components have in common is compiled once.
//
// # Concurrency
//
// Hosts, Engines and Sessions are safe for concurrent use. Functions in a Config are called from
// many goroutines. A Host has a goroutine for each instance and none besides; [Host.Close] returns
// when all have ended.
//
// Nothing here changes settings of the process. A program that serves small responses in large
// numbers may want to look at its garbage collector (see [runtime/debug.SetGCPercent]): a request
// leaves some 14 kB behind, and the live heap is small.
//
// # Below
//
// Package handler dispatches requests to instances by rules that a program sets, for programs that
// need other rules; package component runs components of any kind, and package wasi has what they
// import. A Host is made of these.
package host
