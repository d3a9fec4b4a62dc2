package inspect

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMissing(t *testing.T) {
	whole := componentBytes(customSection("a", make([]byte, 300)),
		customSection("b", make([]byte, 10)))
	if got := missing(whole); got != 0 {
		t.Errorf("whole: %d bytes are missing", got)
	}
	for name, tt := range map[string]struct {
		data []byte
		want int64
	}{
		"in the preamble":       {whole[:5], 3},
		"after an id":           {whole[:9], 1},
		"in a size":             {whole[:10], 1},
		"in the first section":  {whole[:100], int64(8 + 3 + 302 - 100)},
		"between two sections":  {whole[:8+3+302], 0},
		"in the second section": {whole[:len(whole)-4], 4},
		"not a size": {append(componentBytes(), 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 0},
	} {
		if got := missing(tt.data); got != tt.want {
			t.Errorf("%s: %d bytes are missing, want %d", name, got, tt.want)
		}
	}
}

func TestDescribeModule(t *testing.T) {
	imports := section(2, join(leb(3),
		text("env"), text("f"), []byte{0, 0},
		text("wasi_snapshot_preview1"), text("fd_write"), []byte{0, 0},
		text("env"), text("g"), []byte{0, 0}))
	types := section(1, []byte{1, 0x60, 0, 0})
	exports := section(7, join(leb(1), text("_start"), []byte{0, 0}))
	module := moduleBytes(types, imports, exports,
		customSection("component-type:app", nil),
		producersSection([]string{"language", "Zig", ""}))
	got, err := describeModule(module)
	if err != nil {
		t.Fatal(err)
	}
	want := moduleFacts{
		wit: true, command: true,
		imports:   []string{"env", "wasi_snapshot_preview1"},
		producers: Producers{Language: []Producer{{Name: "Zig"}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(moduleFacts{})); diff != "" {
		t.Errorf("facts differ (-want +got):\n%s", diff)
	}
	if _, err := describeModule(module[:len(module)-1]); err == nil {
		t.Error("a malformed module is described")
	}
}

func TestExportsAreKnownByCanonicalNamesToo(t *testing.T) {
	for name, want := range map[string]string{
		"wasi:http/handler@0.3": "0.3", "wasi:http/handler@0.3.2": "0.3",
		"wasi:http/incoming-handler@0.2": "0.2", "wasi:http/incoming-handler@0.2.12": "0.2",
		"wasi:http/handler@0.30.0": "", "wasi:http/handler": "", "wasi:http/handler@0.2": "",
	} {
		if got, _ := handlerVersion(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{
		"wasi:cli/run@0.2": true, "wasi:cli/run@0.3.1": true, "wasi:cli/run@0.4.0": false,
	} {
		if isCommand(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
}
