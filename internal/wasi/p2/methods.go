package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// method declares a function of a resource.
func method(name, params, result string) table.Method {
	return table.Method{Name: name, Params: params, Result: result}
}

// defineMethods adds methods of a resource that all call fn.
func (h *host) defineMethods(
	i *component.HostInstance,
	resource string,
	fn hostFunc,
	methods ...table.Method,
) {
	defs := make([]def, len(methods))
	for n, m := range methods {
		defs[n] = def{"[method]" + resource + "." + m.Name, m.WIT(resource), fn}
	}
	h.define(i, defs)
}
