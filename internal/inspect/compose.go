package inspect

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/compose"
	"github.com/wasihttp/wasihttp/internal/term"
)

// Parts are the paths of what is put together with a component.
type Parts struct {
	Plugs, Chain []string
}

// Paths returns the path of a component and those of its parts, in the order in which their
// contents are bundled.
func (p Parts) Paths(path string) []string {
	return append(append([]string{path}, p.Plugs...), p.Chain...)
}

// isAlone reports whether there are no parts.
func (p Parts) isAlone() bool { return len(p.Plugs)+len(p.Chain) == 0 }

// Flags returns the flags that name the parts, each with a space before it.
func (p Parts) Flags() string {
	flags := ""
	for _, path := range p.Plugs {
		flags += " --plug " + term.ShellPath(path)
	}
	for _, path := range p.Chain {
		flags += " --chain " + term.ShellPath(path)
	}
	return flags
}

// Read reads the component at path together with its parts. The contents are that of the one file,
// or a component.Bundle.
func (p Parts) Read(path string, limit int64) ([]byte, *Problem) {
	var files [][]byte
	for _, path := range p.Paths(path) {
		data, problem := Read(path, limit)
		if problem != nil {
			return nil, problem
		}
		files = append(files, data)
	}
	return p.Join(files), nil
}

// Join returns the contents of the files, which are those of Paths, as Bytes takes them.
func (p Parts) Join(files [][]byte) []byte {
	if len(files) == 1 {
		return files[0]
	}
	return component.Bundle(files...)
}

// Open is the function Open for a component with parts.
func (p Parts) Open(path string, limit int64, l *component.Linker) *File {
	data, problem := p.Read(path, limit)
	if problem != nil {
		return &File{Path: path, Problem: problem}
	}
	return p.Bytes(path, data, l)
}

// Bytes is Open for contents that have been read already.
func (p Parts) Bytes(path string, data []byte, l *component.Linker) *File {
	paths := p.Paths(path)
	if len(paths) == 1 {
		return Bytes(path, data, l)
	}
	whole := &File{Path: path, Data: data, Kind: component.FileComponent, Parts: p}
	var parts []component.Part
	for i, file := range component.Unbundle(data) {
		f := Bytes(paths[i], file, l)
		if f.Component == nil {
			whole.Problem = f.Problem
			return whole
		}
		parts = append(parts, component.Part{Name: paths[i], Component: f.Component})
	}
	plugs := 1 + len(p.Plugs)
	recipe := compose.Recipe{Plugs: parts[1:plugs], Chain: parts[plugs:]}
	c, err := recipe.With(parts[0])
	if err != nil {
		whole.Problem = composeProblem(path, err)
		return whole
	}
	whole.Component, whole.plugs = c, recipe.Plugs
	if whole.examine(l); whole.Problem != nil {
		whole.Problem.composed = true
	}
	return whole
}

// exporter returns the name of the plug that exports an interface; "" if none does. If the whole
// imports the interface all the same, the plug needs what imports it.
func exporter(plugs []component.Part, name string) string {
	for _, plug := range plugs {
		for _, export := range plug.Component.ExportNames() {
			if component.Compatible(export, name) {
				return plug.Name
			}
		}
	}
	return ""
}

// composeProblem describes why a component does not go together with its parts.
func composeProblem(path string, err error) *Problem {
	var fault *compose.Error
	if !errors.As(err, &fault) {
		return newProblem(path, CodeCompose, err, "", "%v", err)
	}
	hint := ""
	switch fault.Fault {
	case compose.UnusedPlug:
		hint = "leave it out, or build it for the interface that is wanted: " + programName +
			" inspect " + term.ShellPath(path) + " shows the imports"
	case compose.NotMiddleware:
		hint = "--chain is for components that import and export the same wasi:http handler; one " +
			"that exports something else is given with --plug"
	case compose.NoHandler:
		hint = "it must export wasi:http/incoming-handler or wasi:http/handler"
	case compose.OtherWASI:
		hint = "build one of them for the WASI HTTP of the other"
	}
	p := newProblem(fault.Part, CodeCompose, err, hint, "%s", fault.Reason)
	p.composed = true
	return p
}

// isMiddleware reports whether a component imports an HTTP handler, to which it can pass requests
// on, and exports one.
func isMiddleware(c *component.Component) bool {
	has := func(names []string) bool {
		for _, name := range names {
			if compose.IsHandler(name) {
				return true
			}
		}
		return false
	}
	return has(c.ImportNames()) && has(c.ExportNames())
}

// ChainHint says how middleware is put in front of a component.
func ChainHint(path string) string {
	return "it is middleware: put it in front of a component with " + programName +
		" serve app.wasm --chain " + term.ShellPath(path)
}
