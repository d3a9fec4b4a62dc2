package inspect

import (
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/term"
)

// preview1 is the module name of the interfaces before WASI 0.2.
const preview1 = "wasi_snapshot_preview1"

// module examines a core module: how it can be made into a component.
func (f *File) module() *File {
	if missing(f.Data) > 0 {
		return f.truncated()
	}
	facts, err := describeModule(f.Data)
	if err != nil {
		return f.problem(CodeModule, "build it again, as a component",
			"is a core module, not a component, and a malformed one: %v", err)
	}
	f.Producers = facts.producers
	what := "is a core module, not a component"
	if slices.Contains(facts.imports, preview1) {
		what = "is a core module for WASI preview 1, not a component"
	}
	return f.problem(CodeModule, moduleHint(f.Path, facts), "%s", what)
}

// moduleHint returns the command that makes the component: for a module that knows its world the
// one that wraps it, else the build that the language offers.
func moduleHint(path string, facts moduleFacts) string {
	out := term.ShellPath(strings.TrimSuffix(path, ".wasm") + ".component.wasm")
	wrap := "wasm-tools component new -o " + out
	adapted, source := slices.Contains(facts.imports, preview1), ""
	if adapted {
		adapter := "reactor"
		if facts.command {
			adapter = "command"
		}
		source = " (the adapter is among the files of wasmtime's releases)"
		wrap += " --adapt " + preview1 + "=" + preview1 + "." + adapter + ".wasm"
	}
	made := "make it one: " + wrap + " " + term.ShellPath(path) + source
	if facts.wit {
		return made
	}
	byHand := "give it its world and make it one: wasm-tools component embed wit " +
		term.ShellPath(path) + " | " + wrap + source
	if facts.command && adapted {
		// A program needs no world: the adapter has it.
		byHand = made
	}
	switch t := facts.producers.Toolchain(); {
	case t.Language == "Rust":
		return "build it as one: cargo build --release --target wasm32-wasip2"
	case t.Runtime == "TinyGo":
		return "build it as one: tinygo build -target=wasip2"
	case t.Language == "Go":
		return "build it as one with componentize-go, or " + byHand
	case t.Language == "JavaScript":
		return "build it as one: jco componentize app.js --wit wit --world-name proxy -o " + out
	case t.Language == "Python":
		return "build it as one: componentize-py -d wit -w proxy componentize app -o " + out
	case t.Language == "C" || t.Language == "C++":
		return "build it as one: " +
			"clang --target=wasm32-wasip2 with the bindings of wit-bindgen c, " +
			"or " + byHand
	}
	return byHand
}

// moduleFacts are what decides how a core module can be made into a component.
type moduleFacts struct {
	// wit reports whether the module has a description of its world inside, so that wasm-tools
	// component new needs nothing else.
	wit bool
	// command reports whether the module has a main function (_start).
	command bool
	// imports are the names of the modules it imports from, without repetition, in order.
	imports   []string
	producers Producers
}

// describeModule looks at a core module. The error says that it is malformed.
func describeModule(module []byte) (moduleFacts, error) {
	info, err := corewasm.Scan(module)
	if err != nil {
		return moduleFacts{}, err
	}
	f := moduleFacts{producers: moduleProducers(module)}
	for _, name := range info.Customs {
		if strings.HasPrefix(name, "component-type") {
			f.wit = true
		}
	}
	_, f.command = info.ExportNamed("_start")
	seen := map[string]bool{}
	for _, im := range info.Imports {
		if !seen[im.Module] {
			seen[im.Module] = true
			f.imports = append(f.imports, im.Module)
		}
	}
	return f, nil
}
