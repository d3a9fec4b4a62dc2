package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFieldsInJSONStay compares the fields that commands print as JSON with the list of those that
// programs rely on. A field that has gone is a fault; a new one is added with -update.
func TestFieldsInJSONStay(t *testing.T) {
	fixture := filepath.Join(t.TempDir(), "a.hurl")
	component := guestPath("rust-kitchen")
	text := "# @component " + component + "\nGET {{base}}/\nHTTP 200\n\nGET {{base}}/\nHTTP 404\n\nGET {{base}}/trap\nHTTP 200\n"
	if err := os.WriteFile(fixture, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.hurl")
	if err := os.WriteFile(broken, []byte("GET\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fields := map[string]bool{}
	for _, args := range [][]string{
		{"inspect", guestPath("rust-sockets/p3")},
		{"inspect", guestPath("rust-middleware-p3")},
		{"inspect", guestPath("bad/unknown-function")},
		{"inspect", guestPath("bad/unknown-import")},
		{"inspect", guestPath("composed/words")},
		{"config", "serve", component, "--addr", ":0"},
		{"version"},
		{"test", "--list", fixture, broken},
		{"test", fixture, broken},
	} {
		name := args[0]
		if name == "test" && args[1] == "--list" {
			name = "test --list"
		}
		_, stdout, stderr := runMain(append(args, "--json")...)
		var got any
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatalf("%q: %v\n%s\n%s", args, err, stdout, stderr)
		}
		collectFields(fields, name+":", "", got)
	}
	// Whether these are known depends on how the test was built.
	delete(fields, "version: commit")
	delete(fields, "version: time")
	got := strings.Join(slices.Sorted(maps.Keys(fields)), "\n") + "\n"
	golden := filepath.Join("testdata", "json-fields.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
	testFieldsAreDocumented(t, fields)
}

// collectFields adds the names of all members below v, as paths. Members of open-ended objects have
// names of their own.
func collectFields(fields map[string]bool, command, path string, v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			collectFields(fields, command, path+"[]", item)
		}
	case map[string]any:
		for name, item := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			if strings.HasSuffix(path, "outcomes") {
				at = path + ".*"
			}
			fields[command+" "+at] = true
			collectFields(fields, command, at, item)
		}
	}
}

// testFieldsAreDocumented looks for each field in the manual.
func testFieldsAreDocumented(t *testing.T, fields map[string]bool) {
	t.Helper()
	var pages strings.Builder
	for _, page := range []string{"agents.md", "test.md"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&pages, "%s\n", text)
	}
	for field := range fields {
		name := field[strings.LastIndexAny(field, " .")+1:]
		if name != "*" && !strings.Contains(pages.String(), "`"+name+"`") {
			t.Errorf("neither docs/agents.md nor docs/test.md has %q (%s)", name, field)
		}
	}
}

// guestPath returns the path of a committed guest: name/name.wasm, or the file in the folder.
func guestPath(name string) string {
	folder, file, ok := strings.Cut(name, "/")
	if !ok {
		file = folder
	}
	path, err := filepath.Abs(filepath.Join("..", "testdata", "guests", folder, file+".wasm"))
	if err != nil {
		panic(err)
	}
	return path
}
