package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/stable"
)

// Op is what happened to a file.
type Op int

// What can happen to a file.
const (
	Created Op = iota
	Modified
	Removed
)

// FileChange is what happened to one file of a Tree.
type FileChange struct {
	// Path is absolute.
	Path string
	Op   Op
	// Modified is the file's modification time, zero for a removed one.
	Modified time.Time
}

// Batch holds the files that changed since the last batch, by path.
type Batch struct {
	Files []FileChange
	// First and Last are when the first and the last event about them was seen.
	First, Last time.Time
}

// TreeOptions tune a Tree.
type TreeOptions struct {
	Options
	// Exclude are files and folders to ignore, beside those that .gitignore
	// files name, version control's own, what editors keep beside a file, and
	// folders known to hold no sources: node_modules, __pycache__, those with a
	// CACHEDIR.TAG, and target beside a Cargo.toml.
	Exclude []string
	// Open are further files to ignore, under any of their names: those that
	// this process has open for writing.
	Open []fs.FileInfo
}

// Tree watches the files below some folders. Symbolic links to folders are not
// followed.
type Tree struct {
	roots   []string
	options TreeOptions
	exclude map[string]bool
	changes chan Batch
	stop    chan struct{}
	done    chan struct{}

	// The rest belongs to the goroutine.

	events      *fsnotify.Watcher // nil when polling
	files       map[string]state
	folders     map[string]bool // that are watched
	skipped     map[string]bool // that cannot be looked into, and were reported
	skipping    map[string]bool // likewise, as far as the scan that is running knows
	limited     bool            // polling has taken over from events
	scanned     time.Duration   // how long the last scan took
	tick        *time.Timer     // ends when files are to be looked at, when polling
	timer       *time.Timer
	first, last time.Time // of the signs since the last look
	ticked      time.Time // when files were last looked at, when polling
	pending     *Batch
}

// state is what is known of a file.
type state struct {
	size   int64
	mod    time.Time
	seen   time.Time
	digest Digest
}

// NewTree begins to watch the files and folders at roots, which must exist. The
// caller must call Close.
func NewTree(roots []string, o TreeOptions) (*Tree, error) {
	t, err := newTree(roots, o)
	if err != nil {
		return nil, err
	}
	t.timer, t.tick = time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	t.timer.Stop()
	t.tick.Stop()
	if err := t.startEvents(); err != nil {
		return nil, err
	}
	if err := t.scanAll(); err != nil {
		if t.events != nil {
			err = errors.Join(err, t.events.Close())
		}
		return nil, err
	}
	if t.ticked = time.Now(); t.events == nil {
		t.tick.Reset(t.interval())
	}
	go t.run()
	return t, nil
}

// ChangedSince reports whether one of the files that a Tree of these roots would watch was written
// after a time.
func ChangedSince(then time.Time, roots []string, o TreeOptions) (bool, error) {
	t, err := newTree(roots, o)
	if err == nil {
		err = t.scanAll()
	}
	if err != nil {
		return false, err
	}
	for _, file := range t.files {
		if file.mod.After(then) {
			return true, nil
		}
	}
	return false, nil
}

// newTree returns a Tree that has looked at nothing yet.
func newTree(roots []string, o TreeOptions) (*Tree, error) {
	o.Options = o.withDefaults()
	t := &Tree{
		options: o, exclude: map[string]bool{},
		changes: make(chan Batch), stop: make(chan struct{}), done: make(chan struct{}),
		folders: map[string]bool{}, skipped: map[string]bool{},
	}
	for _, path := range o.Exclude {
		resolved, err := resolve(path)
		if err != nil {
			return nil, err
		}
		t.exclude[resolved] = true
	}
	for _, root := range roots {
		resolved, err := resolve(root)
		if err == nil {
			err = o.checkRoot(resolved)
		}
		if err != nil {
			return nil, err
		}
		t.roots = append(t.roots, resolved)
	}
	return t, nil
}

// startEvents prepares for events, or for polling if the system has no more of them.
func (t *Tree) startEvents() error {
	if t.options.Poll > 0 {
		return nil
	}
	events, err := t.options.system.watcher()
	switch {
	case isLimit(err):
		t.pollInstead(err)
		return nil
	case err != nil:
		return err
	}
	t.events = events
	return nil
}

// pollInstead replaces events by polling because of a limit.
func (t *Tree) pollInstead(err error) {
	if t.events != nil {
		_ = t.events.Close() // it only closes descriptors
		t.events = nil
	}
	t.folders, t.limited = map[string]bool{}, true
	t.tick.Reset(t.interval())
	t.options.Problem(limitProblem(err, t.options.system.pollTree))
}

// maxInterval bounds the time between two looks.
const maxInterval = 5 * time.Second

