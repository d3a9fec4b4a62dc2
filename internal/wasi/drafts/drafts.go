// Package drafts offers proposals of WASI to components that are not part of a release:
// wasi:config, wasi:keyvalue and wasi:logging.
package drafts

import (
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// AddTo offers the interfaces to l. view returns the state of a store for the data that the
// embedder put into the store.
func AddTo(l *component.Linker, view func(data any) *wasi.State) {
	uses := func(i *component.HostInstance) stateOf {
		return func(c *component.Call) *wasi.State {
			st := view(c.Data())
			st.Uses(wasi.UseInterface, i.Name, false)
			return st
		}
	}
	addKeyValue(l, uses)
	for _, version := range configVersions {
		i := l.Instance("wasi:config/store" + version)
		addConfig(i, uses(i))
	}
	for _, version := range loggingVersions {
		i := l.Instance("wasi:logging/logging" + version)
		addLogging(i, uses(i))
	}
}

// stateOf returns the state of the calling store, which uses an interface.
type stateOf func(c *component.Call) *wasi.State

// The versions under which tools know the interfaces. Those of drafts are compatible with no other,
// so each is offered by itself; the types in them are the same.
var (
	configVersions  = []string{"@0.2.0-rc.1", "@0.2.0-draft", "@0.2.0-draft-2024-09-27", ""}
	loggingVersions = []string{"@0.1.0-draft", ""}
)

// addConfig adds the functions of wasi:config/store. They do not fail.
func addConfig(i *component.HostInstance, state stateOf) {
	i.Type("error", "variant { upstream(string), io(string) }")
	i.Func("get", "func(key: string) -> result<option<string>, error>",
		func(c *component.Call, args []component.Value) (component.Value, error) {
			for _, v := range state(c).Config().ConfigVars {
				if v[0] == args[0].Str() {
					return component.Ok(component.Some(component.String(v[1]))), nil
				}
			}
			return component.Ok(component.None()), nil
		})
	i.Func("get-all", "func() -> result<list<tuple<string, string>>, error>",
		func(c *component.Call, _ []component.Value) (component.Value, error) {
			var list []component.Value
			for _, v := range state(c).Config().ConfigVars {
				list = append(list,
					component.Record(component.String(v[0]), component.String(v[1])))
			}
			return component.Ok(component.List(list...)), nil
		})
}

// levels are the names of the levels of wasi:logging, in order.
const levels = "trace, debug, info, warn, error, critical"

// addLogging adds the function of wasi:logging/logging, which writes a line to the standard error
// of the guest.
func addLogging(i *component.HostInstance, state stateOf) {
	names := strings.Split(levels, ", ")
	i.Type("level", "enum { "+levels+" }")
	i.Func("log", "func(level: level, context: string, message: string)",
		func(c *component.Call, args []component.Value) (component.Value, error) {
			line := strings.ToUpper(names[args[0].Case()]) + " "
			if context := args[1].Str(); context != "" {
				line += context + ": "
			}
			if w := state(c).Config().Stderr; w != nil {
				// Output that cannot be written is lost: the function has no error.
				_, _ = io.WriteString(w, line+strings.TrimSuffix(args[2].Str(), "\n")+"\n")
			}
			return component.Value{}, nil
		})
}
