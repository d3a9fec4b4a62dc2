package wasi

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi/queue"
)

// ErrBodyDropped is the error of reading a body whose producer dropped it before it was complete.
var ErrBodyDropped = errors.New("body was dropped before it was finished")

// minPermit is how much space must be free before a full pipe asks for more, in bytes, so that both
// sides do not wake each other for crumbs.
const minPermit = 32 << 10

// pipe carries bytes from a guest's goroutine to the one of a reader. Writes never block, reads do.
// It needs no goroutine.
type pipe struct {
	mu           sync.Mutex
	limit        int
	queue        queue.Bytes
	into         []byte // what a reader waits for: the next write goes there
	filled       int    // bytes in into
	ended        bool   // nothing more will be written
	err          error  // why it ended early; nil or io.EOF at a proper end
	readerClosed bool
	quiet        bool          // no bytes come, only the end
	read         chan struct{} // made when a reader first waits
	event
}

// space is the permit for the next write. The lock is held.
func (p *pipe) space() int {
	free := p.limit - p.queue.Len()
	if free < min(minPermit, (p.limit+3)/4) {
		return 0
	}
	return free
}

// writable reports whether a write would be taken or fail.
func (p *pipe) writable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended || p.readerClosed || p.space() > 0
}

// checkWrite returns how many bytes may be written now.
func (p *pipe) checkWrite() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.readerClosed {
		return 0, ErrClosed
	}
	return p.space(), nil
}

// write passes b to the reader, and keeps nothing of it.
func (p *pipe) write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.readerClosed {
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
	if !p.ended {
		heard = !p.readerClosed
		p.ended, p.err = true, err
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
		if n := p.filled; n > 0 && !p.readerClosed {
			p.into, p.filled = nil, 0
			p.mu.Unlock()
			return n, nil
		}
		p.into, p.filled = nil, 0
		switch {
		case p.readerClosed:
			p.mu.Unlock()
			return 0, io.ErrClosedPipe
		case len(b) == 0:
			p.mu.Unlock()
			return 0, nil
		case p.queue.Len() > 0:
			before := p.space()
			n := p.queue.Take(b)
			wake := before == 0 && p.space() > 0
			p.mu.Unlock()
			if wake {
				p.wake()
			}
			return n, nil
		case p.ended:
			err := p.err
			p.mu.Unlock()
			if err == nil {
				err = io.EOF
			}
			return 0, err
		}
		p.into = b
		if p.read == nil {
			p.read = make(chan struct{}, 1)
		}
		p.mu.Unlock()
		<-p.read
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
		if p.quiet || p.ended || p.readerClosed || p.filled > 0 || p.queue.Len() > 0 {
			p.mu.Unlock()
			return
		}
		if p.read == nil {
			p.read = make(chan struct{}, 1)
		}
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
	p.readerClosed = true
	p.queue.Drop()
	p.wakeReader()
	p.mu.Unlock()
	p.wake()
}

// buffered returns how many bytes Read returns without blocking, and whether they are the last.
func (p *pipe) buffered() (n int, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Len() + p.filled, p.ended || p.readerClosed
}
