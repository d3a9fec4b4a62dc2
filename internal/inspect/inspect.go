// Package inspect finds out what a file is, what it needs, and which command can run it. It reads
// what only people and tools want to know of a component: who made it, what distinguishes two
// builds of it, and what to do if it cannot be run.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/compose"
	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/term"
)

// programName is the program in hints.
const programName = "wasihttp"

// File is what is known of a file before it is compiled.
type File struct {
	Path string
	Data []byte
	Kind component.FileKind
	// Parts are the files that it was put together with; Data is then a component.Bundle of all.
	Parts Parts
	plugs []component.Part // those of Parts

	// The following are there as far as Kind and Problem let it be known.

	Component *component.Component
	Producers Producers
	// Handler is the exported interface that handles HTTP requests, WASI the version of WASI HTTP
	// it belongs to: "0.2" or "0.3".
	Handler string
	WASI    string
	// Middleware reports whether it imports the HTTP handler that it exports.
	Middleware bool
	// Command is the exported interface that runs it as a program.
	Command string
	// otherHandler is an exported interface of WASI HTTP in whatever version.
	otherHandler string
	Imports      []component.ImportStatus

	// Problem is why no command can run the file, nil if one can.
	Problem *Problem
}

func (f *File) problem(code, hint, format string, args ...any) *File {
	f.Problem = newProblem(f.Path, code, nil, hint, format, args...)
	return f
}

// Open reads the file at path, which may have limit bytes as with Read, and finds out whether it is
// a component that the interfaces in l let run.
func Open(path string, limit int64, l *component.Linker) *File {
	data, problem := Read(path, limit)
	if problem != nil {
		return &File{Path: path, Problem: problem}
	}
	return Bytes(path, data, l)
}

// Bytes is Open for a file that has been read already.
func Bytes(path string, data []byte, l *component.Linker) *File {
	f := &File{Path: path, Data: data, Kind: component.KindOf(data)}
	switch f.Kind {
	case component.FileComponent:
		return f.component(l)
	case component.FileModule:
		return f.module()
	case component.FileEmpty:
		return f.problem(CodeEmpty, emptyHint, "the file is empty")
	case component.FileTruncated:
		return f.truncated()
	case component.FileText:
		binary := strings.TrimSuffix(strings.TrimSuffix(path, ".wat"), ".wasm") + ".wasm"
		if binary == path {
			binary = "out.wasm"
		}
		return f.problem(CodeText,
			"make it binary: wasm-tools parse "+term.ShellPath(path)+" -o "+term.ShellPath(binary),
			"is WebAssembly text, not a binary component")
	case component.FileUnsupportedVersion, component.FileUnsupportedLayer:
		hint := "this version of " + programName + " may be too old for it: look for a newer one"
		// Component model, Binary.md: the versions before 0x0d were drafts.
		if f.Kind == component.FileUnsupportedVersion && data[4] < 0x0d {
			hint = "build it again with current tools: old ones wrote drafts of the format"
		}
		return f.problem(CodeFormat, hint,
			"is WebAssembly in a version of the binary format that is not read here (%s)",
			preamble(data))
	}
	if known := knownFile(path, data); known.what != "" {
		return f.problem(CodeNotWasm, known.hint, "is not WebAssembly but %s", known.what)
	}
	return f.problem(CodeNotWasm, "name the .wasm file that the build wrote",
		"is not WebAssembly (begins with %s)", preamble(data))
}

// preamble shows the first bytes of a file.
func preamble(data []byte) string { return fmt.Sprintf("% x", data[:min(len(data), 8)]) }

func (f *File) truncated() *File {
	hint := "build or copy it again; the build may still be writing it"
	if n := missing(f.Data); f.Kind != component.FileTruncated && n > 1 {
		return f.problem(CodeTruncated, hint,
			"is truncated: at least %d of %d bytes are missing at its end", n, int64(len(f.Data))+n)
	}
	return f.problem(CodeTruncated, hint, "is truncated after %d bytes", len(f.Data))
}

