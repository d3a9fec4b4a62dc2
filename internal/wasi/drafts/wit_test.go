package drafts

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/wittest"
)

// TestEveryFunctionHasTheTypeInTheWIT also finds interfaces of the texts that are not offered.
func TestEveryFunctionHasTheTypeInTheWIT(t *testing.T) {
	got := make(map[string]map[string]string) // by package and version
	h := &host{l: component.NewLinker(), defined: func(iface, name, wit string) {
		pkg, _, _ := strings.Cut(iface, "/")
		_, version, _ := strings.Cut(iface, "@")
		key := pkg + "@" + version
		if got[key] == nil {
			got[key] = make(map[string]string)
		}
		got[key][iface+" "+name] = wittest.Normal(wit)
	}}
	h.addAll()
	for dir, tt := range map[string]struct {
		pkg   string
		files int
	}{
		"keyvalue":        {"wasi:keyvalue@0.2.0-draft", 4},
		"keyvalue-draft2": {"wasi:keyvalue@0.2.0-draft2", 1},
		"config":          {"wasi:config@0.2.0-rc.1", 1},
		"logging":         {"wasi:logging@0.1.0-draft", 1},
		"otel":            {"wasi:otel@0.2.0-rc.2", 5},
	} {
		want := wittest.PackageFuncs(t,
			filepath.Join("..", "..", "..", "testdata", "guests", "wit", dir), tt.files)
		if dir == "otel" {
			// Later texts have the second in place of the first.
			const tracing = "wasi:otel/tracing@0.2.0-rc.2 "
			want[tracing+"current-span-context"] = want[tracing+"outer-span-context"]
		}
		if diff := cmp.Diff(want, got[tt.pkg]); diff != "" || len(want) == 0 {
			t.Errorf("%s: %s", dir, diff)
		}
	}
}
