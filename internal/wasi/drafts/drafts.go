// Package drafts offers proposals of WASI to components that are not part of a release:
// wasi:config, wasi:keyvalue, wasi:logging and wasi:otel.
package drafts

import (
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// AddTo offers the interfaces to l. view returns the state of a store for the data that the
// embedder put into the store.
func AddTo(l *component.Linker, view func(data any) *wasi.State) {
	(&host{l: l, view: view}).addAll()
}

// host is what the interfaces share while they are added to a Linker.
type host struct {
	l    *component.Linker
	view func(data any) *wasi.State
	// defined is called for every function; nil outside tests.
	defined func(iface, name, wit string)
}

func (h *host) addAll() {
	for _, d := range keyValueDrafts() {
		d.add(h)
	}
	for _, name := range configNames {
		h.addConfig(h.l.Instance(name))
	}
	for _, name := range loggingNames {
		h.addLogging(h.l.Instance(name))
	}
	for _, version := range otelVersions {
		h.addOtel(version)
	}
}

// hostFunc is a function of an interface for the store whose state is st.
type hostFunc func(st *wasi.State, args []component.Value) (component.Value, error)

// define adds a function to an interface.
func (h *host) define(i *component.HostInstance, name, wit string, f hostFunc) {
	if h.defined != nil {
		h.defined(i.Name, name, wit)
	}
	i.Func(name, wit, func(c *component.Call, args []component.Value) (component.Value, error) {
		st := h.view(c.Data())
		st.Uses(wasi.UseInterface, i.Name, false)
		return f(st, args)
	})
}

// The names under which tools know the interfaces. The versions of drafts are compatible with no
// other, so each is offered by itself; the types in them are the same.
var (
	configNames = []string{
		"wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft",
		"wasi:config/store@0.2.0-draft-2024-09-27", "wasi:config/store",
		// The name of the interface before it was a store.
		"wasi:config/runtime@0.2.0-draft", "wasi:config/runtime",
	}
	loggingNames = []string{"wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"}
)

// addConfig adds the functions of wasi:config. They do not fail. A key without a value counts as
// refused.
func (h *host) addConfig(i *component.HostInstance) {
	const cases = "variant { upstream(string), io(string) }"
	i.Type("error", cases)
	i.Type("config-error", cases) // its name in the first drafts
	h.define(i, "get", "func(key: string) -> result<option<string>, error>",
		func(st *wasi.State, args []component.Value) (component.Value, error) {
			key := args[0].Str()
			for _, v := range st.Config().ConfigVars {
				if v[0] == key {
					st.Uses(wasi.UseConfig, key, false)
					return component.Ok(component.Some(component.String(v[1]))), nil
				}
			}
			st.Uses(wasi.UseConfig, key, true)
			return component.Ok(component.None()), nil
		})
	h.define(i, "get-all", "func() -> result<list<tuple<string, string>>, error>",
		func(st *wasi.State, _ []component.Value) (component.Value, error) {
			var list []component.Value
			for _, v := range st.Config().ConfigVars {
				st.Uses(wasi.UseConfig, v[0], false)
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
func (h *host) addLogging(i *component.HostInstance) {
	names := strings.Split(levels, ", ")
	i.Type("level", "enum { "+levels+" }")
	h.define(i, "log", "func(level: level, context: string, message: string)",
		func(st *wasi.State, args []component.Value) (component.Value, error) {
			line := strings.ToUpper(names[args[0].Case()]) + " "
			if context := args[1].Str(); context != "" {
				line += context + ": "
			}
			logLine(st, line+args[2].Str())
			return component.Value{}, nil
		})
}
