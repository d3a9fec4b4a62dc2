// Package p3 offers WASI 0.3 to components: one file per group of WIT interfaces, each only the
// signatures and the conversion between component values and the behaviour in package wasi.
package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// version is the WASI release whose interfaces are offered; imports of any 0.3.x find them.
const version = "@0.3.2"

// host is what the interfaces share while they are added to a Linker.
type host struct {
	// view finds the state of the calling store.
	view func(data any) *wasi.State
	// clocks and system are the interfaces of wasi:clocks whose types others use.
	clocks, system *component.HostInstance
	// defined is called for every function; nil outside tests.
	defined func(iface, name, wit string)
}

// AddTo offers every interface of the worlds wasi:cli/imports and wasi:http/middleware to l. view
// finds a store's state in the data that the embedder put into the store.
func AddTo(l *component.Linker, view func(data any) *wasi.State) {
	addAll(l, &host{view: view})
}

func addAll(l *component.Linker, h *host) {
	addClocks(l, h)
	addRandom(l, h)
	addCLI(l, h)
	addFilesystem(l, h)
	addSockets(l, h)
	addHTTP(l, h)
}

// call is what a host function learns about its caller.
type call struct {
	*component.Call
	// state is that of the calling store.
	state *wasi.State
}

// hostFunc is a synchronous host function.
type hostFunc func(c call, args []component.Value) (component.Value, error)

// asyncFunc is an async host function, see component.AsyncHostFunc.
type asyncFunc func(
	c call, args []component.Value, done func(component.Value, error),
) (now *component.Value, cancel func(), err error)

// def is a function of an interface: its name there, its type in WIT syntax, and what it does;
// async is set for async functions.
type def struct {
	name, wit string
	fn        hostFunc
	async     asyncFunc
}

// state returns the state of the store that calls a function of an interface.
func (h *host) state(c *component.Call, iface string) *wasi.State {
	st := h.view(c.Data())
	st.Uses(wasi.UseInterface, iface, false)
	return st
}

// define adds functions to an interface.
func (h *host) define(i *component.HostInstance, defs []def) {
	for _, d := range defs {
		if h.defined != nil {
			h.defined(i.Name, d.name, d.wit)
		}
		if d.async != nil {
			i.AsyncFunc(
				d.name,
				d.wit,
				func(
					c *component.Call, args []component.Value, done func(component.Value, error),
				) (*component.Value, func(), error) {
					return d.async(call{c, h.state(c, i.Name)}, args, done)
				},
			)
			continue
		}
		i.Func(
			d.name,
			d.wit,
			func(c *component.Call, args []component.Value) (component.Value, error) {
				return d.fn(call{c, h.state(c, i.Name)}, args)
			},
		)
	}
}

// shared adds functions to an interface that 0.2 has, too.
func (h *host) shared(i *component.HostInstance, defs []table.Def) {
	for _, d := range defs {
		if h.defined != nil {
			h.defined(i.Name, d.Name, d.WIT)
		}
		i.Func(
			d.Name,
			d.WIT,
			func(c *component.Call, args []component.Value) (component.Value, error) {
				st := h.state(c, i.Name)
				st.Calling(c.Context())
				return d.Fn(st, args)
			},
		)
	}
}

// unit is the value of a function without result.
func unit() component.Value { return component.Value{} }
