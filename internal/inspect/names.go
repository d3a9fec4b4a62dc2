package inspect

import (
	"bytes"

	"github.com/wasihttp/wasihttp/component"
)

// dylib is in the names of the functions that describe interfaces to interpreters: those of
// the crate wit-dylib, which is for them.
const dylib = "wit_dylib_"

// NamesHint says how to build a component so that its functions have names, which its backtraces
// lack; "" if names would be those of an interpreter.
func NamesHint(c *component.Component) string {
	const what = "the build has no names of functions"
	switch t := ComponentProducers(c).Toolchain(); {
	case bytes.Contains(c.Binary(), []byte(dylib)):
		return ""
	case t.Runtime == "TinyGo":
		return what + ": build without -no-debug"
	case t.Runtime != "":
		return ""
	case t.Language == "Rust":
		return what + ": set strip = false in [profile.release] of Cargo.toml" +
			" (debug = 1 adds the lines of the source)"
	case t.Language == "Go":
		return what + ": build without -ldflags=-s"
	case t.Language == "C", t.Language == "C++":
		return what + ": link without -s and -Wl,--strip-all (-g adds the lines of the source)"
	case t.Language == "Zig":
		return what + ": build with -fno-strip (-O ReleaseSafe adds checks)"
	}
	return what + ": build and link without stripping them (wasm-opt keeps them with -g, " +
		"wasm-tools strip removes them)"
}
