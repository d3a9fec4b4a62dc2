package testrunner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/testrunner"
)

// tree makes files in a folder, which becomes the current one.
func tree(t *testing.T, files ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFixturesAreFound(t *testing.T) {
	tree(t, "f/b.hurl", "f/a.HURL", "f/sub/c.har", "f/x.txt", "f/.git/no.hurl", "f/node_modules/no.hurl", "f/target/no.hurl", "g/d.hurl", "other.txt")
	tests := []struct {
		paths []string
		want  string
	}{
		{[]string{"f"}, "f/a.HURL f/b.hurl f/sub/c.har"},
		{[]string{"g/d.hurl", "f/b.hurl"}, "g/d.hurl f/b.hurl"},
		{[]string{"f", "./f/b.hurl", "f/../f"}, "f/a.HURL f/b.hurl f/sub/c.har"},
		{[]string{"other.txt"}, "other.txt"},
		{[]string{"f/*.hurl", "g*"}, "f/b.hurl g/d.hurl"},
		{[]string{"-", "-", "g"}, "- g/d.hurl"},
	}
	for _, tt := range tests {
		got, err := testrunner.Find(tt.paths)
		if err != nil {
			t.Errorf("%v: %v", tt.paths, err)
		}
		if diff := cmp.Diff(tt.want, filepath.ToSlash(strings.Join(got, " "))); diff != "" {
			t.Errorf("%v: %s", tt.paths, diff)
		}
	}
	if abs, err := filepath.Abs("g/d.hurl"); err != nil {
		t.Error(err)
	} else if got, err := testrunner.Find([]string{"g/d.hurl", abs}); err != nil || len(got) != 1 {
		t.Errorf("the same file by two names: %v, %v", got, err)
	}
}

func TestPathsWithoutFixturesAreErrors(t *testing.T) {
	tree(t, "empty/x.txt", "app.wasm")
	for path, want := range map[string]string{
		"empty": "no fixtures", "nowhere": "no such file or directory", "no*.hurl": "no such file or directory", "app.wasm": "--component",
	} {
		if runtime.GOOS == "windows" && strings.HasPrefix(want, "no such") {
			want = ""
		}
		if got, err := testrunner.Find([]string{path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want an error with %q", path, got, err, want)
		}
	}
}

func TestSourcesAreReadInTheirOrder(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range 100 {
		path := filepath.Join(dir, fmt.Sprint(i)+".hurl")
		text := fmt.Appendf(nil, "GET http://localhost/%d\n", i)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	paths[50] = testrunner.Stdin
	sources := testrunner.ReadAll(paths, strings.NewReader("GET http://localhost/50\n"))
	for i, s := range sources {
		if want := fmt.Sprintf("http://localhost/%d", i); s.Path != paths[i] || s.Err != nil ||
			!strings.HasSuffix(testrunner.EntryName(s.File.Entries[0]), want) {
			t.Errorf("source %d is %s: %v %v", i, s.Path, s.Err, s.Errors)
		}
	}
}
