package component

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKindOf(t *testing.T) {
	for data, want := range map[string]FileKind{
		"":                                 FileEmpty,
		"\x00asm":                          FileTruncated,
		"\x00asm\x0d\x00\x01\x00":          FileComponent,
		"\x00asm\x01\x00\x00\x00":          FileModule,
		"\x00asm\x0a\x00\x01\x00":          FileUnsupportedVersion,
		"\x00asm\x0d\x00\x02\x00":          FileUnsupportedLayer,
		";; text\n(component)":             FileText,
		"#!/bin/sh\nexec something else\n": FileOther,
	} {
		if got := KindOf([]byte(data)); got != want {
			t.Errorf("%q: %v, want %v", data, got, want)
		}
	}
}

func TestMissing(t *testing.T) {
	whole := componentBytes(customSection("a", make([]byte, 300)), customSection("b", make([]byte, 10)))
	if got := Missing(whole); got != 0 {
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
		"not a size":            {append(componentBytes(), 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 0},
	} {
		if got := Missing(tt.data); got != tt.want {
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
	module := coreModule(types, imports, exports,
		customSection("component-type:app", nil),
		producersSection([]string{"language", "Zig", ""}))
	got, err := DescribeModule(module)
	if err != nil {
		t.Fatal(err)
	}
	want := ModuleFacts{
		WIT: true, Command: true,
		Imports:   []string{"env", "wasi_snapshot_preview1"},
		Producers: Producers{Language: []Producer{{Name: "Zig"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts differ (-want +got):\n%s", diff)
	}
	if _, err := DescribeModule(module[:len(module)-1]); err == nil {
		t.Error("a malformed module is described")
	}
}

func TestOffersFindsCompatibleVersions(t *testing.T) {
	l := NewLinker()
	l.Instance("a:b/c@0.2.4")
	for name, want := range map[string]string{
		"a:b/c@0.2.4":       "a:b/c@0.2.4",
		"a:b/c@0.2.0":       "a:b/c@0.2.4",
		"a:b/c@0.3.0":       "",
		"a:b/c@0.2.0-rc.1":  "",
		"a:b/other@0.2.4":   "",
		"a:b/c":             "",
		"not an interface!": "",
	} {
		if got, ok := l.Offers(name); got != want || ok != (want != "") {
			t.Errorf("Offers(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestImportProblemTellsUnknownFromWrong(t *testing.T) {
	l := NewLinker()
	host := l.Instance("wasi:random/random@0.2.12")
	nothing := func(*Call, []Value) (Value, error) { return Value{}, nil }
	data, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "bad", "unknown-function.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	problem := func() ImportProblem {
		t.Helper()
		imports, err := c.CheckImports(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range imports {
			for _, p := range st.Problems {
				if p.Item == "function get-very-random-bytes" {
					return p
				}
			}
		}
		t.Fatal("the function is no problem")
		return ImportProblem{}
	}
	if p := problem(); !p.Unknown() {
		t.Errorf("without the function: %v", p)
	}
	host.Func("get-very-random-bytes", "func() -> string", nothing)
	if p := problem(); p.Unknown() {
		t.Errorf("with another type: %v", p)
	}
}
