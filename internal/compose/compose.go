// Package compose decides how several components become one: whose exports satisfy whose imports.
package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// Recipe holds the components that are put together with a component.
type Recipe struct {
	// Plugs satisfy imports with their exports, the first that has what is wanted. What a plug
	// imports comes from other plugs where they have it.
	Plugs []component.Part
	// Chain is middleware: components that import the HTTP handler that they export. The first one
	// gets the requests and passes them on to the next one, the last one to the component.
	Chain []component.Part
}

// Empty reports whether there is nothing to put together.
func (r *Recipe) Empty() bool { return len(r.Plugs)+len(r.Chain) == 0 }

// Fault is the kind of reason why components cannot be put together.
type Fault int

// The faults.
const (
	UnusedPlug    Fault = iota // nothing imports what the plug exports
	NotMiddleware              // a component in the chain has no handler as import or export
	NoHandler                  // what comes after middleware has no handler
	OtherWASI                  // middleware is for another WASI HTTP than what comes after
	Links                      // the links themselves are wrong
)

// Error reports a fault of the part with that name.
type Error struct {
	Part   string
	Fault  Fault
	Reason string
}

// Error returns the name of the part and what is wrong with it.
func (e *Error) Error() string { return e.Part + ": " + e.Reason }

// With returns the component put together with those of the recipe. The error is an *Error. The
// types of imports and exports are checked when the whole is linked.
func (r *Recipe) With(main component.Part) (*component.Component, error) {
	if r.Empty() {
		return main.Component, nil
	}
	b := builder{
		parts: slices.Concat([]component.Part{main}, r.Plugs, r.Chain),
		plugs: len(r.Plugs),
	}
	b.linked = make([]map[string]bool, len(b.parts))
	b.state = make([]int, len(b.parts))
	front, err := b.chain(len(r.Chain))
	if err != nil {
		return nil, err
	}
	b.plug(0)
	for i := 1 + b.plugs; i < len(b.parts); i++ {
		b.plug(i)
	}
	for i := 1; i <= b.plugs; i++ {
		if b.state[i] == unseen {
			p := b.parts[i]
			exports := list(p.Component.ExportNames())
			return nil, &Error{p.Name, UnusedPlug,
				"nothing imports what it exports (" + exports + ")"}
		}
	}
	c, err := component.Compose(b.parts, b.links, b.exports(front))
	if err != nil {
		return nil, &Error{main.Name, Links, "cannot be put together with the others: " +
			err.Error()}
	}
	return c, nil
}

// The states of a part while plugs are looked for.
const (
	unseen = iota
	open   // what it imports is being looked for
	done
)

type builder struct {
	parts  []component.Part // the component, the plugs, the chain
	plugs  int
	links  []component.PartLink
	linked []map[string]bool // by part: imports that have a link
	state  []int
}

func (b *builder) link(part int, name string, from int, export string) {
	b.links = append(b.links,
		component.PartLink{Part: part, Import: name, From: from, Export: export})
	if b.linked[part] == nil {
		b.linked[part] = map[string]bool{}
	}
	b.linked[part][name] = true
}

// chain links the n components at the end, and returns the one that gets the requests.
func (b *builder) chain(n int) (front int, err error) {
	for i := len(b.parts) - 1; i >= len(b.parts)-n; i-- {
		if err := b.handler(i, front); err != nil {
			return 0, err
		}
		front = i
	}
	return front, nil
}

// handler links the handler that middleware imports with that of what comes after it.
func (b *builder) handler(part, next int) error {
	m, after := b.parts[part], b.parts[next]
	wants := handlers(m.Component.ImportNames())
	switch {
	case len(wants) == 0:
		return &Error{m.Name, NotMiddleware, "is not middleware: it imports no HTTP handler"}
	case len(handlers(m.Component.ExportNames())) == 0:
		return &Error{m.Name, NotMiddleware, "is not middleware: it exports no HTTP handler"}
	}
	has := handlers(after.Component.ExportNames())
	if len(has) == 0 {
		return &Error{after.Name, NoHandler,
			"exports no HTTP handler that " + m.Name + " could be put in front of"}
	}
	for _, name := range wants {
		for _, export := range has {
			if component.Compatible(export, name) {
				b.link(part, name, next, export)
				return nil
			}
		}
	}
	return &Error{m.Name, OtherWASI, fmt.Sprintf(
		"is middleware for WASI HTTP %s (imports %s), and cannot be put in front of %s, which is "+
			"for %s (exports %s)",
		versionOf(wants[0]), wants[0], after.Name, versionOf(has[0]), has[0])}
}

// handlers returns those of the names that are HTTP handlers.
func handlers(names []string) []string {
	other := func(name string) bool { return !IsHandler(name) }
	return slices.DeleteFunc(slices.Clone(names), other)
}

// IsHandler reports whether an interface is the HTTP handler of some version of WASI.
func IsHandler(name string) bool {
	base, _, versioned := strings.Cut(name, "@")
	return versioned && (base == "wasi:http/incoming-handler" || base == "wasi:http/handler")
}

// versionOf returns the first two numbers of an interface's version.
func versionOf(name string) string {
	_, version, _ := strings.Cut(name, "@")
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

// plug links what a part imports with the plugs that export it, and so on with them. The links
// never lead in a circle.
func (b *builder) plug(part int) {
	b.state[part] = open
	for _, name := range b.parts[part].Component.ImportNames() {
		if b.linked[part][name] {
			continue
		}
		from, export, ok := b.provider(name)
		if !ok {
			continue
		}
		b.link(part, name, from, export)
		if b.state[from] == unseen {
			b.plug(from)
		}
	}
	b.state[part] = done
}

// provider returns the first plug with an export for an import of that name: of the same name, or
// else of a compatible version.
func (b *builder) provider(name string) (plug int, export string, ok bool) {
	for _, fits := range []func(offered, wanted string) bool{
		func(offered, wanted string) bool { return offered == wanted }, component.Compatible,
	} {
		for i := 1; i <= b.plugs; i++ {
			if b.state[i] == open {
				continue
			}
			for _, export := range b.parts[i].Component.ExportNames() {
				if fits(export, name) {
					return i, export, true
				}
			}
		}
	}
	return 0, "", false
}

// exports returns the exports of the whole: all of the front, and what else the component has.
func (b *builder) exports(front int) []component.PartExport {
	var out []component.PartExport
	for _, name := range b.parts[front].Component.ExportNames() {
		out = append(out, component.PartExport{Part: front, Name: name})
	}
	if front == 0 {
		return out
	}
	for _, name := range b.parts[0].Component.ExportNames() {
		same := func(e component.PartExport) bool { return e.Name == name }
		if !slices.ContainsFunc(out, same) && !IsHandler(name) {
			out = append(out, component.PartExport{Part: 0, Name: name})
		}
	}
	return out
}

// list joins the names for an error.
func list(names []string) string {
	const most = 4
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
