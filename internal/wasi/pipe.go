package wasi

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi/queue"
)

// ErrBodyDropped is the error of reading a body whose producer dropped it before it was complete.
var ErrBodyDropped = errors.New("body was dropped before it was finished")

// minPermit is the least space for which a pipe permits a write, in bytes: fewer bytes are not
// worth a call.
const minPermit = 32 << 10

// pipe carries bytes from a guest's goroutine to the one of a reader. Writes never block, reads do.
// It needs no goroutine.
type pipe struct {
	mu           sync.Mutex
	limit        int
	steady       bool // limit is the permit for each write
	queue        queue.Bytes
	lent         queue.Chunk   // what next returned; the reader's
	into         []byte        // what a reader waits for: the next write goes there
	filled       int           // bytes in into
	ended        atomic.Bool   // nothing more will be written; changed with the lock
	err          error         // why it ended early; nil or io.EOF at a proper end
	full         bool          // the writer waits until half of the space is free
	readerClosed atomic.Bool   // likewise
	quiet        bool          // no bytes come, only the end
	read         chan struct{} // made when a reader first waits
	event
}

// space is the permit for the next write. A pipe that was full permits nothing until half of it is
// free, so that its two sides do not wake each other for every piece. The lock is held.
func (p *pipe) space() int {
	if p.steady {
		return p.limit
	}
	free := p.limit - p.queue.Len()
	least := min(minPermit, (p.limit+3)/4)
	if p.full {
		least = (p.limit + 1) / 2
	}
	if p.full = free < least; p.full {
		return 0
	}
	return free
}

// writable reports whether a write would be taken or fail.
func (p *pipe) writable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended.Load() || p.readerClosed.Load() || p.space() > 0
}

// checkWrite returns how many bytes may be written now.
func (p *pipe) checkWrite() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.Load() || p.readerClosed.Load() {
		return 0, ErrClosed
	}
	return p.space(), nil
}

// write passes b to the reader, and keeps nothing of it.
func (p *pipe) write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.Load() || p.readerClosed.Load() {
		return ErrClosed
	}
	if len(b) == 0 {
		return nil
	}
	if p.into != nil {
		// The reader takes what is in its own buffer before what comes after it.
		n := copy(p.into[p.filled:], b)
		p.filled += n
		b = b[n:]
	}
	p.queue.Append(b)
	p.wakeReader()
	return nil
}

// wakeReader wakes a reader that waits. The lock is held.
func (p *pipe) wakeReader() {
	if p.read == nil {
		return
	}
	select {
	case p.read <- struct{}{}:
	default:
	}
}

// end closes the writing side; a nil err is a proper end. Only the first call counts; it reports
// whether there is a reader that gets the end.
func (p *pipe) end(err error) (heard bool) {
	p.mu.Lock()
	if !p.ended.Load() {
		heard = !p.readerClosed.Load()
		p.err = err
		p.ended.Store(true)
		p.wakeReader()
	}
	p.mu.Unlock()
	p.wake()
	return heard
}

// Read blocks until there are bytes or the end. What was written comes before the error of an early
// end.
func (p *pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		n := p.filled
		p.into, p.filled = nil, 0
		switch {
		case p.readerClosed.Load():
		case n > 0, len(b) == 0:
			p.mu.Unlock()
			return n, nil
		case p.queue.Len() > 0:
			n = p.queue.Take(b)
			p.took()
			return n, nil
		case !p.ended.Load():
			p.into = b
		}
		if err := p.await(); err != nil {
			return 0, err
		}
	}
}

// next is Read, but returns bytes where they are: the reader's until it calls next or Read again.
func (p *pipe) next() ([]byte, error) {
	p.lent.Free()
	for {
		p.mu.Lock()
		if !p.readerClosed.Load() && p.queue.Len() > 0 {
			p.lent = p.queue.Pop()
			p.took()
			return p.lent.Bytes, nil
		}
		if err := p.await(); err != nil {
			return nil, err
		}
	}
}

// took wakes a writer that waits for space, after bytes were taken, if there is enough. It unlocks.
func (p *pipe) took() {
	wake := p.full && p.space() > 0
	p.mu.Unlock()
	if wake {
		p.wake()
	}
}

// await waits until there is something to read, or returns the end. It unlocks.
func (p *pipe) await() error {
	closed, ended, err := p.readerClosed.Load(), p.ended.Load(), p.err
	if !closed && !ended {
		p.prepare()
	}
	p.mu.Unlock()
	switch {
	case closed:
		return io.ErrClosedPipe
	case ended && err == nil:
		return io.EOF
	case ended:
		return err
	}
	<-p.read
	return nil
}

// prepare makes what wakes a reader. The lock is held.
func (p *pipe) prepare() {
	if p.read == nil {
		p.read = make(chan struct{}, 1)
	}
}

// hush declares that no bytes come before the end.
func (p *pipe) hush() {
	p.mu.Lock()
	p.quiet = true
	p.wakeReader()
	p.mu.Unlock()
}

// awaitNews blocks until there are bytes, or none come, or late is received from. The reader calls
// it.
func (p *pipe) awaitNews(late <-chan time.Time) {
	for {
		p.mu.Lock()
		if p.quiet || p.ended.Load() || p.readerClosed.Load() || p.filled > 0 || p.queue.Len() > 0 {
			p.mu.Unlock()
			return
		}
		p.prepare()
		p.mu.Unlock()
		select {
		case <-p.read:
		case <-late:
			return
		}
	}
}

// closeRead ends the reading side: what is buffered is dropped, a blocked Read returns, and writes
// return ErrClosed.
func (p *pipe) closeRead() {
	p.mu.Lock()
	p.readerClosed.Store(true)
	p.queue.Drop()
	p.wakeReader()
	p.mu.Unlock()
	p.wake()
}

// buffered returns how many bytes Read returns without blocking, and whether they are the last.
func (p *pipe) buffered() (n int, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Len() + p.filled, p.over()
}

// over reports whether there will be no more bytes than there are.
func (p *pipe) over() bool { return p.ended.Load() || p.readerClosed.Load() }
