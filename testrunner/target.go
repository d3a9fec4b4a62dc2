package testrunner

import (
	"context"
	"fmt"
	"io"
	"time"
	"unsafe"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner/internal/bodies"
)

// Spec describes what an entry is run against. It is comparable.
type Spec struct {
	// Component is the path of the component, relative to the current folder;
	// "" for the one that the user named or that can be found.
	Component string
	// Env are the variables of its environment that fixtures set, as lines of
	// NAME=VALUE.
	Env string
	// Hermetic reports whether nothing may go over a network: each Request has an Upstream.
	Hermetic bool
	// World is where the instance begins.
	World World
	// Counted is the path of a fixture some of whose entries limit how many instructions the guest
	// may run, so that they are to be counted; "" for others. Such a fixture has an instance of its
	// own: how many it are depends on what the instance did before.
	Counted string
}

// World is what a guest finds in place of the machine's clocks and random numbers. It can be
// compared.
type World struct {
	Clock time.Time // in UTC; zero for the machine's clocks
	// Seed is that of the random numbers, if Seeded is set.
	Seed   uint64
	Seeded bool
}

// Host makes targets. It is used by several goroutines at once.
type Host interface {
	// Open returns a target of its own instance, which need not exist before
	// the first request. The error says why nothing can be run at all.
	Open(ctx context.Context, spec Spec) (Target, error)
}

// Target is one instance. It is used by one goroutine, unless entries are run
// concurrently and it is Reusable.
type Target interface {
	// Do sends a request and waits for the whole response. Failures of the
	// instance are part of the response; the error is that of ctx, or a
	// *GoneError.
	Do(ctx context.Context, r *Request) (*Response, error)
	// Reusable reports whether hosts give instances of this kind more than one
	// request.
	Reusable() bool
	// Close ends the instance.
	Close()
}

// GoneError is the error for an instance that ended before it got the request.
type GoneError struct {
	// Err is why the instance ended; nil if nothing was wrong.
	Err error
}

// Error returns that the instance has ended, and why.
func (e *GoneError) Error() string {
	if e.Err == nil {
		return "the instance has ended"
	}
	return "the instance has ended: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *GoneError) Unwrap() error { return e.Err }

// Request is a request to be sent.
type Request struct {
	Method    string
	Scheme    string // "http" or "https"
	Authority string
	// Target is path and query, encoded as they are to be sent.
	Target  string
	Version string // "1.0", "1.1", "2" or "3"
	// Headers contains Host only if the fixture sets it.
	Headers fixture.Fields
	Body    []byte // nil: none
	// Size is the size of the body, in bytes, if only its beginning was kept for reports;
	// otherwise 0.
	Size int64
	// Remembered reports whether cookies are among the headers that responses before have set.
	Remembered bool
	// Timeout limits the time to the head of the response; 0: no limit.
	Timeout time.Duration
	// MaxBody limits the body of the response, in bytes; 0: no limit. The failure of
	// a response with a larger one is that of ReadBody.
	MaxBody int64
	// Upstream stands for other servers; nil for the network.
	Upstream Upstream
	// Clock, unless zero, is the time of day from this request on, and Seed, unless nil, that of
	// its random numbers.
	Clock time.Time
	Seed  *uint64
	// played reports that a finder has set these.
	played bool
	// Taken, if not nil, is called when the instance has taken the request. It
	// may be called again.
	Taken func()
	// Responded, if not nil, is called when the whole response is there. If the instance works on
	// for it, Do then waits.
	Responded func()
}

// Response is the result of a request.
type Response struct {
	Status   int
	Headers  fixture.Fields
	Body     []byte // is not changed
	Trailers fixture.Fields
	// Size is the size of the body, in bytes, if only its beginning was kept;
	// otherwise 0.
	Size     int64
	Duration time.Duration
	// Instructions is how many the guest has run for the request, if that was counted.
	Instructions int64
	// Memory is the most linear memory that the instance has had until then, in bytes, and
	// UpstreamRequests is how many requests the guest has sent to other servers meanwhile; 0 if
	// that is not known.
	Memory           int64
	UpstreamRequests int
	// Stderr are the last lines that the guest wrote meanwhile.
	Stderr []string
	// Message is what the guest said about a failure of its own meanwhile, on one line: that of a
	// panic, an exception or an assertion; "" for nothing. There may be a response all the same.
	Message string
	// Notes are further lines for the report.
	Notes []string
	// Failure is not nil if there is no whole response. The fields above then
	// hold the part that arrived.
	Failure *Failure
	// Lost reports whether the instance cannot be used any more.
	Lost bool
}

// text returns the body as a text that must not be changed.
func (a *Response) text() string { return unsafe.String(unsafe.SliceData(a.Body), len(a.Body)) }

// ReadBody reads the body of a response to its end. length is its announced
// length in bytes, -1 if it is unknown. ReadBody returns what it read before
// an error together with the error; for a body larger than MaxBody the error is a
// *TooLargeError.
func (r *Request) ReadBody(body io.Reader, length int64) ([]byte, error) {
	return bodies.Read(body, length, r.MaxBody)
}

// TooLargeError is the error for a body larger than Options.MaxBody.
type TooLargeError = bodies.TooLargeError

// Failure is why there is no response.
type Failure struct {
	// Outcome is Trap, Expired, NoResponse, ErrorCode or Instantiation.
	Outcome Outcome
	// Message is what the guest said about it, on one line; "" for nothing.
	Message string
	Cause   string
	// ErrorCode is the name of the error-code for that outcome.
	ErrorCode string
	// Bystander reports whether another request, sent to the instance at the
	// same time, caused the failure.
	Bystander bool
	// Frames is the guest's backtrace, innermost first.
	Frames []Frame
	Hint   string
}

// String describes the failure on one line.
func (f *Failure) String() string {
	s := failureTitle(f)
	if f.Cause != "" {
		s += ": " + f.Cause
	}
	if f.Message != "" {
		s = f.Message + " (" + s + ")"
	}
	return s
}

// headline returns what the guest itself said, and then what that led to.
func (f *Failure) headline() (title, more string) {
	title, more = failureTitle(f), f.Cause
	if f.Message == "" {
		return title, more
	}
	if more != "" {
		title += ": " + more
	}
	return f.Message, title
}

// Frame is an entry of a backtrace.
type Frame struct {
	Func string `json:"func"`
	// Place is file:line, "" if it is unknown.
	Place string `json:"place,omitempty"`
}

// String returns the frame on one line.
func (f Frame) String() string {
	if f.Place == "" {
		return f.Func
	}
	return fmt.Sprintf("%s (%s)", f.Func, f.Place)
}
