package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ianlancetaylor/demangle"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
)

// answeredCode is the cause where the error-code says it all.
const answeredCode = "the guest answered with an error code"

// failure tells the server what became of a request that the guest did not answer.
func (c *call) failure(err error) error {
	c.over.Store(true)
	f := &serve.Failure{Err: err, Stderr: c.tail.Lines()}
	var (
		expired  *handler.ExpirationError
		trap     *handler.TrapError
		other    *handler.TrapOrPanicError
		none     *handler.NoResponseError
		code     *handler.ErrorCode
		instance *handler.InstantiationError
	)
	switch {
	case errors.As(err, &expired):
		if found := *expired; found.Trap == nil && errors.As(err, &found.Trap) {
			expired = &found // where it was stopped
		}
		f.Outcome, f.Cause = serve.Expired, expired.Error()
		f.Frames = frames(expired.Frames())
		f.Cause += ownCode(expired, f.Frames)
		if errors.As(err, &instance) {
			f.Cause = "while the instance was made: " + f.Cause
		}
		f.Hint = "--timeout allows more time"
	case errors.As(err, &instance):
		f.Outcome, f.Cause = serve.Instantiation, instance.Error()
		if t := (*engine.Trap)(nil); errors.As(err, &t) {
			f.Frames, f.Hint = frames(t.Frames), trapHint(t)
		}
		if limit := (*engine.MemoryLimitError)(nil); errors.As(err, &limit) {
			f.Hint = memoryHint
		}
	case errors.As(err, &trap):
		f.Outcome, f.Cause = serve.Trap, trap.Error()
		f.Frames = frames(trap.Frames())
		if t := (*engine.Trap)(nil); errors.As(err, &t) {
			f.Hint = trapHint(t)
		}
	case errors.As(err, &other):
		f.Outcome, f.Cause = serve.Trap, other.Error()
		if other.Panic() != nil {
			f.Outcome = serve.Internal
		}
	case errors.As(err, &none):
		f.Outcome, f.Cause = serve.NoResponse, none.Error()
	case errors.As(err, &code):
		f.Outcome, f.Cause, f.ErrorCode = serve.ErrorCode, answeredCode, code.Error()
	case errors.Is(err, wasi.ErrBodyDropped):
		f.Outcome, f.ErrorCode = serve.ErrorCode, wasi.HTTPResponseIncomplete.String()
		f.Cause = "the guest dropped the body of its answer without finishing it"
		f.Hint = "outgoing-body.finish ends a body; without it the answer counts as cut short"
	case errors.Is(err, handler.ErrClosed):
		f.Outcome, f.Cause = serve.Internal, "the build was replaced, and this request did not end in time"
		f.Hint = "--drain-timeout allows more time"
	default:
		// The client has gone, or the server ends: the server knows which.
		return err
	}
	return f
}

// ownCode says in which function the guest was if it was busy in its own code.
func ownCode(e *handler.ExpirationError, at []serve.Frame) string {
	if len(at) == 0 || e.HostCall() != "" {
		return ""
	}
	return ", in " + at[0].Func
}

const memoryHint = "--max-memory allows more memory"

// trapHint says what is known to be behind a trap; "" if nothing is.
func trapHint(t *engine.Trap) string {
	switch {
	case t.Code == engine.TrapStackOverflow && len(t.Frames) == 0:
		return "look for a function that calls itself without end; of an exhausted stack there is no backtrace"
	case t.MemoryRefused && t.Cause == nil:
		return "the guest had been refused more memory; " + memoryHint
	}
	return ""
}

// isGlue tells whether a module is the host, or one that the tools put between a program and its imports: all its functions only call another.
func isGlue(module string) bool {
	return module == engine.HostModule || module == "wit-component:shim" || module == "wit-component:fixups"
}

// raises tells whether a function, named as people read it, is how a language reports a failure.
func raises(name string) bool {
	for _, prefix := range []string{
		"__rustc::", "rust_begin_unwind", "rust_panic", "std::panicking::", "std::alloc::", "std::process::abort", "std::sys::pal::wasi::abort_internal",
		"core::panicking::", "core::option::unwrap_failed", "core::option::expect_failed", "core::result::unwrap_failed", "core::slice::index::slice_",
		"core::str::slice_error_fail", "core::cell::panic_", "alloc::alloc::handle_alloc_error", "alloc::raw_vec::handle_error", "alloc::raw_vec::capacity_overflow",
		"runtime.gopanic", "runtime.panic", "runtime.goPanic", "runtime.fatal", "runtime.throw", "runtime.exit", "runtime.abort", "runtime.sigpanic", "runtime.dopanic",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "abort" || name == "__assert_fail"
}

// frames writes a backtrace for people: names as they stand in the source, without what is between a program and its host.
func frames(in []engine.Frame) []serve.Frame {
	out := make([]serve.Frame, 0, len(in))
	for _, f := range in {
		if isGlue(f.Module) {
			continue
		}
		name := f.Func
		if name == "" {
			name = fmt.Sprintf("function %d", f.Index)
		} else {
			name = readable(name)
		}
		out = append(out, serve.Frame{Func: name, Module: f.Module, File: f.File, Line: f.Line})
	}
	for i := range out[:raising(out)] {
		out[i].Runtime = true
	}
	return out
}

// raising returns how many of the innermost frames are how a language reports a failure; 0 if there is nothing else.
func raising(frames []serve.Frame) int {
	// Rust marks the end of them.
	n := 1 + slices.IndexFunc(frames, func(f serve.Frame) bool { return strings.Contains(f.Func, "__rust_end_short_backtrace") })
	for n < len(frames) && raises(frames[n].Func) {
		n++
	}
	if n == len(frames) {
		return 0
	}
	return n
}

// readable demangles the names of Rust and C++, and drops Rust's hash.
func readable(name string) string {
	s := demangle.Filter(name)
	if i := strings.LastIndex(s, "::h"); i >= 0 && len(s)-i == len("::h")+16 {
		s = s[:i]
	}
	return s
}
