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
	dir := t.TempDir()
	const digest = "digest"
	path := func(c string) string { return filepath.Join(dir, strings.Repeat(c, 64)+"-0-00000000") }
	if err := syscall.Mkfifo(path("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", path("b")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path("c"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"a", "b", "c"} {
		if soundEntry(path(c), digest) {
			t.Errorf("%s passes for an entry", path(c))
		}
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
	if size, _, err := entrySum(path, "digest", "key", 1000); err == nil || size != 1<<40 {
		t.Errorf("got %d, %v", size, err)
	}
}
