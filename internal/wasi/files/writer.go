package files

import (
	"io"
	"os"
	"sync"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// writePermit is the permit for one write, in bytes.
const writePermit = 64 << 10

// keptBuffer is the size of the largest buffer that a stream keeps between writes, in bytes.
const keptBuffer = 1 << 20

// WriteAt writes p to a file from off on, and returns how much of it was written.
func (d *Descriptor) WriteAt(p []byte, off uint64) (n int, err error) {
	h, err := d.regular()
	if err != nil {
		return 0, err
	}
	if err := d.mayChange(); err != nil {
		return 0, err
	}
	if d.flags&Write == 0 {
		return 0, wasi.FileCode("bad-descriptor")
	}
	at, err := offset(off)
	if err != nil {
		return 0, err
	}
	n, err = d.files.writeAt(h.File, p, at)
	if n > 0 {
		err = nil // the next write reports it
	}
	return n, d.code(err)
}

// Writer returns a stream into a file from off on.
func (d *Descriptor) Writer(off uint64) (wasi.OutputStream, error) {
	at, err := offset(off)
	if err != nil {
		return nil, err
	}
	w, err := d.writer()
	if err != nil {
		return nil, err
	}
	w.off = at
	return w, nil
}

// Appender returns a stream that writes to the end of a file, wherever that is at each write.
func (d *Descriptor) Appender() (wasi.OutputStream, error) {
	w, err := d.writer()
	if err != nil {
		return nil, err
	}
	w.append = true
	return w, nil
}

func (d *Descriptor) writer() (*writer, error) {
	if _, err := d.regular(); err != nil {
		return nil, err
	}
	if err := d.mayChange(); err != nil {
		return nil, err
	}
	w := &writer{grant: d.grant, h: d.file.use()}
	if d.flags&Write == 0 {
		w.err = wasi.FileCode("bad-descriptor")
	}
	return w, nil
}

type writer struct {
	wasi.Event
	*grant
	h      *handle
	append bool
	off    int64 // of the next write

	mu     sync.Mutex
	busy   bool  // a write is under way
	err    error // of the last write, not yet reported
	failed bool  // it was reported
	closed bool
	buf    []byte // what a write under way has to write
}

var _ wasi.OutputStream = (*writer)(nil)

// Unlimited says that a Write is never too big: the guest's bytes are not kept beyond it.
func (w *writer) Unlimited() {}

// Prompt says that a write ends by itself.
func (w *writer) Prompt() {}

// Ready reports whether no write is under way.
func (w *writer) Ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.busy
}

// end returns how the stream has ended. The lock is held.
func (w *writer) end() error {
	switch {
	case w.closed || w.failed:
		return wasi.ErrClosed
	case w.err != nil:
		w.failed = true
		return w.err
	}
	return nil
}

func (w *writer) CheckWrite() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return 0, nil
	}
	if err := w.end(); err != nil {
		return 0, err
	}
	return writePermit, nil
}

func (w *writer) Write(p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.end(); err != nil {
		return err
	}
	if len(p) == 0 {
		return nil
	}
	if w.h.quick && len(p) <= chunk {
		w.err = w.write(p)
		return nil
	}
	w.busy = true
	p = append(w.buf[:0], p...)
	if cap(p) <= keptBuffer {
		w.buf = p
	}
	w.files.start(work{owed: true, op: func() {
		err := w.write(p)
		w.mu.Lock()
		w.busy, w.err = false, err
		w.mu.Unlock()
		w.Wake()
	}})
	return nil
}

// write writes p. One write at a time runs.
func (w *writer) write(p []byte) error {
	if w.append {
		_, err := w.files.appendTo(w.h.File, p)
		return w.code(err)
	}
	n, err := w.files.writeAt(w.h.File, p, w.off)
	w.off += int64(n)
	return w.code(err)
}

// Flush has nothing to do: what is written is in the hands of the system.
func (w *writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return nil
	}
	return w.end()
}

// Close closes the stream. A write that is under way goes on.
func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		w.h.release()
	}
	return nil
}

// appendTo writes p to the end of a file: at once where the system can, else to where its end was a
// moment ago.
func (f *Files) appendTo(file *os.File, p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		n, ok, err := appendOnce(file, p)
		if !ok {
			end, err := file.Stat()
			if err != nil {
				return total, err
			}
			n, err := f.writeAt(file, p, end.Size())
			return total + n, err
		}
		total += n
		if err != nil {
			return total, err
		}
		if n == 0 {
			return total, io.ErrShortWrite
		}
		p = p[n:]
	}
	return total, nil
}
