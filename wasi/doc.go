// Package wasi offers the interfaces of WASI 0.2 and 0.3 to components: what the worlds
// wasi:cli/imports and wasi:http/proxy of 0.2, and wasi:cli/imports and wasi:http/middleware of 0.3
// import. Package host uses it for components that handle requests; this package is for programs
// that run components of other kinds.
//
//	linker := component.NewLinker()
//	wasi.AddTo(linker, func(data any) *wasi.State { return data.(*wasi.State) })
//	…
//	state := wasi.NewState(&wasi.Config{Args: []string{"tool"}, Stdout: os.Stdout})
//	defer state.Close()
//	store := linked.NewStore(ctx, state, component.Limits{MemoryBytes: 64 << 20})
//	defer store.Close()
//
// # What a guest gets
//
// A [Config] is what the embedder decides: environment, arguments, configuration, standard streams,
// a [Client] for requests to other servers, folders, sockets, and what keeps keys and values. The
// zero Config grants a guest clocks and random numbers, and nothing else. The interfaces for the
// rest are there all the same, because the libraries of most languages import them, and refuse.
//
// # Versions
//
// AddTo offers each interface in the newest version of 0.2 and of 0.3 that is known. A component
// that imports an older version of the same track gets that; see [component.Linker.Instance].
//
// # Requests and responses
//
// A [Request] is what a guest sees of an HTTP request, which [RequestFromHTTP] makes of one of
// net/http. [Fields] are headers or trailers, with the rules of WASI: names are compared without
// regard to case, fields that concern the connection are left out, and those of a message that
// arrived cannot be changed. An [ErrorCode] is the error-code of wasi:http/types.
//
// # Concurrency
//
// A [State] belongs to one store and, like it, to one goroutine at a time; State.Close may be
// called by any. A Config and what it refers to may be shared by many States, and must not change
// once one uses it.
package wasi
