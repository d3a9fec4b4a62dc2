package watch

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Files watches several files that form one thing. A change has the contents of all files, and is
// reported once all of them are unchanged for a while, so that files that are written together
// change together.
type Files struct {
	files   []*File
	join    func([][]byte) []byte
	quiet   time.Duration
	changes chan Change
	found   chan foundChange
	stop    chan struct{}
	done    sync.WaitGroup

	// The rest belongs to the goroutine.

	latest  []*Change // by file, nil before it has been looked at
	last    Digest    // what was reported last, or known from the start
	lastErr string
	pending *Change
}

// foundChange is the change of a file by its place.
type foundChange struct {
	file int
	Change
}

// NewFiles begins to watch the files at paths, which must not be empty. join combines the contents
// of all files; contents with the digest known are not reported. The caller must call Close.
func NewFiles(paths []string, join func([][]byte) []byte, known Digest, o Options) (*Files, error) {
	f := &Files{
		join: join, quiet: o.withDefaults().Debounce, last: known,
		changes: make(chan Change), found: make(chan foundChange), stop: make(chan struct{}),
		latest: make([]*Change, len(paths)),
	}
	for _, path := range paths {
		// The contents of each file are reported by its first look.
		file, err := NewFile(path, Digest{}, o)
		if err != nil {
			_ = f.Close() // what it says is not why
			return nil, err
		}
		f.files = append(f.files, file)
	}
	for i, file := range f.files {
		f.done.Go(func() { f.follow(i, file) })
	}
	f.done.Go(f.run)
	return f, nil
}

// Changes returns the channel of changes. A change that was not received is replaced by the next
// one. It is never closed.
func (f *Files) Changes() <-chan Change { return f.changes }

// Written returns when one of the files was last seen to be written.
func (f *Files) Written() time.Time {
	var last time.Time
	for _, file := range f.files {
		if at := file.Written(); at.After(last) {
			last = at
		}
	}
	return last
}

// Close ends the watch and waits until it has ended. It may be called once.
func (f *Files) Close() error {
	close(f.stop)
	f.done.Wait()
	var first error
	for _, file := range f.files {
		if err := file.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// follow passes on the changes of one file.
func (f *Files) follow(i int, file *File) {
	for {
		select {
		case c := <-file.Changes():
			select {
			case f.found <- foundChange{i, c}:
			case <-f.stop:
				return
			}
		case <-f.stop:
			return
		}
	}
}

func (f *Files) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var out chan<- Change
		var change Change
		if f.pending != nil {
			out, change = f.changes, *f.pending
		}
		select {
		case <-f.stop:
			return
		case c := <-f.found:
			f.latest[c.file] = &c.Change
			timer.Reset(f.quiet)
		case <-timer.C:
			if left := f.quiet - time.Since(f.Written()); left > 0 {
				timer.Reset(left) // another one is being written
				continue
			}
			f.look()
		case out <- change:
			f.pending = nil
		}
	}
}

// look reports the files if their combined contents have changed.
func (f *Files) look() {
	contents := make([][]byte, len(f.latest))
	for i, c := range f.latest {
		if c == nil {
			return // it will have been looked at soon
		}
		contents[i] = c.Data
	}
	for i, c := range f.latest {
		if c.Err == nil {
			continue
		}
		path := f.files[i].path
		if text := path + ": " + c.Err.Error(); f.lastErr != text {
			f.lastErr = text
			f.pending = &Change{Path: path, Err: c.Err, Written: f.Written()}
		}
		return
	}
	data := f.join(contents)
	digest := sha256.Sum256(data)
	if digest == f.last && f.lastErr == "" {
		return
	}
	f.last, f.lastErr = digest, ""
	f.pending = &Change{Data: data, Digest: digest, Written: f.Written()}
}
