//go:build unix

package watch

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/timetest"
)

func TestAPipeIsReportedAndAFileInItsPlaceIsTaken(t *testing.T) {
	t.Parallel()
	for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 30 * time.Millisecond}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
				f := watchFile(t, scale, o, nil)
				f.check(os.Remove(f.path))
				f.check(syscall.Mkfifo(f.path, 0o600))
				var kind *regular.KindError
				if c := f.next(); !errors.As(c.Err, &kind) {
					t.Fatalf("got %q, error %v", c.Data, c.Err)
				}
				f.expectNothing()
				f.check(os.Remove(f.path))
				f.write("app.wasm", "one")
				f.expect("one")
			})
		})
	}
}

func TestWhatBecameOfAFileThatIsAwayIsReported(t *testing.T) {
	t.Parallel()
	f := watchFile(t, 1, Options{}, nil)
	f.check(os.Remove(f.path))
	if c := f.next(); !errors.Is(c.Err, os.ErrNotExist) {
		t.Fatalf("got %v", c.Err)
	}
	f.check(syscall.Mkfifo(f.path, 0o600))
	var kind *regular.KindError
	if c := f.next(); !errors.As(c.Err, &kind) {
		t.Fatalf("got %v", c.Err)
	}
}

func TestPipesAmongSourcesDoNotMatter(t *testing.T) {
	t.Parallel()
	for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 30 * time.Millisecond}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			layout(t, dir, "a.txt", "sub/b.txt")
			for _, name := range []string{"pipe", ".gitignore", "sub/.gitignore"} {
				if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tree := watchTree(t, TreeOptions{Options: o}, dir)
			if err := syscall.Mkfifo(filepath.Join(dir, "sub", "later"), 0o600); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "sub", "b.txt"), "changed")
			b := nextBatch(t, tree)
			if len(b.Files) != 1 || filepath.Base(b.Files[0].Path) != "b.txt" {
				t.Errorf("got %v", b.Files)
			}
		})
	}
}

func TestAPipeIsNoSource(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := NewTree([]string{path}, TreeOptions{})
	var kind *regular.KindError
	if !errors.As(err, &kind) {
		t.Errorf("got %v", err)
	}
}
