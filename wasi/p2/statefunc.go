package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/wasi"
)

// stateFunc is a host function that neither blocks nor needs more of the call than the state of its store.
type stateFunc func(st *wasi.State, args []component.Value) (component.Value, error)

// stateFunc makes f a host function.
func (h *host) stateFunc(f stateFunc) component.HostFunc {
	return func(c *component.Call, args []component.Value) (component.Value, error) { return f(h.state(c), args) }
}
