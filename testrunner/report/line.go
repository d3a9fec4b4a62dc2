package report

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// cell is what a character of a text is on display.
type cell struct {
	text    string
	width   int
	changed bool
}

// cells makes text visible, character by character: control characters, blanks that are a
// difference, and blanks at the end. change is the place of the first change.
func cells(spans []diff.Span) (out []cell, change int) {
	change = -1
	blanks := 0 // how many cells the last one has
	for _, s := range spans {
		if s.Changed && change < 0 {
			change = len(out)
		}
		blank := s.Changed && strings.Trim(s.Text, " \t") == ""
		for _, r := range s.Text {
			c := cell{text: shown(r, blank), width: 1, changed: s.Changed}
			if len(c.text) > 1 {
				c.width = term.Width(c.text)
			}
			out = append(out, c)
			if r == ' ' || r == '\t' {
				blanks++
			} else {
				blanks = 0
			}
		}
	}
	for i := len(out) - blanks; i < len(out); i++ {
		if out[i].text == " " {
			out[i].text = "·"
		}
	}
	return out, max(change, 0)
}

// shown returns how a character is shown; blank says that blanks are the
// difference.
func shown(r rune, blank bool) string {
	switch {
	case r == '\r':
		return `\r`
	case r == '\n':
		return `\n`
	case r == '\t' && blank:
		return `\t`
	case r == ' ' && blank:
		return "·"
	case r >= ' ' && r <= '~':
		return string(r)
	}
	return term.Clean(string(r))
}

// fit shortens a text to the room for it, around the first change, and counts
// the characters that are hidden.
func fit(spans []diff.Span, room int) (out []cell, hidden int) {
	far := 0
	if room > 0 {
		spans, far = near(spans, room)
	}
	out, hidden = fitNear(spans, room)
	return out, hidden + far
}

// near cuts a text to the largest part around the first change that may fit, and
// counts the characters that it leaves out.
func near(spans []diff.Span, room int) (out []diff.Span, left int) {
	change := max(slices.IndexFunc(spans, func(s diff.Span) bool { return s.Changed }), 0)
	for i, s := range spans {
		text, keep := s.Text, 4*room // bytes, of which a character takes up to four
		if cut := len(text) - keep; cut > 0 && i < change {
			for cut < len(text) && !utf8.RuneStart(text[cut]) {
				cut++
			}
			text = text[cut:]
		} else if cut > 0 {
			for !utf8.RuneStart(text[keep]) {
				keep--
			}
			text = text[:keep]
		}
		left += utf8.RuneCountInString(s.Text) - utf8.RuneCountInString(text)
		out = append(out, diff.Span{Text: text, Changed: s.Changed})
	}
	return out, left
}

func fitNear(spans []diff.Span, room int) (out []cell, hidden int) {
	line, start := cells(spans)
	width := 0
	for _, c := range line {
		width += c.width
	}
	if isMarked(spans) {
		room -= len("[]")
	}
	if room <= 0 || width <= room {
		return line, 0
	}
	// A third of the room is for the text before the change.
	for before := 0; start > 0 && before+line[start-1].width <= room/3; start-- {
		before += line[start-1].width
	}
	dots := cell{text: "…", width: 1}
	width = 1
	if start > 0 {
		out, width = append(out, dots), 2
	}
	end := start
	for ; end < len(line) && width+line[end].width <= room; end++ {
		width += line[end].width
	}
	out = append(out, line[start:end]...)
	if end < len(line) {
		out = append(out, dots)
	}
	return out, start + len(line) - end
}

// marksFor returns the marks around changes if there are no styles: brackets that
// do not occur in those lines.
func marksFor(d *diff.Diff) [2]string {
	var text strings.Builder
	for _, l := range d.Lines {
		if isMarked(l.Spans) {
			text.WriteString(l.Text())
		}
	}
	for _, c := range d.Changes {
		if c.Kind == diff.Changed {
			text.WriteString(c.Want + c.Got)
		}
	}
	pairs := [][2]string{{"[", "]"}, {"«", "»"}, {"‹", "›"}, {"⟦", "⟧"}}
	for _, marks := range pairs {
		if !strings.ContainsAny(text.String(), marks[0]+marks[1]) {
			return marks
		}
	}
	return pairs[0]
}

// draw writes a line without marks.
func (p *Pretty) draw(line []cell, marked bool, style func(string) string) string {
	return p.drawMarked(line, marked, style, [2]string{})
}

// drawMarked writes a line, with changes in a style, or between marks if there
// are no styles. A line without changes is styled as a whole.
func (p *Pretty) drawMarked(
	line []cell, marked bool, style func(string) string, marks [2]string,
) string {
	bare := p.bare()
	var b strings.Builder
	for i := 0; i < len(line); {
		var run strings.Builder
		changed := line[i].changed
		for ; i < len(line) && line[i].changed == changed; i++ {
			run.WriteString(line[i].text)
		}
		switch {
		case !marked:
			b.WriteString(style(run.String()))
		case !changed:
			b.WriteString(run.String())
		case bare:
			b.WriteString(marks[0] + run.String() + marks[1])
		default:
			b.WriteString(style(run.String()))
		}
	}
	return b.String()
}

// isMarked reports whether parts of a line are marked.
func isMarked(spans []diff.Span) bool {
	changed, same := false, false
	for _, s := range spans {
		changed = changed || s.Changed
		same = same || !s.Changed
	}
	return changed && same
}

// bare reports whether nothing is styled.
func (p *Pretty) bare() bool { return p.Styles.Strong("x") == "x" }
