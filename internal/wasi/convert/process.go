package convert

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Environment returns the environment variables as a list<tuple<string, string>>. The error is a trap, here and below.
func Environment(st *wasi.State) (component.Value, error) {
	cfg, err := st.Process()
	if err != nil {
		return component.Value{}, err
	}
	pairs := make([]component.Value, len(cfg.Env))
	for i, kv := range cfg.Env {
		pairs[i] = component.Record(component.String(kv[0]), component.String(kv[1]))
	}
	return component.List(pairs...), nil
}

// Arguments returns the command line as a list<string>.
func Arguments(st *wasi.State) (component.Value, error) {
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

// InitialCwd returns the working directory as an option<string>.
func InitialCwd(st *wasi.State) (component.Value, error) {
	cfg, err := st.Process()
	if err != nil {
		return component.Value{}, err
	}
	return Option(cfg.InitialCwd, component.String), nil
}
