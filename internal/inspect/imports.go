package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/compose"
	"github.com/wasihttp/wasihttp/internal/term"
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
			term.Plural(problems-1, "other problem"), programName, term.ShellPath(f.Path))
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
	switch {
	case isReleased(name) && strings.Contains(version, "-"):
		return "this is a version before a release: rebuild it with the WIT of the release, " +
			releaseOf(name)
	case isReleased(name) && isVersion(version, "0.3") && offered(l, version) != version:
		return "this version of " + programName + " runs WASI " + offered(l, version) +
			"; rebuild the component for it"
	case otherHost([]string{name}) == "Spin":
		return "this is an interface of Spin: run the component with spin up, or leave it out of the world" +
			plug
	case otherHost([]string{name}) != "":
		return "this is an interface of " + otherHost([]string{name}) +
			": leave it out of the world" + plug
	case strings.HasPrefix(name, "wasi:") && !isReleased(name):
		return "this is a proposal that WASI 0.2 and 0.3 do not have: leave it out of the world" +
			plug
	case isReleased(name):
		return "provided are wasi:cli, clocks, filesystem, http, io, random and sockets: " +
			"leave it out of the world" + plug
	}
	return "leave it out of the world" + plug
}

// otherHost names the host that the interfaces belong to, if it is one that is known; else "".
func otherHost(names []string) string {
	for _, name := range names {
		switch namespace, _, _ := strings.Cut(name, ":"); namespace {
		case "fermyon", "spin", "spinframework":
			return "Spin"
		case "wasmcloud":
			return "wasmCloud"
		case "fastly":
			return "Fastly Compute"
		}
	}
	return ""
}
