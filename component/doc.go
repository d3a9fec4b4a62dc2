// Package component runs WebAssembly components: it decodes and validates the binary, links it
// against the interfaces that an embedder offers, instantiates it, and calls its exports through
// the canonical ABI. It knows nothing of WASI or HTTP: package wasi offers interfaces, and package
// host serves requests with them.
//
// # From bytes to a call
//
//	c, err := component.Decode(wasm)                    // *Component: immutable
//	linked, err := engine.Link(ctx, c, linker, …)       // *Linked: immutable, shared by instances
//	store := linked.NewStore(ctx, data, limits)         // *Store: one for each instance
//	inst, err := linked.Instantiate(ctx, store)         // *Instance: its exports
//	value, err := inst.Func("wasi:cli/run@0.2.0", "run").Call(ctx)
//
// Linking compiles the core modules, which takes most of the time. The engine is that of package
// host (host.Engine.Link), which keeps compiled code.
//
// # Interfaces of the embedder
//
// A [Linker] holds interfaces under the names that components import them by. The definitions of a
// [HostInstance] are written in WIT:
//
//	names := linker.Instance("example:greeting/names@1.0.0")
//	names.Func("lookup", "func(user: u32) -> option<string>", lookup)
//
// Types are compared when a component is linked, structurally, so that no call has to check them.
// An interface satisfies imports of its own name and of compatible versions.
//
// A [HostFunc] runs on the goroutine of the calling guest and may block; an [AsyncHostFunc] must
// not. Resources are Go values: a guest has handles to them.
//
// # Values
//
// A [Value] has the kind that the type of the function prescribes; reading it as another kind is a
// programming error. Functions of this package make values (String, Record, Ok), methods read them.
//
// # Stores, tasks and goroutines
//
// A [Store] holds everything that one instance and the instances nested in it own. It has one owner
// at a time: no two goroutines may call into it, except Interrupt, Post and Wake.
//
// Components that use async functions are driven by their owner: [Func.Prepare] and [Task.Start]
// begin a call, [Store.Turn] does what can be done without waiting, and Wake says when there is
// more. Func.Call does all of it for one call.
//
// # Traps
//
// A guest that breaks a rule traps: the error of the call wraps a *[TrapError], or is the engine's
// own, and no call enters the store again. A trap ends the guest, never the program.
//
// The specification is the component model's, github.com/WebAssembly/component-model, whose names
// are used here.
package component
