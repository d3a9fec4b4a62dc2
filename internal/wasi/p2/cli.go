package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// addCLI offers the imports of wasi:cli.
func addCLI(l *component.Linker, h *host) {
	env := l.Instance("wasi:cli/environment" + version)
	h.shared(env, table.Environment("initial-cwd"))
	h.shared(l.Instance("wasi:cli/exit"+version), table.Exit())

	stdin := l.Instance("wasi:cli/stdin" + version)
	stdin.Use(h.streams, "input-stream")
	h.define(stdin, []def{{"get-stdin", "func() -> input-stream", getStdin}})
	stdout := l.Instance("wasi:cli/stdout" + version)
	stdout.Use(h.streams, "output-stream")
	h.define(stdout, []def{{"get-stdout", "func() -> output-stream", getStdout}})
	stderr := l.Instance("wasi:cli/stderr" + version)
	stderr.Use(h.streams, "output-stream")
	h.define(stderr, []def{{"get-stderr", "func() -> output-stream", getStderr}})

	table.AddTerminals(l, version, h.shared)
}

func getStdin(c call, _ []component.Value) (component.Value, error) {
	return newInputStream(c.state.Stdin(), nil), nil
}

func getStdout(c call, _ []component.Value) (component.Value, error) {
	return newOutputStream(c.state.Stdout(), nil), nil
}

func getStderr(c call, _ []component.Value) (component.Value, error) {
	return newOutputStream(c.state.Stderr(), nil), nil
}
