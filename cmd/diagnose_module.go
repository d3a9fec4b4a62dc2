package cmd

import (
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// preview1 is the module name of the interfaces before WASI 0.2.
const preview1 = "wasi_snapshot_preview1"

// module examines a core module: how it can be made into a component.
func (x *examined) module() *examined {
	if component.Missing(x.Data) > 0 {
		return x.truncated()
	}
	facts, err := component.DescribeModule(x.Data)
	if err != nil {
		return x.problem(codeModule, "build it again, as a component", "is a core module, not a component, and a malformed one: %v", err)
	}
	x.Producers = facts.Producers
	what := "is a core module, not a component"
	if slices.Contains(facts.Imports, preview1) {
		what = "is a core module for WASI preview 1, not a component"
	}
	return x.problem(codeModule, moduleHint(x.Path, facts), "%s", what)
}

// moduleHint gives the command that makes the component: for a module that knows its world the one that wraps it, else the build that
// the language offers.
func moduleHint(path string, facts component.ModuleFacts) string {
	out := shellWord(strings.TrimSuffix(path, ".wasm") + ".component.wasm")
	wrap := "wasm-tools component new -o " + out
	adapted, source := slices.Contains(facts.Imports, preview1), ""
	if adapted {
		adapter := "reactor"
		if facts.Command {
			adapter = "command"
		}
		source = " (the adapter is among the files of wasmtime's releases)"
		wrap += " --adapt " + preview1 + "=" + preview1 + "." + adapter + ".wasm"
	}
	made := "make it one: " + wrap + " " + shellWord(path) + source
	if facts.WIT {
		return made
	}
	byHand := "give it its world and make it one: wasm-tools component embed wit " + shellWord(path) + " | " + wrap + source
	if facts.Command && adapted {
		// A program needs no world: the adapter has it.
		byHand = made
	}
	switch t := facts.Producers.Toolchain(); {
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
		return "build it as one: clang --target=wasm32-wasip2 with the bindings of wit-bindgen c, or " + byHand
	}
	return byHand
}
