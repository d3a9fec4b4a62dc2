package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/rustname"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Outcome names the kind of a failure.
type Outcome string

// The outcomes of requests that fail.
const (
	// Trap: the guest was stopped by a fault of its own, or of another request in the same
	// instance.
	Trap Outcome = "trap"
	// Expired: there was no response in time.
	Expired Outcome = "expired"
	// NoResponse: the guest ended the request without a response.
	NoResponse Outcome = "no-response"
	// ErrorCode: the guest responded with an error code, or did not finish the body.
	ErrorCode Outcome = "error-code"
	// Instantiation: no instance could be made.
	Instantiation Outcome = "instantiation"
	// Full: too many requests were running for the whole time that the request could wait.
	Full Outcome = "full"
	// Internal: the fault lies with the host, or the Host was closed.
	Internal Outcome = "internal"
)

// Limit names the field of Config whose limit caused a failure or contributed to it.
type Limit string

// The limits that failures name.
const (
	LimitTimeout Limit = "Timeout"
	LimitBody    Limit = "BodyTimeout"
	LimitMemory  Limit = "MaxMemory"
)

// Failure is why a request got no response, or not all of it, with what helps a person to
// understand it. It is immutable.
type Failure struct {
	// Outcome is the kind of failure.
	Outcome Outcome
	// RequestID names the request.
	RequestID string
	// Message is what the guest itself said about its failure on its standard error, on one line
	// without control characters: the message of a panic, an exception or an assertion. It is "" if
	// the guest said nothing, or was stopped for another reason.
	Message string
	// Cause says in a few words what happened; "" if ErrorCode says it all.
	Cause string
	// Doing says what the guest was busy with when it was stopped; "" if it is unknown. It is
	// part of Cause.
	Doing string
	// ErrorCode is the error code, in the notation of WIT values, for the outcome ErrorCode.
	ErrorCode string
	// Frames is the guest's backtrace, innermost call first.
	Frames []Frame
	// Stderr has the last lines that the guest wrote to its standard error for the request.
	Stderr []string
	// Refused are requests to others, addresses and names that the guest was refused for the
	// request: the first few, each once.
	Refused []wasi.Use
	// Hint is what is known to be behind the failure, or a next step; "" if nothing is.
	Hint string
	// Limit is the limit that was reached; "" for none.
	Limit Limit
	// Err is the underlying error, one of those that handler.ProxyHandler.Handle returns.
	Err error
}

// Error returns outcome and cause.
func (f *Failure) Error() string {
	s := string(f.Outcome)
	if f.ErrorCode != "" {
		s += " " + f.ErrorCode
	}
	if f.Cause != "" {
		s += ": " + f.Cause
	}
	return s
}

// Unwrap returns the underlying error.
func (f *Failure) Unwrap() error { return f.Err }

// Frame is one entry of a backtrace.
type Frame struct {
	// Func is the function's name as a person writes it.
	Func string
	// Module names the core module.
	Module string
	// File and Line say where in the source; "" and 0 if it is unknown.
	File string
	Line int
	// Runtime reports whether the function belongs to how the language reports a failure, and not
	// to the program.
	Runtime bool
	// Nameless reports whether the component has no name for the function: Func is its number.
	Nameless bool
}

// explain returns why the call has failed: a *Failure with what the guest wrote to its standard
// error, or err itself if err says nothing about guest or host.
func (c *Call) explain(err error) error {
	c.over.Store(true)
	f := Explain(err)
	if f == nil {
		// The client has gone, or the server ends: the server knows which.
		return err
	}
	written := &c.tail
	if start := (*startError)(nil); errors.As(err, &start) {
		written = start.tail
	}
	f.RequestID, f.Stderr, f.Refused = c.ID, written.last(), c.refusals.list()
	if f.mayBeSaid() {
		f.Message = written.message()
	}
	if c.describe != nil {
		return c.describe(f)
	}
	return f
}

// mayBeSaid reports whether the guest may have ended itself, so that what it has said about a
// failure is the reason. The processor of a guest stops it without a word.
func (f *Failure) mayBeSaid() bool {
	var lost *handler.TrapOrPanicError
	if errors.As(f.Err, &lost) {
		return false // with another request
	}
	switch f.Outcome {
	case Trap, Instantiation:
		var t *engine.Trap
		return !errors.As(f.Err, &t) || t.Code == engine.TrapUnreachable ||
			t.Code == engine.TrapUncaughtException || t.Cause != nil
	case NoResponse, ErrorCode:
		return true
	}
	return false
}

