package term

import (
	"bytes"
	"io"
	"sync"
)

// maxLine bounds what one LineWriter holds back, in bytes. A longer line is
// written in pieces, each with the prefix.
const maxLine = 64 << 10

// A Keyed writer keeps lines of one key together.
type Keyed interface {
	// WriteFor writes whole lines of a key; "" for none.
	WriteFor(key string, lines []byte) (int, error)
}

// Lines makes writers that share one stream line by line: lines of guests that
// print at the same time do not mix.
type Lines struct {
	w      io.Writer
	prefix bool
}

// NewLines returns a factory of writers onto w, which must itself be safe for
// concurrent use (an Output is) or be used by one writer at a time. With
// prefix false, lines are passed on bare.
func NewLines(w io.Writer, prefix bool) *Lines {
	return &Lines{w: w, prefix: prefix}
}

// Writer returns a new writer. prefix is called at the end of each line and
// returns the text before it, such as "[2/17] "; nil means none. It may be
// called from any goroutine that writes.
func (l *Lines) Writer(prefix func() string) *LineWriter {
	if !l.prefix {
		prefix = nil
	}
	return &LineWriter{w: l.w, prefix: prefix}
}

// KeyedWriter is Writer, but if the stream is Keyed, key returns whose the lines are. It is called
// after each write, by the goroutine that writes.
func (l *Lines) KeyedWriter(prefix, key func() string) *LineWriter {
	w := l.Writer(prefix)
	w.keyed, _ = l.w.(Keyed)
	w.key = key
	return w
}

// LineWriter buffers until a line is whole. Its methods are safe for
// concurrent use. It must be closed, or a last line without an end is lost.
type LineWriter struct {
	w      io.Writer
	prefix func() string
	keyed  Keyed         // w, if it is one
	key    func() string // for keyed

	mu   sync.Mutex
	held []byte
	out  []byte
}

// Write buffers p and passes on the lines that are complete. It returns an
// error of the stream, and drops these lines: printing them later is of no use.
func (lw *LineWriter) Write(p []byte) (int, error) {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		lw.line(rest[:i])
		rest = rest[i+1:]
	}
	for len(lw.held)+len(rest) >= maxLine {
		n := maxLine - len(lw.held)
		lw.line(rest[:n])
		rest = rest[n:]
	}
	lw.held = append(lw.held, rest...)
	if err := lw.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// line adds one line, of which tail is the last part, to what goes out next.
func (lw *LineWriter) line(tail []byte) {
	if lw.prefix != nil {
		lw.out = append(lw.out, lw.prefix()...)
	}
	lw.out = append(lw.out, lw.held...)
	lw.out = append(lw.out, tail...)
	lw.out = append(lw.out, '\n')
	lw.held = lw.held[:0]
}

func (lw *LineWriter) flush() error {
	if len(lw.out) == 0 {
		return nil
	}
	var err error
	if lw.keyed != nil {
		_, err = lw.keyed.WriteFor(lw.key(), lw.out)
	} else {
		_, err = lw.w.Write(lw.out)
	}
	lw.out = lw.out[:0]
	return err
}

// Close writes what is left of a line that has not ended. The stream itself
// stays open.
func (lw *LineWriter) Close() error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if len(lw.held) > 0 {
		lw.line(nil)
	}
	return lw.flush()
}
