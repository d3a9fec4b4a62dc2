package inspect

import (
	"slices"
	"strings"
)

// Toolchain is what a component was most likely written in.
type Toolchain struct {
	Language string // "Rust", "JavaScript", …; "" if nothing tells
	// Runtime is that of an interpreted language, or of a compiler that has its own:
	// "StarlingMonkey", "QuickJS", "CPython", "TinyGo"; else "".
	Runtime string
}

// String returns both, such as "JavaScript (StarlingMonkey)".
func (t Toolchain) String() string {
	if t.Runtime == "" {
		return t.Language
	}
	return t.Language + " (" + t.Runtime + ")"
}

// Toolchain guesses. An interpreter's own language is passed over in favour of what it interprets.
func (p Producers) Toolchain() Toolchain {
	tools := func(words ...string) bool {
		return slices.ContainsFunc(slices.Concat(p.ProcessedBy, p.SDK), func(t Producer) bool {
			return slices.ContainsFunc(words,
				func(w string) bool { return strings.Contains(strings.ToLower(t.Name), w) })
		})
	}
	language := func(names ...string) bool {
		return slices.ContainsFunc(p.Language, func(l Producer) bool {
			return slices.ContainsFunc(names,
				func(n string) bool { return strings.EqualFold(l.Name, n) })
		})
	}
	starts := func(prefix string) bool {
		return slices.ContainsFunc(p.Language,
			func(l Producer) bool { return strings.HasPrefix(l.Name, prefix) })
	}
	switch {
	case slices.Contains(p.Runtimes, quickJSRuntime+".wasm"):
		return Toolchain{"JavaScript", "QuickJS"}
	case len(p.Runtimes) > 0 || tools("componentize-py") || language("Python"):
		return Toolchain{"Python", "CPython"}
	case tools("componentize-qjs", "quickjs"):
		return Toolchain{"JavaScript", "QuickJS"}
	case tools("componentizejs", "componentize-js", "starlingmonkey"):
		return Toolchain{"JavaScript", "StarlingMonkey"}
	case language("JavaScript", "TypeScript"):
		return Toolchain{Language: "JavaScript"}
	case tools("tinygo"):
		return Toolchain{"Go", "TinyGo"}
	case language("Go") || tools("go cmd/compile", "wit-bindgen-go", "componentize-go"):
		return Toolchain{Language: "Go"}
	case language("C#") || tools("componentize-dotnet", "wit-bindgen-csharp"):
		return Toolchain{Language: "C#"}
	case tools("moonbit") || language("MoonBit"):
		return Toolchain{Language: "MoonBit"}
	case language("Swift"):
		return Toolchain{Language: "Swift"}
	case language("Zig"):
		return Toolchain{Language: "Zig"}
	case tools("wit-bindgen-rust", "cargo-component", "cargo"):
		return Toolchain{Language: "Rust"}
	case starts("C_plus_plus") || language("C++"):
		return Toolchain{Language: "C++"}
	case starts("C") && tools("clang", "wit-bindgen-c"):
		return Toolchain{Language: "C"}
	case language("Rust") || tools("rustc"):
		return Toolchain{Language: "Rust"}
	case tools("wit-bindgen-c", "clang"):
		return Toolchain{Language: "C"}
	}
	return Toolchain{}
}
