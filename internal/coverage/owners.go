package coverage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/host"
)

// ownerOf returns what tells by its name whether a function of a module without lines is the
// user's. One without a name counts as such.
func ownerOf(m *host.CoveredModule) func(name string) bool {
	if isGo(m) {
		return goOwner(m.GoModule)
	}
	if crate := crateOf(m); crate != "" {
		return func(name string) bool { return ofCrate(name, crate) }
	}
	return func(name string) bool {
		return !hasPrefix(name, library...) && !cRuntime(name)
	}
}

// crateOf returns the prefix of names in the crate that a module of Rust is named after; "" for
// other modules.
func crateOf(m *host.CoveredModule) string {
	crate := strings.ReplaceAll(strings.TrimSuffix(m.Name, ".wasm"), "-", "_") + "::"
	if slices.ContainsFunc(m.Functions, func(f host.CoveredFunc) bool {
		return strings.HasPrefix(f.Name, crate)
	}) {
		return crate
	}
	return ""
}

// ofCrate reports whether a function is of a crate, or what the component exports, into which
// compilers inline much of it. Bindings that were generated are nobody's.
func ofCrate(name, crate string) bool {
	if hasPrefix(name, "cabi_", "__") || strings.Contains(name, "__link_custom_section") {
		return false
	}
	if strings.Contains(name, "#") && !strings.Contains(name, "::") {
		return true
	}
	rest, own := strings.CutPrefix(strings.TrimLeft(name, "<&[("), crate)
	return own && !hasPrefix(rest, "wasi::", "exports::", "_rt::", "wit_future::", "wit_stream::")
}

// isGo reports whether Go's own compiler has made the module.
func isGo(m *host.CoveredModule) bool {
	return slices.ContainsFunc(m.Functions, func(f host.CoveredFunc) bool {
		return f.Name == "runtime.mallocgc"
	})
}

// goOwner knows functions by the import paths of their packages: those below a module are the
// user's, but for bindings that were generated for the imports of the component. In names of
// WebAssembly, Go has an underscore for everything but letters, digits and dots.
func goOwner(module string) func(name string) bool {
	mangled := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '_'
	}, module)
	return func(name string) bool {
		if strings.HasPrefix(name, "main.") {
			return !strings.HasPrefix(name, "main.wasm_export_")
		}
		rest, below := strings.CutPrefix(name, mangled)
		return module != "" && below && hasPrefix(rest, ".", "_", "/") && !hasPrefix(rest, "_wasi_")
	}
}

// library are the beginnings of names in Rust's libraries and in what toolchains add.
var library = []string{
	"core::", "std::", "alloc::", "<core::", "<std::", "<alloc::", "<dyn core::", "<&", "<[",
	"<str ", "<u8 ", "<u16 ", "<u32 ", "<u64 ", "<usize ", "<i32 ", "<i64 ", "<bool ", "<char ",
	"compiler_builtins::", "dlmalloc::", "<dlmalloc::", "hashbrown::", "<hashbrown::",
	"wit_bindgen::", "<wit_bindgen::", "wit_bindgen_rt::", "wasi::", "<wasi::", "wasip2::",
	"wasip3::", "<wasip2::", "<wasip3::", "rustc_demangle::", "panic_abort::", "miniz_oxide::",
	"__", "_start", "_initialize", "cabi_", "dl", "rust_begin_unwind", "rust_panic",
	"_critical_error", "wasi_", "asyncify_", "emscripten_", "legalstub$", "dynCall_",
}

func hasPrefix(name string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// cRuntime reports whether a name is one of the C library that nearly every program has.
func cRuntime(name string) bool {
	switch name {
	case "malloc", "free", "calloc", "realloc", "aligned_alloc", "posix_memalign", "abort", "exit",
		"memcpy", "memmove", "memset", "memcmp", "memchr", "memrchr", "strlen", "strnlen",
		"strcpy", "strcmp", "strncmp", "strchr", "strchrnul", "strrchr", "strdup", "strndup",
		"stpcpy", "stpncpy", "strerror", "sbrk", "getenv", "environ", "printf", "fprintf",
		"snprintf", "vsnprintf", "vfprintf", "printf_core", "fwrite", "fputs", "fputc", "puts",
		"putchar", "qsort", "write", "writev", "close", "lseek", "getcwd", "fmt_fp", "pop_arg",
		"pad", "out", "wctomb", "wcrtomb", "frexp", "vasprintf", "asprintf", "sn_write":
		return true
	}
	return false
}

// engineNote says that the code of a component is not seen, and what sees it.
func engineNote(name string, c Component) string {
	instead := "measure the code with a tool of the language, in tests of its own"
	switch c.Language {
	case "Python":
		instead = "measure the Python code with coverage.py (pytest --cov) in tests of its own, " +
			"outside of the component"
	case "JavaScript":
		instead = "measure the JavaScript code with c8 or the coverage of Vitest in tests of its " +
			"own, outside of the component"
	}
	return fmt.Sprintf("%s: only the engine (%s) can be seen, not the %s code that it runs, so "+
		"nothing of it is counted; %s", name, c.Engine, c.Language, instead)
}

func stripHint(language string) string {
	switch language {
	case "Go":
		return "no -ldflags=-s"
	case "Rust":
		return `strip = "debuginfo" in the profile`
	}
	return "no -s, no strip"
}

func linesHint(language string) string {
	switch language {
	case "Go":
		return "Go makes none for WebAssembly; TinyGo does"
	case "Rust":
		return `debug = "line-tables-only" and strip = false in the profile add it`
	case "C", "C++":
		return "-g adds it"
	}
	return "the compiler adds it, with -g for instance"
}
