// Package table declares what the interfaces of WASI 0.2 and 0.3 have in common: types that are
// written the same, and functions that do the same under the same name or nearly so. A dialect adds
// them to its own.
package table

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Func is a host function that neither waits nor calls into the store. st is the state of the
// calling store.
type Func func(st *wasi.State, args []component.Value) (component.Value, error)

// Def is a function of an interface: its name there, its type in WIT syntax, and what it does.
type Def struct {
	Name, WIT string
	Fn        Func
}

// Define adds functions to an interface.
type Define func(i *component.HostInstance, defs []Def)

// Method is a function of a resource, in the words of the WIT without self.
type Method struct {
	Name, Params, Result string
}

// WIT returns the type of the method for a resource.
func (m Method) WIT(resource string) string {
	wit := "func(self: borrow<" + resource + ">"
	if m.Params != "" {
		wit += ", " + m.Params
	}
	wit += ")"
	if m.Result != "" {
		wit += " -> " + m.Result
	}
	return wit
}
