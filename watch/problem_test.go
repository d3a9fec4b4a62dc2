package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fakeSystem is the real one, except for folders that cannot be read and a limit on watches.
type fakeSystem struct {
	mu         sync.Mutex
	unreadable map[string]bool // by base name
	watches    int             // how many may be added; less than 0 for any number
	instances  bool            // none are left
	problems   chan Problem
}

func newFakeSystem() *fakeSystem {
	return &fakeSystem{unreadable: map[string]bool{}, watches: -1, problems: make(chan Problem, 100)}
}

func (f *fakeSystem) options(o Options) Options {
	real := realSystem()
	o.Problem = func(p Problem) { f.problems <- p }
	o.system = &system{
		pollFile: 20 * time.Millisecond, pollTree: 20 * time.Millisecond,
		watcher: func() (*fsnotify.Watcher, error) {
			if f.instances {
				return nil, os.NewSyscallError("inotify_init1", syscall.EMFILE)
			}
			return real.watcher()
		},
		add: func(w *fsnotify.Watcher, folder string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.unreadable[filepath.Base(folder)] {
				return &fs.PathError{Op: "watch", Path: folder, Err: syscall.EACCES}
			}
			if f.watches == 0 {
				return syscall.ENOSPC
			}
			f.watches--
			return real.add(w, folder)
		},
		readDir: func(folder string) ([]fs.DirEntry, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.unreadable[filepath.Base(folder)] {
				return nil, &fs.PathError{Op: "open", Path: folder, Err: syscall.EACCES}
			}
			return real.readDir(folder)
		},
	}
	return o
}

func (f *fakeSystem) set(folder string, unreadable bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unreadable[folder] = unreadable
}

func (f *fakeSystem) next(t *testing.T) Problem {
	t.Helper()
	select {
	case p := <-f.problems:
		return p
	case <-time.After(patience):
		t.Fatal("no problem was reported")
		panic("unreachable")
	}
}

func (f *fakeSystem) none(t *testing.T) {
	t.Helper()
	select {
	case p := <-f.problems:
		t.Errorf("reported: %s", p.Message)
	default:
	}
}

// expectChange waits for a batch with the file of that base name and no other. A file that is found
// between its creation and its contents is found twice, so batches with files of before do not
// matter.
func expectChange(t *testing.T, tree *Tree, before map[string]bool, name string) {
	t.Helper()
	for {
		old := true
		for _, f := range nextBatch(t, tree).Files {
			base := filepath.Base(f.Path)
			if base != name && !before[base] {
				t.Errorf("got %s, want %s", base, name)
			}
			old = old && base != name
		}
		if !old {
			before[name] = true
			return
		}
	}
}

func TestAnUnreadableFolderIsSkippedAndReportedOnce(t *testing.T) {
	t.Parallel()
	for mode, o := range map[string]Options{"events": {}, "poll": {Poll: 30 * time.Millisecond}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			layout(t, dir, "a.txt", "secret/hidden.txt", "open/b.txt", "open/deep/c.txt")
			s := newFakeSystem()
			s.set("secret", true)
			before := map[string]bool{}
			tree := watchTree(t, TreeOptions{Options: s.options(o)}, dir)
			p := s.next(t)
			if !strings.Contains(p.Message, filepath.Join(dir, "secret")) || p.Hint == "" ||
				!errors.Is(p.Err, fs.ErrPermission) {
				t.Errorf("got %+v", p)
			}
			// Everything else is watched, and nothing is reported again.
			for _, name := range []string{"a.txt", "open/b.txt", "open/deep/c.txt"} {
				put(t, filepath.Join(dir, filepath.FromSlash(name)), "changed")
				expectChange(t, tree, before, filepath.Base(name))
			}
			s.none(t)

			// One that becomes unreadable later keeps its files, and is reported as well.
			s.set("deep", true)
			if err := os.Chmod(filepath.Join(dir, "open", "deep"), 0o711); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "a.txt"), "again")
			expectChange(t, tree, before, "a.txt")
			if p := s.next(t); !strings.Contains(p.Message, filepath.Join(dir, "open", "deep")) {
				t.Errorf("got %+v", p)
			}

			// One that becomes readable is looked into.
			s.set("secret", false)
			if err := os.Chmod(filepath.Join(dir, "secret"), 0o755); err != nil {
				t.Fatal(err)
			}
			expectChange(t, tree, before, "hidden.txt")
			put(t, filepath.Join(dir, "secret", "hidden.txt"), "changed")
			expectChange(t, tree, before, "hidden.txt")
			s.none(t)
		})
	}
}

func TestARootThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secret")
	layout(t, dir, "a.txt")
	s := newFakeSystem()
	s.set("secret", true)
	_, err := NewTree([]string{dir}, TreeOptions{Options: s.options(Options{})})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// limitNamed checks a report about a limit.
func limitNamed(t *testing.T, p Problem, name string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		name = "" // others have no such setting
	}
	if !strings.Contains(p.Message, name) || !strings.Contains(p.Message, "every ") || p.Hint == "" ||
		name != "" && !strings.Contains(p.Hint, "sudo sysctl "+name+"=") {
		t.Errorf("got %+v, want %s", p, name)
	}
}

func TestPollingTakesOverWhenWatchesRunOut(t *testing.T) {
	t.Parallel()
	for _, watches := range []int{0, 1, 2} {
		dir := t.TempDir()
		layout(t, dir, "a.txt", "x/b.txt", "y/c.txt")
		s := newFakeSystem()
		s.watches = watches
		before := map[string]bool{}
		tree := watchTree(t, TreeOptions{Options: s.options(Options{})}, dir)
		limitNamed(t, s.next(t), "fs.inotify.max_user_watches")
		put(t, filepath.Join(dir, "y", "c.txt"), "changed")
		expectChange(t, tree, before, "c.txt")
		put(t, filepath.Join(dir, "new", "d.txt"), "new")
		expectChange(t, tree, before, "d.txt")
		s.none(t)
	}
}

func TestPollingTakesOverWhenWatchesRunOutLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	layout(t, dir, "a.txt", "x/b.txt")
	s := newFakeSystem()
	s.watches = 2
	before := map[string]bool{}
	tree := watchTree(t, TreeOptions{Options: s.options(Options{})}, dir)
	s.none(t)
	put(t, filepath.Join(dir, "new", "c.txt"), "new")
	expectChange(t, tree, before, "c.txt")
	limitNamed(t, s.next(t), "fs.inotify.max_user_watches")
	for _, name := range []string{"new/c.txt", "x/b.txt"} {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), "changed")
		expectChange(t, tree, before, filepath.Base(name))
	}
	s.none(t)
}

func TestPollingTakesOverWithoutAnInstance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	layout(t, dir, "a.txt")
	s := newFakeSystem()
	s.instances = true
	before := map[string]bool{}
	tree := watchTree(t, TreeOptions{Options: s.options(Options{})}, dir)
	limitNamed(t, s.next(t), "fs.inotify.max_user_instances")
	put(t, filepath.Join(dir, "a.txt"), "changed")
	expectChange(t, tree, before, "a.txt")
	f := watchFile(t, 10, s.options(Options{}), nil)
	limitNamed(t, s.next(t), "fs.inotify.max_user_instances")
	f.write("app.wasm", "two")
	f.expect("two")
	s.none(t)
}

func TestAFileIsPolledWhenWatchesRunOut(t *testing.T) {
	t.Parallel()
	s := newFakeSystem()
	s.watches = 0
	f := watchFile(t, 10, s.options(Options{}), nil)
	limitNamed(t, s.next(t), "fs.inotify.max_user_watches")
	f.write("app.wasm", "two")
	f.expect("two")
	f.write("other", "three")
	f.check(os.Rename(f.in("other"), f.path))
	f.expect("three")
	s.none(t)
}

func TestAFileInAFolderThatCannotBeWatchedIsPolled(t *testing.T) {
	t.Parallel()
	s := newFakeSystem()
	s.set("out", true)
	f := watchFile(t, 10, s.options(Options{}), func(dir string) string {
		put(t, filepath.Join(dir, "out", "app.wasm"), "one")
		return filepath.Join(dir, "out", "app.wasm")
	})
	if p := s.next(t); !strings.Contains(p.Message, f.in("out")) {
		t.Errorf("got %+v", p)
	}
	f.write("out/app.wasm", "two")
	f.expect("two")
	s.none(t)
}
