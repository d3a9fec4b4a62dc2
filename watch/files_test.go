package watch

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

// filesTest is a folder with two files being watched.
type filesTest struct {
	testing.TB
	paths []string
	files *Files
}

func watchFiles(t testing.TB, o Options, known string, contents ...string) *filesTest {
	t.Helper()
	dir := t.TempDir()
	f := &filesTest{TB: t}
	for i, text := range contents {
		path := filepath.Join(dir, string(rune('a'+i))+".wasm")
		f.paths = append(f.paths, path)
		f.write(i, text)
	}
	join := func(files [][]byte) []byte { return bytes.Join(files, []byte("+")) }
	files, err := NewFiles(f.paths, join, sha256.Sum256([]byte(known)), o)
	if err != nil {
		t.Fatal(err)
	}
	f.files = files
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *filesTest) write(i int, text string) {
	f.Helper()
	put(f, f.paths[i], text)
}

func (f *filesTest) next() Change {
	f.Helper()
	select {
	case c := <-f.files.Changes():
		return c
	case <-time.After(patience):
		f.Fatal("no change comes")
	}
	panic("unreachable")
}

func (f *filesTest) expect(want string) {
	f.Helper()
	c := f.next()
	if c.Err != nil || string(c.Data) != want || c.Digest != sha256.Sum256([]byte(want)) ||
		c.Written.IsZero() {
		f.Fatalf("got %q, %v, written %v; want %q", c.Data, c.Err, c.Written, want)
	}
}

func TestAChangeOfOneFileHasTheContentsOfAll(t *testing.T) {
	t.Parallel()
	f := watchFiles(t, Options{}, "", "one", "two")
	f.expect("one+two")
	f.write(1, "three")
	f.expect("one+three")
	f.write(0, "four")
	f.expect("four+three")
}

func TestFilesWrittenTogetherChangeTogether(t *testing.T) {
	t.Parallel()
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		o := Options{Debounce: scale * 200 * time.Millisecond}
		f := watchFiles(t, o, "", "one", "two")
		f.expect("one+two")
		f.write(0, "new")
		f.write(1, "newer")
		f.expect("new+newer")
	})
}

func TestContentsThatAreKnownAreNoChange(t *testing.T) {
	t.Parallel()
	f := watchFiles(t, Options{}, "one+two", "one", "two")
	f.write(1, "three")
	f.expect("one+three")
}

func TestAFileOfSeveralThatIsAwayIsNamed(t *testing.T) {
	t.Parallel()
	f := watchFiles(t, Options{Patience: 100 * time.Millisecond}, "", "one", "two")
	f.expect("one+two")
	if err := os.Remove(f.paths[1]); err != nil {
		t.Fatal(err)
	}
	if c := f.next(); !errors.Is(c.Err, fs.ErrNotExist) || c.Path != f.paths[1] {
		t.Errorf("got %q, %v", c.Path, c.Err)
	}
	f.write(1, "back")
	f.expect("one+back")
}
