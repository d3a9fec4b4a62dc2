package host

import (
	"bytes"
	"io"
	"sync"
)

// maxHeld is how much of a line that has not ended is held back, in bytes.
const maxHeld = 64 << 10

// Lines returns streams for Config.Stdout or Config.Stderr that write to w, a whole line at a time,
// so that no line of one instance is torn by another. w need not be safe for concurrent use. It is
// not closed.
func Lines(w io.Writer) func(Origin) io.WriteCloser {
	shared := &sharedWriter{w: w}
	return func(Origin) io.WriteCloser { return &lineWriter{to: shared} }
}

// sharedWriter is the writer that the streams of all instances share.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// lineWriter holds back what is no whole line yet. It belongs to the owner of one instance.
type lineWriter struct {
	to   *sharedWriter
	held []byte
}

// Write passes on the lines that are complete now.
func (l *lineWriter) Write(p []byte) (int, error) {
	end := bytes.LastIndexByte(p, '\n') + 1
	if end == 0 && len(l.held)+len(p) < maxHeld {
		l.held = append(l.held, p...)
		return len(p), nil
	}
	if end == 0 {
		end = len(p)
	}
	_, err := l.to.Write(append(l.held, p[:end]...))
	l.held = append(l.held[:0], p[end:]...)
	return len(p), err
}

// Close writes what is left of a line that has not ended.
func (l *lineWriter) Close() error {
	if len(l.held) == 0 {
		return nil
	}
	_, err := l.to.Write(append(l.held, '\n'))
	l.held = nil
	return err
}
