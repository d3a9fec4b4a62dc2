package reload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
}

// record is an event in JSON. Its member names are an interface to other programs.
type record struct {
	Time     string   `json:"time"`
	Event    string   `json:"event"` // "reload", "reload-failed", "reload-back" or "exec-back"
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Changed  []string `json:"changed,omitempty"`
	Compiled bool     `json:"compiled,omitempty"`
	ReadyMS  float64  `json:"ready_ms,omitempty"`
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

// begin returns how a line begins: a symbol and the time.
func (l *Log) begin(good bool) string {
	symbol := l.Out.Bad(term.SymbolBad)
	if good {
		symbol = l.Out.Good(term.SymbolGood)
	}
	return symbol + " " + l.Out.Dim(time.Now().Format(time.TimeOnly)) + " "
}

// swapped reports that the build now replaces the one with the digest from ("" for none), and what
// has changed.
func (l *Log) swapped(
	from string, now *Build, changes Changes, ready time.Duration, draining int,
) {
	if l.Quiet {
		return
	}
	if l.JSON {
		l.record(record{
			Event: "reload", From: from, To: now.Digest, Changed: changes.List,
			Compiled: !now.FromCache, ReadyMS: float64(ready.Microseconds()) / 1000,
			Draining: draining,
		})
		return
	}
	var b strings.Builder
	b.WriteString(l.begin(true))
	if from != "" {
		fmt.Fprintf(&b, "%s → ", from)
	}
	b.WriteString(l.Out.Strong(now.Digest))
	if changes.Summary != "" {
		b.WriteString(": " + term.Clean(changes.Summary))
	}
	how := ", compiled"
	if now.FromCache {
		how = ", nothing compiled"
	}
	b.WriteString(l.Out.Dim(fmt.Sprintf("; ready after %s%s",
		units.Duration(ready.Round(time.Millisecond)), how)))
	if draining > 0 {
		fmt.Fprintf(&b, "; %s on %s still running", words.Count(draining, "request", "requests"),
			from)
	}
	b.WriteByte('\n')
	_, _ = l.Out.Write([]byte(b.String()))
}

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
	if l.JSON {
		l.record(record{Event: "reload-failed", From: serving, Error: msg, Hint: hint})
		return
	}
	var b strings.Builder
	b.WriteString(l.begin(false) + term.CleanLines(msg) + "\n")
	if hint != "" {
		fmt.Fprintf(&b, "  %s %s\n", l.Out.Fair("hint:"), term.Clean(hint))
	}
	if serving != "" {
		fmt.Fprintf(&b, "  %s\n", l.Out.Dim("still serving "+serving))
	}
	_, _ = l.Out.Write([]byte(b.String()))
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
	fmt.Fprintf(l.Out, "%s--exec: the command succeeds again, after %s\n",
		l.begin(true), units.Duration(took.Round(time.Millisecond)))
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