// component examines a file that is a component at first sight.
func (f *File) component(l *component.Linker) *File {
	c, err := component.Decode(f.Data)
	if err != nil {
		if missing(f.Data) > 0 {
			return f.truncated()
		}
		hint := "build it again; " + secondOpinion(f.Path)
		// The binary format has changed since some of them, too.
		if name := candidateIn(f.Data); name != "" {
			hint = "it is made for " + name + ", a release candidate: " + f.candidateHint(name, l)
		}
		return f.problem(CodeInvalid, hint, "is not a valid component: %v", err)
	}
	f.Component = c
	return f.examine(l)
}

// examine finds out what the component needs and what can run it.
func (f *File) examine(l *component.Linker) *File {
	c := f.Component
	f.Producers = ComponentProducers(c)
	for _, name := range c.ExportNames() {
		if v, ok := handlerVersion(name); ok && f.Handler == "" {
			f.Handler, f.WASI = name, v
		}
		if compose.IsHandler(name) {
			f.otherHandler = name
		}
		if isCommand(name) {
			f.Command = name
		}
	}
	f.Middleware = isMiddleware(c)
	imports, linkErr := c.CheckImports(l)
	f.Imports = imports
	if name := releaseCandidate(slices.Concat(c.ExportNames(), c.ImportNames())); name != "" {
		return f.releaseCandidate(name, l)
	}
	if f.Handler == "" && f.Command == "" {
		return f.noHandler()
	}
	if linkErr != nil {
		return f.problem(CodeUnsupported,
			"build it without that: only components that import interfaces and functions can run",
			"cannot be run here: %v", linkErr)
	}
	if f.missingImports(l); f.Problem != nil {
		return f
	}
	return f.wrongExports(l)
}

// ForServe adds the problem of a component that can only be run.
func (f *File) ForServe() *File {
	if f.Problem == nil && f.Handler == "" {
		return f.problem(CodeNoHandler,
			"run it: "+programName+" run "+term.ShellPath(f.Path)+
				"; to be served, it must export wasi:http/incoming-handler",
			"is a command (exports %s), not an HTTP handler", f.Command)
	}
	return f
}

// ForRun adds the problem of a component that can only be served.
func (f *File) ForRun() *File {
	if f.Problem == nil && f.Command == "" {
		return f.problem(CodeNoCommand, "serve it: "+programName+" serve "+term.ShellPath(f.Path),
			"is an HTTP handler (exports %s), not a command", f.Handler)
	}
	return f
}

// CheckCode adds the problem of a component whose code cannot be compiled here.
func (f *File) CheckCode(ctx context.Context) *File {
	if f.Problem != nil || f.Component == nil {
		return f
	}
	if err := f.Component.CheckCode(ctx); err != nil {
		f.Problem = CodeProblem(f.Path, err)
	}
	return f
}

// CodeProblem describes why the component at path, in which nothing else is wrong, cannot be
// compiled.
func CodeProblem(path string, err error) *Problem {
	if isInvalidCode(err) {
		hint := "build it again; " + secondOpinion(path)
		return newProblem(path, CodeInvalid, err, hint, "is not a valid component: %v", err)
	}
	return newProblem(path, CodeCode, err, codeHint, "cannot be compiled here: %v", err)
}

// isInvalidCode reports whether a function breaks a rule that all versions of WebAssembly have.
// What uses instructions or features that are not there may be valid elsewhere.
func isInvalidCode(err error) bool {
	var feature *corewasm.FeatureError
	var format *corewasm.FormatError
	if errors.As(err, &feature) || errors.As(err, &format) {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "invalid function[") && !strings.Contains(text, "feature ")
}

// secondOpinion names the program that says what is wrong with a component, too.
func secondOpinion(path string) string {
	return "`wasm-tools validate --features all " + term.ShellPath(path) + "` is a second opinion"
}

// codeHint says what code can be compiled.
const codeHint = "what runs here is WebAssembly 2.0 with tail calls, exceptions and typed " +
	"function references: build it without garbage collection, threads, 64-bit memories, relaxed " +
	"SIMD and wide arithmetic"
