package report

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// story writes a difference as lines of text.
type story struct {
	*Pretty
	lines  []string
	hidden int       // characters of the lines
	marks  [2]string // around changes if there are no styles
}

func (s *story) add(line string) { s.lines = append(s.lines, line) }

// Diff returns a difference as lines: expected lines that are missing with a
// minus, unexpected ones with a plus.
func (p *Pretty) Diff(d *diff.Diff, path string) string {
	s := &story{Pretty: p, marks: marksFor(d)}
	if d.Note != "" {
		s.add(d.Note)
	}
	switch d.Kind {
	case diff.JSON:
		s.changes(d.Changes)
	case diff.Binary:
		s.bytes(d.Bytes)
	default:
		s.text(d.Lines)
	}
	lines := s.lines
	more := len(lines) - p.limit()
	if !p.Full && more > 1 {
		lines = lines[:p.limit()]
	} else {
		more = 0
	}
	if more > 0 || s.hidden > 0 {
		lines = append(lines, p.Styles.Dim(p.hiddenText(more, s.hidden, path)))
	}
	return strings.Join(lines, "\n") + "\n"
}

// hiddenText counts the lines that are not shown, and says how to see them.
func (p *Pretty) hiddenText(lines, characters int, path string) string {
	var parts []string
	if lines > 0 {
		parts = append(parts, fmt.Sprintf("%d more lines", lines))
	}
	if characters > 0 {
		parts = append(parts, words.Count(characters, "more character", "more characters"))
	}
	text := "… " + strings.Join(parts, ", ")
	if p.Rerun != nil {
		text += ": " + p.Rerun(path)
	}
	return text
}

// side writes a line of one side.
func (s *story) side(op diff.Op, margin string, spans []diff.Span) {
	style := s.Styles.Bad
	if op == diff.More {
		style = s.Styles.Good
	}
	line, hidden := fit(spans, s.room(len(margin)+2))
	s.hidden += hidden
	s.add(margin + style(string(op)+" ") + s.drawMarked(line, isMarked(spans), style, s.marks))
}

func (s *story) changes(list []diff.Change) {
	for _, c := range list {
		what := string(c.Kind)
		switch c.Kind {
		case diff.Moved:
			what = "moved from " + c.From
		case diff.TypeChanged:
			what = "type changed: " + jsonType(c.Want) + " → " + jsonType(c.Got)
		}
		s.add(term.Clean(c.Path) + "  " + s.Styles.Dim(what))
		if c.Kind == diff.Moved {
			continue
		}
		want, got := diff.Words(c.Want, c.Got)
		if want == nil || c.Kind != diff.Changed || c.Want[0] != '"' {
			want, got = []diff.Span{{Text: c.Want}}, []diff.Span{{Text: c.Got}}
		}
		if c.Want != "" {
			s.side(diff.Less, "  ", want)
		}
		if c.Got != "" {
			s.side(diff.More, "  ", got)
		}
	}
}

// jsonType returns the type of a value, which its first character shows.
func jsonType(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// text writes a unified diff. Its hunks have a head, unless there is only one,
// with all lines.
func (s *story) text(list []diff.Line) {
	near := make([]bool, len(list))
	for i, l := range list {
		if l.Op == diff.Same {
			continue
		}
		for j := max(0, i-diff.Context); j <= min(len(list)-1, i+diff.Context); j++ {
			near[j] = true
		}
	}
	before := [2]int{} // lines of either side above
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && near[end] == near[i] {
			end++
		}
		of := sizes(list[i:end])
		if near[i] {
			if end-i < len(list) {
				s.add(s.Styles.Dim(hunkHead(before, of)))
			}
			for _, l := range list[i:end] {
				s.line(l)
			}
		}
		before[0], before[1] = before[0]+of[0], before[1]+of[1]
		i = end
	}
}

// sizes counts the lines of either side.
func sizes(list []diff.Line) (n [2]int) {
	for _, l := range list {
		lines := max(1, l.Omitted)
		if l.Op != diff.More {
			n[0] += lines
		}
		if l.Op != diff.Less {
			n[1] += lines
		}
	}
	return n
}

func hunkHead(before, of [2]int) string {
	part := func(side int) string {
		first := before[side] + 1
		if of[side] == 0 {
			first = before[side]
		}
		return fmt.Sprintf("%d,%d", first, of[side])
	}
	return "@@ -" + part(0) + " +" + part(1) + " @@"
}

func (s *story) line(l diff.Line) {
	if l.Op == diff.Same {
		line, hidden := fit(l.Spans, s.room(2))
		s.hidden += hidden
		s.add(s.Styles.Dim("  " + s.draw(line, false, plain{}.Dim)))
		return
	}
	s.side(l.Op, "", l.Spans)
	if l.NoEnd {
		s.add(s.Styles.Dim("  (no line end)"))
	}
}

// Row sizes of hex dumps; a row of 16 bytes takes 77 columns.
const (
	rowBytes    = 16
	narrowBytes = 8
	wideRow     = 77
)

// bytes writes both sides as a hex dump around the first difference.
func (s *story) bytes(d *diff.ByteDiff) {
	s.add(fmt.Sprintf("differs at byte %d; expected %s, got %s", d.Offset,
		words.Count(int(d.WantLen), "byte", "bytes"), words.Count(int(d.GotLen), "byte", "bytes")))
	size := rowBytes
	if room := s.room(0); room > 0 && room < wideRow {
		size = narrowBytes
	}
	for at := 0; at < len(d.Want) || at < len(d.Got); at += size {
		want, got := row(d.Want, at, size), row(d.Got, at, size)
		offset := d.Start + int64(at)
		if string(want) == string(got) {
			s.add(s.Styles.Dim("  " + dump(offset, want, size)))
			continue
		}
		if len(want) > 0 {
			s.add(s.Styles.Bad("- " + dump(offset, want, size)))
		}
		if len(got) > 0 {
			s.add(s.Styles.Good("+ " + dump(offset, got, size)))
		}
	}
}

func row(b []byte, at, size int) []byte { return b[min(at, len(b)):min(at+size, len(b))] }

func dump(offset int64, b []byte, size int) string {
	var text strings.Builder
	for _, c := range b {
		if c < ' ' || c > '~' {
			c = '.'
		}
		text.WriteByte(c)
	}
	return fmt.Sprintf("%08x  %-*s  %s", offset, size*3-1, fmt.Sprintf("% x", b), text.String())
}
