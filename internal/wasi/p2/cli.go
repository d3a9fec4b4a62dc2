package p2

import (
	"context"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// addCLI offers the imports of wasi:cli.
func addCLI(l *component.Linker, h *host) {
	env := l.Instance("wasi:cli/environment" + version)
	h.define(env, []def{
		{"get-environment", "func() -> list<tuple<string, string>>", getEnvironment},
		{"get-arguments", "func() -> list<string>", getArguments},
		{"initial-cwd", "func() -> option<string>", initialCwd},
	})

	exit := l.Instance("wasi:cli/exit" + version)
	h.define(exit, []def{
		{"exit", "func(status: result)", exitWithResult},
		{"exit-with-code", "func(status-code: u8)", exitWithCode},
	})

	stdin := l.Instance("wasi:cli/stdin" + version)
	stdin.Use(h.streams, "input-stream")
	h.define(stdin, []def{{"get-stdin", "func() -> input-stream", getStdin}})
	stdout := l.Instance("wasi:cli/stdout" + version)
	stdout.Use(h.streams, "output-stream")
	h.define(stdout, []def{{"get-stdout", "func() -> output-stream", getStdout}})
	stderr := l.Instance("wasi:cli/stderr" + version)
	stderr.Use(h.streams, "output-stream")
	h.define(stderr, []def{{"get-stderr", "func() -> output-stream", getStderr}})

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
	h.define(stdin, []def{{"get-terminal-stdin", "func() -> option<terminal-input>", getTerminal(stdinTerminal)}})
	stdout := l.Instance("wasi:cli/terminal-stdout" + version)
	stdout.Use(out, "terminal-output")
	h.define(stdout, []def{{"get-terminal-stdout", "func() -> option<terminal-output>", getTerminal(stdoutTerminal)}})
	stderr := l.Instance("wasi:cli/terminal-stderr" + version)
	stderr.Use(out, "terminal-output")
	h.define(stderr, []def{{"get-terminal-stderr", "func() -> option<terminal-output>", getTerminal(stderrTerminal)}})
}

func stdinTerminal(c *wasi.Config) bool  { return c.StdinTerminal }
func stdoutTerminal(c *wasi.Config) bool { return c.StdoutTerminal }
func stderrTerminal(c *wasi.Config) bool { return c.StderrTerminal }

func getTerminal(is func(*wasi.Config) bool) hostFunc {
	return func(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
		if !is(st.Config()) {
			return component.None(), nil
		}
		return component.Some(component.Own(terminal{})), nil
	}
}

func getEnvironment(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return convert.Environment(st)
}

func getArguments(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return convert.Arguments(st)
}

func initialCwd(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return convert.InitialCwd(st)
}

func exitWithResult(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	if args[0].IsOk() {
		return component.Value{}, wasi.Exit{}
	}
	return component.Value{}, wasi.Exit{Code: 1}
}

func exitWithCode(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return component.Value{}, wasi.Exit{Code: args[0].U8()}
}

func getStdin(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return newInputStream(st.Stdin(), nil), nil
}

func getStdout(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return newOutputStream(st.Stdout(), nil), nil
}

func getStderr(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return newOutputStream(st.Stderr(), nil), nil
}
