package p3

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// The cases of wasi:cli/types.error-code that are returned here.
const (
	cliIO   = 0
	cliPipe = 2
)

// addCLI offers the imports of wasi:cli.
func addCLI(l *component.Linker, h *host) {
	types := l.Instance("wasi:cli/types" + version)
	types.Type("error-code", "enum { io, illegal-byte-sequence, pipe }")

	env := l.Instance("wasi:cli/environment" + version)
	h.shared(env, table.Environment("get-initial-cwd"))
	h.shared(l.Instance("wasi:cli/exit"+version), table.Exit())

	stdin := l.Instance("wasi:cli/stdin" + version)
	stdin.Use(types, "error-code")
	h.define(
		stdin,
		[]def{
			{
				name: "read-via-stream",
				wit:  "func() -> tuple<stream<u8>, future<result<_, error-code>>>",
				fn:   readStdin,
			},
		},
	)
	const write = "func(data: stream<u8>) -> future<result<_, error-code>>"
	stdout := l.Instance("wasi:cli/stdout" + version)
	stdout.Use(types, "error-code")
	h.define(
		stdout,
		[]def{{name: "write-via-stream", wit: write, fn: writeVia((*wasi.State).Stdout)}},
	)
	stderr := l.Instance("wasi:cli/stderr" + version)
	stderr.Use(types, "error-code")
	h.define(
		stderr,
		[]def{{name: "write-via-stream", wit: write, fn: writeVia((*wasi.State).Stderr)}},
	)

	table.AddTerminals(l, version, h.shared)
}

// cliResult returns the result of an operation on a standard stream.
func cliResult(err error) component.Value {
	switch {
	case err == nil:
		return component.OkUnit()
	case errors.Is(err, wasi.ErrClosed):
		return component.Err(component.Enum(cliPipe))
	}
	return component.Err(component.Enum(cliIO))
}

func readStdin(c call, _ []component.Value) (component.Value, error) {
	future, set := c.Store().NewFuture()
	stream := c.Store().
		NewByteStream(&source{in: c.state.Stdin(), closed: func(_ bool, err error) {
			set(cliResult(err))
		}})
	return component.Record(stream, future), nil
}

func writeVia(open func(*wasi.State) wasi.OutputStream) hostFunc {
	return func(c call, args []component.Value) (component.Value, error) {
		future, set := c.Store().NewFuture()
		c.Store().
			ReadStream(args[0], &sink{out: open(c.state), owner: onClosed(func(err error) {
				set(cliResult(err))
			})})
		return future, nil
	}
}
