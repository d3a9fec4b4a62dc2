package loader

import (
	"errors"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
)

// ServeFailure describes a failure for the server's page, with the flags that affect it.
func ServeFailure(f *host.Failure) error {
	out := &serve.Failure{
		Outcome: serve.Outcome(f.Outcome), Cause: f.Cause, ErrorCode: f.ErrorCode,
		Stderr: f.Stderr, Hint: FailureHint(f), Err: f,
	}
	for _, frame := range f.Frames {
		out.Frames = append(out.Frames, serve.Frame(frame))
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

// FailureHint returns the next steps after a failure; "" if none is known.
func FailureHint(f *host.Failure) string {
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
	return strings.Join(slices.DeleteFunc(hints, func(s string) bool { return s == "" }), "; ")
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
