package wasi

import (
	"io"
	"sync"
	"time"
)

// stdinChunk is the most that is read ahead from the underlying reader.
const stdinChunk = 16 << 10

// Stdin is one byte source that any number of guests share, the standard input of a process. It
// reads only when a guest asks for bytes, one read at a time for all of them, and keeps what the
// asking guest leaves. It is safe for concurrent use.
type Stdin struct {
	r io.Reader

	mu      sync.Mutex
	rest    []byte        // read and not yet taken
	err     error         // what ended the source
	reading chan struct{} // closed when the read under way is over; nil if there is none
	closed  bool
	subs    map[*stdinSub]struct{}
}

type stdinSub struct{ w *Waiter }

// NewStdin returns a source that reads r; nil stands for an empty input. The caller still owns r,
// but must not read it any more.
func NewStdin(r io.Reader) *Stdin {
	s := &Stdin{r: r, subs: map[*stdinSub]struct{}{}}
	if r == nil {
		s.err = io.EOF
	}
	return s
}

// Open returns a new handle on the source for one guest. Closing the handle leaves the source open.
func (s *Stdin) Open() InputStream { return &stdinStream{s: s} }

// Close ends the source: every handle reads io.EOF after the bytes that are there, and guests that
// wait are woken. A read under way is interrupted and waited for when the reader has deadlines
// (SetReadDeadline, as sockets have, and pipes but on Windows). The read of any other reader, a
// terminal for example, cannot be interrupted: Close does not wait for it, its goroutine ends when
// it returns.
func (s *Stdin) Close() error {
	s.mu.Lock()
	s.closed = true
	reading := s.reading
	s.wake()
	s.mu.Unlock()
	if reading == nil {
		return nil
	}
	d, ok := s.r.(interface{ SetReadDeadline(time.Time) error })
	if !ok || d.SetReadDeadline(time.Unix(1, 0)) != nil {
		return nil
	}
	<-reading
	return d.SetReadDeadline(time.Time{})
}

// demand starts a read when nothing is there and none is under way. The lock is held.
func (s *Stdin) demand() {
	if len(s.rest) > 0 || s.err != nil || s.closed || s.reading != nil {
		return
	}
	done := make(chan struct{})
	s.reading = done
	go func() {
		defer close(done)
		buf := make([]byte, stdinChunk)
		n, err := readSome(s.r, buf)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rest, s.err, s.reading = buf[:n], err, nil
		s.wake()
	}()
}

// readSome reads at least one byte unless the reader fails. A reader that repeatedly returns
// neither bytes nor an error counts as failed.
func readSome(r io.Reader, buf []byte) (int, error) {
	for range 100 {
		if n, err := r.Read(buf); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// wake wakes all handles that wait. The lock is held.
func (s *Stdin) wake() {
	for sub := range s.subs {
		sub.w.Wake()
	}
}

// end returns what ended the source once all bytes are taken, nil before. The lock is held.
func (s *Stdin) end() error {
	switch {
	case len(s.rest) > 0:
		return nil
	case s.closed:
		return io.EOF
	}
	return s.err
}

// stdinStream is a guest's handle on a Stdin.
type stdinStream struct {
	s        *Stdin
	reported bool // the guest knows how the source ended
}

func (i *stdinStream) Read(n int) ([]byte, error) {
	s := i.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.reported {
		return nil, io.EOF
	}
	if err := s.end(); err != nil {
		i.reported = true
		return nil, err
	}
	if n <= 0 {
		return nil, nil
	}
	if len(s.rest) == 0 {
		s.demand()
		return nil, nil
	}
	n = min(n, len(s.rest))
	b := append([]byte(nil), s.rest[:n]...)
	s.rest = s.rest[n:]
	return b, nil
}

// Ready also starts a read: a guest that only polls would otherwise wait for a read that never
// starts.
func (i *stdinStream) Ready() bool {
	s := i.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.reported || len(s.rest) > 0 || s.end() != nil {
		return true
	}
	s.demand()
	return false
}

func (i *stdinStream) Subscribe(w *Waiter) (unsubscribe func()) {
	s, sub := i.s, &stdinSub{w}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs[sub] = struct{}{}
	if i.reported || len(s.rest) > 0 || s.end() != nil {
		w.Wake()
	} else {
		s.demand()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, sub)
	}
}

// Close closes the handle.
func (i *stdinStream) Close() error {
	i.reported = true
	return nil
}
