package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/term"
)

// The codes of diagnoses.
const (
	codeMissing          = "missing"           // there is no such file
	codeWrongExport      = "wrong-export"      // exports an interface that is not what its name says
	codeCode             = "code"              // has code of a kind that is not compiled here
	codeFolder           = "folder"            // it is a folder
	codeUnreadable       = "unreadable"        // the system refuses to read it
	codeEmpty            = "empty"             // it has no bytes
	codeTruncated        = "truncated"         // its end is missing
	codeText             = "text"              // WebAssembly text
	codeNotWasm          = "not-wasm"          // something else altogether
	codeFormat           = "format"            // a binary format that is not read here
	codeModule           = "module"            // a core module
	codeInvalid          = "invalid"           // breaks a rule of the component model
	codeUnsupported      = "unsupported"       // is valid but uses something that this host does not have
	codeReleaseCandidate = "release-candidate" // made for WASI before its release
	codeNoHandler        = "no-handler"        // does not answer HTTP requests
	codeNoCommand        = "no-command"        // does not run as a program
	codeUnknownImport    = "unknown-import"    // needs what is not provided here
	codeWrongType        = "wrong-type"        // needs it with another type
)

// diagnosis says why no command can run a file.
type diagnosis struct {
	Code    string
	Message string // one line that names the file and the thing
	Hint    string // the next step
}

// Error returns the message without the hint.
func (d *diagnosis) Error() string { return d.Message }

// err gives the diagnosis as the error that ends a command.
func (d *diagnosis) err() error { return loadError(d, d.Hint, "%s", d.Message) }

// unfinished reports whether the file looks like one that is still being
// written.
func (d *diagnosis) unfinished() bool {
	switch d.Code {
	case codeEmpty, codeTruncated, codeInvalid, codeNotWasm, codeFormat, codeNoHandler:
		return true
	}
	return false
}

// examined is what is known of a file before it is compiled.
type examined struct {
	Path string
	Data []byte
	Kind component.FileKind

	// The following are there as far as Kind and Problem let it be known.

	Component *component.Component
	Producers component.Producers
	// Handler is the exported interface that answers HTTP requests, WASI the version of WASI HTTP it belongs to: "0.2" or "0.3".
	Handler string
	WASI    string
	// Command is the exported interface that runs it as a program.
	Command string
	// otherHandler is an exported interface of WASI HTTP in whatever version.
	otherHandler string
	Imports      []component.ImportStatus

	// Problem is why no command can run the file, nil if one can.
	Problem *diagnosis
}

func (x *examined) problem(code, hint, format string, args ...any) *examined {
	x.Problem = &diagnosis{Code: code, Message: term.Clean(x.Path + ": " + fmt.Sprintf(format, args...)), Hint: term.Clean(hint)}
	return x
}

// examine reads the file at path and finds out whether it is a component that the interfaces in l let run.
func examine(path string, l *component.Linker) *examined {
	x := &examined{Path: path}
	if err := checkFile(path); err != nil {
		x.Problem = fileProblem(path, err)
		return x
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return x.problem(codeUnreadable, readHint(path, err), "cannot be read: %v", underlying(err))
	}
	return examineBytes(path, data, l)
}

// fileProblem gives the error of checkFile a code.
func fileProblem(path string, err error) *diagnosis {
	d := &diagnosis{Code: codeUnreadable, Message: term.Clean(err.Error())}
	var user *userError
	if errors.As(err, &user) {
		d.Hint = term.Clean(user.hint)
	}
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Code = codeMissing
	case statErr != nil:
	case info.IsDir():
		d.Code = codeFolder
	case info.Size() == 0:
		d.Code = codeEmpty
	}
	return d
}

