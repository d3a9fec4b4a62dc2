package inspect

import (
	"os"
	"syscall"
	"testing"
)

func TestFindShowsOddNamesOnOneLine(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a\nb.wasm", "c.wasm"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, problem := Find("serve", "wasihttp serve", func(string) (bool, string) { return true, "" })
	if want := "there are 2 components to serve:\n  a\\x0ab.wasm\n  c.wasm"; problem == nil ||
		problem.Error() != want {
		t.Errorf("got %v", problem)
	}
}

func TestFindLeavesPipesAndDanglingLinksAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe.wasm", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", "dangling.wasm"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("folder.wasm", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("app.wasm", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, problem := Find("serve", "wasihttp serve", func(path string) (bool, string) {
		if path != "app.wasm" {
			t.Errorf("%s was looked into", path)
		}
		return true, ""
	})
	if problem != nil || got != "app.wasm" {
		t.Errorf("got %q, %v", got, problem)
	}
}
