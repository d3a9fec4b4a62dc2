package component

import (
	"os"
	"path/filepath"
	"testing"
)

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

func TestImportProblemDistinguishesUnknownFromWrongType(t *testing.T) {
	l := NewLinker()
	host := l.Instance("wasi:random/random@0.2.12")
	nothing := func(*Call, []Value) (Value, error) { return Value{}, nil }
	data, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "bad",
		"unknown-function.wasm"))
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
