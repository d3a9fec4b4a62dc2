package watch

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// Defaults of Options.
const (
	DefaultDebounce = 50 * time.Millisecond
	DefaultPatience = time.Second
)

// Options tune a watcher. The zero value takes the defaults.
type Options struct {
	// Debounce is how long files must be unchanged before they are read; 0
	// means DefaultDebounce.
	Debounce time.Duration
	// Patience is how long a file may be missing or unreadable before that
	// counts as a change; 0 means DefaultPatience. Builds delete a file before
	// they write it anew.
	Patience time.Duration
	// Poll, unless 0, is the interval at which files are checked instead of
	// waiting for events, for file systems that have none.
	Poll time.Duration
	// MaxSize is the size of the largest file that is read, in bytes; 0 means
	// regular.MaxFile.
	MaxSize int64
	// Problem is called once for each thing that the watcher cannot do, by the goroutine that makes
	// the watcher or by the watcher's own; nil discards it.
	Problem func(Problem)

	system *system // nil outside of tests
}

func (o Options) withDefaults() Options {
	if o.Debounce == 0 {
		o.Debounce = DefaultDebounce
	}
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if o.MaxSize == 0 {
		o.MaxSize = regular.MaxFile
	}
	if o.Problem == nil {
		o.Problem = func(Problem) {}
	}
	if o.system == nil {
		o.system = realSystem()
	}
	return o
}

// unnoticed is how long it may take to find a change without an event: a folder
// above was renamed, the file was written under another of its names, or the
// file system has no events.
const unnoticed = 2 * time.Second

// Digest is the SHA-256 of a file's contents.
type Digest = [sha256.Size]byte

// Change is the new state of a file.
type Change struct {
	// Data are the contents, which the receiver owns; Digest is their hash.
	Data   []byte
	Digest Digest
	// Written is when the file was last seen to be written.
	Written time.Time
	// Path is the file that Err is about, if several files are watched; otherwise "".
	Path string
	// Err is why there are no contents: it wraps fs.ErrNotExist if the file is
	// missing, and the errors of package regular if it is not a regular file or
	// larger than Options.MaxSize.
	Err error
}

// File watches one file.
type File struct {
	path    string
	options Options
	changes chan Change
	stop    chan struct{}
	done    chan struct{}
	signs   atomic.Pointer[time.Time] // when the file was last seen to be written

	// The rest belongs to the goroutine.

	events  *fsnotify.Watcher // nil when polling
	ticker  *time.Ticker      // of polls
	blind   map[string]bool   // folders that cannot be watched
	places  places
	last    Digest      // what was reported last, or known from the start
	lastErr string      // the text of the error that was, if it was one
	seen    fs.FileInfo // of the contents that were read last
	polled  fs.FileInfo // by the last poll or look, nil if there was no file
	read    time.Time   // when the contents were last read
	written time.Time   // when the file was last seen to be written
	away    time.Time   // since when it cannot be read, zero if it can
	again   bool        // the contents are to be read once more
	light   bool        // all events since the last look were about attributes
	due     bool        // a look is, when the timer ends
	timer   *time.Timer
	pending *Change
}

// NewFile begins to watch the file at path, which need not exist. Contents with
// the digest known are not reported. The caller must call Close.
func NewFile(path string, known Digest, o Options) (*File, error) {
	f := &File{
		path: path, options: o.withDefaults(), last: known,
		changes: make(chan Change), stop: make(chan struct{}), done: make(chan struct{}),
		blind: make(map[string]bool),
	}
	if o.Poll > 0 {
		f.ticker = time.NewTicker(o.Poll)
	} else {
		f.ticker = time.NewTicker(unnoticed)
		if err := f.startEvents(); err != nil {
			f.ticker.Stop()
			return nil, err
		}
	}
	f.polled, _ = os.Stat(path) // nil if there is none
	// Changes from before the watch began are found by one look.
	f.timer, f.due = time.NewTimer(f.options.Debounce), true
	f.wrote(time.Now())
	go f.run()
	return f, nil
}

