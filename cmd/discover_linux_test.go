package cmd

import (
	"os"
	"syscall"
	"testing"
)

func TestDiscoverShowsOddNamesOnOneLine(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a\nb.wasm", "c.wasm"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := discover(func(string) (bool, string) { return true, "" })
	if want := "there are 2 components to serve:\n  a\\x0ab.wasm\n  c.wasm"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestDiscoverLeavesPipesAndDanglingLinksAlone(t *testing.T) {
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
	got, err := discover(func(path string) (bool, string) {
		if path != "app.wasm" {
			t.Errorf("%s was looked into", path)
		}
		return true, ""
	})
	if err != nil || got != "app.wasm" {
		t.Errorf("got %q, %v", got, err)
	}
}
