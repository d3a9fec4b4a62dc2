package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
)

// reloadLog tells the user what became of changes.
type reloadLog struct {
	out   *term.Output
	json  bool
	quiet bool // failures only
}

// reloadRecord is an event as programs get it; its names are an interface.
type reloadRecord struct {
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

func (l *reloadLog) record(r reloadRecord) {
	r.Time = time.Now().UTC().Format(time.RFC3339Nano)
	b, err := json.Marshal(r)
	if err != nil {
		// Strings and numbers always have a JSON form.
		panic(fmt.Sprintf("cmd: reload: %v", err))
	}
	_, _ = l.out.Write(append(b, '\n'))
}

// swapped says that requests go to now instead of before, which may be nil.
func (l *reloadLog) swapped(before, now *app, ready time.Duration, draining int) {
	if l.quiet {
		return
	}
	from := ""
	if before != nil {
		from = before.About.Digest
	}
	changes := whatChanged(before, now)
	if l.json {
		l.record(reloadRecord{
			Event: "reload", From: from, To: now.About.Digest, Changed: changes, Compiled: !now.About.FromCache,
			ReadyMS: float64(ready.Microseconds()) / 1000, Draining: draining,
		})
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", l.out.Good(term.SymbolGood), l.out.Dim(time.Now().Format(time.TimeOnly)))
	if from != "" {
		fmt.Fprintf(&b, "%s → ", from)
	}
	b.WriteString(l.out.Strong(now.About.Digest))
	if len(changes) > 0 {
		b.WriteString(": " + term.Clean(strings.Join(changes, ", ")))
	}
	how := ", compiled"
	if now.About.FromCache {
		how = ", nothing compiled"
	}
	b.WriteString(l.out.Dim(fmt.Sprintf("; ready after %s%s", ready.Round(time.Millisecond), how)))
	if draining > 0 {
		fmt.Fprintf(&b, "; %s on %s still running", plural(draining, "request"), from)
	}
	b.WriteByte('\n')
	_, _ = l.out.Write([]byte(b.String()))
}

// whatChanged names the differences between two builds.
func whatChanged(before, now *app) []string {
	if before == nil || before.Component == nil || now.Component == nil {
		return nil
	}
	if before.About.Digest == now.About.Digest {
		return []string{"the same build again"}
	}
	d := inspect.Compare(before.Component, now.Component)
	var changes []string
	switch {
	case d.Code && d.Data:
		changes = append(changes, "code and data changed")
	case d.Code:
		changes = append(changes, "code changed")
	case d.Data:
		changes = append(changes, "data changed")
	default:
		changes = append(changes, "neither code nor data changed")
	}
	for _, list := range []struct {
		sign, what string
		names      []string
	}{
		{"+", "import", d.ImportsAdded}, {"-", "import", d.ImportsRemoved},
		{"+", "export", d.ExportsAdded}, {"-", "export", d.ExportsRemoved},
	} {
		for _, name := range list.names {
			changes = append(changes, list.sign+list.what+" "+name)
		}
	}
	return changes
}

// failed says what is wrong with the newest build, and what is served instead.
func (l *reloadLog) failed(err error, current *app) {
	msg, hint := err.Error(), ""
	var user *userError
	if errors.As(err, &user) {
		msg, hint = user.msg, user.hint
	}
	serving := ""
	if current != nil {
		serving = current.About.Digest
	}
	if l.json {
		l.record(reloadRecord{Event: "reload-failed", From: serving, Error: msg, Hint: hint})
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\n", l.out.Bad(term.SymbolBad), l.out.Dim(time.Now().Format(time.TimeOnly)), msg)
	if hint != "" {
		fmt.Fprintf(&b, "  %s %s\n", l.out.Fair("hint:"), hint)
	}
	if serving != "" {
		fmt.Fprintf(&b, "  %s\n", l.out.Dim("still serving "+serving))
	}
	_, _ = l.out.Write([]byte(b.String()))
}

// builtAgain says that the command, which had failed, does so no longer. What it
// has made, if it differs, is told by swapped.
func (l *reloadLog) builtAgain(took time.Duration) {
	if l.quiet {
		return
	}
	if l.json {
		l.record(reloadRecord{Event: "exec-back"})
		return
	}
	fmt.Fprintf(l.out, "%s %s --exec: the command succeeds again, after %s\n", l.out.Good(term.SymbolGood), l.out.Dim(time.Now().Format(time.TimeOnly)), took.Round(time.Millisecond))
}

// back says that the file holds again what is served.
func (l *reloadLog) back(current *app, away bool) {
	if l.quiet {
		return
	}
	if l.json {
		l.record(reloadRecord{Event: "reload-back", To: current.About.Digest})
		return
	}
	what := "is again what is served"
	if away {
		what = "is there again, the same as before"
	}
	fmt.Fprintf(l.out, "%s %s %s: %s %s\n", l.out.Good(term.SymbolGood), l.out.Dim(time.Now().Format(time.TimeOnly)), term.Clean(current.About.File), current.About.Digest, what)
}
