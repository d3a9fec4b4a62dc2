package watch

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// quiet is how long a test waits for what must not happen: longer than the
// watcher may take.
const quiet = 300 * time.Millisecond

// fileTest is a folder with a file being watched.
type fileTest struct {
	testing.TB
	scale     time.Duration
	dir, path string
	file      *File
}

// watchFile watches a file with all times multiplied by scale.
func watchFile(
	t testing.TB, scale time.Duration, o Options, prepare func(dir string) (path string),
) *fileTest {
	t.Helper()
	f := &fileTest{TB: t, scale: scale, dir: t.TempDir()}
	f.path = filepath.Join(f.dir, "app.wasm")
	if prepare != nil {
		f.path = prepare(f.dir)
	} else {
		f.write("app.wasm", "one")
	}
	if o.Patience == 0 {
		o.Patience = 100 * time.Millisecond
	}
	o.Patience, o.Debounce = scale*o.Patience, scale*o.withDefaults().Debounce
	file, err := NewFile(f.path, Digest{}, o)
	if err != nil {
		t.Fatal(err)
	}
	f.file = file
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	// The watcher looks once by itself. What comes later is found by watching.
	if data, err := os.ReadFile(f.path); err == nil {
		f.expect(string(data))
	}
	return f
}

func (f *fileTest) in(name string) string { return filepath.Join(f.dir, name) }

func (f *fileTest) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fileTest) write(name, text string) {
	f.Helper()
	f.check(os.WriteFile(f.in(name), []byte(text), 0o600))
}

func (f *fileTest) next() Change {
	f.Helper()
	select {
	case c := <-f.file.Changes():
		return c
	case <-time.After(patience):
		f.Fatal("no change was reported")
		panic("unreachable")
	}
}

func (f *fileTest) expect(text string) {
	f.Helper()
	c := f.next()
	if c.Err != nil || string(c.Data) != text || c.Digest != sha256.Sum256([]byte(text)) {
		f.Fatalf("got %.100q (%d bytes), error %v; want %q", c.Data, len(c.Data), c.Err, text)
	}
	if age := time.Since(c.Written); age < 0 || age > patience {
		f.Errorf("written %v ago", age)
	}
}

func (f *fileTest) expectNothing() {
	f.Helper()
	select {
	case c := <-f.file.Changes():
		f.Fatalf("got %.100q (%d bytes), error %v", c.Data, len(c.Data), c.Err)
	case <-time.After(f.scale * quiet):
	}
}

