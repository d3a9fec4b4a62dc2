package files

import (
	"io"
	"sync"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// chunk is the most that is read at once, in bytes.
const chunk = 64 << 10

// ReadAt returns up to n bytes of a file from off on, and reports whether the file ends there.
func (d *Descriptor) ReadAt(n, off uint64) (p []byte, end bool, err error) {
	h, err := d.regular()
	if err != nil {
		return nil, false, err
	}
	if d.flags&Read == 0 {
		return nil, false, wasi.FileCode("bad-descriptor")
	}
	at, err := offset(off)
	if err != nil {
		return nil, false, err
	}
	p, err = readAt(h, make([]byte, min(n, chunk)), at)
	if err != nil && err != io.EOF {
		return nil, false, d.code(err)
	}
	return p, len(p) == 0, nil
}

// readAt fills p as far as it can, and returns that part, or why there is none.
func readAt(h *handle, p []byte, off int64) ([]byte, error) {
	n, err := h.ReadAt(p, off)
	if n > 0 {
		err = nil
	}
	return p[:n], err
}

// Reader returns a stream of the contents from off on. It reads no more than a read asks for.
func (d *Descriptor) Reader(off uint64) (wasi.InputStream, error) {
	if d.file == nil {
		return nil, wasi.FileCode("is-directory")
	}
	at, err := offset(off)
	if err != nil {
		return nil, err
	}
	r := &reader{grant: d.grant, h: d.file.use(), off: at}
	if d.flags&Read == 0 {
		r.err = wasi.FileCode("bad-descriptor")
	}
	return r, nil
}

type reader struct {
	wasi.Event
	*grant
	h *handle

	mu     sync.Mutex
	off    int64
	busy   bool // a read is under way
	buf    []byte
	rest   []byte // was read into buf, and not yet taken
	err    error  // comes after it
	closed bool
}

var _ wasi.InputStream = (*reader)(nil)

// Prompt marks that a read needs no wait: it returns its bytes itself.
func (r *reader) Prompt() {}

func (r *reader) Read(n int) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.rest) > 0 && n > 0:
		n = min(n, len(r.rest))
		p := r.rest[:n:n]
		r.rest = r.rest[n:]
		return p, nil
	case len(r.rest) > 0:
		return nil, nil
	case r.err != nil:
		err := r.err
		r.err = io.EOF
		return nil, err
	case r.busy || n <= 0:
		return nil, nil
	}
	n, off := min(n, chunk), r.off
	if n > len(r.buf) {
		r.buf = make([]byte, n)
	}
	p := r.buf[:n]
	switch n, end := readNow(r.h.File, p, off, r.h.quick); {
	case n > 0:
		r.off += int64(n)
		return p[:n:n], nil
	case end:
		r.err = io.EOF
		return nil, io.EOF
	}
	r.busy = true
	r.files.Start(func() {
		p, err := readAt(r.h, p, off)
		if err != nil && err != io.EOF {
			err = r.code(err)
		}
		r.mu.Lock()
		r.busy, r.rest, r.err = false, p, err
		r.off += int64(len(p))
		r.mu.Unlock()
		r.Wake()
	})
	return nil, nil
}

// Ready reports whether a Read returns something new, or would begin to read.
func (r *reader) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.busy
}

func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.h.release()
	}
	return nil
}
