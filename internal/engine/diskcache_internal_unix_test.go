//go:build unix

package engine

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCacheEntriesThatAreNoFilesAreNotUsed(t *testing.T) {
	d, err := openDiskCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(d.entries, "digest")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	name := func(c string) string {
		return filepath.Join(folder, strings.Repeat(c, 64)+"-0-00000000")
	}
	if err := syscall.Mkfifo(name("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", name("b")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name("c"), 0o700); err != nil {
		t.Fatal(err)
	}
	if path, _ := d.stageEntry("digest"); path != "" {
		t.Errorf("%s passes for an entry", path)
	}
	if err := os.WriteFile(name("d"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if path, _ := d.stageEntry("digest"); path != name("d") {
		t.Errorf("got %q, want the entry that is one", path)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

func TestCacheEntriesOfAnotherSizeAreNotReadToTheirEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "entry")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	size, _, err := checksum(path, 1000)
	if err != nil || size != 1001 {
		t.Errorf("got %d, %v", size, err)
	}
}
