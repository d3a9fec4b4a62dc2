package handler

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// ErrorCode is an error-code of wasi:http/types, of either version. Handle returns the one that the
// guest chose instead of a response.
type ErrorCode = wasi.ErrorCode

// ErrClosed is the outcome of requests that come to a closed ProxyHandler, or that still run when
// Close stops them.
var ErrClosed = errors.New("the handler is closed")

// NoHandlerError reports a component that exports no HTTP handler.
type NoHandlerError struct {
	// Exports are the names of what the component exports instead.
	Exports []string
}

// Error returns what the component exports instead.
func (e *NoHandlerError) Error() string {
	if len(e.Exports) == 0 {
		return "the component exports no HTTP handler; it exports nothing"
	}
	return "the component exports no HTTP handler, only " + strings.Join(e.Exports, ", ")
}

// InstantiationError is the outcome of a request for which no instance could be made. No guest has
// seen the request, so the caller may try it again.
type InstantiationError struct {
	// Data and Request are the arguments of Handle.
	Data    any
	Request *Request
	// Err is the cause. It may be shared with other requests.
	Err error
}

// Error returns the cause.
func (e *InstantiationError) Error() string {
	return "cannot instantiate the component: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *InstantiationError) Unwrap() error { return e.Err }

// ExpirationError is the outcome of a request that expired before the guest responded. It is also
// the cause with which the guest of an expired instance is stopped.
type ExpirationError struct {
	// Status is what the worker was busy with; Requests for the outcome of a request.
	Status WorkerStatus
	// After is how long it had been.
	After time.Duration
	// Trap is the trap with which the guest was stopped, and says where it was; nil if it could not
	// be stopped in time.
	Trap *engine.Trap
	// Task is the guest's task for the request, and Waiting what it was waiting for; 0 and "" if
	// it is unknown.
	Task    TaskID
	Waiting string
}

// Error returns what took too long, and what the guest was doing.
func (e *ExpirationError) Error() string {
	var s string
	after := units.Exact(e.After.Round(time.Millisecond))
	switch e.Status {
	case Requests:
		s = fmt.Sprintf("no response after %s", after)
	case PostReturn:
		s = fmt.Sprintf("the guest was still working %s after the response", after)
	case Streaming:
		s = fmt.Sprintf("the body of the response was not complete after %s", after)
	default:
		s = fmt.Sprintf("expired after %s", after)
	}
	if doing := e.Doing(); doing != "" {
		s += ": " + doing
	}
	return s
}

// Doing returns in a few words what the guest was busy with when it was stopped; "" if that is not
// known.
func (e *ExpirationError) Doing() string {
	if e.Trap == nil && e.Waiting == "" {
		return ""
	}
	who := "the guest"
	if e.Task != 0 {
		who = fmt.Sprintf("the guest's task %d", e.Task)
	}
	switch call := e.HostCall(); {
	case e.Trap == nil:
		return who + " was waiting " + e.Waiting
	case call != "":
		return who + " was waiting in " + call
	}
	return who + " was busy in its own code"
}

// HostCall returns the name of the host function in which the guest was waiting when it was
// stopped; "" if it was in its own code, or it is unknown.
func (e *ExpirationError) HostCall() string {
	if e.Trap == nil || len(e.Trap.Frames) == 0 || e.Trap.Frames[0].Module != engine.HostModule {
		return ""
	}
	return e.Trap.Frames[0].Func
}

// Frames returns the guest's backtrace, innermost call first; nil if it is unknown.
func (e *ExpirationError) Frames() []engine.Frame {
	if e.Trap == nil {
		return nil
	}
	return e.Trap.Frames
}

// TrapError is the outcome of a request during which the guest trapped.
type TrapError struct {
	// Err is the trap: an *engine.Trap if it happened below guest code, else a
	// *component.TrapError.
	Err error
	// Task is the guest's task that trapped where several may run at once; 0 elsewhere, and if that
	// is not known.
	Task TaskID
}

// Error returns the message of the trap.
func (e *TrapError) Error() string {
	if e.Task == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v, in the guest's task %d", e.Err, e.Task)
}

// Unwrap returns the trap.
func (e *TrapError) Unwrap() error { return e.Err }

// Frames returns the guest's backtrace, innermost call first.
func (e *TrapError) Frames() []engine.Frame {
	var t *engine.Trap
	if errors.As(e.Err, &t) {
		return t.Frames
	}
	return nil
}

// TrapOrPanicError is the outcome of a request that lost its instance to a fault of something else:
// another task of the same instance trapped, or the host panicked.
type TrapOrPanicError struct {
	// Err is the fault; for a panic it wraps an *engine.PanicError.
	Err error
	// Task is the guest's task for the request, and Waiting what it was waiting for; 0 and "" if
	// it is unknown.
	Task    TaskID
	Waiting string

	// shared says that other requests have the same panic for their outcome.
	shared bool
}

// Error returns the fault.
func (e *TrapOrPanicError) Error() string {
	if e.Panic() != nil {
		return "the host panicked: " + e.Err.Error()
	}
	s := "the instance was lost to another request: " + e.Err.Error()
	if e.Waiting != "" {
		s += fmt.Sprintf("; the guest's task %d was waiting %s", e.Task, e.Waiting)
	}
	return s
}

// Unwrap returns the fault.
func (e *TrapOrPanicError) Unwrap() error { return e.Err }

// Panic returns the panic, or nil if the fault was a trap.
func (e *TrapOrPanicError) Panic() *engine.PanicError {
	var p *engine.PanicError
	if errors.As(e.Err, &p) {
		return p
	}
	return nil
}

// lostTo is the outcome of a request whose instance ended with cause, through no fault of the
// request.
func lostTo(cause error) *TrapOrPanicError {
	if t, ok := cause.(*TrapError); ok {
		// The trap is not this request's.
		cause = lost{t}
	}
	return &TrapOrPanicError{Err: cause}
}

// lost is another request's trap: it has the message, but does not unwrap to the TrapError.
type lost struct{ trap *TrapError }

func (l lost) Error() string { return l.trap.Error() }
func (l lost) Unwrap() error { return l.trap.Err }

// NoResponseError is the outcome of a request for which the guest ended its work without a
// response.
type NoResponseError struct {
	// Exit is the exit of a guest that called wasi:cli/exit; nil if it returned.
	Exit *wasi.Exit
}

// Error returns how the guest ended.
func (e *NoResponseError) Error() string {
	if e.Exit != nil {
		return fmt.Sprintf("the guest exited with status %d instead of responding", e.Exit.Code)
	}
	return "the guest returned and never set the response-outparam"
}

// ExitError reports that a guest called wasi:cli/exit after the head of its response: it is why the
// body was cut, or why the worker ended.
type ExitError struct {
	// Code is the status with which the guest exited.
	Code uint8
	// Task is the guest's task that exited where several may run at once; 0 elsewhere, and if that
	// is not known.
	Task TaskID
}

// Error returns the status.
func (e *ExitError) Error() string { return fmt.Sprintf("the guest exited with status %d", e.Code) }

// inPlaceOfResponse is the outcome of a request without a response whose guest ended with err.
func inPlaceOfResponse(err error) error {
	if e, ok := err.(*ExitError); ok {
		return &NoResponseError{Exit: &wasi.Exit{Code: e.Code}}
	}
	return err
}

// reportable reports whether err, with which the guest has ended, is reported if no receiver has
// got it: whether the guest itself caused it, or did not end in time after a response.
func reportable(err error) bool {
	switch e := err.(type) {
	case *TrapError, *ExitError:
		return true
	case *TrapOrPanicError:
		return e.Panic() != nil && !e.shared
	case *ExpirationError:
		return e.Status != Requests
	}
	return false
}

// fault classifies an error of a guest call for the request that the call was for.
func fault(err error) error {
	var exit wasi.Exit
	var p *engine.PanicError
	switch {
	case errors.As(err, &exit):
		return &ExitError{Code: exit.Code}
	case errors.As(err, &p):
		return &TrapOrPanicError{Err: err}
	}
	return &TrapError{Err: err}
}
