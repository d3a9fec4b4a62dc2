// Package console writes the log of a server for a person at a terminal: what is served, requests
// in columns, and failures in blocks.
package console

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/serve"
)

// Console is a log for a terminal: a line in columns for each request, and a block for each that
// fails, with what it wrote to standard error. Its methods are safe for concurrent use.
type Console struct {
	out   *term.Output
	quiet bool

	mu    sync.Mutex
	held  []said // by requests that have not ended yet, in the order of their first lines
	timer *time.Timer
	// spoke has requests of which lines are on the terminal already.
	spoke map[string]bool
}

// said is what a request has written to standard error.
type said struct {
	id    string
	since time.Time
	lines []byte // as they come, each with its prefix and its end
}

// New returns a log onto the terminal out. With quiet, it has no lines of requests that
// succeed.
func New(out *term.Output, quiet bool) *Console {
	return &Console{out: out, quiet: quiet, spoke: make(map[string]bool)}
}

const (
	// holdFor is how long lines of a request wait for its end, so that they can be shown with it.
	holdFor = 100 * time.Millisecond
	// holdBytes is how much is held of each request, in bytes, and holdRequests of how many.
	holdBytes    = 16 << 10
	holdRequests = 64
)

// Write writes lines that belong to no request.
func (c *Console) Write(p []byte) (int, error) { return c.out.Write(p) }

// WriteFor writes whole lines of the request with this id; "" is Write. It may hold them for a
// moment.
func (c *Console) WriteFor(id string, p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == "" {
		return c.out.Write(p)
	}
	i := slices.IndexFunc(c.held, func(s said) bool { return s.id == id })
	if i < 0 {
		if len(c.held) == holdRequests {
			c.release(0)
		}
		i = len(c.held)
		c.held = append(c.held, said{id: id, since: time.Now()})
		if len(c.held) == 1 {
			c.wake(holdFor)
		}
	}
	c.held[i].lines = append(c.held[i].lines, p...)
	if len(c.held[i].lines) > holdBytes {
		return len(p), c.release(i)
	}
	return len(p), nil
}

// wake has overdue called after a while.
func (c *Console) wake(after time.Duration) {
	if c.timer == nil {
		c.timer = time.AfterFunc(after, c.overdue)
		return
	}
	c.timer.Reset(after)
}

// overdue writes the lines of requests that take long.
func (c *Console) overdue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.held) > 0 {
		if left := holdFor - time.Since(c.held[0].since); left > 0 {
			c.wake(left)
			return
		}
		// The stream has a log of its own for what cannot be written.
		_ = c.release(0)
	}
}

// release writes the lines of a request before its end.
func (c *Console) release(i int) error {
	s := c.held[i]
	c.held = slices.Delete(c.held, i, i+1)
	if len(c.spoke) < 1<<10 {
		c.spoke[s.id] = true
	}
	_, err := c.out.Write(s.lines)
	return err
}

// Close writes what is held.
func (c *Console) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.held) > 0 {
		_ = c.release(0)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
}

// Log writes the line of a request, or the block of one that failed. It is for serve.Options.Log.
func (c *Console) Log(r serve.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []byte
	if i := slices.IndexFunc(c.held, func(s said) bool { return s.id == r.ID }); i >= 0 {
		lines = c.held[i].lines
		c.held = slices.Delete(c.held, i, i+1)
	}
	spoke := c.spoke[r.ID] || len(lines) > 0
	delete(c.spoke, r.ID)
	var b bytes.Buffer
	failed := r.Concerning() || r.Message != ""
	switch {
	case failed:
		c.access(&b, r, spoke)
		c.failure(&b, r, lines)
		_, _ = c.out.WriteBlock(b.Bytes())
		return
	case c.quiet:
		b.Write(lines)
	default:
		b.Write(lines)
		c.access(&b, r, spoke)
	}
	// A failed write cannot be reported anywhere.
	_, _ = c.out.Write(b.Bytes())
}

// The widths of columns, with what separates them.
const (
	// beforeTarget is that of time, method, status and duration.
	beforeTarget = len("15:04:05  ") + len("OPTIONS  ") + len("200  ") + len("  123ms  ")
	outcomeWidth = len("instantiation")
	// narrowOutcome is that of the outcomes there usually are, for narrow terminals.
	narrowOutcome = len("expired")
	narrow        = 80
	// targets are the least and the greatest width of the column for targets.
	leastTarget, greatestTarget = 12, 80
)

// access writes time, method, status, duration, target and outcome, in columns. The id of the
// request stands behind its target if lines on the terminal have it, too.
func (c *Console) access(b io.Writer, r serve.Record, named bool) {
	out := c.out
	outcome, width := r.OutcomeText(), outcomeWidth
	total := out.Width() - 1
	if total < narrow-1 {
		width = narrowOutcome
	}
	room := max(min(total-beforeTarget-2-max(width, len(outcome)), greatestTarget), leastTarget)
	if len(outcome) > width {
		room = max(min(total-beforeTarget-2-width, greatestTarget), leastTarget)
		if over := beforeTarget + room + 2 + len(outcome) - total; over > 0 {
			room = max(room-over, leastTarget)
		}
	}
	id := ""
	if named {
		id = " [" + r.ID + "]"
	}
	target := term.Cut(term.Clean(r.Target), room-len(id))
	blanks := strings.Repeat(" ", max(room-term.Width(target)-len(id), 0))
	status := "---"
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	fmt.Fprintf(b, "%s  %s  %s  %7s  %s%s%s  %s\n",
		out.Dim(r.Start.Format(time.TimeOnly)), term.Pad(term.Clean(r.Method), len("OPTIONS")),
		out.Status(r.Status, status), units.Duration(r.Duration),
		out.Strong(target), out.Dim(id), blanks, serve.StyleOutcome(out, r, outcome))
}

// failure writes why a request failed, with the lines it wrote to standard error.
func (c *Console) failure(b *bytes.Buffer, r serve.Record, lines []byte) {
	out := c.out
	f := r.Failure
	if f == nil {
		f = &serve.Failure{Outcome: r.Outcome, Message: r.Message}
	}
	width := out.Width() - 1
	mark := out.Bad(term.SymbolBad)
	for i, line := range f.Told() {
		style := out.Dim
		if i == 0 {
			style = out.Strong
		}
		for _, part := range term.Fold(line, width-len("  x ")) {
			fmt.Fprintf(b, "  %s %s\n", mark, style(part))
			mark = " "
		}
	}
	gutter := "  " + out.Dim("│") + " "
	for _, line := range c.bare(r.ID, lines) {
		if strings.ContainsRune(line, 0x1b) {
			b.WriteString(gutter + line + "\x1b[0m\n")
			continue
		}
		for _, part := range term.Fold(strings.ReplaceAll(line, "\t", "    "), width-len("  | ")) {
			b.WriteString(gutter + part + "\n")
		}
	}
	f.WriteTrace(b, out)
	f.WriteEnd(b, out, r.Aborted)
}

// bare returns lines of a request without their prefix, and without empty ones around them.
func (c *Console) bare(id string, lines []byte) []string {
	var list []string
	for line := range strings.Lines(string(lines)) {
		line = strings.TrimRight(line, "\r\n")
		if _, text, ok := strings.Cut(line, "/"+id+"] "); ok && strings.HasPrefix(line, "[") {
			line = text
		}
		if len(list) > 0 || strings.TrimSpace(line) != "" {
			list = append(list, line)
		}
	}
	for len(list) > 0 && strings.TrimSpace(list[len(list)-1]) == "" {
		list = list[:len(list)-1]
	}
	return list
}