// examineBytes is examine for a file that has been read already.
func examineBytes(path string, data []byte, l *component.Linker) *examined {
	x := &examined{Path: path, Data: data, Kind: component.KindOf(data)}
	switch x.Kind {
	case component.FileComponent:
		return x.component(l)
	case component.FileModule:
		return x.module()
	case component.FileEmpty:
		return x.problem(codeEmpty, "the build may have failed or may still be writing it", "the file is empty")
	case component.FileTruncated:
		return x.truncated()
	case component.FileText:
		binary := strings.TrimSuffix(strings.TrimSuffix(path, ".wat"), ".wasm") + ".wasm"
		if binary == path {
			binary = "out.wasm"
		}
		return x.problem(codeText, "make it binary: wasm-tools parse "+shellWord(path)+" -o "+shellWord(binary), "is WebAssembly text, not a binary component")
	case component.FileUnsupportedVersion, component.FileUnsupportedLayer:
		hint := "this version of " + programName + " may be too old for it: look for a newer one"
		// Component model, Binary.md: the versions before 0x0d were drafts.
		if x.Kind == component.FileUnsupportedVersion && data[4] < 0x0d {
			hint = "build it again with current tools: old ones wrote drafts of the format"
		}
		return x.problem(codeFormat, hint, "is WebAssembly in a version of the binary format that is not read here (%s)", preamble(data))
	}
	if known := knownFile(path, data); known.what != "" {
		return x.problem(codeNotWasm, known.hint, "is not WebAssembly but %s", known.what)
	}
	return x.problem(codeNotWasm, "name the .wasm file that the build wrote", "is not WebAssembly (begins with %s)", preamble(data))
}

// preamble shows the first bytes of a file.
func preamble(data []byte) string { return fmt.Sprintf("% x", data[:min(len(data), 8)]) }

func (x *examined) truncated() *examined {
	hint := "build or copy it again; the build may still be writing it"
	if n := component.Missing(x.Data); x.Kind != component.FileTruncated && n > 1 {
		return x.problem(codeTruncated, hint, "is truncated: at least %d of %d bytes are missing at its end", n, int64(len(x.Data))+n)
	}
	return x.problem(codeTruncated, hint, "is truncated after %d bytes", len(x.Data))
}

// component examines a file that is a component at first sight.
func (x *examined) component(l *component.Linker) *examined {
	c, err := component.Decode(x.Data)
	if err != nil {
		if component.Missing(x.Data) > 0 {
			return x.truncated()
		}
		// The binary format has changed since some of them, too.
		if name := candidateIn(x.Data); name != "" {
			return x.releaseCandidate(name, l)
		}
		return x.problem(codeInvalid, "build it again; `wasm-tools validate --features all "+shellWord(x.Path)+"` is a second opinion", "is not a valid component: %v", err)
	}
	x.Component, x.Producers = c, c.Producers()
	for _, name := range c.ExportNames() {
		if v, ok := handlerVersion(name); ok && x.Handler == "" {
			x.Handler, x.WASI = name, v
		}
		if isHandler(name) {
			x.otherHandler = name
		}
		if isCommand(name) {
			x.Command = name
		}
	}
	imports, linkErr := c.CheckImports(l)
	x.Imports = imports
	if name := releaseCandidate(slices.Concat(c.ExportNames(), c.ImportNames())); name != "" {
		return x.releaseCandidate(name, l)
	}
	if x.Handler == "" && x.Command == "" {
		return x.noHandler()
	}
	if linkErr != nil {
		return x.problem(codeUnsupported, "build it without that: components that import interfaces and functions can be run", "cannot be run here: %v", linkErr)
	}
	if x.missingImports(l); x.Problem != nil {
		return x
	}
	return x.wrongExports(l)
}

// wrongExports finds an interface that is to be called, and is not what its name says.
func (x *examined) wrongExports(l *component.Linker) *examined {
	switch x.WASI {
	case "0.2":
		x.checkExport(l, x.Handler, "handle", "func(request: incoming-request, response-out: response-outparam)",
			`^func\([^:]+: own<incoming-request>, [^:]+: own<response-outparam>\)$`)
	case "0.3":
		x.checkExport(l, x.Handler, "handle", "async func(request: request) -> result<response, error-code>",
			`^(async )?func\([^:]+: own<request>\) -> result<own<response>, variant \{`)
	}
	if x.Problem == nil && x.Command != "" {
		x.checkExport(l, x.Command, "run", "func() -> result", `^(async )?func\(\) -> result$`)
	}
	return x
}

// checkExport compares a function of an exported interface with the pattern for what it must be.
func (x *examined) checkExport(l *component.Linker, iface, name, want, pattern string) {
	hint := "rebuild it with the WIT of " + iface
	switch typ, ok := x.Component.ExportedFunc(l, iface, name); {
	case !ok:
		x.problem(codeWrongExport, hint, "exports %s, but no function %s in it", iface, name)
	case !regexp.MustCompile(pattern).MatchString(typ):
		x.problem(codeWrongExport, hint, "exports %s, but its function %s is %s, not %s", iface, name, shortened(typ, 200), want)
	}
}

