package host

import (
	"testing"

	"github.com/wasihttp/wasihttp/component"
)

// TestDraftsAreOfferedUnderEachOfTheirNames covers what versions of drafts tools know: none is
// compatible with another.
func TestDraftsAreOfferedUnderEachOfTheirNames(t *testing.T) {
	l := NewLinker()
	for _, name := range []string{
		"wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft", "wasi:config/store",
		"wasi:config/store@0.2.0-draft-2024-09-27", "wasi:config/runtime@0.2.0-draft",
		"wasi:logging/logging@0.1.0-draft", "wasi:logging/logging",
		"wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/atomics@0.2.0-draft2",
		"wasi:keyvalue/batch@0.2.0-draft2", "wasi:keyvalue/store",
		"wasi:otel/tracing@0.2.0-rc.2", "wasi:otel/logs@0.2.0-rc.1", "wasi:otel/metrics@0.2.0-draft",
		"wasi:otel/types",
	} {
		if by, ok := l.Offers(name); !ok || by != name {
			t.Errorf("%s is offered by %q", name, by)
		}
	}
	c, err := component.Decode(guestBytes(t, "bad", "command-config.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	imports, err := c.CheckImports(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range imports {
		if len(i.Problems) > 0 {
			t.Errorf("%s: %v", i.Name, i.Problems)
		}
	}
}
