// Package p2 offers WASI 0.2 to components: one file per group of WIT interfaces, each only the
// signatures and the conversion between component values and the behaviour in package wasi.
package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// version is the WASI release whose interfaces are offered; imports of any 0.2.x find them.
const version = "@0.2.12"

// host is what the interfaces share while they are added to a Linker.
type host struct {
	// view finds the state of the calling store.
	view func(data any) *wasi.State
	// ioError, poll and streams are the interfaces of wasi:io, whose types others use.
	ioError, poll, streams *component.HostInstance
	// defined is called for every function; nil outside tests.
	defined func(iface string, d def)
}

// state returns the state of the store that calls a function of an interface.
func (h *host) state(c *component.Call, iface string) *wasi.State {
	st := h.view(c.Data())
	st.Uses(wasi.UseInterface, iface, false)
	return st
}

// AddTo offers every interface of the worlds wasi:cli/imports and wasi:http/proxy to l. view finds
// a store's state in the data that the embedder put into the store.
func AddTo(l *component.Linker, view func(data any) *wasi.State) {
	addAll(l, &host{view: view})
}

func addAll(l *component.Linker, h *host) {
	addIO(l, h)
	addClocks(l, h)
	addRandom(l, h)
	addCLI(l, h)
	addFilesystem(l, h)
	addSockets(l, h)
	addHTTP(l, h)
}
