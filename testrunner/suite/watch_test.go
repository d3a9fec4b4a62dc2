package suite

import (
	"cmp"
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestAChangeConcernsOnlyWhatItCouldChange(t *testing.T) {
	t.Chdir(t.TempDir())
	w := &watcher{Suite: &Suite{}, fallback: "app.wasm"}
	sources := []*testrunner.Source{
		testrunner.Parse("fixtures/a.hurl", []byte("GET http://localhost/\n")),
		testrunner.Parse("fixtures/sub/b.hurl", []byte("# @component ../../other.wasm\n\nGET http://localhost/\n")),
		testrunner.Parse("fixtures/sub/c.hurl", []byte("GET http://localhost/\n")),
	}
	components := map[string]bool{absolute("app.wasm"): true, absolute("other.wasm"): true}
	for changed, want := range map[string][]string{
		"fixtures/a.hurl":       {"fixtures/a.hurl"},
		"fixtures/new.hurl":     nil,
		"app.wasm":              {"fixtures/a.hurl", "fixtures/sub/c.hurl"},
		"other.wasm":            {"fixtures/sub/b.hurl"},
		"fixtures/data.txt":     {"fixtures/a.hurl"}, // the others may not read it
		"fixtures/sub/data.txt": {"fixtures/a.hurl", "fixtures/sub/b.hurl", "fixtures/sub/c.hurl"},
		"elsewhere.txt":         nil,
	} {
		var got []string
		for _, source := range sources {
			if w.concerns(absolute(changed), source, components) {
				got = append(got, source.Path)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s concerns %v, want %v", changed, got, want)
		}
	}
}

func TestWhatComponentsArePutTogetherWithIsWatched(t *testing.T) {
	t.Chdir(t.TempDir())
	w := &watcher{Suite: &Suite{Parts: []string{"words.wasm"}}, fallback: "app.wasm"}
	source := testrunner.Parse("a.hurl", []byte("GET http://localhost/\n"))
	for _, named := range []string{"", "other.wasm"} {
		w.Options.Component = named
		list := w.components(source)
		if want := []string{cmp.Or(named, "app.wasm"), "words.wasm"}; !slices.Equal(list, want) {
			t.Errorf("got %q, want %q", list, want)
		}
		components := map[string]bool{}
		for _, path := range list {
			components[absolute(path)] = true
		}
		if !w.concerns(absolute("words.wasm"), source, components) {
			t.Error("a change of the part does not concern the fixture")
		}
	}
}