// TestWaysToReplaceAFile does what build tools, editors and package managers
// do; each must be one change.
func TestWaysToReplaceAFile(t *testing.T) {
	link := func(t testing.TB, target, name string) {
		t.Helper()
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	swapLink := func(f *fileTest, target, name string) {
		link(f.TB, target, f.in(name+".new"))
		f.check(os.Rename(f.in(name+".new"), f.in(name)))
	}
	versions := func(t testing.TB, dir string) {
		for _, v := range []string{"one", "two"} {
			if err := os.MkdirAll(filepath.Join(dir, v), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, v, "app.wasm"), []byte(v), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	in := func(name string) func(t testing.TB, dir string) string {
		return func(t testing.TB, dir string) string {
			versions(t, dir)
			return filepath.Join(dir, filepath.FromSlash(name))
		}
	}
	tests := map[string]struct {
		links   bool
		prepare func(t testing.TB, dir string) string
		replace func(f *fileTest)
	}{
		"swapped with another and removed": {replace: func(f *fileTest) { // as vim does with backupcopy=no
			f.check(os.Rename(f.path, f.path+"~"))
			f.write("app.wasm", "two")
			f.check(os.Remove(f.path + "~"))
		}},
		"copied over, as mv does between file systems": {replace: func(f *fileTest) {
			f.write("elsewhere", "two")
			f.check(os.Remove(f.path))
			to, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			f.check(err)
			_, err = to.WriteString("two")
			f.check(err)
			f.check(to.Close())
			f.check(os.Chtimes(f.path, time.Unix(1e9, 0), time.Unix(1e9, 0)))
			f.check(os.Remove(f.in("elsewhere")))
		}},
		"written in place without truncation": {replace: func(f *fileTest) {
			to, err := os.OpenFile(f.path, os.O_WRONLY, 0)
			f.check(err)
			_, err = to.WriteAt([]byte("two"), 0)
			f.check(err)
			f.check(to.Close())
		}},
		"written through another name": {
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				if err := os.Link(filepath.Join(dir, "one", "app.wasm"), filepath.Join(dir, "app.wasm")); err != nil {
					t.Fatal(err)
				}
				return filepath.Join(dir, "app.wasm")
			},
			replace: func(f *fileTest) { f.write("one/app.wasm", "two") }},
		"folder renamed away and back": {prepare: in("one/app.wasm"), replace: func(f *fileTest) {
			f.check(os.Rename(f.in("one"), f.in("away")))
			f.write("away/app.wasm", "two")
			f.check(os.Rename(f.in("away"), f.in("one")))
		}},
		"folder renamed away and back, then written": {prepare: in("one/app.wasm"), replace: func(f *fileTest) {
			f.check(os.Rename(f.in("one"), f.in("away")))
			f.check(os.Rename(f.in("away"), f.in("one")))
			f.write("one/app.wasm", "two")
		}},
		"folder above replaced": {
			prepare: func(t testing.TB, dir string) string {
				versions(t, filepath.Join(dir, "old", "deep"))
				if err := os.MkdirAll(filepath.Join(dir, "new", "deep", "one"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "new", "deep", "one", "app.wasm"), []byte("two"), 0o600); err != nil {
					t.Fatal(err)
				}
				return filepath.Join(dir, "old", "deep", "one", "app.wasm")
			},
			replace: func(f *fileTest) {
				f.check(os.Rename(f.in("old"), f.in("gone")))
				f.check(os.Rename(f.in("new"), f.in("old")))
			}},
		"renamed over":           {replace: func(f *fileTest) { f.write("tmp", "two"); f.check(os.Rename(f.in("tmp"), f.path)) }},
		"truncated and written":  {replace: func(f *fileTest) { f.write("app.wasm", "two") }},
		"deleted and made again": {replace: func(f *fileTest) { f.check(os.Remove(f.path)); f.write("app.wasm", "two") }},
		"moved away and made again": {replace: func(f *fileTest) {
			f.check(os.Rename(f.path, f.in("app.bak")))
			f.write("app.wasm", "two")
		}},
		"hard link to another": {replace: func(f *fileTest) {
			f.write("deps.wasm", "two")
			f.check(os.Remove(f.path))
			f.check(os.Link(f.in("deps.wasm"), f.path))
		}},
		"old modification time": {replace: func(f *fileTest) {
			f.write("tmp", "two")
			old := time.Unix(1e9, 0)
			f.check(os.Chtimes(f.in("tmp"), old, old))
			f.check(os.Rename(f.in("tmp"), f.path))
		}},
		"folder deleted and made again": {
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				return filepath.Join(dir, "one", "app.wasm")
			},
			replace: func(f *fileTest) {
				f.check(os.RemoveAll(f.in("one")))
				f.check(os.MkdirAll(f.in("one"), 0o700))
				f.write("one/app.wasm", "two")
			}},
		"folder replaced": {
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				return filepath.Join(dir, "one", "app.wasm")
			},
			replace: func(f *fileTest) {
				f.check(os.Rename(f.in("one"), f.in("old")))
				f.check(os.Rename(f.in("two"), f.in("one")))
			}},
		"link to the file swapped": {links: true,
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				link(t, "one/app.wasm", filepath.Join(dir, "app.wasm"))
				return filepath.Join(dir, "app.wasm")
			},
			replace: func(f *fileTest) { swapLink(f, "two/app.wasm", "app.wasm") }},
		"link to the folder swapped, as nix does": {links: true,
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				link(t, filepath.Join(dir, "one"), filepath.Join(dir, "result"))
				return filepath.Join(dir, "result", "app.wasm")
			},
			replace: func(f *fileTest) { swapLink(f, f.in("two"), "result") }},
		"link behind a link swapped": {links: true,
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				link(t, "one", filepath.Join(dir, "..data"))
				link(t, "..data/app.wasm", filepath.Join(dir, "app.wasm"))
				return filepath.Join(dir, "app.wasm")
			},
			replace: func(f *fileTest) { swapLink(f, "two", "..data") }},
		"written behind a link": {links: true,
			prepare: func(t testing.TB, dir string) string {
				versions(t, dir)
				link(t, filepath.Join(dir, "one", "app.wasm"), filepath.Join(dir, "app.wasm"))
				return filepath.Join(dir, "app.wasm")
			},
			replace: func(f *fileTest) { f.write("one/app.wasm", "two") }},
	}
	for name, tt := range tests {
		for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 20 * time.Millisecond}} {
			if tt.links && runtime.GOOS == "windows" {
				continue // links need a privilege there
			}
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
					var prepare func(string) string
					if tt.prepare != nil {
						prepare = func(dir string) string { return tt.prepare(t, dir) }
					}
					f := watchFile(t, scale, o, prepare)
					tt.replace(f)
					f.expect("two")
					f.expectNothing()
				})
			})
		}
	}
}

