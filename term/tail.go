package term

import (
	"bytes"
	"sync"
)

// maxTailLine bounds each line that a Tail remembers, in bytes.
const maxTailLine = 2 << 10

// Tail is a writer that remembers the last lines written to it. Its methods
// are safe for concurrent use; the zero value remembers nothing.
type Tail struct {
	mu    sync.Mutex
	lines []string // a ring once it has its full length
	next  int
	max   int
	held  []byte
}

// NewTail returns a Tail of at most n lines, each cut at 2 KiB.
func NewTail(n int) *Tail { return &Tail{max: n} }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			t.hold(rest)
			return len(p), nil
		}
		t.hold(rest[:i])
		t.push()
		rest = rest[i+1:]
	}
}

func (t *Tail) hold(p []byte) {
	room := maxTailLine - len(t.held)
	t.held = append(t.held, p[:min(room, len(p))]...)
}

func (t *Tail) push() {
	line := string(bytes.TrimSuffix(t.held, []byte("\r")))
	t.held = t.held[:0]
	switch {
	case t.max <= 0:
	case len(t.lines) < t.max:
		t.lines = append(t.lines, line)
	default:
		t.lines[t.next] = line
		t.next = (t.next + 1) % t.max
	}
}

// Lines returns the lines remembered, oldest first, including one that has
// not ended yet.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := make([]string, 0, len(t.lines)+1)
	lines = append(lines, t.lines[t.next:]...)
	lines = append(lines, t.lines[:t.next]...)
	if len(t.held) > 0 && t.max > 0 {
		lines = append(lines, string(t.held))
		if len(lines) > t.max {
			lines = lines[1:]
		}
	}
	return lines
}
