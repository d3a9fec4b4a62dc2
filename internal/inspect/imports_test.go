package inspect

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component"
)

func TestWhatIsNotProvidedIsNamedWithWhatRunsIt(t *testing.T) {
	l := component.NewLinker()
	for name, want := range map[string]string{
		"fermyon:spin/sqlite@2.0.0":                 "Spin: run the component with spin up",
		"fermyon:spin/key-value":                    "spin up",
		"spin:postgres/postgres@4.2.0":              "spin up",
		"spin:key-value/key-value@3.0.0":            "spin up",
		"wasmcloud:messaging/consumer@0.2.0":        "wasmCloud: run the component with wash dev",
		"wasmcloud:bus/lattice@1.0.0":               "wash dev",
		"fastly:compute/http-req":                   "fastly compute serve",
		"golem:api/host@1.1.0":                      "Golem",
		"wasi:nn/graph@0.2.0-rc-2024-10-28":         "wasmtime serve -S nn",
		"wasi:tls/types@0.2.0-draft":                "wasmtime serve -S tls",
		"wasi:blobstore/blobstore@0.2.0-draft":      "wash dev",
		"wasi:messaging/producer@0.2.0-draft":       "wash dev",
		"wasi:observe/api@0.1.0":                    "spin up",
		"wasi:webgpu/webgpu@0.0.1":                  "wasi-gfx",
		"wasi:sql/readwrite@0.2.0-draft":            "a proposal that WASI 0.2 and 0.3 do not have",
		"wasi:keyvalue/readwrite":                   "0.2.0-draft and 0.2.0-draft2",
		"wasi:keyvalue/eventual@0.1.0":              "0.2.0-draft and 0.2.0-draft2",
		"wasi:keyvalue/watcher@0.2.0-draft2":        "0.2.0-draft and 0.2.0-draft2",
		"wasi:config/store@0.3.0":                   "wasi:config/store 0.2.0-rc.1",
		"wasi:logging/logging@1.0.0":                "wasi:logging/logging 0.1.0-draft",
		"wasi:http/proxy@0.2.0":                     "provided are wasi:cli",
		"azure:storage/blobs@1.0.0":                 "the host that has azure:storage",
		"aws:lambda/runtime":                        "the host that has aws:lambda",
		"my-company:internal/thing@2.3.4-beta+meta": "the host that has my-company:internal",
		"plain": "leave it out of the world",
	} {
		hint := importHint(name, l)
		if !strings.Contains(hint, want) {
			t.Errorf("%s: %q does not say %q", name, hint, want)
		}
		versionBefore := strings.HasPrefix(hint, "this is a version before a release")
		if !strings.Contains(hint, "--plug other.wasm") && !versionBefore {
			t.Errorf("%s: %q does not say --plug", name, hint)
		}
	}
}
