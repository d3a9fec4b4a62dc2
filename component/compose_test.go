package component

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func guestPart(t *testing.T, path ...string) Part {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(append([]string{"..", "testdata", "guests"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	return Part{Name: path[len(path)-1], Component: c}
}

const phrases = "words:greeting/phrases"

func TestALinkOfOtherTypesIsAProblemOfTheImporter(t *testing.T) {
	greeter := guestPart(t, "rust-greeter", "rust-greeter.wasm")
	other := guestPart(t, "bad", "other-words.wasm")
	c, err := Compose([]Part{greeter, other}, []PartLink{{0, phrases, 1, phrases}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flatten(c, NewLinker())
	if err != nil {
		t.Fatal(err)
	}
	err = &LinkError{Problems: f.problems[:1]}
	for _, want := range []string{greeter.Name, other.Name, "phrase.text", "string", "u32"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	for _, p := range f.problems[1:] {
		if p.Interface == phrases {
			t.Errorf("another problem: %v", p)
		}
	}
}

func TestLinksThatCannotBeAreErrors(t *testing.T) {
	one := guestPart(t, "bad", "command-words.wasm")
	two := guestPart(t, "rust-words", "rust-words.wasm")
	for name, links := range map[string][]PartLink{
		"circle":  {{0, phrases, 1, phrases}, {1, "x", 0, "wasi:cli/run@0.2.4"}},
		"missing": {{0, phrases, 1, "words:greeting/none"}},
	} {
		if c, err := Compose([]Part{one, two}, links, nil); err == nil {
			t.Errorf("%s: got %v", name, c.ImportNames())
		}
	}
	whole, err := Compose([]Part{one, two}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compose([]Part{{"whole", whole}}, nil, nil); err == nil {
		t.Error("a composition is a part of another one")
	}
}

func TestABundleGivesBackItsFiles(t *testing.T) {
	files := [][]byte{[]byte("text"), {}, bytes.Repeat([]byte{4}, 1000)}
	got := Unbundle(Bundle(files...))
	if len(got) != len(files) {
		t.Fatalf("%d files", len(got))
	}
	for i := range files {
		if !bytes.Equal(got[i], files[i]) {
			t.Errorf("file %d: %q", i, got[i])
		}
	}
	if KindOf(Bundle()) != FileComponent || len(Unbundle(Bundle())) != 0 || Unbundle(nil) != nil {
		t.Error("a bundle of nothing")
	}
	// What is cut off is left out.
	if whole := Bundle(files...); len(Unbundle(whole[:len(whole)-1])) != 2 {
		t.Error("a file that is not whole is given back")
	}
}

func TestAComposedComponentIsWhatOthersMakeOfTheSameFiles(t *testing.T) {
	l := NewLinker()
	for _, tt := range []struct {
		want        Part
		main, other Part
		name        string
	}{
		{guestPart(t, "composed", "words.wasm"), guestPart(t, "rust-greeter", "rust-greeter.wasm"),
			guestPart(t, "rust-words", "rust-words.wasm"), phrases},
		{guestPart(t, "composed", "p3.wasm"),
			guestPart(t, "rust-middleware-p3", "rust-middleware-p3.wasm"),
			guestPart(t, "rust-hello-p3", "rust-hello-p3.wasm"), "wasi:http/handler@0.3.0"},
	} {
		var exports []PartExport
		for _, name := range tt.main.Component.ExportNames() {
			exports = append(exports, PartExport{0, name})
		}
		got, err := Compose([]Part{tt.main, tt.other}, []PartLink{{0, tt.name, 1, tt.name}}, exports)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := sortedLines(got.WIT()), sortedLines(tt.want.Component.WIT()); a != b {
			t.Errorf("%s: the world is\n%s\nwant\n%s", tt.want.Name, got.WIT(),
				tt.want.Component.WIT())
		}
		var plans [2]*plan
		for i, c := range []*Component{got, tt.want.Component} {
			f, err := flatten(c, l)
			if err != nil && !errors.As(err, new(*LinkError)) {
				t.Fatal(err)
			}
			plans[i] = f.plan
		}
		a, b := plans[0], plans[1]
		if len(a.inits) != len(b.inits) || len(a.instances) != len(b.instances) ||
			len(a.resources) != len(b.resources) || a.async != b.async {
			t.Errorf("%s: %d core instances, %d instances, %d resources; want %d, %d, %d",
				tt.want.Name, len(a.inits), len(a.instances), len(a.resources),
				len(b.inits), len(b.instances), len(b.resources))
		}
	}
}

// sortedLines returns the lines of WIT text in an order that does not depend on that of imports.
func sortedLines(text string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
