package reload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Log reports the results of changes to the user. Its methods are safe for concurrent use.
type Log struct {
	// Out is where the log goes.
	Out *term.Output
	// JSON makes each event a JSON object on one line.
	JSON bool
	// Quiet leaves out all events but failures.
	Quiet bool
	// Command is what set the command that builds, as messages begin; "" stands for --exec.
	Command string
	// Tell, unless nil, takes each result, too. It must not block.
	Tell func(Result)

	mu      sync.Mutex
	timer   *term.Progress // while the command runs, on a terminal
	details string         // of the last swap
}

// Result is what became of a change.
type Result struct {
	// Err is why the newest build is not served; nil if a build is.
	Err error
	// Same reports that the build is the one that was served before.
	Same bool
	// Digest is that of the build that is served; "" for none.
	Digest string
	// Took is how long it took to have the build, 0 if that is unknown.
	Took time.Duration
	// Changes says in a few words what differs from the build before; "" for nothing.
	Changes string
}

func (l *Log) tell(r Result) {
	if l.Tell != nil {
		l.Tell(r)
	}
}

// record is an event in JSON. Its member names are an interface to other programs.
type record struct {
	Time     string   `json:"time"`
	Event    string   `json:"event"` // see docs/reload.md
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Changed  []string `json:"changed,omitempty"`
	Compiled bool     `json:"compiled,omitempty"`
	ReadyMS  float64  `json:"ready_ms,omitempty"`
	BuiltMS  float64  `json:"built_ms,omitempty"`
	Draining int      `json:"draining,omitempty"`
	Error    string   `json:"error,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

func (l *Log) record(r record) {
	r.Time = time.Now().UTC().Format(time.RFC3339Nano)
	b, err := json.Marshal(r)
	if err != nil {
		// Strings and numbers always have a JSON form.
		panic(fmt.Sprintf("reload: log: %v", err))
	}
	_, _ = l.Out.Write(append(b, '\n'))
}

// margin is as wide as what begin returns for a terminal.
const margin = "            "

// begin returns how a line begins: a symbol and the time.
func (l *Log) begin(good bool) string {
	symbol := l.Out.Bad(term.SymbolBad)
	if good {
		symbol = l.Out.Good(term.SymbolGood)
	}
	at := l.Out.Dim(time.Now().Format(time.TimeOnly))
	if l.Out.IsTerminal() {
		return at + "  " + symbol + " " // in the columns of requests
	}
	return symbol + " " + at + " "
}

// building reports that the command runs, on a terminal for as long as it does.
func (l *Log) building(command string) {
	l.builtOrNot()
	if l.JSON || l.Quiet || !l.Out.IsTerminal() {
		return
	}
	timer := term.StartTimer(l.Out, "building: "+strings.Join(strings.Fields(command), " "))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = timer
}

// builtOrNot removes the line of building.
func (l *Log) builtOrNot() {
	l.mu.Lock()
	timer := l.timer
	l.timer = nil
	l.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
}

// swap is a build that takes the place of another one.
type swap struct {
	from    string // the digest of the other one; "" for none
	now     *Build
	changes Changes
	// built is how long the command took that has made the build, 0 if it was made in another way;
	// ready is how long after the end of the command, or after the file was written, it was served.
	built, ready time.Duration
	draining     int // requests on the other one
}

// swapped reports a swap.
func (l *Log) swapped(s swap) {
	l.tell(Result{
		Digest: s.now.Digest, Took: s.built + s.ready, Changes: s.changes.Summary,
	})
	if s.from != "" {
		l.mu.Lock()
		l.details = changesText(l.Out, s)
		l.mu.Unlock()
	}
	if l.Quiet {
		return
	}
	if l.JSON {
		l.record(record{
			Event: "reload", From: s.from, To: s.now.Digest, Changed: s.changes.List,
			Compiled: !s.now.FromCache, ReadyMS: milliseconds(s.ready),
			BuiltMS: milliseconds(s.built), Draining: s.draining,
		})
		return
	}
	if l.Out.IsTerminal() {
		_, _ = l.Out.Write([]byte(l.swapLine(s) + "\n"))
		return
	}
	var b strings.Builder
	b.WriteString(l.begin(true))
	if s.from != "" {
		fmt.Fprintf(&b, "%s → ", s.from)
	}
	b.WriteString(l.Out.Strong(s.now.Digest))
	if s.changes.Summary != "" {
		b.WriteString(": " + term.Clean(s.changes.Summary))
	}
	b.WriteString(l.Out.Dim(fmt.Sprintf("; ready after %s, %s",
		units.Duration(s.ready.Round(time.Millisecond)), s.how())))
	if s.draining > 0 {
		b.WriteString("; " + s.running())
	}
	b.WriteByte('\n')
	_, _ = l.Out.Write([]byte(b.String()))
}

// how says whether the build had to be compiled.
func (s *swap) how() string {
	if s.now.FromCache {
		return "nothing compiled"
	}
	return "compiled"
}

// running says how many requests are still on the other build.
func (s *swap) running() string {
	return fmt.Sprintf("%s on %s still running", words.Count(s.draining, "request", "requests"),
		s.from)
}

// swapLine returns the line of a swap, cut to the width of the terminal.
func (l *Log) swapLine(s swap) string {
	took := "ready after " + brief(s.ready)
	if s.built > 0 {
		took = fmt.Sprintf("built in %s, ready %s later", brief(s.built), brief(s.ready))
	}
	change := s.now.Digest
	if s.from != "" && s.from != s.now.Digest {
		change = s.from + " → " + change
	}
	rest := ", " + s.how()
	if s.draining > 0 {
		rest += "; " + s.running()
	}
	if len(s.changes.List) > 1 {
		rest += " (? says what)"
	}
	room := l.Out.Width() - 1 - len(margin)
	var line strings.Builder
	line.WriteString(l.begin(true))
	for _, part := range []struct {
		style func(string) string
		text  string
	}{
		{func(s string) string { return s }, took + "  "}, {l.Out.Strong, change},
		{func(s string) string { return s }, summary(s.changes)}, {l.Out.Dim, rest},
	} {
		text := term.Cut(part.text, room)
		line.WriteString(part.style(text))
		if room -= term.Width(text); room < 1 || text != part.text {
			break
		}
	}
	return line.String()
}

// summary returns what is behind the names of the builds.
func summary(c Changes) string {
	if c.Summary == "" {
		return ""
	}
	return ": " + term.Clean(c.Summary)
}

// brief writes a length of time for a line that is read in passing.
func brief(d time.Duration) string {
	if d < 100*time.Millisecond || d >= time.Minute {
		return units.Duration(d.Round(time.Millisecond))
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// maxDetails is how many differences are listed.
const maxDetails = 100

// changesText lists what a swap has changed.
func changesText(out *term.Output, s swap) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  the last swap, %s → %s:\n", s.from, s.now.Digest)
	list := s.changes.List
	for _, line := range list[:min(len(list), maxDetails)] {
		fmt.Fprintf(&b, "    %s\n", term.Clean(line))
	}
	if more := len(list) - maxDetails; more > 0 {
		fmt.Fprintf(&b, "    %s\n", out.Dim(fmt.Sprintf("and %d more", more)))
	}
	return b.String()
}

// Details lists what the last swap has changed, for people; "" if there was none.
func (l *Log) Details() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.details
}

// unchanged reports that the command has made the build again that is served.
func (l *Log) unchanged(current *Build, took time.Duration) {
	l.tell(Result{Same: true, Digest: current.Digest, Took: took})
	switch {
	case l.Quiet:
	case l.JSON:
		l.record(record{Event: "exec-unchanged", To: current.Digest, BuiltMS: milliseconds(took)})
	case l.Out.IsTerminal():
		text := fmt.Sprintf("built in %s, the same build again  ", brief(took))
		fmt.Fprintf(l.Out, "%s%s%s\n", l.begin(true), text, l.Out.Dim(current.Digest))
	default:
		fmt.Fprintf(l.Out, "%s%s: the same build again, after %s: %s\n", l.begin(true), l.command(),
			units.Duration(took.Round(time.Millisecond)), current.Digest)
	}
}

func (l *Log) command() string { return cmp.Or(l.Command, "--exec") }

// built reports that the command has ended. What it has made is reported elsewhere.
func (l *Log) built(took time.Duration) {
	if l.Quiet || l.JSON || !l.Out.IsTerminal() {
		return
	}
	fmt.Fprintf(l.Out, "%sbuilt in %s\n", l.begin(true), brief(took))
}

// awaiting reports that there is no file yet at path, and who will make it.
func (l *Log) awaiting(path string, exec bool) {
	if l.JSON {
		l.record(record{Event: "waiting", Error: path + ": is not there yet"})
		return
	}
	text := "is not there yet: it will be served as soon as it is"
	if exec {
		text = "is not there yet, though the command has ended: it will be served as soon as it is"
	}
	_, _ = fmt.Fprintf(l.Out, "%s %s %s\n", l.Out.Fair(term.SymbolBusy), term.Clean(path), text)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Failed reports what is wrong with the newest build, what to do about it if err has a method Hint,
// and which build is served instead; current is nil for none.
func (l *Log) Failed(err error, current *Build) {
	msg, hint := err.Error(), ""
	var hinted interface {
		error
		Hint() string
	}
	if errors.As(err, &hinted) {
		msg, hint = hinted.Error(), hinted.Hint()
	}
	serving := ""
	if current != nil {
		serving = current.Digest
	}
	l.tell(Result{Err: err, Digest: serving})
	if l.JSON {
		l.record(record{Event: "reload-failed", From: serving, Error: msg, Hint: hint})
		return
	}
	var b strings.Builder
	b.WriteString(l.begin(false))
	if !l.Out.IsTerminal() {
		b.WriteString(term.CleanLines(msg) + "\n")
		if hint != "" {
			fmt.Fprintf(&b, "  %s %s\n", l.Out.Fair("hint:"), term.Clean(hint))
		}
		if serving != "" {
			fmt.Fprintf(&b, "  %s\n", l.Out.Dim("still serving "+serving))
		}
		_, _ = l.Out.Write([]byte(b.String()))
		return
	}
	b.WriteString(strings.Join(l.wrapped(msg), "\n"+margin) + "\n")
	if hint != "" {
		lines := l.wrapped("hint: " + hint)
		lines[0] = l.Out.Fair("hint:") + strings.TrimPrefix(lines[0], "hint:")
		b.WriteString(margin + strings.Join(lines, "\n"+margin) + "\n")
	}
	if serving != "" {
		b.WriteString(margin + l.Out.Dim("still serving "+serving) + "\n")
	}
	if command := (*commandError)(nil); errors.As(err, &command) {
		// What the command has written stands above.
		_, _ = l.Out.Continue([]byte(b.String()))
		_, _ = l.Out.WriteBlock(nil)
		return
	}
	_, _ = l.Out.WriteBlock([]byte(b.String()))
}

// wrapped breaks a message into lines behind the margin.
func (l *Log) wrapped(msg string) []string {
	var lines []string
	for line := range strings.SplitSeq(term.CleanLines(msg), "\n") {
		lines = append(lines, term.Wrap(line, l.Out.Width()-1-len(margin))...)
	}
	return lines
}

// builtAgain reports that the command succeeds again. swapped reports the new build, if there is
// one.
func (l *Log) builtAgain(took time.Duration) {
	if l.Quiet {
		return
	}
	if l.JSON {
		l.record(record{Event: "exec-back"})
		return
	}
	if l.Out.IsTerminal() {
		return // the line about the build says so
	}
	fmt.Fprintf(l.Out, "%s%s: the command succeeds again, after %s\n",
		l.begin(true), l.command(), units.Duration(took.Round(time.Millisecond)))
}

// back reports that the file holds the served build again, after it held another one or was
// missing.
func (l *Log) back(path string, current *Build, away bool) {
	if l.Quiet {
		return
	}
	if l.JSON {
		l.record(record{Event: "reload-back", To: current.Digest})
		return
	}
	format := "%s%s: back to %s, the build that is served\n"
	if away {
		format = "%s%s: is back, unchanged: %s\n"
	}
	fmt.Fprintf(l.Out, format, l.begin(true), term.Clean(path), current.Digest)
}
