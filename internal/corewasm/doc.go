// Package corewasm reads and rewrites core WebAssembly modules: pure functions
// from bytes to bytes, with no engine behind them.
//
// [Scan] returns what a module declares. [Rewrite] prepares a module for an engine that cannot
// preempt compiled code: it renames imports, inserts safepoints, moves active data segments out,
// drops custom sections, and moves each memory beyond the first into a companion module, for an
// engine that knows only one memory per module.
//
// Everything of Core WebAssembly 2.0 is understood, and of the proposals: tail calls, extended
// constants, exception handling (the final form, try_table), typed function references, relaxed
// SIMD, threads, multi-memory and memory64 as far as decoding goes. Validity beyond the structure
// of a module is checked by the engine.
//
// Hostile input causes an error, never a panic. Functions are safe for concurrent use; results that
// are documented to alias the input must not outlive changes of it.
package corewasm
