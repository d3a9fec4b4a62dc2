package sockets

import (
	"io"
	"sync"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	// maxRead is the most that one Read returns, in bytes.
	maxRead = 64 << 10
	// permit is the most that one Write takes, in bytes.
	permit = 64 << 10
)

// buffers are of maxRead bytes each.
var buffers = sync.Pool{New: func() any { return new([maxRead]byte) }}

// TCPInput is what a connection receives. It is a wasi.InputStream.
type TCPInput struct {
	t      *TCP
	ended  bool
	shut   bool // reading was shut down
	closed bool
}

// Input returns the receiving side of a connection, which is there once: InvalidState afterwards,
// and without a connection.
func (t *TCP) Input() (*TCPInput, error) {
	if err := t.in(tcpConnected); err != nil {
		return nil, err
	}
	if t.receiving {
		return nil, InvalidState
	}
	t.receiving = true
	t.retain()
	return &TCPInput{t: t}, nil
}

// ReadInto reads into p, which is not empty: 0 bytes without an error means nothing yet. io.EOF is
// the end.
func (i *TCPInput) ReadInto(p []byte) (int, error) {
	if i.ended || i.shut || i.closed {
		return 0, io.EOF
	}
	n, err := i.t.read(p)
	switch {
	case n > 0:
		return n, nil
	case err == nil:
		i.ended = true
		return 0, io.EOF
	case wouldBlock(err):
		return 0, nil
	}
	i.ended = true
	return 0, coded(err)
}

// Read returns up to n bytes. With n of 0, it finds out whether the end has come.
func (i *TCPInput) Read(n int) ([]byte, error) {
	if n <= 0 {
		return nil, i.probe()
	}
	h := i.t.host
	if h.buf == nil {
		h.buf = new([maxRead]byte)
	}
	got, err := i.ReadInto(h.buf[:min(n, maxRead)])
	return h.buf[:got:got], err
}

// probe returns io.EOF if that is what comes next.
func (i *TCPInput) probe() error {
	if i.ended || i.shut || i.closed {
		return io.EOF
	}
	if n, err := i.t.peek(make([]byte, 1)); n == 0 && err == nil {
		i.ended = true
		return io.EOF
	}
	return nil // an error is for a read that wants bytes
}

// Ready reports whether a read would return bytes, the end or an error.
func (i *TCPInput) Ready() bool { return i.ended || i.shut || i.closed || i.t.readable.Ready() }

// Subscribe has w woken when Ready may have become true.
func (i *TCPInput) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	return i.t.readable.Subscribe(w)
}

// Shutdown ends reading, whatever has come.
func (i *TCPInput) Shutdown() {
	if !i.shut {
		i.shut = true
		_ = i.t.shutdown(toRead) // the connection may be over
		i.t.readable.Wake()
	}
}

// Close closes the handle.
func (i *TCPInput) Close() error {
	if !i.closed {
		i.closed = true
		i.t.release()
	}
	return nil
}

// TCPOutput is what a connection sends. It is a wasi.OutputStream. What the system does not take at
// once is written by a goroutine.
type TCPOutput struct {
	t *TCP

	mu      sync.Mutex
	pending []byte // still to be written
	room    *[permit]byte
	flows   bool  // the system took all of the last write: it is not asked before the next
	err     error // what ended writing, until it has been reported
	ended   bool  // nothing more is taken
	fin     bool  // the peer is to hear of the end
	closed  bool
}

// Output returns the sending side of a connection, which is there once: InvalidState afterwards,
// and without a connection.
func (t *TCP) Output() (*TCPOutput, error) {
	if err := t.in(tcpConnected); err != nil {
		return nil, err
	}
	if t.sending {
		return nil, InvalidState
	}
	t.sending = true
	t.retain()
	t.out = &TCPOutput{t: t}
	return t.out, nil
}

// end returns why no more bytes are taken, or nil if they are. The lock is held.
func (o *TCPOutput) end() error {
	if err := o.err; err != nil {
		o.err = nil
		return err
	}
	if o.ended {
		return wasi.ErrClosed
	}
	return nil
}

// CheckWrite returns how many bytes the next Write may have.
func (o *TCPOutput) CheckWrite() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.end(); err != nil {
		return 0, err
	}
	if !o.takes() {
		return 0, nil
	}
	return permit, nil
}

// takes reports whether the next Write is sent, or kept if the system takes less than it seems. The
// lock is held.
func (o *TCPOutput) takes() bool {
	return len(o.pending) == 0 && (o.flows || o.t.writable.Ready())
}

// Write sends p, or keeps what is not sent yet.
func (o *TCPOutput) Write(p []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.end(); err != nil {
		return err
	}
	if len(o.pending) == 0 {
		rest, err := o.send(p)
		if err != nil {
			o.ended = true
			return err
		}
		if p, o.flows = rest, len(rest) == 0; o.flows {
			return nil
		}
		o.t.retain()
		if !o.t.host.goFlush(o.flush) {
			o.t.release()
			o.ended = true
			return wasi.ErrClosed
		}
		o.room = buffers.Get().(*[permit]byte)
		o.pending = o.room[:0]
	}
	o.pending = append(o.pending, p...)
	return nil
}

// keepNothing frees what pending was in. The lock is held.
func (o *TCPOutput) keepNothing() {
	buffers.Put(o.room)
	o.pending, o.room = nil, nil
}

// send sends what the system takes of p.
func (o *TCPOutput) send(p []byte) (rest []byte, err error) {
	for len(p) > 0 {
		n, err := o.t.write(p)
		p = p[n:]
		switch {
		case err == nil:
		case wouldBlock(err):
			return p, nil
		case broken(err):
			return p, wasi.ErrClosed
		default:
			return p, coded(err)
		}
	}
	return nil, nil
}

// flush writes what is pending, on a goroutine of its own.
func (o *TCPOutput) flush() {
	defer o.t.release()
	for {
		o.t.await(toWrite)
		o.mu.Lock()
		rest, err := o.send(o.pending)
		o.pending = rest
		if err != nil {
			o.pending, o.ended = nil, true
			if err != wasi.ErrClosed {
				o.err = err
			}
		}
		done := len(o.pending) == 0
		if done {
			o.flows = true
			o.keepNothing()
			o.finish()
		}
		o.mu.Unlock()
		if done {
			o.t.writable.Wake()
			return
		}
	}
}

// finish sends the end to the peer once everything is written. The lock is held.
func (o *TCPOutput) finish() {
	if o.fin && len(o.pending) == 0 {
		_ = o.t.shutdown(toWrite) // the connection may be over
	}
}

// Flush does nothing: what is pending goes on its way by itself.
func (o *TCPOutput) Flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end()
}

// Flushed reports whether the system has taken everything.
func (o *TCPOutput) Flushed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pending) == 0 && o.err == nil
}

// Ready reports whether CheckWrite permits something or fails.
func (o *TCPOutput) Ready() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || o.err != nil {
		return true
	}
	return o.takes()
}

// Subscribe has w woken when Ready may have become true.
func (o *TCPOutput) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	return o.t.writable.Subscribe(w)
}

// Shutdown ends writing: what was written is still sent, and then the end.
func (o *TCPOutput) Shutdown() {
	o.mu.Lock()
	if !o.fin {
		o.fin, o.ended = true, true
		o.finish()
	}
	o.mu.Unlock()
	o.t.writable.Wake()
}

// Close closes the handle. What was written is still sent.
func (o *TCPOutput) Close() error {
	o.mu.Lock()
	closed := o.closed
	o.closed, o.ended = true, true
	o.mu.Unlock()
	if !closed {
		o.t.release()
	}
	return nil
}
