package inspect

import (
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/wasi"
)

func TestWasmtimeNeedsTheFlagsOfWhatIsImported(t *testing.T) {
	l := component.NewLinker()
	wasi.AddTo(l, func(any) *wasi.State { return nil })
	for path, want := range map[string]string{
		"rust-hello/rust-hello.wasm":                 "wasmtime serve",
		"rust-hello/rust-hello-std.wasm":             "wasmtime serve -Scli",
		"rust-hello-p3/rust-hello-p3.wasm":           "wasmtime serve", // 46 has 0.3 by default
		"rust-keyvalue/rust-keyvalue.wasm":           "wasmtime serve -Skeyvalue",
		"rust-keyvalue/rust-keyvalue-draft2.wasm":    "",
		"rust-middleware-p3/rust-middleware-p3.wasm": "",
		"rust-files-p3/rust-files-p3.wasm":           "wasmtime run",
		"rust-sockets/p3.wasm":                       "wasmtime run -Sinherit-network -Sallow-ip-name-lookup",
	} {
		file := filepath.Join("..", "..", "testdata", "guests", filepath.FromSlash(path))
		r := NewReport(Open(file, 1<<30, l))
		if want != "" {
			want += " " + file
		}
		if len(r.Wasmtime) != 1 || r.Wasmtime[0].Line != want || (want == "") != (r.Wasmtime[0].Missing != nil) {
			t.Errorf("%s: %+v, want %q", path, r.Wasmtime, want)
		}
	}
}

func TestEachInterfaceNeedsItsFlag(t *testing.T) {
	for _, tt := range []struct{ base, version, serve, run string }{
		{"wasi:io/streams", "0.2.0", "", ""},
		{"wasi:cli/stderr", "0.2.12", "", ""},
		{"wasi:cli/environment", "0.2.12", "-Scli", ""},
		{"wasi:cli/environment", "0.3.0", "", ""},
		{"wasi:random/insecure", "0.2.3", "-Scli", ""},
		{"wasi:filesystem/types", "0.3.0", "-Scli", ""},
		{"wasi:sockets/types", "0.3.1", "-Scli", ""},
		{"wasi:http/outgoing-handler", "0.2.4", "", "-Shttp"},
		{"wasi:http/client", "0.3.0", "", "-Shttp"},
		{"wasi:config/store", "0.2.0-rc.1", "-Sconfig", "-Sconfig"},
		{"wasi:keyvalue/batch", "0.2.0-draft", "-Skeyvalue", "-Skeyvalue"},
		{"wasi:keyvalue/batch", "0.2.0-draft2", "none", "none"},
		{"wasi:config/runtime", "0.2.0-draft", "none", "none"},
		{"wasi:clocks/timezone", "0.2.4", "none", "none"},
		{"wasi:http/handler", "0.3.0", "none", "none"},
		{"wasi:logging/logging", "0.1.0-draft", "none", "none"},
		{"acme:cache/store", "1.0.0", "none", "none"},
	} {
		for command, want := range map[string]string{"serve": tt.serve, "run": tt.run} {
			flag, ok := wasmtimeFlag(tt.base, tt.version, command)
			if !ok {
				flag = "none"
			}
			if flag != want {
				t.Errorf("%s %s@%s: %q, want %q", command, tt.base, tt.version, flag, want)
			}
		}
	}
}
