package p3

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// The cases of wasi:cli/types.error-code that are answered here.
const (
	cliIO   = 0
	cliPipe = 2
)

// addCLI offers the imports of wasi:cli.
func addCLI(l *component.Linker, h *host) {
	types := l.Instance("wasi:cli/types" + version)
	types.Type("error-code", "enum { io, illegal-byte-sequence, pipe }")

	env := l.Instance("wasi:cli/environment" + version)
	h.define(env, []def{
		{name: "get-environment", wit: "func() -> list<tuple<string, string>>", fn: getEnvironment},
		{name: "get-arguments", wit: "func() -> list<string>", fn: getArguments},
		{name: "get-initial-cwd", wit: "func() -> option<string>", fn: getInitialCwd},
	})

	exit := l.Instance("wasi:cli/exit" + version)
	h.define(exit, []def{
		{name: "exit", wit: "func(status: result)", fn: exitWithResult},
		{name: "exit-with-code", wit: "func(status-code: u8)", fn: exitWithCode},
	})

	stdin := l.Instance("wasi:cli/stdin" + version)
	stdin.Use(types, "error-code")
	h.define(stdin, []def{{name: "read-via-stream", wit: "func() -> tuple<stream<u8>, future<result<_, error-code>>>", fn: readStdin}})
	const write = "func(data: stream<u8>) -> future<result<_, error-code>>"
	stdout := l.Instance("wasi:cli/stdout" + version)
	stdout.Use(types, "error-code")
	h.define(stdout, []def{{name: "write-via-stream", wit: write, fn: writeVia((*wasi.State).Stdout)}})
	stderr := l.Instance("wasi:cli/stderr" + version)
	stderr.Use(types, "error-code")
	h.define(stderr, []def{{name: "write-via-stream", wit: write, fn: writeVia((*wasi.State).Stderr)}})

	addTerminals(l, h)
}

// terminal is the value behind a terminal-input or terminal-output, which have no functions: having one is all that it says.
type terminal struct{}

func addTerminals(l *component.Linker, h *host) {
	in := l.Instance("wasi:cli/terminal-input" + version)
	in.Resource("terminal-input", nil)
	out := l.Instance("wasi:cli/terminal-output" + version)
	out.Resource("terminal-output", nil)

	stdin := l.Instance("wasi:cli/terminal-stdin" + version)
	stdin.Use(in, "terminal-input")
	h.define(stdin, []def{{name: "get-terminal-stdin", wit: "func() -> option<terminal-input>",
		fn: getTerminal(func(c *wasi.Config) bool { return c.StdinTerminal })}})
	stdout := l.Instance("wasi:cli/terminal-stdout" + version)
	stdout.Use(out, "terminal-output")
	h.define(stdout, []def{{name: "get-terminal-stdout", wit: "func() -> option<terminal-output>",
		fn: getTerminal(func(c *wasi.Config) bool { return c.StdoutTerminal })}})
	stderr := l.Instance("wasi:cli/terminal-stderr" + version)
	stderr.Use(out, "terminal-output")
	h.define(stderr, []def{{name: "get-terminal-stderr", wit: "func() -> option<terminal-output>",
		fn: getTerminal(func(c *wasi.Config) bool { return c.StderrTerminal })}})
}

func getTerminal(is func(*wasi.Config) bool) hostFunc {
	return func(c call, _ []component.Value) (component.Value, error) {
		if !is(c.state.Config()) {
			return component.None(), nil
		}
		return component.Some(component.Own(terminal{})), nil
	}
}

func getEnvironment(c call, _ []component.Value) (component.Value, error) {
	return convert.Environment(c.state)
}

func getArguments(c call, _ []component.Value) (component.Value, error) {
	return convert.Arguments(c.state)
}

func getInitialCwd(c call, _ []component.Value) (component.Value, error) {
	return convert.InitialCwd(c.state)
}

func exitWithResult(_ call, args []component.Value) (component.Value, error) {
	if args[0].IsOk() {
		return unit(), wasi.Exit{}
	}
	return unit(), wasi.Exit{Code: 1}
}

func exitWithCode(_ call, args []component.Value) (component.Value, error) {
	return unit(), wasi.Exit{Code: args[0].U8()}
}

// cliResult is how an operation on a standard stream ended.
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
	stream := c.Store().NewByteStream(&source{in: c.state.Stdin(), closed: func(_ bool, err error) { set(cliResult(err)) }})
	return component.Record(stream, future), nil
}

func writeVia(open func(*wasi.State) wasi.OutputStream) hostFunc {
	return func(c call, args []component.Value) (component.Value, error) {
		future, set := c.Store().NewFuture()
		c.Store().ReadStream(args[0], &sink{out: open(c.state), closed: func(err error) { set(cliResult(err)) }})
		return future, nil
	}
}
