package term

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/units"
)

// progressDelay is how long work runs before the line appears, and progressTick
// how often the line is drawn again.
const (
	progressDelay = 500 * time.Millisecond
	progressTick  = 100 * time.Millisecond
)

// Progress shows one line that says what is going on, how far it is and how
// long it has taken. It appears only on a terminal and only when the work takes
// longer than half a second, and it leaves no trace. Its methods are safe for
// concurrent use.
type Progress struct {
	out   *Output
	start time.Time
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
	// behind is the progress whose line is hidden while that of p is shown.
	behind *Progress
	// timer says that the time is what matters: whole seconds, from the first one on.
	timer bool

	mu    sync.Mutex
	what  string
	part  int
	whole int
}

// StartProgress begins to watch a piece of work. The caller must call Stop.
func StartProgress(out *Output, what string) *Progress { return start(out, what, false) }

// StartTimer is StartProgress for work of which nothing is known but how long it has taken. The
// line appears at once.
func StartTimer(out *Output, what string) *Progress { return start(out, what, true) }

func start(out *Output, what string, timer bool) *Progress {
	p := &Progress{out: out, what: what, timer: timer, start: time.Now(),
		stop: make(chan struct{}), done: make(chan struct{})}
	if !out.terminal || out.dumb {
		close(p.done)
		return p
	}
	out.mu.Lock()
	p.behind, out.owner = out.owner, p
	out.mu.Unlock()
	if timer {
		out.setStatus(p, p.line(0))
	}
	go p.run()
	return p
}

// Update says what is being worked on and that part of whole steps are done;
// whole is 0 if their number is not known.
func (p *Progress) Update(what string, part, whole int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.part, p.whole = what, part, whole
}

// Stop removes the line and waits until it is gone. It may be called more than
// once.
func (p *Progress) Stop() {
	p.once.Do(func() { close(p.stop) })
	<-p.done
}

func (p *Progress) run() {
	defer close(p.done)
	delay := progressDelay
	if p.timer {
		delay = progressTick
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
			p.out.setStatus(p, "")
			p.out.mu.Lock()
			p.leave()
			p.out.mu.Unlock()
			return
		case <-timer.C:
			p.out.setStatus(p, p.line(time.Since(p.start)))
			timer.Reset(progressTick)
		}
	}
}

// leave lets the progress behind p show its line again. The stream's lock is
// held.
func (p *Progress) leave() {
	if p.out.owner == p {
		p.out.owner = p.behind
		return
	}
	for q := p.out.owner; q != nil; q = q.behind {
		if q.behind == p {
			q.behind = p.behind
			return
		}
	}
}

// barWidth is the length of the bar, in columns.
const barWidth = 24

// manySteps is the number of steps above which the line shows a percentage instead.
const manySteps = 10_000

// line draws the state after some time. It is cut to the width of the terminal,
// for a line that wraps cannot be erased.
func (p *Progress) line(elapsed time.Duration) string {
	p.mu.Lock()
	what, part, whole := p.what, p.part, p.whole
	p.mu.Unlock()
	if p.timer {
		return p.timerLine(Clean(what), elapsed)
	}
	// With a zero, so that the text does not jump.
	seconds := fmt.Sprintf("%.1fs", elapsed.Seconds())
	if elapsed >= time.Minute {
		seconds = units.Duration(elapsed)
	}
	text := Clean(what)
	var bar, count string
	if whole > 0 {
		filled := barWidth * min(part, whole) / whole
		bar = strings.Repeat("█", filled) + strings.Repeat("░", barWidth-filled) + " "
		count = fmt.Sprintf(" %d/%d", part, whole)
		if whole >= manySteps {
			count = fmt.Sprintf(" %d%%", int64(min(part, whole))*100/int64(whole))
		}
	}
	room := p.out.Width() - 1 - len([]rune(bar)) - len(count) - len(seconds) - 1
	text, _ = split(text, max(room, 0))
	return bar + text + count + " " + p.out.Dim(seconds)
}

// timerLine draws the state of a timer.
func (p *Progress) timerLine(text string, elapsed time.Duration) string {
	seconds := units.Duration(elapsed.Truncate(time.Second))
	room := p.out.Width() - 1 - Width(SymbolBusy) - 1 - 2 - len(seconds)
	return p.out.Fair(SymbolBusy) + " " + Cut(text, room) + "  " + p.out.Dim(seconds)
}