// startEvents watches the folders of the file, or polls if the system has no more watches.
func (f *File) startEvents() error {
	var err error
	if f.events, err = f.options.system.watcher(); isLimit(err) {
		f.events = nil
		f.pollInstead(err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.follow(); err != nil {
		return errors.Join(err, f.events.Close())
	}
	return nil
}

// pollInstead replaces events by polling because of a limit.
func (f *File) pollInstead(err error) {
	if f.events != nil {
		_ = f.events.Close() // it only closes descriptors
		f.events = nil
	}
	f.ticker.Reset(f.options.system.pollFile)
	f.options.Problem(limitProblem(err, f.options.system.pollFile))
}

// Changes returns the channel of changes. A change that was not received is
// replaced by the next one. It is never closed.
func (f *File) Changes() <-chan Change { return f.changes }

// Written returns when the file was last seen to be written, which may be later
// than the last reported change: a file that is written all the time is not
// reported.
func (f *File) Written() time.Time { return *f.signs.Load() }

// Close ends the watch and waits until it has ended. It may be called once.
func (f *File) Close() error {
	close(f.stop)
	<-f.done
	if f.events == nil {
		return nil
	}
	return f.events.Close()
}

func (f *File) run() {
	defer close(f.done)
	defer f.timer.Stop()
	defer f.ticker.Stop()
	for {
		var events <-chan fsnotify.Event
		var failures <-chan error
		if f.events != nil {
			events, failures = f.events.Events, f.events.Errors
		}
		var out chan<- Change
		var change Change
		if f.pending != nil {
			out, change = f.changes, *f.pending
		}
		select {
		case <-f.stop:
			return
		case e := <-events:
			f.event(e)
		case <-failures:
			// Events were lost; another look finds the changes.
			f.stir(false)
		case <-f.ticker.C:
			if f.events == nil || !f.due {
				f.poll()
			}
		case <-f.timer.C:
			f.look()
		case out <- change:
			f.pending = nil
		}
	}
}

// event handles an event that concerns the file and restarts the debounce time.
func (f *File) event(e fsnotify.Event) {
	if !f.places.names[e.Name] {
		return
	}
	if e.Op == fsnotify.Chmod {
		f.stir(true)
		return
	}
	if e.Op.Has(fsnotify.Create) || e.Op.Has(fsnotify.Remove) || e.Op.Has(fsnotify.Rename) {
		for _, folder := range f.places.folders {
			if e.Name == folder {
				// Another folder is now at that path, and the watch may still
				// be on the old one.
				_ = f.events.Remove(folder)
				f.places.names = nil
				break
			}
		}
		// The next look finds folders that cannot be watched.
		_ = f.follow()
	}
	f.stir(false)
}

// follow watches the folders that the path leads through. It repeats until
// nothing has changed meanwhile, because a change before a folder was watched
// caused no event.
func (f *File) follow() error {
	if f.events == nil {
		return nil
	}
	for range maxLinks {
		now, err := trace(f.path)
		if err != nil {
			return err
		}
		if now.equal(f.places) {
			return nil
		}
		for _, folder := range f.places.folders {
			if !now.has(folder) {
				// It may be gone, and its watch with it.
				_ = f.events.Remove(folder)
			}
		}
		f.places = now
		for _, folder := range now.folders {
			err := f.options.system.add(f.events, folder)
			switch {
			case err == nil, errors.Is(err, fs.ErrNotExist):
			case isLimit(err):
				f.pollInstead(err)
				return nil
			case errors.Is(err, fs.ErrPermission):
				// A file in it can still be read; polling finds its changes.
				if !f.blind[folder] {
					f.blind[folder] = true
					f.options.Problem(unreadableProblem(folder, err))
				}
			default:
				return err
			}
		}
	}
	return nil
}

// followAnew watches the folders that the path leads through now: the watched
// folders may have moved.
func (f *File) followAnew() {
	if f.events == nil {
		return
	}
	for _, folder := range f.places.folders {
		_ = f.events.Remove(folder) // it may be gone
	}
	f.places = places{}
	// A folder that cannot be watched shows when the file is looked for.
	_ = f.follow()
}

// stir restarts the debounce time.
func (f *File) stir(light bool) {
	f.light = light && (f.light || f.quiet())
	if !light {
		f.wrote(time.Now())
		f.light = false
	}
	f.lookAfter(f.options.Debounce)
}

// wrote records when the file was written.
func (f *File) wrote(at time.Time) {
	f.written = at
	f.signs.Store(&at)
}

func (f *File) lookAfter(d time.Duration) {
	f.due = true
	f.timer.Reset(d)
}

// quiet reports whether no look is due, except for changed attributes.
func (f *File) quiet() bool { return f.away.IsZero() && f.written.Before(f.read) }

// racy is how close a modification time may be to the time of reading so that
// a later write might have left it the same.
const racy = 2 * time.Second

// same reports whether two looks at a file saw the same one unchanged; nil
// stands for no file.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// poll looks whether the file seems to have changed.
func (f *File) poll() {
	info, err := os.Stat(f.path)
	if err != nil {
		info = nil
	}
	before := f.polled
	f.polled = info
	switch {
	case !same(before, info):
		f.followAnew()
		f.stir(false)
	case info != nil && !f.again && !f.read.IsZero() && same(f.seen, info) &&
		f.read.Sub(info.ModTime()) < racy && time.Since(info.ModTime()) >= racy:
		// It may have been written again within the resolution of its file
		// system's clock.
		written := f.written
		f.stir(false)
		f.wrote(written)
		f.again = true
	}
}

// look reads the file, which has been unchanged for a while, and reports it if
// its contents differ.
func (f *File) look() {
	f.due = false
	_ = f.follow()
	info, err := os.Stat(f.path)
	if err == nil && f.light && same(f.seen, info) && f.read.Sub(info.ModTime()) >= racy {
		return
	}
	if err != nil {
		f.missing(nil, err)
		return
	}
	began := time.Now()
	data, err := regular.ReadFile(f.path, f.options.MaxSize)
	if err != nil {
		f.missing(info, err)
		return
	}
	after, err := os.Stat(f.path)
	if err != nil || !os.SameFile(info, after) || int64(len(data)) != after.Size() ||
		!info.ModTime().Equal(after.ModTime()) {
		// It changed while it was read.
		f.stir(false)
		return
	}
	f.polled = after
	f.seen, f.read, f.away, f.light, f.again = after, began, time.Time{}, false, false
	digest := sha256.Sum256(data)
	if digest == f.last && f.lastErr == "" {
		return
	}
	f.last, f.lastErr = digest, ""
	f.pending = &Change{Data: data, Digest: digest, Written: f.written}
}

// missing records that the file cannot be read, and reports it if that lasts.
// info describes what is there instead; nil for nothing.
func (f *File) missing(info fs.FileInfo, err error) {
	now := time.Now()
	f.polled = info
	if f.away.IsZero() {
		f.away = now
	}
	if left := f.options.Patience - now.Sub(f.away); left > 0 {
		f.lookAfter(left)
		return
	}
	if f.lastErr == err.Error() {
		return
	}
	f.lastErr = err.Error()
	f.pending = &Change{Err: err, Written: f.written}
}

func (p places) has(folder string) bool {
	for _, have := range p.folders {
		if have == folder {
			return true
		}
	}
	return false
}
