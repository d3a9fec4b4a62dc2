package p2

import "github.com/wasihttp/wasihttp/component"

// method declares a function of a resource, in the words of the WIT without self.
type method struct {
	name, params, result string
}

// addMethods declares methods of a resource that all answer with fn.
func addMethods(i *component.HostInstance, resource string, fn component.HostFunc, methods ...method) {
	for _, m := range methods {
		wit := "func(self: borrow<" + resource + ">"
		if m.params != "" {
			wit += ", " + m.params
		}
		wit += ")"
		if m.result != "" {
			wit += " -> " + m.result
		}
		i.Func("[method]"+resource+"."+m.name, wit, fn)
	}
}

// answer returns a host function that always gives v, which must not hold a handle.
func answer(v component.Value) component.HostFunc {
	return func(*component.Call, []component.Value) (component.Value, error) { return v, nil }
}
