package loader

import (
	"errors"
	"testing"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/wasi"
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
		"an address that was refused": {host.Failure{Refused: []wasi.Use{
			{Kind: wasi.UseNetwork, Name: "10.0.0.1:5432", Refused: true}}}, "",
			"the component was refused 10.0.0.1:5432: --allow-net 10.0.0.1:5432 would allow it"},
		"refused, and out of time": {host.Failure{Limit: host.LimitTimeout, Refused: []wasi.Use{
			{Kind: wasi.UseOutbound, Name: "a.example:80", Refused: true}}}, "",
			"--timeout allows more time; the component was refused a request to a.example:80: " +
				"--allow-outbound and --no-outbound decide about it"},
		"no limit":      {host.Failure{}, "", ""},
		"an error code": {host.Failure{Outcome: host.ErrorCode, ErrorCode: "x"}, "the guest responded with an error code", ""},
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
