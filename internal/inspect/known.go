package inspect

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
)

// fileFact says what a file is that is no WebAssembly, and what to do about it.
type fileFact struct{ what, hint string }

// knownFile recognizes files that are often taken for components; the zero value stands for all
// others.
func knownFile(path string, data []byte) fileFact {
	begins := func(prefixes ...string) bool {
		for _, prefix := range prefixes {
			if bytes.HasPrefix(data, []byte(prefix)) {
				return true
			}
		}
		return false
	}
	text := strings.ToLower(string(bytes.TrimLeft(data[:min(len(data), 256)], " \t\r\n\ufeff")))
	const native = "build it for WebAssembly, for example with cargo build --target wasm32-wasip2"
	switch {
	case begins("\x1f\x8b"):
		return fileFact{"compressed by gzip",
			"unpack it: gunzip -c " + term.ShellPath(path) + " > " + term.ShellPath(unpacked(path))}
	case begins("\x28\xb5\x2f\xfd"):
		return fileFact{"compressed by zstd",
			"unpack it: zstd -d " + term.ShellPath(path) + " -o " + term.ShellPath(unpacked(path))}
	case begins("\xfd7zXZ"):
		return fileFact{"compressed by xz",
			"unpack it: xz -dc " + term.ShellPath(path) + " > " + term.ShellPath(unpacked(path))}
	case begins("PK\x03\x04"):
		return fileFact{"a zip archive", "unpack it, and name the .wasm file that was in it"}
	case len(data) > 262 && string(data[257:262]) == "ustar":
		return fileFact{"a tar archive", "unpack it, and name the .wasm file that was in it"}
	case begins("\x7fELF", "MZ", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"):
		return fileFact{"a native program", native}
	case begins("version https://git-lfs.github.com/"):
		return fileFact{"a pointer of Git LFS to the file", "get the file itself: git lfs pull"}
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return fileFact{"an HTML page",
			"a download may have failed: look at the page, and download the file again"}
	case filepath.Ext(path) == ".wit":
		return fileFact{"WIT, the text of interfaces", "name the component that was built from it"}
	}
	return fileFact{}
}

// unpacked names a file for what was compressed.
func unpacked(path string) string {
	name := strings.TrimSuffix(path, filepath.Ext(path))
	if filepath.Ext(name) == ".wasm" {
		return name
	}
	return name + ".unpacked.wasm"
}
