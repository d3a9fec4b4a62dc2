package inspect

import (
	"regexp"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
)

// wrongExports finds an interface that is to be called, and is not what its name says.
func (f *File) wrongExports(l *component.Linker) *File {
	switch f.WASI {
	case "0.2":
		f.checkExport(l, f.Handler, "handle",
			"func(request: incoming-request, response-out: response-outparam)",
			`^func\([^:]+: own<incoming-request>, [^:]+: own<response-outparam>\)$`)
	case "0.3":
		f.checkExport(l, f.Handler, "handle",
			"async func(request: request) -> result<response, error-code>",
			`^(async )?func\([^:]+: own<request>\) -> result<own<response>, variant \{`)
	}
	if f.Problem == nil && f.Command != "" {
		f.checkExport(l, f.Command, "run", "func() -> result", `^(async )?func\(\) -> result$`)
	}
	return f
}

// checkExport compares a function of an exported interface with the pattern for what it must be.
func (f *File) checkExport(l *component.Linker, iface, name, want, pattern string) {
	hint := "rebuild it with the WIT of " + iface
	switch typ, ok := f.Component.ExportedFunc(l, iface, name); {
	case !ok:
		f.problem(CodeWrongExport, hint, "exports %s, but no function %s in it", iface, name)
	case !regexp.MustCompile(pattern).MatchString(typ):
		f.problem(CodeWrongExport, hint, "exports %s, but its function %s is %s, not %s", iface,
			name, words.Shorten(typ, 200), want)
	}
}

// handlerVersion reports whether an exported interface handles HTTP requests, and in which version
// of WASI.
func handlerVersion(name string) (string, bool) {
	base, version, _ := strings.Cut(name, "@")
	switch {
	case base == "wasi:http/incoming-handler" && isVersion(version, "0.2"):
		return "0.2", true
	case base == "wasi:http/handler" && isVersion(version, "0.3"):
		return "0.3", true
	}
	return "", false
}

// isCommand reports whether an exported interface runs the component as a program.
func isCommand(name string) bool {
	base, version, _ := strings.Cut(name, "@")
	return base == "wasi:cli/run" && (isVersion(version, "0.2") || isVersion(version, "0.3"))
}

// isVersion reports whether a version belongs to a release of WASI such as 0.3: it is one of its
// patch versions, or the release itself, which is the version of a canonical name.
func isVersion(version, release string) bool {
	return strings.HasPrefix(version+".", release+".")
}

func (f *File) noHandler() *File {
	if f.otherHandler != "" {
		return f.problem(CodeNoHandler,
			"rebuild it for WASI 0.2 or 0.3, or look for a newer version of "+programName,
			"exports %s; what can be served are "+
				"wasi:http/incoming-handler@0.2 and wasi:http/handler@0.3",
			f.otherHandler)
	}
	exports := f.Component.ExportNames()
	what := "exports nothing"
	if len(exports) > 0 {
		what = "exports only " + enumeration(exports, 5)
	}
	hint := handlerHint(f.Producers.Toolchain())
	if len(exports) > 0 && !isReleased(exports[0]) {
		hint += "; if another component imports what it exports, serve that: " + programName +
			" serve app.wasm --plug " + term.ShellPath(f.Path)
	}
	if host := otherHost(exports); host.run != "" {
		hint = "it is made for " + host.name + ": run it with " + host.run + ", or " + hint
	} else if host.name != "" {
		hint = "it is made for " + host.name + "; " + hint
	}
	return f.problem(CodeNoHandler, hint,
		"does not handle HTTP requests: it %s, and no wasi:http/incoming-handler", what)
}

// handlerHint says how to make the handler in the language of the component.
func handlerHint(t Toolchain) string {
	const world = "build it for the world wasi:http/proxy"
	switch t.Language {
	case "Rust":
		return world +
			": implement wasip2::exports::http::incoming_handler::Guest " +
			"and call wasip2::http::proxy::export!"
	case "JavaScript":
		return world +
			": addEventListener(\"fetch\", …), then jco componentize --wit wit --world-name proxy"
	case "Python":
		return world +
			": a class IncomingHandler, then componentize-py -w wasi:http/proxy componentize app"
	case "Go", "C", "C++":
		return world + " with the bindings that wit-bindgen makes from it"
	}
	return world + ", which exports wasi:http/incoming-handler"
}
