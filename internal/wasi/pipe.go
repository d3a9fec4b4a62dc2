package wasi

import (
	"errors"
	"io"
	"sync"
)

// ErrBodyDropped is the error of reading a body whose producer dropped it before it was complete.
var ErrBodyDropped = errors.New("body was dropped before it was finished")

const (
	// smallWrite is up to how many bytes a write is gathered with the ones before it instead of
	// being kept as it is.
	smallWrite = 512
	// gatherSize is the size of the buffer that small writes share, in bytes.
	gatherSize = 4 << 10
	// minPermit is how much space must be free before a full pipe asks for more, so that both sides
	// do not wake each other for crumbs.
	minPermit = 32 << 10
)

// pipe carries bytes from a guest's goroutine to the one of a reader. Writes never block, reads do.
// It needs no goroutine.
type pipe struct {
	mu           sync.Mutex
	limit        int
	size         int // bytes in chunks
	chunks       [][]byte
	first        [1][]byte // storage for chunks: many bodies are one write
	gather       bool      // the last chunk is the pipe's own and may grow within its capacity
	ended        bool      // nothing more will be written
	err          error     // why it ended early; nil or io.EOF at a proper end
	readerClosed bool
	read         chan struct{} // wakes the reader; nil if it has never waited
	event
}

// init makes a zero pipe ready for use.
func (p *pipe) init(limit int) {
	p.limit = limit
	p.chunks = p.first[:0]
}

// space is the permit for the next write. The lock is held.
func (p *pipe) space() int {
	free := p.limit - p.size
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

// write passes b to the reader. own says that the pipe may keep b.
func (p *pipe) write(b []byte, own bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.readerClosed {
		return ErrClosed
	}
	if len(b) == 0 {
		return nil
	}
	p.size += len(b)
	if n := len(p.chunks); len(b) <= smallWrite && n > 0 {
		last := p.chunks[n-1]
		if !p.gather || cap(last)-len(last) < len(b) {
			last, p.gather = make([]byte, 0, gatherSize), true
			p.chunks = append(p.chunks, nil)
			n++
		}
		p.chunks[n-1] = append(last, b...)
	} else {
		if !own {
			b = append([]byte(nil), b...)
		}
		p.chunks, p.gather = append(p.chunks, b), false
	}
	p.wakeReader()
	return nil
}

// wakeReader makes the reader look again. The lock is held.
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
		switch {
		case p.readerClosed:
			p.mu.Unlock()
			return 0, io.ErrClosedPipe
		case len(b) == 0:
			p.mu.Unlock()
			return 0, nil
		case p.size > 0:
			before := p.space()
			n := p.take(b)
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
		if p.read == nil {
			p.read = make(chan struct{}, 1)
		}
		read := p.read
		p.mu.Unlock()
		<-read
	}
}

// take moves bytes to b. The lock is held.
func (p *pipe) take(b []byte) (n int) {
	i := 0
	for ; i < len(p.chunks) && n < len(b); i++ {
		m := copy(b[n:], p.chunks[i])
		n += m
		if m < len(p.chunks[i]) {
			p.chunks[i] = p.chunks[i][m:]
			break
		}
		p.chunks[i] = nil
	}
	p.size -= n
	if i == len(p.chunks) {
		p.chunks, p.gather = p.chunks[:0], false
	} else {
		p.chunks = p.chunks[i:]
	}
	return n
}

// closeRead ends the reading side: what is buffered is dropped, a blocked Read returns, and writes
// return ErrClosed.
func (p *pipe) closeRead() {
	p.mu.Lock()
	p.readerClosed = true
	p.chunks, p.size = nil, 0
	p.wakeReader()
	p.mu.Unlock()
	p.wake()
}

// buffered returns how many bytes Read returns without blocking, and whether they are the last.
func (p *pipe) buffered() (n int, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size, p.ended || p.readerClosed
}
