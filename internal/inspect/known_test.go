package inspect

import (
	"strings"
	"testing"
)

func TestFilesThatAreTakenForComponentsAreNamed(t *testing.T) {
	tar := strings.Repeat("\x00", 257) + "ustar\x00"
	for name, tt := range map[string]struct{ path, data, what, hint string }{
		"gzip": {"app.wasm.gz", "\x1f\x8b\x08", "compressed by gzip",
			"gunzip -c app.wasm.gz > app.wasm"},
		"gzip, too": {"my app.wasm", "\x1f\x8b\x08", "compressed by gzip",
			"gunzip -c 'my app.wasm' > 'my app.unpacked.wasm'"},
		"zstd": {"a.wasm.zst", "\x28\xb5\x2f\xfd", "compressed by zstd",
			"zstd -d a.wasm.zst -o a.wasm"},
		"xz":   {"a.wasm.xz", "\xfd7zXZ\x00", "compressed by xz", "xz -dc"},
		"zip":  {"a.wasm", "PK\x03\x04", "a zip archive", "unpack"},
		"tar":  {"a.wasm", tar, "a tar archive", "unpack"},
		"ELF":  {"a", "\x7fELF\x02", "a native program", "wasm32-wasip2"},
		"HTML": {"a.wasm", "\n <!DOCTYPE HTML><html>", "an HTML page", "download the file again"},
		"Git LFS": {"a.wasm", "version https://git-lfs.github.com/spec/v1\n",
			"a pointer of Git LFS", "git lfs pull"},
		"WIT":   {"world.wit", "package a:b;\n", "WIT", "component that was built from it"},
		"other": {"a.wasm", "hello", "begins with 68 65 6c 6c 6f", "name the .wasm file"},
	} {
		x := Bytes(tt.path, []byte(tt.data), linkerOf02())
		if x.Problem == nil || x.Problem.Code != CodeNotWasm ||
			!strings.Contains(x.Problem.Message, tt.what) ||
			!strings.Contains(x.Problem.Hint, tt.hint) {
			t.Errorf("%s: got %+v", name, x.Problem)
		}
	}
}
