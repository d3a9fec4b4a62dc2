package table

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// Environment returns the functions of wasi:cli/environment; cwd is the name of the last one.
func Environment(cwd string) []Def {
	return []Def{
		{"get-environment", "func() -> list<tuple<string, string>>", environment},
		{"get-arguments", "func() -> list<string>", arguments},
		{cwd, "func() -> option<string>", initialCwd},
	}
}

func environment(st *wasi.State, _ []component.Value) (component.Value, error) {
	cfg, err := st.Process()
	if err != nil {
		return component.Value{}, err
	}
	pairs := make([]component.Value, len(cfg.Env))
	for i, kv := range cfg.Env {
		st.Uses(wasi.UseEnvironment, kv[0], false)
		pairs[i] = component.Record(component.String(kv[0]), component.String(kv[1]))
	}
	return component.List(pairs...), nil
}

func arguments(st *wasi.State, _ []component.Value) (component.Value, error) {
	cfg, err := st.Process()
	if err != nil {
		return component.Value{}, err
	}
	list := make([]component.Value, len(cfg.Args))
	for i, s := range cfg.Args {
		list[i] = component.String(s)
	}
	return component.List(list...), nil
}

func initialCwd(st *wasi.State, _ []component.Value) (component.Value, error) {
	cfg, err := st.Process()
	if err != nil {
		return component.Value{}, err
	}
	return convert.Option(cfg.InitialCwd, component.String), nil
}

// Exit returns the functions of wasi:cli/exit.
func Exit() []Def {
	return []Def{
		{"exit", "func(status: result)", exitWithResult},
		{"exit-with-code", "func(status-code: u8)", exitWithCode},
	}
}

func exitWithResult(_ *wasi.State, args []component.Value) (component.Value, error) {
	if args[0].IsOk() {
		return component.Value{}, wasi.Exit{}
	}
	return component.Value{}, wasi.Exit{Code: 1}
}

func exitWithCode(_ *wasi.State, args []component.Value) (component.Value, error) {
	return component.Value{}, wasi.Exit{Code: args[0].U8()}
}

// terminal is the value behind a terminal-input or terminal-output, which have no functions: it
// only says that there is a terminal.
type terminal struct{}

// AddTerminals offers wasi:cli/terminal-input and so on, whose names end with version.
func AddTerminals(l *component.Linker, version string, define Define) {
	in := l.Instance("wasi:cli/terminal-input" + version)
	in.Resource("terminal-input", nil)
	out := l.Instance("wasi:cli/terminal-output" + version)
	out.Resource("terminal-output", nil)
	for _, t := range []struct {
		stream, resource string
		of               *component.HostInstance
		is               func(*wasi.Config) bool
	}{
		{"stdin", "terminal-input", in, func(c *wasi.Config) bool { return c.StdinTerminal }},
		{"stdout", "terminal-output", out, func(c *wasi.Config) bool { return c.StdoutTerminal }},
		{"stderr", "terminal-output", out, func(c *wasi.Config) bool { return c.StderrTerminal }},
	} {
		i := l.Instance("wasi:cli/terminal-" + t.stream + version)
		i.Use(t.of, t.resource)
		define(i, []Def{{
			"get-terminal-" + t.stream, "func() -> option<" + t.resource + ">",
			func(st *wasi.State, _ []component.Value) (component.Value, error) {
				if !t.is(st.Config()) {
					return component.None(), nil
				}
				return component.Some(component.Own(terminal{})), nil
			},
		}})
	}
}
