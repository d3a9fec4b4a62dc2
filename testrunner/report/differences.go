package report

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// Diff returns a difference as lines: what was expected and did not come with a
// minus, what came and was not expected with a plus.
func (p *Pretty) Diff(d *diff.Diff, path string) string {
	var lines []string
	switch d.Kind {
	case diff.JSON:
		lines = p.changes(d.Changes)
	case diff.Binary:
		lines = p.bytes(d.Bytes)
	default:
		lines = p.text(d.Lines)
	}
	if d.Note != "" {
		lines = append([]string{d.Note}, lines...)
	}
	if hidden := len(lines) - maxShown; !p.Full && hidden > 1 {
		lines = lines[:maxShown]
		more := fmt.Sprintf("… %d more lines", hidden)
		if p.Rerun != nil {
			more += ": " + p.Rerun(path)
		}
		lines = append(lines, p.Styles.Dim(more))
	}
	return strings.Join(lines, "\n") + "\n"
}

func (p *Pretty) less(s string) string { return p.Styles.Bad("- " + p.cut(term.Clean(s), 4)) }
func (p *Pretty) more(s string) string { return p.Styles.Good("+ " + p.cut(term.Clean(s), 4)) }

func (p *Pretty) changes(list []diff.Change) []string {
	var lines []string
	for _, c := range list {
		what := string(c.Kind)
		if c.Kind == diff.Moved {
			what = "moved from " + c.From
		}
		lines = append(lines, term.Clean(c.Path)+"  "+p.Styles.Dim(what))
		if c.Kind == diff.Moved {
			continue
		}
		if c.Want != "" {
			lines = append(lines, "  "+p.less(c.Want))
		}
		if c.Got != "" {
			lines = append(lines, "  "+p.more(c.Got))
		}
	}
	return lines
}

// contextLines is how many lines that are the same stand around differences.
const contextLines = 3

// text writes hunks of a unified diff.
func (p *Pretty) text(list []diff.Line) []string {
	near := make([]bool, len(list))
	for i, l := range list {
		if l.Op == diff.Same {
			continue
		}
		for j := max(0, i-contextLines); j <= min(len(list)-1, i+contextLines); j++ {
			near[j] = true
		}
	}
	var lines []string
	for i, l := range list {
		if !near[i] {
			continue
		}
		if i > 0 && !near[i-1] {
			lines = append(lines, p.Styles.Dim(fmt.Sprintf("… line %d", l.Number)))
		}
		lines = append(lines, p.line(l))
		if l.NoEnd && l.Op != diff.Same {
			lines = append(lines, p.Styles.Dim("  (no line end)"))
		}
	}
	return lines
}

// line writes a line with its changed words marked: by style, or by brackets
// where nothing is styled.
func (p *Pretty) line(l diff.Line) string {
	if l.Op == diff.Same {
		return p.Styles.Dim("  " + p.cut(term.Clean(l.Text()), 4))
	}
	style := p.Styles.Bad
	if l.Op == diff.More {
		style = p.Styles.Good
	}
	if _, bare := p.Styles.(plain); bare || len(l.Spans) == 1 || p.Styles.Strong("x") == "x" {
		text := l.Text()
		if len(l.Spans) > 1 {
			text = bracketed(l.Spans)
		}
		return style(string(l.Op) + " " + p.cut(term.Clean(text), 4))
	}
	var b strings.Builder
	b.WriteString(style(string(l.Op) + " "))
	for _, s := range l.Spans {
		if s.Changed {
			b.WriteString(style(term.Clean(s.Text)))
		} else {
			b.WriteString(term.Clean(s.Text))
		}
	}
	return b.String()
}

func bracketed(spans []diff.Span) string {
	var b strings.Builder
	for _, s := range spans {
		if s.Changed {
			b.WriteString("[" + s.Text + "]")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

const rowBytes = 16

// bytes writes both sides as a hex dump around the first difference.
func (p *Pretty) bytes(d *diff.ByteDiff) []string {
	lines := []string{fmt.Sprintf("differs at byte %d; expected %d bytes, got %d", d.Offset, d.WantLen, d.GotLen)}
	for at := 0; at < len(d.Want) || at < len(d.Got); at += rowBytes {
		want, got := row(d.Want, at), row(d.Got, at)
		offset := d.Start + int64(at)
		if string(want) == string(got) {
			lines = append(lines, p.Styles.Dim("  "+dump(offset, want)))
			continue
		}
		if len(want) > 0 {
			lines = append(lines, p.Styles.Bad("- "+dump(offset, want)))
		}
		if len(got) > 0 {
			lines = append(lines, p.Styles.Good("+ "+dump(offset, got)))
		}
	}
	return lines
}

func row(b []byte, at int) []byte { return b[min(at, len(b)):min(at+rowBytes, len(b))] }

func dump(offset int64, b []byte) string {
	var text strings.Builder
	for _, c := range b {
		if c < ' ' || c > '~' {
			c = '.'
		}
		text.WriteByte(c)
	}
	return fmt.Sprintf("%08x  %-47s  %s", offset, fmt.Sprintf("% x", b), text.String())
}
