package loader

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component"
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
			if !errors.As(ServeFailure(&tt.failure, nil), &f) || f.Cause != tt.cause || f.Hint != tt.hint {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestABacktraceWithoutNamesSaysHowToBuildWithThem(t *testing.T) {
	named, nameless := host.Frame{Func: "a"}, host.Frame{Func: "function 7", Nameless: true}
	guest := func(name, custom string) *component.Component {
		wasm, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "guests", name, name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		// A custom section without contents.
		wasm = append(wasm, 0, byte(len(custom)+1), byte(len(custom)))
		c, err := component.Decode(append(wasm, custom...))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	rust, c, script := guest("rust-hello", "x"), guest("c-kitchen", "x"), guest("rust-hello", "wit_dylib_string")
	for name, tt := range map[string]struct {
		frames []host.Frame
		of     *component.Component
		want   string
	}{
		"Rust":       {[]host.Frame{nameless, nameless, named}, rust, "Cargo.toml"},
		"C":          {[]host.Frame{nameless}, c, "--strip-all"},
		"with names": {[]host.Frame{nameless, named}, rust, ""},
		"no frames":  {nil, rust, ""},
		// Names would be those of the interpreter.
		"a script": {[]host.Frame{nameless}, script, ""},
	} {
		got := FailureHint(&host.Failure{Frames: tt.frames}, tt.of)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
