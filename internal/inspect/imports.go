package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/compose"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
)

// missingImports finds the first import that is not satisfied.
func (f *File) missingImports(l *component.Linker) *File {
	var first *component.ImportProblem
	by, problems, interfaces := "", 0, 0
	for i, st := range f.Imports {
		problems += len(st.Problems)
		if len(st.Problems) == 0 {
			continue
		}
		interfaces++
		if first == nil {
			first, by = &f.Imports[i].Problems[0], st.ProvidedBy
		}
	}
	if first == nil {
		return f
	}
	more := ""
	if problems > 1 {
		more = fmt.Sprintf(" (and %s; `%s inspect %s` lists all)",
			words.Count(problems-1, "other problem", "other problems"), programName,
			term.ShellPath(f.Path))
	}
	path, hint := f.Path, "rebuild it with the WIT of "+orName(by, first.Interface)
	if first.Importer != "" {
		path = first.Importer
	}
	if slices.Contains(f.Parts.Paths(f.Path), by) {
		hint = "build " + path + " and " + by + " with the same WIT"
	}
	switch {
	case !first.Unknown():
		f.Problem = newProblem(path, CodeWrongType, nil, hint, "imports %s from %s, but %s%s",
			first.Item, first.Interface, first.Reason, more)
		return f
	case first.Item != "":
		f.Problem = newProblem(path, CodeUnknownImport, nil, hint,
			"imports %s from %s, which %s does not have here%s",
			first.Item, first.Interface, orName(by, first.Interface), more)
		return f
	}
	needs := ""
	if len(first.Needed) > 0 {
		needs = ": it needs " + enumeration(first.Needed, 4)
	}
	hint = importHint(first.Interface, l)
	if compose.IsHandler(first.Interface) && f.Middleware {
		hint = ChainHint(f.Path)
	}
	if by := exporter(f.plugs, first.Interface); by != "" {
		hint = by + " exports it, but itself imports from " + path +
			": components cannot import from each other; move what both need into a third one"
	}
	f.Problem = newProblem(path, CodeUnknownImport, nil, hint,
		"imports %s, which is not provided here%s%s", first.Interface, needs, more)
	return f
}

// enumeration joins the first n names.
func enumeration(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

func orName(by, name string) string {
	if by == "" {
		return name
	}
	return by
}

// importHint says what to do about an interface that is unknown as a whole.
func importHint(name string, l *component.Linker) string {
	_, version, _ := strings.Cut(name, "@")
	const plug = "; or name a component that exports it: --plug other.wasm"
	host := otherHost([]string{name})
	switch {
	case isReleased(name) && strings.Contains(version, "-"):
		return "this is a version before a release: rebuild it with the WIT of the release, " +
			releaseOf(name)
	case isReleased(name) && isVersion(version, "0.3") && offered(l, version) != version:
		return "this version of " + programName + " runs WASI " + offered(l, version) +
			"; rebuild the component for it"
	case host.run != "":
		return "this is an interface of " + host.name + ": run the component with " + host.run +
			", or leave it out of the world" + plug
	case host.name != "":
		return "this is an interface of " + host.name + ": leave it out of the world" + plug
	case draftsOf(name) != "":
		return "provided are " + draftsOf(name) +
			": rebuild it with that WIT, or leave it out of the world" + plug
	case strings.HasPrefix(name, "wasi:") && !isReleased(name):
		hint := "this is a proposal that WASI 0.2 and 0.3 do not have: "
		if run := proposalHost(name); run != "" {
			hint += "run the component with " + run + ", or "
		}
		return hint + "leave it out of the world" + plug
	case isReleased(name):
		return "provided are wasi:cli, clocks, filesystem, http, io, random and sockets: " +
			"leave it out of the world" + plug
	}
	pkg, _, inPackage := strings.Cut(name, "/")
	if !inPackage {
		return "leave it out of the world" + plug
	}
	return "name a component that exports it: --plug other.wasm; or run the component with the " +
		"host that has " + pkg + ", or leave it out of the world"
}

// otherProgram is a program that provides interfaces of its own to components.
type otherProgram struct {
	name string
	run  string // the command that runs a component with them; "" if there is none to name
}

// otherHost returns the program that one of the interfaces belongs to, if it is one that is known.
func otherHost(names []string) otherProgram {
	for _, name := range names {
		switch namespace, _, _ := strings.Cut(name, ":"); namespace {
		case "fermyon", "spin", "spinframework":
			return otherProgram{name: "Spin", run: "spin up"}
		case "wasmcloud":
			return otherProgram{name: "wasmCloud", run: "wash dev"}
		case "fastly":
			return otherProgram{name: "Fastly Compute", run: "fastly compute serve"}
		case "golem":
			return otherProgram{name: "Golem"}
		}
	}
	return otherProgram{}
}

// draftsOf returns the versions of a proposal that are provided; "" for none.
func draftsOf(name string) string {
	switch pkg, _, _ := strings.Cut(name, "/"); pkg {
	case "wasi:keyvalue":
		return "store, atomics and batch of wasi:keyvalue 0.2.0-draft and 0.2.0-draft2"
	case "wasi:config":
		return "wasi:config/store 0.2.0-rc.1, 0.2.0-draft and 0.2.0-draft-2024-09-27, and " +
			"wasi:config/runtime 0.2.0-draft"
	case "wasi:logging":
		return "wasi:logging/logging 0.1.0-draft"
	case "wasi:otel":
		return "tracing, metrics and logs of wasi:otel 0.2.0-rc.2, 0.2.0-rc.1 and 0.2.0-draft"
	}
	return ""
}

// proposalHost returns the command that runs components with a proposal that is not provided; ""
// if none is known.
func proposalHost(name string) string {
	switch pkg, _, _ := strings.Cut(name, "/"); pkg {
	case "wasi:nn":
		return "wasmtime serve -S nn (wasmtime run -S nn for a command)"
	case "wasi:tls":
		return "wasmtime serve -S tls (wasmtime run -S tls for a command)"
	case "wasi:blobstore", "wasi:messaging":
		return "wash dev"
	case "wasi:observe":
		return "spin up"
	case "wasi:webgpu", "wasi:gpu", "wasi:graphics-context", "wasi:frame-buffer", "wasi:surface":
		return "the runtime of wasi-gfx"
	}
	return ""
}
