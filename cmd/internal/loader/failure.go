package loader

import (
	"errors"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
)

// ServeFailure describes a failure of the component c for the server's page, with the flags that
// affect it.
func ServeFailure(f *host.Failure, c *component.Component) error {
	out := &serve.Failure{
		Outcome: serve.Outcome(f.Outcome), Message: f.Message, Cause: f.Cause,
		ErrorCode: f.ErrorCode, Stderr: f.Stderr, Hint: FailureHint(f, c), Err: f,
	}
	for _, frame := range f.Frames {
		out.Frames = append(out.Frames, serve.Frame{
			Func: frame.Func, Module: frame.Module, File: frame.File, Line: frame.Line,
			Runtime: frame.Runtime,
		})
	}
	switch {
	case f.Outcome == host.ErrorCode && f.Cause == "":
		out.Cause = "the guest responded with an error code"
	case errors.Is(f.Err, handler.ErrClosed):
		out.Cause = "the build was replaced, and this request did not finish in time"
		out.Hint = "--drain-timeout allows more time"
	}
	return out
}

// FailureHint returns the next steps after a failure of the component c, which may be nil; "" if
// none is known.
func FailureHint(f *host.Failure, c *component.Component) string {
	flag := ""
	switch f.Limit {
	case host.LimitTimeout:
		flag = "--timeout allows more time"
	case host.LimitBody:
		flag = "--body-timeout allows more time"
	case host.LimitMemory:
		flag = "--max-memory allows more memory"
	}
	hints := []string{f.Hint, flag}
	for _, use := range f.Refused {
		hints = append(hints, refusal(use))
	}
	if c != nil && nameless(f.Frames) {
		hints = append(hints, inspect.NamesHint(c))
	}
	return strings.Join(slices.DeleteFunc(hints, func(s string) bool { return s == "" }), "; ")
}

// nameless reports whether most of a backtrace has no names.
func nameless(frames []host.Frame) bool {
	n := 0
	for _, f := range frames {
		if f.Nameless {
			n++
		}
	}
	return n > len(frames)/2
}

// refusal describes what the guest was refused, and the flag that has to do with it.
func refusal(use wasi.Use) string {
	switch use.Kind {
	case wasi.UseNetwork:
		return networkRefusal(term.Clean(use.Name))
	case wasi.UseOutbound:
		return "the component was refused a request to " + term.Clean(use.Name) +
			": --allow-outbound and --no-outbound decide about it"
	}
	return ""
}
