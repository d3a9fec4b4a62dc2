package host

import (
	"bytes"
	"slices"
	"sync"

	"github.com/wasihttp/wasihttp/internal/panics"
)

// What a tail remembers: so many lines, each cut at so many bytes.
const (
	tailLines     = 20
	tailLineBytes = 2 << 10
)

// tail is a writer that remembers the last lines written to it, and what they say of a failure,
// however many lines come after that. Its methods are safe for concurrent use, and its zero value
// is ready for use.
type tail struct {
	mu    sync.Mutex
	lines []string // a ring once it has its full length
	next  int
	held  []byte
	said  *panics.Finder // nil before the first line
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
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

func (t *tail) hold(p []byte) {
	room := tailLineBytes - len(t.held)
	t.held = append(t.held, p[:min(room, len(p))]...)
}

func (t *tail) push() {
	line := string(bytes.TrimSuffix(t.held, []byte("\r")))
	t.held = t.held[:0]
	if t.said == nil {
		t.said = new(panics.Finder)
	}
	t.said.Line(line)
	if len(t.lines) < tailLines {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % tailLines
}

// last returns the lines remembered, oldest first, including one that has
// not ended yet.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Concat(t.lines[t.next:], t.lines[:t.next])
	if len(t.held) > 0 {
		lines = append(lines, string(t.held))
	}
	return lines[max(len(lines)-tailLines, 0):]
}

// message returns what the lines say of a failure of the guest; "" if nothing.
func (t *tail) message() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var said panics.Finder
	if t.said != nil {
		said = *t.said
	}
	if len(t.held) > 0 {
		said.Line(string(t.held))
	}
	return said.Message()
}