// TestWhatIsNoChange does what changes times and attributes, or nothing that
// stays.
func TestWhatIsNoChange(t *testing.T) {
	tests := map[string]func(f *fileTest){
		"touch":           func(f *fileTest) { f.check(os.Chtimes(f.path, time.Now(), time.Now())) },
		"chmod":           func(f *fileTest) { f.check(os.Chmod(f.path, 0o640)) },
		"identical build": func(f *fileTest) { f.write("tmp", "one"); f.check(os.Rename(f.in("tmp"), f.path)) },
		"rewritten":       func(f *fileTest) { f.write("app.wasm", "one") },
		"there and back":  func(f *fileTest) { f.write("app.wasm", "two"); f.write("app.wasm", "one") },
		"another file":    func(f *fileTest) { f.write("other.wasm", "two") },
		"nothing":         func(*fileTest) {},
	}
	for name, act := range tests {
		for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 20 * time.Millisecond}} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
					f := watchFile(t, scale, o, nil)
					act(f)
					f.expectNothing()
					// It still watches.
					f.write("app.wasm", "three")
					f.expect("three")
				})
			})
		}
	}
}

func TestChangesBeforeTheWatchBeganAreFound(t *testing.T) {
	f := &fileTest{TB: t, scale: 1, dir: t.TempDir()}
	f.write("app.wasm", "two")
	file, err := NewFile(f.in("app.wasm"), sha256.Sum256([]byte("one")), Options{})
	f.check(err)
	defer func() { f.check(file.Close()) }()
	f.file = file
	f.expect("two")
}

// TestSlowWrites writes 22 MB in a hundred pieces, each after the events of the
// one before; it must be one change.
func TestSlowWrites(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789abcdef"), 22<<20/16)
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		f := watchFile(t, scale, Options{}, nil)
		file, err := os.Create(f.path)
		f.check(err)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		const pieces = 100
		for i := range pieces {
			<-tick.C
			_, err := file.Write(whole[i*len(whole)/pieces : (i+1)*len(whole)/pieces])
			f.check(err)
		}
		f.check(file.Close())
		if c := f.next(); !bytes.Equal(c.Data, whole) {
			t.Errorf("got %d bytes of %d", len(c.Data), len(whole))
		}
		f.expectNothing()
	})
}

func TestAwayIsReportedOnceAndBackToo(t *testing.T) {
	for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 20 * time.Millisecond}} {
		t.Run(mode, func(t *testing.T) {
			timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
				f := watchFile(t, scale, o, nil)
				f.check(os.Remove(f.path))
				if c := f.next(); !errors.Is(c.Err, fs.ErrNotExist) {
					t.Errorf("got %q, error %v", c.Data, c.Err)
				}
				f.write("other", "x")
				f.expectNothing()
				f.write("app.wasm", "one")
				f.expect("one")
			})
		})
	}
}

func TestMissingFoldersAreWaitedFor(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		f := watchFile(t, scale, Options{}, func(dir string) string { return filepath.Join(dir, "a", "b", "app.wasm") })
		if c := f.next(); !errors.Is(c.Err, fs.ErrNotExist) {
			t.Fatalf("got %q, error %v", c.Data, c.Err)
		}
		f.check(os.MkdirAll(f.in("a/b"), 0o700))
		f.write("a/b/app.wasm", "two")
		f.expect("two")
	})
}

// TestOnlyTheNewestCounts changes the file while nobody listens.
func TestOnlyTheNewestCounts(t *testing.T) {
	f := watchFile(t, 1, Options{Poll: 5 * time.Millisecond, Debounce: time.Millisecond}, nil)
	for _, text := range []string{"two", "three", "four", "five"} {
		f.write("tmp", text)
		f.check(os.Rename(f.in("tmp"), f.path))
	}
	for {
		if c := f.next(); string(c.Data) == "five" {
			break
		}
	}
	f.expectNothing()
}

func TestLinksInACircleAreAMissingFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // links need a privilege there
	}
	f := watchFile(t, 1, Options{}, func(dir string) string {
		path := filepath.Join(dir, "app.wasm")
		if err := os.Symlink("app.wasm", path); err != nil {
			t.Fatal(err)
		}
		return path
	})
	if c := f.next(); c.Err == nil {
		t.Errorf("got %q", c.Data)
	}
}
