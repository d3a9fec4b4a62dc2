package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Outcome names in one word how a request ended, as in the header
// x-wasihttp-outcome and the log.
type Outcome string

// The outcomes of a request.
const (
	// OK: the response was sent whole, whatever its status.
	OK Outcome = "ok"
	// Trap: the program was stopped by a fault of its own.
	Trap Outcome = "trap"
	// Expired: there was no head in time.
	Expired Outcome = "expired"
	// NoResponse: the program ended the request without a usable response.
	NoResponse Outcome = "no-response"
	// ErrorCode: the program responded with an error code, or its response
	// broke the protocol in a way that has one.
	ErrorCode Outcome = "error-code"
	// Instantiation: the program could not be started.
	Instantiation Outcome = "instantiation"
	// Full: no slot became free in time.
	Full Outcome = "full"
	// ClientGone: the client left before the response was complete.
	ClientGone Outcome = "client-gone"
	// Stopped: the server ended before the response was complete.
	Stopped Outcome = "stopped"
	// Internal: the fault lies with the host, not with the program.
	Internal Outcome = "internal"
)

// Outcomes returns all of them.
func Outcomes() []Outcome {
	return []Outcome{OK, Trap, Expired, NoResponse, ErrorCode, Instantiation, Full, ClientGone,
		Stopped, Internal}
}

// Status returns the HTTP status of the response that the server makes for an
// outcome.
func (o Outcome) Status() int {
	switch o {
	case OK:
		return http.StatusOK
	case Expired:
		return http.StatusGatewayTimeout
	case Full:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// unheard reports whether no client was left, which is no fault of the program.
func (o Outcome) unheard() bool { return o == ClientGone || o == Stopped }

// Frame is one entry of a backtrace, innermost first.
type Frame struct {
	// Func is the function's name as it is written in the source.
	Func string `json:"func"`
	// Module names the part of the program; empty if there is only one.
	Module string `json:"module,omitempty"`
	// File and Line say where in the source; empty and 0 when unknown.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Runtime reports whether the function belongs to the language's reporting
	// of failures rather than to the program.
	Runtime bool `json:"runtime,omitempty"`
}

// String returns the frame on one line.
func (f Frame) String() string {
	var b strings.Builder
	b.WriteString(f.Func)
	if f.Module != "" {
		b.WriteString(" in " + f.Module)
	}
	if place := f.Place(); place != "" {
		b.WriteString(" (" + place + ")")
	}
	return b.String()
}

// shownFrame is a line of a backtrace for people.
type shownFrame struct {
	Frame
	// Times is how many activations in a row it stands for.
	Times int
	// Here marks the innermost function of the program itself.
	Here bool
}

// String returns the frame on one line.
func (f shownFrame) String() string { return f.Frame.String() + f.Repeated() }

// Repeated says how many times the function called itself, if it did.
func (f shownFrame) Repeated() string {
	if f.Times == 1 {
		return ""
	}
	return fmt.Sprintf(" ×%d", f.Times)
}

// shownFrames prepares a backtrace for people: without the module if all frames
// have the same one, and with one line for a function that called itself many
// times.
func shownFrames(frames []Frame) []shownFrame {
	alike := !slices.ContainsFunc(frames, func(f Frame) bool {
		return f.Module != frames[0].Module
	})
	here := slices.IndexFunc(frames, func(f Frame) bool { return !f.Runtime })
	var shown []shownFrame
	for i, f := range frames {
		if alike {
			f.Module = ""
		}
		if n := len(shown); n > 0 && shown[n-1].Frame == f {
			shown[n-1].Times++
			continue
		}
		shown = append(shown, shownFrame{Frame: f, Times: 1, Here: i == here})
	}
	return shown
}

// Place returns file:line as far as it is known.
func (f Frame) Place() string {
	if f.File == "" || f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// Failure is why a response could not be made, with everything that helps a
// person to understand why. It is immutable once returned.
type Failure struct {
	// Outcome is the kind of failure.
	Outcome Outcome
	// Title replaces the sentence about the outcome, unless it is "".
	Title string
	// Message is what the program itself said about its failure, such as the message of a panic or
	// an exception, on one line; "" if it said nothing.
	Message string
	// Cause says in a few words what happened.
	Cause string
	// ErrorCode names the error code, for the outcome ErrorCode.
	ErrorCode string
	// Frames is the program's backtrace, innermost call first.
	Frames []Frame
	// Stderr has the last lines this request wrote to standard error.
	Stderr []string
	// Hint is a next step, if one is known.
	Hint string
	// Err is the underlying error, if there is one.
	Err error
}

// Error returns outcome and cause.
func (f *Failure) Error() string {
	s := string(f.Outcome)
	if f.ErrorCode != "" {
		s += " " + f.ErrorCode
	}
	if f.Message != "" {
		s += ": " + f.Message
	}
	if f.Cause != "" {
		s += ": " + f.Cause
	}
	return s
}

// Unwrap returns the underlying error.
func (f *Failure) Unwrap() error { return f.Err }

// asFailure returns the Failure in err, or makes one: an error without a
// Failure means that the client has left, if it has, and a fault of the host
// otherwise.
func asFailure(ctx context.Context, err error) *Failure {
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.Is(err, errExpired) || errors.Is(context.Cause(ctx), errExpired):
		return &Failure{Outcome: Expired, Cause: "no response in time", Err: err}
	case ctx.Err() != nil:
		return unheard(ctx, err)
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Outcome: Expired, Cause: "no response in time", Err: err}
	default:
		return &Failure{Outcome: Internal, Cause: err.Error(), Err: err}
	}
}

// unheard returns why the response does not reach the client.
func unheard(ctx context.Context, err error) *Failure {
	if errors.Is(context.Cause(ctx), errStopped) {
		const cause = "the server was stopped before the response was complete"
		return &Failure{Outcome: Stopped, Cause: cause, Err: err}
	}
	return &Failure{Outcome: ClientGone, Cause: "the client closed the connection", Err: err}
}

// errStopped is the cause that ends the contexts of requests when draining has
// run out of time.
var errStopped = errors.New("the server was stopped")

// errExpired is the cause that ends the context of a request that the server
// has given up on.
var errExpired = errors.New("no response in time")
