package loader

import (
	"errors"
	"testing"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/serve"
)

func TestFailuresNameTheFlagOfTheirLimit(t *testing.T) {
	tests := map[string]struct {
		failure     host.Failure
		cause, hint string
	}{
		"memory":            {host.Failure{Limit: host.LimitMemory}, "", "--max-memory allows more memory"},
		"memory, explained": {host.Failure{Hint: "refused", Limit: host.LimitMemory}, "", "refused; --max-memory allows more memory"},
		"time":              {host.Failure{Limit: host.LimitTimeout}, "", "--timeout allows more time"},
		"time for a body":   {host.Failure{Limit: host.LimitBody}, "", "--body-timeout allows more time"},
		"a hint alone":      {host.Failure{Hint: "end it"}, "", "end it"},
		"no limit":          {host.Failure{}, "", ""},
		"an error code":     {host.Failure{Outcome: host.ErrorCode, ErrorCode: "x"}, "the guest responded with an error code", ""},
		"closed": {host.Failure{Outcome: host.Internal, Err: handler.ErrClosed, Cause: "closed"},
			"the build was replaced, and this request did not finish in time", "--drain-timeout allows more time"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var f *serve.Failure
			if !errors.As(ServeFailure(&tt.failure), &f) || f.Cause != tt.cause || f.Hint != tt.hint {
				t.Errorf("got %+v", f)
			}
		})
	}
}