// interval returns the time between two scans when polling. If the user has not asked for polling,
// it is long enough to use little processor time.
func (t *Tree) interval() time.Duration {
	if t.limited {
		return max(t.options.system.pollTree, min(20*t.scanned, maxInterval))
	}
	return t.options.Poll
}

// checkRoot returns an error if path leads neither to a file nor to a readable folder.
func (o *TreeOptions) checkRoot(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		_, err = o.system.readDir(path)
	case !info.Mode().IsRegular():
		err = &fs.PathError{Op: "watch", Path: path,
			Err: &regular.KindError{Mode: info.Mode().Type()}}
	}
	return err
}

// resolve makes path absolute and free of links as far as it exists.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	parent := filepath.Dir(abs)
	if parent == abs {
		return abs, nil
	}
	if parent, err = resolve(parent); err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(abs)), nil
}

// Changes returns the channel of batches. A batch that was not received is joined
// with the next one. It is never closed.
func (t *Tree) Changes() <-chan Batch { return t.changes }

// Close ends the watch and waits until it has ended. It may be called once.
func (t *Tree) Close() error {
	close(t.stop)
	<-t.done
	if t.events == nil {
		return nil
	}
	return t.events.Close()
}

func (t *Tree) run() {
	defer close(t.done)
	defer t.timer.Stop()
	defer t.tick.Stop()
	for {
		var events <-chan fsnotify.Event
		var failures <-chan error
		if t.events != nil {
			events, failures = t.events.Events, t.events.Errors
		}
		var out chan<- Batch
		var batch Batch
		if t.pending != nil {
			out, batch = t.changes, *t.pending
		}
		select {
		case <-t.stop:
			return
		case e := <-events:
			t.event(e)
		case <-failures:
			t.stir()
		case now := <-t.tick.C:
			// The changes happened after the last scan.
			t.first, t.last, t.ticked = t.ticked, now, time.Now()
			t.look()
			t.tick.Reset(t.interval())
		case <-t.timer.C:
			t.look()
		case out <- batch:
			t.pending = nil
		}
	}
}

func (t *Tree) event(e fsnotify.Event) {
	if e.Op == fsnotify.Chmod && !t.folders[e.Name] && !t.skipped[e.Name] {
		return // a folder may have become readable, or have been until now
	}
	if t.exclude[e.Name] || isLeftover(filepath.Base(e.Name)) {
		return
	}
	if _, known := t.files[e.Name]; !known && !t.skipped[e.Name] && !t.mayHold(e.Name) {
		return
	}
	if e.Op.Has(fsnotify.Remove) || e.Op.Has(fsnotify.Rename) {
		if t.folders[e.Name] {
			_ = t.events.Remove(e.Name)
			delete(t.folders, e.Name)
		}
	}
	t.stir()
}

// mayHold reports whether a new name could be a source. It avoids a scan for
// each file that a build writes.
func (t *Tree) mayHold(name string) bool {
	for _, root := range t.roots {
		if name == root {
			return true
		}
	}
	info, err := os.Lstat(name)
	if err != nil {
		return t.folders[name]
	}
	folder := filepath.Dir(name)
	rules := outerIgnore(folder)
	rules = append(rules, readIgnore(folder, filepath.Join(folder, ".gitignore"))...)
	return !t.leavesOut(rules, name, info.IsDir())
}

func (t *Tree) stir() {
	t.last = time.Now()
	if t.first.IsZero() {
		t.first = t.last
	}
	t.timer.Reset(t.options.Debounce)
}

// look compares the files with what they were.
func (t *Tree) look() {
	before := t.files
	if err := t.scanAll(); err != nil {
		// Something vanished during the scan.
		t.files = before
		t.timer.Reset(t.options.system.pollTree)
		return
	}
	batch := Batch{First: t.first, Last: t.last}
	for path, now := range t.files {
		was, had := before[path]
		switch {
		case !had:
			batch.Files = append(batch.Files, FileChange{path, Created, now.mod})
		case was.digest != now.digest:
			batch.Files = append(batch.Files, FileChange{path, Modified, now.mod})
		}
	}
	for path := range before {
		if _, has := t.files[path]; !has {
			batch.Files = append(batch.Files, FileChange{Path: path, Op: Removed})
		}
	}
	t.first = time.Time{}
	if len(batch.Files) == 0 {
		return
	}
	if t.pending != nil {
		batch = t.pending.join(batch)
	}
	stable.Sort(batch.Files, func(a, b FileChange) int {
		return strings.Compare(a.Path, b.Path)
	})
	t.pending = &batch
}

// join adds a later batch.
func (b Batch) join(later Batch) Batch {
	joined := Batch{First: b.First, Last: later.Last, Files: later.Files}
	for _, f := range b.Files {
		if !slices.ContainsFunc(later.Files, func(l FileChange) bool { return l.Path == f.Path }) {
			joined.Files = append(joined.Files, f)
		}
	}
	return joined
}