// Explain describes an error of handler.ProxyHandler.Handle or of a body that it returned; nil for
// an error that says nothing about guest or host, such as the end of a context.
func Explain(err error) *Failure {
	f := &Failure{Err: err}
	var (
		expired  *handler.ExpirationError
		trap     *handler.TrapError
		other    *handler.TrapOrPanicError
		none     *handler.NoResponseError
		code     *handler.ErrorCode
		exit     *handler.ExitError
		instance *handler.InstantiationError
	)
	switch {
	case errors.As(err, &expired):
		if found := *expired; found.Trap == nil && errors.As(err, &found.Trap) {
			expired = &found // where it was stopped
		}
		f.Outcome, f.Cause, f.Doing = Expired, expired.Error(), expired.Doing()
		f.Frames = frames(expired.Frames())
		own := ownCode(expired, f.Frames)
		f.Cause += own
		if f.Doing != "" {
			f.Doing += own
		}
		if errors.As(err, &instance) {
			f.Cause = "while the instance was made: " + f.Cause
		}
		if f.Limit = LimitTimeout; expired.Status == handler.Streaming {
			f.Limit = LimitBody
		}
	case errors.As(err, &instance):
		f.Outcome, f.Cause = Instantiation, instance.Error()
		f.trapped(err)
		if limit := (*engine.MemoryLimitError)(nil); errors.As(err, &limit) {
			f.Limit = LimitMemory
		}
	case errors.As(err, &trap):
		f.Outcome, f.Cause = Trap, trap.Error()
		f.trapped(err)
		f.Frames = frames(trap.Frames())
	case errors.As(err, &other):
		f.Outcome, f.Cause = Trap, other.Error()
		if other.Panic() != nil {
			f.Outcome = Internal
		}
	case errors.As(err, &none):
		f.Outcome, f.Cause = NoResponse, none.Error()
	case errors.As(err, &code):
		f.Outcome, f.ErrorCode = ErrorCode, code.String()
		if code.Cause != nil {
			f.Cause = code.Cause.Error()
		}
	case errors.As(err, &exit):
		f.Outcome, f.ErrorCode = ErrorCode, wasi.HTTPResponseIncomplete.String()
		f.Cause = exit.Error() + " before it finished the body of its response"
	case errors.Is(err, wasi.ErrBodyDropped):
		f.Outcome, f.ErrorCode = ErrorCode, wasi.HTTPResponseIncomplete.String()
		f.Cause = "the guest did not finish the body of its response"
		f.Hint = "outgoing-body.finish ends a body in WASI 0.2; in 0.3, dropping the stream and " +
			"writing the trailers do; without that, the response counts as cut short"
	case errors.Is(err, handler.ErrClosed):
		f.Outcome, f.Cause = Internal, "the host was closed, and this request did not end in time"
	default:
		return nil
	}
	return f
}

// Backtrace returns the backtrace of the trap in err, innermost call first; nil if there is none.
func Backtrace(err error) []Frame {
	if t := (*engine.Trap)(nil); errors.As(err, &t) {
		return frames(t.Frames)
	}
	return nil
}

// ownCode says in which function the guest was if it was busy in its own code.
func ownCode(e *handler.ExpirationError, at []Frame) string {
	if len(at) == 0 || e.HostCall() != "" {
		return ""
	}
	return ", in " + at[0].Func
}

// trapped adds the backtrace of the trap in err, and what is known to be behind it.
func (f *Failure) trapped(err error) {
	var t *engine.Trap
	if !errors.As(err, &t) {
		return
	}
	f.Frames = frames(t.Frames)
	switch {
	case t.Code == engine.TrapStackOverflow && t.MemoryRefused:
		f.Hint = "its stack had no more room in the memory that it may use"
		f.Limit = LimitMemory
	case t.Code == engine.TrapStackOverflow:
		f.Hint = "look for a function that calls itself without end"
	case t.MemoryRefused && t.Cause == nil:
		f.Hint, f.Limit = "the guest had been refused more memory", LimitMemory
	}
}

// isGlue reports whether a module is the host, or one that tools put between a program and its
// imports, whose functions only call others.
func isGlue(module string) bool {
	return module == engine.HostModule || module == "wit-component:shim" ||
		module == "wit-component:fixups"
}

// raises reports whether a function, by its readable name, is how a language reports a failure.
func raises(name string) bool {
	for _, prefix := range []string{
		"__rustc::", "rust_begin_unwind", "rust_panic", "std::panicking::", "std::alloc::",
		"std::process::abort", "std::sys::pal::wasi::abort_internal", "core::panicking::",
		"core::option::unwrap_failed", "core::option::expect_failed",
		"core::result::unwrap_failed", "core::slice::index::slice_",
		"core::str::slice_error_fail", "core::cell::panic_", "alloc::alloc::handle_alloc_error",
		"alloc::raw_vec::handle_error", "alloc::raw_vec::capacity_overflow", "runtime.gopanic",
		"runtime.panic", "runtime.goPanic", "runtime.fatal", "runtime.throw", "runtime.exit",
		"runtime.abort", "runtime.sigpanic", "runtime.dopanic",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "abort" || name == "__assert_fail"
}

// frames writes a backtrace for people: names as they stand in the source, without what is between
// a program and its host.
func frames(in []engine.Frame) []Frame {
	out := make([]Frame, 0, len(in))
	for _, f := range in {
		if isGlue(f.Module) {
			continue
		}
		frame := Frame{Module: f.Module, File: f.File, Line: f.Line, Nameless: f.Func == ""}
		if frame.Nameless {
			frame.Func = fmt.Sprintf("function %d", f.Index)
		} else {
			frame.Func = readable(f.Func)
		}
		out = append(out, frame)
	}
	for i := range out[:raising(out)] {
		out[i].Runtime = true
	}
	return out
}

// raising returns how many of the innermost frames are how a language reports a failure; 0 if there
// is nothing else.
func raising(frames []Frame) int {
	// Rust marks the end of them.
	n := 1 + slices.IndexFunc(
		frames,
		func(f Frame) bool { return strings.Contains(f.Func, "__rust_end_short_backtrace") },
	)
	for n < len(frames) && raises(frames[n].Func) {
		n++
	}
	if n == len(frames) {
		return 0
	}
	return n
}

// readable returns a name as people write it: the linker does that for C++, and for Rust if it is
// asked to, which leaves a hash at the end.
func readable(name string) string {
	if path, ok := rustname.Readable(name); ok {
		return path
	}
	if i := strings.LastIndex(name, "::h"); i >= 0 && len(name)-i == len("::h")+16 {
		name = name[:i]
	}
	return name
}