// handlerVersion tells whether an exported interface answers HTTP requests, and in which version of WASI.
func handlerVersion(name string) (string, bool) {
	base, version, _ := strings.Cut(name, "@")
	switch {
	case base == "wasi:http/incoming-handler" && strings.HasPrefix(version, "0.2."):
		return "0.2", true
	case base == "wasi:http/handler" && strings.HasPrefix(version, "0.3."):
		return "0.3", true
	}
	return "", false
}

// isHandler tells whether an exported interface answers HTTP requests, in some version of WASI.
func isHandler(name string) bool {
	base, _, versioned := strings.Cut(name, "@")
	return versioned && (base == "wasi:http/incoming-handler" || base == "wasi:http/handler")
}

// isCommand tells whether an exported interface runs the component as a program.
func isCommand(name string) bool {
	base, version, _ := strings.Cut(name, "@")
	return base == "wasi:cli/run" && (strings.HasPrefix(version, "0.2.") || strings.HasPrefix(version, "0.3."))
}

// forServe adds the problem of a component that can only be run.
func (x *examined) forServe() *examined {
	if x.Problem == nil && x.Handler == "" {
		return x.problem(codeNoHandler, "run it: "+programName+" run "+shellWord(x.Path)+"; to be served, it must export wasi:http/incoming-handler",
			"is a command (exports %s), not an HTTP handler", x.Command)
	}
	return x
}

// forRun adds the problem of a component that can only be served.
func (x *examined) forRun() *examined {
	if x.Problem == nil && x.Command == "" {
		return x.problem(codeNoCommand, "serve it: "+programName+" serve "+shellWord(x.Path), "is an HTTP handler (exports %s), not a command", x.Handler)
	}
	return x
}

// releaseCandidate finds an interface of the WASI that was released, in a version before that.
func releaseCandidate(names []string) string {
	i := slices.IndexFunc(names, func(name string) bool {
		_, version, _ := strings.Cut(name, "@")
		return isReleased(name) && strings.Contains(version, "-")
	})
	if i < 0 {
		return ""
	}
	return names[i]
}

// candidateIn finds the name of an interface of WASI before its release in a file that cannot be decoded; "" if there is none.
func candidateIn(data []byte) string {
	versioned := regexp.MustCompile(`wasi:[a-z]+/[a-z0-9-]+@0\.[0-9]+\.[0-9]+-[0-9A-Za-z.-]+`)
	var names []string
	for _, name := range versioned.FindAll(data, -1) {
		names = append(names, string(name))
	}
	return releaseCandidate(names)
}

// isReleased tells whether an interface belongs to the packages that WASI 0.2 and 0.3 consist of. Others are proposals: their versions have
// nothing to do with those.
func isReleased(name string) bool {
	pkg, _, _ := strings.Cut(name, "/")
	switch pkg {
	case "wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random", "wasi:sockets":
		return true
	}
	return false
}

func (x *examined) releaseCandidate(name string, l *component.Linker) *examined {
	_, version, _ := strings.Cut(name, "@")
	release, _, _ := strings.Cut(version, "-")
	hint := "rebuild it with the WIT of the release, " + release
	if release == "0.3.0" && x.Producers.Toolchain().Language == "Rust" {
		hint += " (in Rust the crate wasip3 0.7 or newer)"
	}
	if here := offered(l, release); here != release && here != "" {
		hint += "; this version of " + programName + " runs " + here
	}
	return x.problem(codeReleaseCandidate, hint, "is made for %s, a release candidate of WASI %s whose interfaces have changed since", name, release)
}

// offered gives the version of WASI HTTP that l offers for components of that release, or another one if it has none for them.
func offered(l *component.Linker, release string) string {
	if _, ok := l.Offers("wasi:http/types@" + release); ok {
		return release
	}
	by, _ := l.Offers("wasi:http/types@0.2.0")
	_, version, _ := strings.Cut(by, "@")
	return version
}

func (x *examined) noHandler() *examined {
	if x.otherHandler != "" {
		return x.problem(codeNoHandler, "rebuild it for WASI 0.2 or 0.3, or look for a newer version of "+programName,
			"exports %s; what can be served are wasi:http/incoming-handler@0.2 and wasi:http/handler@0.3", x.otherHandler)
	}
	exports := x.Component.ExportNames()
	what := "exports nothing"
	if len(exports) > 0 {
		what = "exports only " + enumeration(exports, 5)
	}
	hint := handlerHint(x.Producers.Toolchain())
	if host := otherHost(exports); host != "" {
		hint = "it is made for " + host + "; " + hint
	}
	return x.problem(codeNoHandler, hint, "does not answer HTTP requests: it %s, and no wasi:http/incoming-handler", what)
}

