// Package diff compares expected and actual bodies and returns their differences as data: of JSON
// by path, of text by line and word, of anything else by byte.
//
// The goal is a difference that a person reads at a glance and a program can use: a value that
// moved within a list is one change, lines have their numbers, and a note says what the comparison
// of values does not show (white space, line ends, the order of members). The package does not
// decide whether a difference matters: the fixture does. Its result is not a patch: equal lines in
// long texts are left out.
//
// Texts are compared by their longest common subsequence (Myers), which gives the shortest
// difference, in time and memory that grow with the square of the number of lines that differ. From
// 2,000 such lines on, only lines that occur once in each text anchor the comparison, in time n log
// n, so that a body in which everything differs does not take longer to compare than to send. An
// anchored comparison for all texts would be simpler, and is often clearer for source code, but the
// lines of responses repeat (braces, rows of tables), and then it finds too little in common.
package diff

import (
	"bytes"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Kind is the kind of a Diff, which determines the fields that are set.
type Kind string

// The kinds.
const (
	JSON   Kind = "json"
	Text   Kind = "text"
	Binary Kind = "binary"
)

// maxDifferences is how many single differences a Diff lists. A note counts the others.
const maxDifferences = 100_000

// Diff is a difference between two bodies.
type Diff struct {
	Kind    Kind      `json:"kind"`
	Changes []Change  `json:"changes,omitempty"` // JSON
	Lines   []Line    `json:"lines,omitempty"`   // Text: of both sides
	Bytes   *ByteDiff `json:"bytes,omitempty"`   // Binary
	// Note is a further sentence; "" for none.
	Note string `json:"note,omitempty"`
}

// Size returns how many single differences there are.
func (d *Diff) Size() int {
	switch d.Kind {
	case JSON:
		return len(d.Changes)
	case Binary:
		return 1
	}
	n := 0
	for _, l := range d.Lines {
		if l.Op != Same {
			n++
		}
	}
	return n
}

// Bodies compares two bodies that differ, in the way that suits them. The
// bodies must not change as long as the Diff is used.
func Bodies(w *interrupt.Work, want, got []byte) *Diff {
	if !IsText(want) || !IsText(got) {
		return binary(want, got)
	}
	if looksJSON(want) && looksJSON(got) {
		wantTree, wantErr := jsontree.Parse(w, want)
		gotTree, gotErr := jsontree.Parse(w, got)
		if wantErr == nil && gotErr == nil {
			if d := Trees(w, wantTree, gotTree); d != nil {
				return d
			}
			d := texts(w, want, got)
			d.note("the same JSON: only white space, the order of members or the spelling differs")
			return d
		}
	}
	d := texts(w, want, got)
	if ends := lineEnds(want); ends != lineEnds(got) && bytes.Equal(unix(want), unix(got)) {
		d.note("only the line ends differ: " + ends + " expected, " + lineEnds(got) + " came")
	}
	return d
}

// note adds a note.
func (d *Diff) note(text string) {
	if d.Note != "" {
		text += "; " + d.Note
	}
	d.Note = text
}

// lineEnds says how the lines of a text end.
func lineEnds(b []byte) string {
	all, carriage := bytes.Count(b, []byte("\n")), bytes.Count(b, []byte("\r\n"))
	switch carriage {
	case 0:
		return "LF"
	case all:
		return "CRLF"
	}
	return "both LF and CRLF"
}

func unix(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }

// looksJSON reports whether a body is a JSON object or array.
func looksJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// IsText reports whether bytes can be shown as text.
func IsText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b {
			return false
		}
	}
	return true
}

// Map replaces all texts of the difference, to hide secrets.
func (d *Diff) Map(change func(string) string) {
	for i := range d.Changes {
		c := &d.Changes[i]
		c.Path, c.From, c.Want, c.Got = change(c.Path), change(c.From), change(c.Want),
			change(c.Got)
	}
	if b := d.Bytes; b != nil {
		b.Want, b.Got = []byte(change(string(b.Want))), []byte(change(string(b.Got)))
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		if whole := l.Text(); change(whole) != whole {
			l.Spans = []Span{{Text: change(whole)}}
		}
	}
}
