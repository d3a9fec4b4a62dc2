// Package component runs WebAssembly components: it decodes and validates the binary, links it against the interfaces that an
// embedder offers, instantiates it and calls its exports through the canonical ABI. It knows nothing of WASI or HTTP.
//
// The way of a component: Decode → (*Component).Link → *Linked, which is immutable and shared → (*Linked).Instantiate in a Store, once per
// instance → (*Instance).Func → (*Func).Call.
//
// A Store holds everything that one instance tree owns: core instances, handle tables, tasks. It has one owner at a time.
package component
