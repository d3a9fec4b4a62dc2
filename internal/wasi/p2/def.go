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

// recycle lets a later argument take the place of p, which was written to s, if s keeps nothing of
// it.
func (c call) recycle(s wasi.OutputStream, p []byte) {
	if _, ok := s.(wasi.Prompt); ok {
		c.state.Spare(p)
	}
}

// hostFunc is a host function free of the runtime.
type hostFunc func(c call, args []component.Value) (component.Value, error)

// def is a function of an interface: its name there, its type in WIT syntax, and what it does.
type def struct {
	name, wit string
	fn        hostFunc
}

// define adds functions to an interface.
func (h *host) define(i *component.HostInstance, defs []def) {
	for _, d := range defs {
		if h.defined != nil {
			h.defined(i.Name, d)
		}
		i.Func(
			d.name,
			d.wit,
			func(c *component.Call, args []component.Value) (component.Value, error) {
				st := h.state(c, i.Name)
				v, err := d.fn(call{c.Context(), st}, args)
				if spare := st.TakeSpare(); spare != nil {
					c.Recycle(spare)
				}
				return v, err
			},
		)
	}
}

// shared adds functions to an interface that 0.3 has, too.
func (h *host) shared(i *component.HostInstance, defs []table.Def) {
	for _, d := range defs {
		if h.defined != nil {
			h.defined(i.Name, def{d.Name, d.WIT, withoutContext(d.Fn)})
		}
		i.Func(
			d.Name,
			d.WIT,
			func(c *component.Call, args []component.Value) (component.Value, error) {
				return d.Fn(h.state(c, i.Name), args)
			},
		)
	}
}

// withoutContext returns fn as a function of this dialect.
func withoutContext(fn table.Func) hostFunc {
	return func(c call, args []component.Value) (component.Value, error) {
		return fn(c.state, args)
	}
}

// unit is the value of a function without result.
func unit() component.Value { return component.Value{} }
