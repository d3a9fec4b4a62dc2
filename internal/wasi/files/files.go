// Package files implements the behaviour behind wasi:filesystem in plain Go: the folders that a
// guest was granted, and what it opens below them. It depends neither on the component model nor on
// a version of WASI.
//
// A folder is an os.Root, which no path, link or race leads out of. What os.Root lacks is done with
// a single name in a folder that was opened through it, never following a link: see place.
//
// Operations on the disk block. Files.Do runs one for a caller that must be interruptible, and
// Files.Start for a caller that must not wait.
package files

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	// maxOpen is how many files and folders of the machine one store may have open at once. A
	// folder can take two of them.
	maxOpen = 1024
	// maxWorkers is how many operations of one store run at once. Each may hold up a thread.
	maxWorkers = 8
	// patience is how long Close waits for operations under way.
	patience = 2 * time.Second
)

// Files holds what one store has open. It is safe for concurrent use.
type Files struct {
	dirs []wasi.Dir
	used func(wasi.Use) // nil if uses are not reported

	mu      sync.Mutex
	open    map[io.Closer]struct{}
	closed  bool
	workers int
	queue   []work
	idle    chan struct{} // closed when Close waits and the last worker has ended

	// long is set if paths must be resolved the long way.
	long atomic.Bool

	// writeAt writes to a file, and isQuick reports whether that does not last; tests have others.
	writeAt func(f *os.File, p []byte, off int64) (int, error)
	isQuick func(f *os.File) bool
}

// work is an operation that waits for a worker.
type work struct {
	op func()
	// owed is set if the guest has been promised that the operation will be done.
	owed bool
}

type key struct{}

// Of returns the Files of a store, which end with its state.
func Of(st *wasi.State) *Files {
	return st.Part(key{}, func() io.Closer {
		f := New(st.Config().Dirs)
		f.used = st.Config().Used
		return f
	}).(*Files)
}

// New returns the Files of a guest that is granted these folders. The caller closes it.
func New(dirs []wasi.Dir) *Files {
	return &Files{
		dirs: dirs, open: map[io.Closer]struct{}{},
		writeAt: (*os.File).WriteAt, isQuick: isQuick,
	}
}

// Open returns how many files and folders of the machine are open.
func (f *Files) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

// Close writes what streams have taken, and closes all that is open. It waits for operations that
// are under way, though not for long: nothing can stop a disk. Those that go on fail, or their
// results are closed.
func (f *Files) Close() error {
	f.mu.Lock()
	f.closed = true
	f.queue = slices.DeleteFunc(f.queue, func(w work) bool { return !w.owed })
	if f.workers > 0 && f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	if idle != nil {
		select {
		case <-idle:
		case <-time.After(patience):
		}
	}
	f.mu.Lock()
	open := f.open
	f.open, f.queue = nil, nil
	f.mu.Unlock()
	for c := range open {
		_ = c.Close() // no way to report it
	}
	return nil
}

// keep counts c, an open file or folder, which it closes if there are too many.
func (f *Files) keep(c io.Closer) error {
	f.mu.Lock()
	full := f.closed || len(f.open) >= maxOpen
	if !full {
		f.open[c] = struct{}{}
	}
	f.mu.Unlock()
	if full {
		_ = c.Close() // nothing was written
		return wasi.FileCode("insufficient-memory")
	}
	return nil
}

// release closes what keep has counted.
func (f *Files) release(c io.Closer) {
	f.mu.Lock()
	delete(f.open, c)
	f.mu.Unlock()
	_ = c.Close() // write errors have been reported before
}

// Start runs op on another goroutine, soon: operations of one store wait for each other if there
// are many. After Close it may not run at all.
func (f *Files) Start(op func()) { f.start(work{op: op}) }

// start is Start; it reports whether Close was not called yet.
func (f *Files) start(w work) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return false
	case f.workers < maxWorkers:
		f.workers++
		go f.work(w.op)
	default:
		f.queue = append(f.queue, w)
	}
	return true
}

func (f *Files) work(op func()) {
	for op != nil {
		op()
		op = f.next()
	}
}

// next returns the next operation for a worker, or nil if the worker is to end.
func (f *Files) next() (op func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		f.queue = nil
		if f.workers--; f.workers == 0 && f.idle != nil {
			close(f.idle)
			f.idle = nil
		}
		return nil
	}
	op, f.queue = f.queue[0].op, f.queue[1:]
	return op
}

// Do runs op on another goroutine and waits for it, or for the end of ctx, whose cause it then
// returns; op goes on.
func (f *Files) Do(ctx context.Context, op func()) error {
	done := make(chan struct{})
	started := f.start(work{op: func() {
		defer close(done)
		op()
	}})
	if !started {
		return wasi.ErrClosed
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
