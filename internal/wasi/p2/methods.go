package p2

import (
	"context"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// method declares a function of a resource, in the words of the WIT without self.
type method struct {
	name, params, result string
}

// defineMethods adds methods of a resource that all answer with fn.
func (h *host) defineMethods(i *component.HostInstance, resource string, fn hostFunc, methods ...method) {
	defs := make([]def, len(methods))
	for n, m := range methods {
		wit := "func(self: borrow<" + resource + ">"
		if m.params != "" {
			wit += ", " + m.params
		}
		wit += ")"
		if m.result != "" {
			wit += " -> " + m.result
		}
		defs[n] = def{"[method]" + resource + "." + m.name, wit, fn}
	}
	h.define(i, defs)
}

// answer returns a host function that always gives v, which must not hold a handle.
func answer(v component.Value) hostFunc {
	return func(context.Context, *wasi.State, []component.Value) (component.Value, error) { return v, nil }
}
