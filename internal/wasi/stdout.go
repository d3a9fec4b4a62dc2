package wasi

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
)

// sinkPermit is the permit for one write to a standard stream, in bytes.
const sinkPermit = 1 << 20

// NewSink returns a stream into w, unbuffered: what a guest has written is visible outside at once.
// A write takes as long as w takes; nil stands for a sink that discards. w stays open when the
// stream is closed, and several streams may lead into one w if that is safe for concurrent use.
//
// When w has no reader any more (EPIPE) the stream is closed; any other error of w is reported once
// and then the stream is closed. A program that passes its own stdout has to ignore SIGPIPE, or a
// lost reader ends the program.
func NewSink(w io.Writer) OutputStream {
	if w == nil {
		w = io.Discard
	}
	return &sink{w: w}
}

type sink struct {
	w      io.Writer
	closed bool
}

func (s *sink) Ready() bool { return true }

func (s *sink) Subscribe(w *Waiter) (unsubscribe func()) {
	w.Wake()
	return func() {}
}

func (s *sink) CheckWrite() (int, error) {
	if s.closed {
		return 0, ErrClosed
	}
	return sinkPermit, nil
}

// Unlimited marks that a Write is never too big: nothing of it is kept.
func (s *sink) Unlimited() {}

func (s *sink) Write(p []byte) error {
	if s.closed {
		return ErrClosed
	}
	if len(p) == 0 {
		return nil
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err == nil {
		return nil
	}
	s.closed = true
	if isReaderGone(err) {
		return ErrClosed
	}
	return err
}

func (s *sink) Flush() error {
	if s.closed {
		return ErrClosed
	}
	return nil
}

func (s *sink) Close() error {
	s.closed = true
	return nil
}

// isReaderGone reports whether a write failed because the other end has no reader.
func isReaderGone(err error) bool {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, os.ErrClosed) {
		return true
	}
	var code syscall.Errno
	if runtime.GOOS != "windows" || !errors.As(err, &code) {
		return false
	}
	const brokenPipe, noData = 109, 232
	return code == brokenPipe || code == noData
}
