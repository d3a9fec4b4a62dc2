package watch

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wasihttp/wasihttp/internal/regular"
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

// Batch is the files that changed between two moments of stillness, by path.
type Batch struct {
	Files []FileChange
	// First and Last are when the first and last sign of them was seen.
	First, Last time.Time
}

// TreeOptions tune a Tree.
type TreeOptions struct {
	Options
	// Exclude are files and folders that are not looked at, beside those that
	// .gitignore files name, version control's own, what editors keep beside
	// a file, and folders known to hold no sources: node_modules, __pycache__,
	// those with a CACHEDIR.TAG, and target beside a Cargo.toml.
	Exclude []string
	// Open are files that are not looked at either, whatever their names: those
	// that this process has open for writing.
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
	o.Options = o.withDefaults()
	t := &Tree{
		options: o, exclude: map[string]bool{},
		changes: make(chan Batch), stop: make(chan struct{}), done: make(chan struct{}),
		folders: map[string]bool{},
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
			err = checkRoot(resolved)
		}
		if err != nil {
			return nil, err
		}
		t.roots = append(t.roots, resolved)
	}
	if o.Poll <= 0 {
		var err error
		if t.events, err = fsnotify.NewWatcher(); err != nil {
			return nil, err
		}
	}
	if err := t.scanAll(); err != nil {
		if t.events != nil {
			err = errors.Join(err, t.events.Close())
		}
		return nil, err
	}
	t.timer, t.ticked = time.NewTimer(time.Hour), time.Now()
	t.timer.Stop()
	go t.run()
	return t, nil
}

// checkRoot returns an error if path leads neither to a file nor to a folder.
func checkRoot(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "watch", Path: path, Err: &regular.KindError{Mode: info.Mode().Type()}}
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

// Changes returns the channel of batches. What nobody received is joined with
// what comes. It is never closed.
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
	var events <-chan fsnotify.Event
	var failures <-chan error
	var ticks <-chan time.Time
	if t.events != nil {
		events, failures = t.events.Events, t.events.Errors
	} else {
		ticker := time.NewTicker(t.options.Poll)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
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
		case now := <-ticks:
			// What is found happened since the last time.
			t.first, t.last, t.ticked = t.ticked, now, time.Now()
			t.look()
		case <-t.timer.C:
			t.look()
		case out <- batch:
			t.pending = nil
		}
	}
}

func (t *Tree) event(e fsnotify.Event) {
	if e.Op == fsnotify.Chmod || t.exclude[e.Name] || isLeftover(filepath.Base(e.Name)) {
		return
	}
	if _, known := t.files[e.Name]; !known && !t.mayHold(e.Name) {
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

// mayHold reports whether a name that is not known yet could be a source: it
// saves looking at everything for each file that a build writes.
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
		// Something vanished under the walk: there will be an event for it.
		t.files = before
		t.stir()
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
	slices.SortFunc(batch.Files, func(a, b FileChange) int { return strings.Compare(a.Path, b.Path) })
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

// scanAll finds the files below all roots and watches the folders. A folder
// that was not watched before is looked at again, because what happened in it
// before the watch gave no event.
func (t *Tree) scanAll() error {
	before := t.files
	for {
		t.files = make(map[string]state, len(before))
		watched := len(t.folders)
		for _, root := range t.roots {
			info, err := os.Stat(root)
			if errors.Is(err, fs.ErrNotExist) {
				err = t.watchFolder(filepath.Dir(root))
			} else if err == nil && info.IsDir() {
				err = t.scan(root, outerIgnore(root), before)
			} else if err == nil {
				if info.Mode().IsRegular() {
					t.note(root, info, before)
				}
				err = t.watchFolder(filepath.Dir(root))
			}
			if err != nil {
				return err
			}
		}
		if len(t.folders) == watched {
			return nil
		}
		before = t.files
	}
}

func (t *Tree) watchFolder(folder string) error {
	if t.events == nil || t.folders[folder] {
		return nil
	}
	if err := t.events.Add(folder); err != nil {
		return err
	}
	t.folders[folder] = true
	return nil
}

// scan notes the files in folder and below. Folders that vanish meanwhile have
// no files.
func (t *Tree) scan(folder string, rules []rule, before map[string]state) error {
	if err := t.watchFolder(folder); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	rules = append(slices.Clip(rules), readIgnore(folder, filepath.Join(folder, ".gitignore"))...)
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if t.leavesOut(rules, path, entry.IsDir()) {
			continue
		}
		if entry.IsDir() {
			if err := t.scan(path, rules, before); err != nil {
				return err
			}
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			t.note(path, info, before)
		}
	}
	return nil
}

// leavesOut reports whether a file or folder does not count.
func (t *Tree) leavesOut(rules []rule, path string, isFolder bool) bool {
	name := filepath.Base(path)
	if t.exclude[path] || ignored(rules, path, isFolder) {
		return true
	}
	if !isFolder {
		return isLeftover(name) || t.isOpen(path)
	}
	switch name {
	case ".git", ".hg", ".jj", ".svn", ".idea", ".vscode", "node_modules", "__pycache__", ".venv":
		return true
	case "target":
		if _, err := os.Lstat(filepath.Join(filepath.Dir(path), "Cargo.toml")); err == nil {
			return true
		}
	}
	// https://bford.info/cachedir/: the folder can be made again.
	_, err := os.Lstat(filepath.Join(path, "CACHEDIR.TAG"))
	return err == nil
}

// isOpen reports whether the file is one of TreeOptions.Open.
func (t *Tree) isOpen(path string) bool {
	if len(t.options.Open) == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && slices.ContainsFunc(t.options.Open, func(open fs.FileInfo) bool { return os.SameFile(open, info) })
}

// isLeftover reports whether editors and systems make files of that name beside
// those that people write.
func isLeftover(name string) bool {
	return strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".#") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") ||
		strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".swx") || strings.HasSuffix(name, ".swo") ||
		strings.HasSuffix(name, "___jb_tmp___") || strings.HasSuffix(name, "___jb_old___") ||
		name == "4913" || name == ".DS_Store"
}

// maxHashed is up to what size the contents of a source file decide; of larger
// ones, size and time do.
const maxHashed = 16 << 20

// note takes the state of a file. It reads it only if it seems to have changed,
// or might have too soon after the last time to tell.
func (t *Tree) note(path string, info fs.FileInfo, before map[string]state) {
	now := state{size: info.Size(), mod: info.ModTime(), seen: time.Now()}
	was, had := before[path]
	if had && was.size == now.size && was.mod.Equal(now.mod) && was.seen.Sub(was.mod) >= racy {
		now.digest = was.digest
		t.files[path] = now
		return
	}
	if now.size > maxHashed {
		text, _ := now.mod.MarshalBinary() // fails only for odd time zones, then the size decides
		now.digest = sha256.Sum256(append(text, byte(now.size), byte(now.size>>8), byte(now.size>>16), byte(now.size>>24)))
	} else if data, err := regular.ReadFile(path, maxHashed); err == nil {
		now.digest = sha256.Sum256(data)
	} else if had {
		now.digest = was.digest
	}
	t.files[path] = now
}
