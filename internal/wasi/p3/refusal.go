package p3

import (
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// method declares a function of a resource.
func method(name, params, result string) table.Method {
	return table.Method{Name: name, Params: params, Result: result}
}

// defineMethods declares methods of a resource that all return v: those whose name begins with
// async as async functions.
func (h *host) defineMethods(
	i *component.HostInstance,
	resource string,
	v component.Value,
	methods ...table.Method,
) {
	defs := make([]def, len(methods))
	for n, m := range methods {
		name, async := strings.CutPrefix(m.Name, "async ")
		d := def{name: "[method]" + resource + "." + name, wit: m.WIT(resource), fn: constant(v)}
		if async {
			d.wit, d.fn, d.async = "async "+d.wit, nil, constantAsync(v)
		}
		defs[n] = d
	}
	h.define(i, defs)
}

// refuseWrite is a function that drops the stream that is its argument at the given position, and
// resolves its future to v.
func refuseWrite(at int, v component.Value) hostFunc {
	return func(c call, args []component.Value) (component.Value, error) {
		c.Store().DropStream(args[at])
		future, set := c.Store().NewFuture()
		set(v)
		return future, nil
	}
}

// refuseRead is a function whose stream has ended and whose future is resolved to v.
func refuseRead(v component.Value) hostFunc {
	return func(c call, _ []component.Value) (component.Value, error) {
		future, set := c.Store().NewFuture()
		set(v)
		return component.Record(c.Store().NewByteStream(nothing{}), future), nil
	}
}
