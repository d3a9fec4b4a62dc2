package p2

import (
	"context"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// call is what a host function knows of its caller.
type call struct {
	ctx   context.Context // ends when the guest has to stop
	state *wasi.State     // of the calling store
}

// hostFunc is a host function free of the runtime.
type hostFunc func(c call, args []component.Value) (component.Value, error)

// def is a function of an interface: its name there, its type in WIT syntax, and what it does.
type def struct {
	name, wit string
	fn        hostFunc
}

// define adds functions to an interface.
func (h *host) define(i *component.HostInstance, defs []def) { h.defineAs(i, i.Func, defs) }

// defineAs adds functions to an interface with add, a method of it.
func (h *host) defineAs(
	i *component.HostInstance, add func(name, wit string, fn component.HostFunc), defs []def,
) {
	for _, d := range defs {
		if h.defined != nil {
			h.defined(i.Name, d)
		}
		add(
			d.name,
			d.wit,
			func(c *component.Call, args []component.Value) (component.Value, error) {
				return d.fn(call{c.Context(), h.state(c, i.Name)}, args)
			},
		)
	}
}

// shared adds functions to an interface that 0.3 has, too.
func (h *host) shared(i *component.HostInstance, defs []table.Def) {
	for _, d := range defs {
		fn := withoutContext(d.Fn)
		if h.defined != nil {
			h.defined(i.Name, def{d.Name, d.WIT, fn})
		}
		i.Func(
			d.Name,
			d.WIT,
			func(c *component.Call, args []component.Value) (component.Value, error) {
				return fn(call{c.Context(), h.state(c, i.Name)}, args)
			},
		)
	}
}

// withoutContext returns fn as a function of this dialect.
func withoutContext(fn table.Func) hostFunc {
	return func(c call, args []component.Value) (component.Value, error) {
		c.state.Calling(c.ctx)
		return fn(c.state, args)
	}
}

// unit is the value of a function without result.
func unit() component.Value { return component.Value{} }
