package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFoldersAreOpenAsLongAsTheHost(t *testing.T) {
	h := newHost(t, "rust-hello", Config{Dirs: []Dir{
		{Host: t.TempDir(), Guest: "/"}, {Host: t.TempDir(), Guest: "/data", ReadOnly: true},
	}})
	dirs := h.maker.base.Dirs
	if len(dirs) != 2 || dirs[1].Guest != "/data" || !dirs[1].ReadOnly {
		t.Fatalf("%+v", dirs)
	}
	if _, err := dirs[0].Root.Stat("."); err != nil {
		t.Error(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if _, err := d.Root.Stat("."); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", d.Guest, err)
		}
	}
}

func TestFoldersThatCannotBeOpened(t *testing.T) {
	top := t.TempDir()
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	wasm := guestBytes(t, "rust-hello", "rust-hello.wasm")
	for name, d := range map[string]Dir{
		"missing":  {Host: filepath.Join(top, "missing"), Guest: "/"},
		"file":     {Host: file, Guest: "/"},
		"UTF-8":    {Host: top, Guest: "\xff"},
		"is empty": {Host: top},
	} {
		_, err := New(t.Context(), wasm, Config{Dirs: []Dir{{Host: top, Guest: "/"}, d}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
}