// handlerHint says how to make the handler in the language of the component.
func handlerHint(t component.Toolchain) string {
	const world = "build it for the world wasi:http/proxy"
	switch t.Language {
	case "Rust":
		return world + ": implement wasip2::exports::http::incoming_handler::Guest and call wasip2::http::proxy::export!"
	case "JavaScript":
		return world + ": addEventListener(\"fetch\", …), then jco componentize --wit wit --world-name proxy"
	case "Python":
		return world + ": a class IncomingHandler, then componentize-py -w wasi:http/proxy componentize app"
	case "Go", "C", "C++":
		return world + " with the bindings that wit-bindgen makes from it"
	}
	return world + ", which exports wasi:http/incoming-handler"
}

// enumeration joins the first n names.
func enumeration(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// missingImports finds the first import that is not satisfied.
func (x *examined) missingImports(l *component.Linker) *examined {
	var first *component.ImportProblem
	by, problems, interfaces := "", 0, 0
	for i, st := range x.Imports {
		problems += len(st.Problems)
		if len(st.Problems) == 0 {
			continue
		}
		interfaces++
		if first == nil {
			first, by = &x.Imports[i].Problems[0], st.ProvidedBy
		}
	}
	if first == nil {
		return x
	}
	more := ""
	if problems > 1 {
		more = fmt.Sprintf(" (and %s; `%s inspect %s` lists all)", plural(problems-1, "other problem"), programName, shellWord(x.Path))
	}
	switch {
	case !first.Unknown():
		return x.problem(codeWrongType, "rebuild it with the WIT of "+orName(by, first.Interface), "imports %s from %s, but %s%s", first.Item, first.Interface, first.Reason, more)
	case first.Item != "":
		return x.problem(codeUnknownImport, "rebuild it with the WIT of "+orName(by, first.Interface), "imports %s from %s, which %s does not have here%s",
			first.Item, first.Interface, orName(by, first.Interface), more)
	}
	needs := ""
	if len(first.Needed) > 0 {
		needs = ": it needs " + enumeration(first.Needed, 4)
	}
	return x.problem(codeUnknownImport, importHint(first.Interface, l), "imports %s, which is not provided here%s%s", first.Interface, needs, more)
}

// checkCode adds the problem of a component whose code cannot be compiled here.
func (x *examined) checkCode(ctx context.Context) *examined {
	if x.Problem != nil || x.Component == nil {
		return x
	}
	if err := x.Component.CheckCode(ctx); err != nil {
		return x.problem(codeCode, codeHint, "cannot be compiled here: %v", err)
	}
	return x
}

// codeError says that the component at path, in which nothing else is wrong, cannot be compiled.
func codeError(path string, err error) error {
	return loadError(err, codeHint, "%s: cannot be compiled here: %v", path, err)
}

// codeHint says what code can be compiled.
const codeHint = "what runs here is WebAssembly 2.0 with tail calls, exceptions and typed function references: build it without " +
	"garbage collection, threads, 64-bit memories, relaxed SIMD and wide arithmetic"

func orName(by, name string) string {
	if by == "" {
		return name
	}
	return by
}

// importHint says what to do about an interface that is unknown as a whole.
func importHint(name string, l *component.Linker) string {
	_, version, _ := strings.Cut(name, "@")
	const compose = "; or put a component that exports it inside: wac plug app.wasm --plug other.wasm"
	switch {
	case isReleased(name) && strings.HasPrefix(version, "0.3.") && offered(l, version) != version:
		return "this version of " + programName + " runs WASI " + offered(l, version) + "; rebuild the component for it"
	case otherHost([]string{name}) != "":
		return "this is an interface of " + otherHost([]string{name}) + ": leave it out of the world" + compose
	case strings.HasPrefix(name, "wasi:") && !isReleased(name):
		return "this is a proposal that WASI 0.2 and 0.3 do not have: leave it out of the world" + compose
	case isReleased(name):
		return "provided are wasi:cli, clocks, filesystem, http, io, random and sockets: leave it out of the world" + compose
	}
	return "leave it out of the world" + compose
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
