package files

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// TestWhatIsInMemoryIsReadAtOnce reads a file that was just written, also in a file system that is
// all in memory and cannot tell so.
func TestWhatIsInMemoryIsReadAtOnce(t *testing.T) {
	for _, parent := range []string{"", "/dev/shm"} {
		folder, err := os.MkdirTemp(parent, "wasihttp")
		if err != nil {
			continue // this machine has no such folder
		}
		defer os.RemoveAll(folder)
		if err := os.WriteFile(filepath.Join(folder, "f"), []byte("hello"), 0o666); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		f := New([]wasi.Dir{{Guest: "/", Root: root}})
		defer f.Close()
		d, err := f.Preopens()[0].OpenAt("f", false, 0, Read)
		if err != nil {
			t.Fatal(err)
		}
		if d.Quick() {
			r, err := d.Reader(1)
			if err != nil {
				t.Fatal(err)
			}
			if p, err := r.Read(10); string(p) != "ello" || err != nil {
				t.Errorf("%s: %q, %v", folder, p, err)
			}
			_ = r.Close() // never fails
		}
		d.Close()
	}
}

// TestOnlyQuickFilesAreUsedOnTheGoroutineOfTheGuest finds out when a file is opened.
func TestOnlyQuickFilesAreUsedOnTheGoroutineOfTheGuest(t *testing.T) {
	b := newBed(t, false)
	for _, quick := range []bool{false, true} {
		b.files.isQuick = func(*os.File) bool { return quick }
		if f := b.open("f", 0, Read); f.Quick() != quick {
			t.Errorf("%v, want %v", f.Quick(), quick)
		}
	}
	if b.d.Quick() {
		t.Error("a folder is one")
	}
}
