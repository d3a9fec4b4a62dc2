package p3

import (
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// method declares a function of a resource, in the words of the WIT without self.
type method struct {
	name, params, result string
}

// defineMethods declares methods of a resource that all answer with v: those whose name begins with async as async functions.
func (h *host) defineMethods(i *component.HostInstance, resource string, v component.Value, methods ...method) {
	defs := make([]def, len(methods))
	for n, m := range methods {
		name, async := strings.CutPrefix(m.name, "async ")
		d := def{name: "[method]" + resource + "." + name, wit: "func(self: borrow<" + resource + ">", fn: answer(v)}
		if async {
			d.wit, d.fn, d.async = "async "+d.wit, nil, answerAsync(v)
		}
		if m.params != "" {
			d.wit += ", " + m.params
		}
		d.wit += ")"
		if m.result != "" {
			d.wit += " -> " + m.result
		}
		defs[n] = d
	}
	h.define(i, defs)
}

// refuseWrite is a function that drops the stream that is its argument at the given position, and resolves its future to v.
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
