package inspect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	tests := map[string]struct {
		files []string
		want  string // empty: an error with these words
		words []string
	}{
		"in the current folder": {[]string{"app.wasm"}, "app.wasm", nil},
		"cargo's release": {[]string{"target/wasm32-wasip2/release/app.wasm"},
			"target/wasm32-wasip2/release/app.wasm", nil},
		"cargo's debug": {[]string{"target/wasm32-wasip1/debug/app.wasm", "core.wasm"},
			"target/wasm32-wasip1/debug/app.wasm", nil},
		"dist": {[]string{"dist/app.wasm", "other/app.wasm"}, "dist/app.wasm",
			nil},
		"build": {[]string{"build/app.wasm"}, "build/app.wasm", nil},
		"several": {[]string{"dist/app.wasm", "b.wasm"}, "",
			[]string{"2 components", "dist/app.wasm", "b.wasm"}},
		"none that fits": {[]string{"core.wasm", "app.txt"}, "",
			[]string{"no component", "core.wasm: is a core module"}},
		"none": {nil, "", []string{"no component"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, file := range tt.files {
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, problem := Find("serve", "wasihttp serve", func(path string) (bool, string) {
				return filepath.Base(path) != "core.wasm", "is a core module"
			})
			if tt.want != "" {
				if problem != nil || filepath.ToSlash(got) != tt.want {
					t.Errorf("got %q, %v; want %q", got, problem, tt.want)
				}
				return
			}
			if problem == nil || problem.Hint == "" {
				t.Fatalf("got %q, %v", got, problem)
			}
			for _, word := range tt.words {
				if !strings.Contains(filepath.ToSlash(problem.Message), word) {
					t.Errorf("%q is missing in %q", word, problem.Message)
				}
			}
		})
	}
}

func TestFindTakesAFileWithTwoNamesOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("dist", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("dist/app.wasm", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link("dist/app.wasm", "latest.wasm"); err != nil {
		t.Fatal(err)
	}
	// A script of that name is no folder to look into.
	if err := os.WriteFile("build", nil, 0o700); err != nil {
		t.Fatal(err)
	}
	got, problem := Find("serve", "wasihttp serve", func(string) (bool, string) { return true, "" })
	if problem != nil || got != "latest.wasm" {
		t.Errorf("got %q, %v", got, problem)
	}
}

func TestFindPointsToWhatIsWrongWithTheOnlyFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("my app.wasm", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, problem := Find("serve", "wasihttp serve",
		func(string) (bool, string) { return false, "is a core module" })
	if problem == nil || !strings.HasSuffix(problem.Hint, "wasihttp inspect 'my app.wasm'") {
		t.Errorf("got %+v", problem)
	}
}

func TestFileThatMayNotBeReadHasAHint(t *testing.T) {
	if hint := readHint("my app.wasm", &fs.PathError{Op: "open", Path: "my app.wasm",
		Err: fs.ErrPermission}); !strings.HasSuffix(hint, "ls -l 'my app.wasm'") {
		t.Errorf("got %q", hint)
	}
	if hint := readHint("app.wasm", errors.New("a loop of links")); hint != "" {
		t.Errorf("got %q for another reason", hint)
	}
}
