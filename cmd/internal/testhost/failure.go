package testhost

import (
	"errors"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/testrunner"
)

// moreTime is the hint for requests that took too long.
const moreTime = "--timeout or # @timeout allow more time"

// failure translates a failure of the host's.
func (t *target) failure(err error) *testrunner.Failure {
	var f *host.Failure
	if !errors.As(err, &f) {
		return &testrunner.Failure{Outcome: testrunner.Error, Cause: err.Error()}
	}
	out := &testrunner.Failure{
		Outcome: testrunner.Outcome(f.Outcome), Message: f.Message, Cause: f.Cause,
		ErrorCode: f.ErrorCode, Hint: t.hint(f), Frames: framesOf(f.Frames),
	}
	var lost *handler.TrapOrPanicError
	out.Bystander = errors.As(f.Err, &lost) && lost.Panic() == nil
	switch f.Outcome {
	case host.Internal:
		out.Outcome = testrunner.Trap
		out.Cause = "the host failed: " + f.Cause
	case host.Expired:
		out.Hint = moreTime
	}
	return out
}

// framesOf translates a backtrace. The result begins at the panic, without the
// functions of Rust's library that turn it into a trap: stderr has what they
// report.
func framesOf(in []host.Frame) []testrunner.Frame {
	var out []testrunner.Frame
	library := []string{
		"__rustc::", "rust_panic", "std::panicking::", "std::sys::backtrace::", "core::panicking::",
	}
	panics := func(f host.Frame) bool {
		return slices.ContainsFunc(library, func(prefix string) bool {
			return strings.HasPrefix(f.Func, prefix)
		})
	}
	if own := slices.IndexFunc(in, func(f host.Frame) bool { return !panics(f) }); own > 0 {
		in = in[own:]
	}
	for _, f := range in {
		place := serve.Frame{File: f.File, Line: f.Line}.Place()
		out = append(out, testrunner.Frame{Func: f.Func, Place: place})
	}
	return out
}
