package serve

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
)

// TextLog returns a Log that writes one line for each request and, below it, a
// summary of its failure. With quiet, it writes only requests that failed.
func TextLog(out *term.Output, quiet bool) func(Record) {
	return func(r Record) {
		if quiet && !r.Concerning() {
			return
		}
		var b strings.Builder
		accessLine(&b, out, r)
		switch {
		case r.Concerning():
			failureLines(&b, out, r)
		case r.Message != "":
			fmt.Fprintf(&b, "  %s %s\n", out.Bad(term.SymbolBad), term.Clean(r.Message))
		}
		// A failed write cannot be reported anywhere.
		_, _ = io.WriteString(out, b.String())
	}
}

// Concerning reports whether the request failed in a way that concerns the
// developer. A client that has left does not.
func (r *Record) Concerning() bool {
	return r.Failure != nil && !r.Outcome.unheard()
}

// accessLine writes time, id, method, target, status, bytes, duration and
// outcome.
func accessLine(b *strings.Builder, out *term.Output, r Record) {
	status := "---"
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	fmt.Fprintf(b, "%s %s %s %s %s %s %s %s\n",
		out.Dim(r.Start.Format(time.TimeOnly)),
		out.Dim("["+r.ID+"]"),
		term.Clean(r.Method),
		out.Strong(term.Clean(r.Target)),
		out.Status(r.Status, status),
		strings.ReplaceAll(units.Size(r.Bytes), " ", ""),
		units.Duration(r.Duration),
		StyleOutcome(out, r, r.OutcomeText()))
}

// OutcomeText returns the outcome in words.
func (r *Record) OutcomeText() string {
	if r.Aborted {
		return string(r.Outcome) + " (aborted)"
	}
	return string(r.Outcome)
}

// StyleOutcome styles a text about the outcome of a request.
func StyleOutcome(out *term.Output, r Record, outcome string) string {
	switch {
	case r.Outcome == OK:
		return out.Dim(outcome)
	case r.Concerning():
		return out.Bad(outcome)
	}
	return out.Fair(outcome)
}

// maxFrames is how many frames of a backtrace the terminal shows.
const maxFrames = 10

func failureLines(b *strings.Builder, out *term.Output, r Record) {
	f := r.Failure
	mark := out.Bad(term.SymbolBad)
	for _, line := range f.Told() {
		fmt.Fprintf(b, "  %s %s\n", mark, line)
		mark = " "
	}
	f.WriteTrace(b, out)
	f.WriteEnd(b, out, r.Aborted)
}

// WriteTrace writes the frames that are of interest on a terminal.
func (f *Failure) WriteTrace(b io.Writer, out *term.Output) {
	// How the language reports a failure is of little interest here; the page
	// has these frames.
	frames := slices.DeleteFunc(shownFrames(f.Frames), func(f shownFrame) bool { return f.Runtime })
	for _, frame := range frames[:min(len(frames), maxFrames)] {
		fmt.Fprintf(b, "      at %s%s", term.Clean(frame.Func), out.Dim(frame.Repeated()))
		if place := frame.Place(); place != "" {
			fmt.Fprintf(b, " %s", out.Link(term.Clean(place)))
		} else if frame.Module != "" {
			fmt.Fprintf(b, " %s", out.Dim("in "+term.Clean(frame.Module)))
		}
		fmt.Fprintln(b)
	}
	if more := len(frames) - maxFrames; more > 0 {
		fmt.Fprintf(b, "      %s\n", out.Dim(fmt.Sprintf("and %d more", more)))
	}
}

// WriteEnd writes what became of the response, if it was cut, and the next step.
func (f *Failure) WriteEnd(b io.Writer, out *term.Output, aborted bool) {
	if aborted {
		fmt.Fprintln(b,
			"    the response had begun: the connection was closed so that the client notices")
	}
	if f.Hint == "" {
		return
	}
	const label = "hint:"
	lines := []string{label + " " + term.Clean(f.Hint)}
	if out.IsTerminal() {
		lines = term.Wrap(lines[0], out.Width()-1-len("    "))
	}
	for i, line := range lines {
		if i == 0 {
			line = out.Fair(label) + strings.TrimPrefix(line, label)
		}
		fmt.Fprintf(b, "    %s\n", line)
	}
}

// Told returns what happened, line by line, the most important one first: what the program said,
// the error code, the cause. The text is clean.
func (f *Failure) Told() []string {
	var lines []string
	for _, text := range []string{f.Message, f.ErrorCode} {
		if text != "" {
			lines = append(lines, term.Clean(text))
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(f.Cause), "\n") {
		if line != "" {
			lines = append(lines, term.Clean(line))
		}
	}
	return lines
}

// recordJSON is a line of the JSON log. Its member names are an interface to other programs.
type recordJSON struct {
	Time       string   `json:"time"`
	ID         string   `json:"id"`
	Remote     string   `json:"remote"`
	Method     string   `json:"method"`
	Path       string   `json:"path"`
	Status     int      `json:"status"`
	Bytes      int64    `json:"bytes"`
	DurationMS float64  `json:"duration_ms"`
	Outcome    Outcome  `json:"outcome"`
	Aborted    bool     `json:"aborted,omitempty"`
	ErrorCode  string   `json:"error_code,omitempty"`
	Message    string   `json:"message,omitempty"`
	Cause      string   `json:"cause,omitempty"`
	Frames     []Frame  `json:"backtrace,omitempty"`
	Stderr     []string `json:"stderr,omitempty"`
	Hint       string   `json:"hint,omitempty"`
}

// JSONLog returns a Log that writes one JSON object on one line for each
// request, with all details of a failure. w must be safe for concurrent use.
// With quiet, it writes only requests that failed.
func JSONLog(w io.Writer, quiet bool) func(Record) {
	return func(r Record) {
		if quiet && !r.Concerning() {
			return
		}
		line := recordJSON{
			Time:       r.Start.UTC().Format(time.RFC3339Nano),
			ID:         r.ID,
			Remote:     r.Remote,
			Method:     r.Method,
			Path:       r.Target,
			Status:     r.Status,
			Bytes:      r.Bytes,
			DurationMS: float64(r.Duration.Microseconds()) / 1000,
			Outcome:    r.Outcome,
			Aborted:    r.Aborted,
			Message:    r.Message,
		}
		if f := r.Failure; f != nil {
			line.Message = f.Message
			line.ErrorCode, line.Cause, line.Hint = f.ErrorCode, f.Cause, f.Hint
			line.Frames, line.Stderr = f.Frames, f.Stderr
		}
		// A failed write cannot be reported anywhere.
		_, _ = w.Write(encodeJSON(line, ""))
	}
}
