package main

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/term"
)

// The sizes of the picture, in its own units.
const (
	cell    = 8.4 // a column
	row     = 19.0
	margin  = 18.0
	bar     = 34.0 // the window's title bar
	maximum = 112  // columns; longer lines are cut
)

// The colours of GitHub's light and dark themes; a viewer takes those of its own setting.
const style = `
svg { --back: #ffffff; --bar: #f6f8fa; --line: #d1d9e0; --text: #1f2328; --dim: #656d76;
  --c1: #cf222e; --c2: #1a7f37; --c3: #9a6700; --c4: #0969da; --c5: #8250df; --c6: #1b7c83 }
@media (prefers-color-scheme: dark) {
  svg { --back: #0d1117; --bar: #161b22; --line: #30363d; --text: #e6edf3; --dim: #8d96a0;
    --c1: #ff7b72; --c2: #3fb950; --c3: #d29922; --c4: #58a6ff; --c5: #bc8cff; --c6: #39c5cf }
}
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--text); white-space: pre }
.b { font-weight: 600 } .d { fill: var(--dim) } .u { text-decoration: underline }
.c1, .c9 { fill: var(--c1) } .c2, .c10 { fill: var(--c2) } .c3, .c11 { fill: var(--c3) }
.c4, .c12 { fill: var(--c4) } .c5, .c13 { fill: var(--c5) } .c6, .c14 { fill: var(--c6) }
`

// picture draws lines of a terminal's output as an SVG document in a window with a title. It fits
// light and dark pages. alt describes the picture to those who do not see it.
func picture(title, alt string, lines []string) []byte {
	columns := 0
	var body strings.Builder
	for i, line := range lines {
		column := 0
		for _, s := range term.Spans(line) {
			text := s.Text
			if n := utf8.RuneCountInString(text); column+n > maximum {
				text = string([]rune(text)[:max(0, maximum-column-1)]) + "…"
			}
			n := utf8.RuneCountInString(text)
			if strings.TrimSpace(text) != "" {
				fmt.Fprintf(&body, `<text x="%.1f" y="%.1f" textLength="%.1f"`,
					margin+float64(column)*cell, bar+margin+float64(i)*row+10, float64(n)*cell)
				if s.Class != "" {
					fmt.Fprintf(&body, ` class="%s"`, s.Class)
				}
				body.WriteString(">" + escape(text) + "</text>\n")
			}
			column += n
			if column >= maximum {
				break
			}
		}
		columns = max(columns, column)
	}
	width := 2*margin + float64(columns)*cell
	height := bar + 2*margin + float64(len(lines)-1)*row + 8
	var out strings.Builder
	fmt.Fprintf(&out,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f"`+
			` role="img" aria-label="%s">`, width, height, width, escape(alt))
	fmt.Fprintf(&out, "\n<style>%s</style>\n", style)
	fmt.Fprintf(&out, `<rect x="0.5" y="0.5" width="%.0f" height="%.0f" rx="8"`+
		` fill="var(--back)" stroke="var(--line)"/>`+"\n", width-1, height-1)
	fmt.Fprintf(&out,
		`<path d="M1 %.0fV9a8 8 0 0 1 8-8H%.0fa8 8 0 0 1 8 8V%.0fZ" fill="var(--bar)"/>`+"\n",
		bar, width-9, bar)
	for i := range 3 {
		fmt.Fprintf(&out, `<circle cx="%d" cy="17" r="5.5" fill="var(--line)"/>`+"\n", 20+i*18)
	}
	fmt.Fprintf(&out, `<text x="%.0f" y="22" text-anchor="middle" class="d">%s</text>`+"\n",
		width/2, escape(title))
	out.WriteString(body.String() + "</svg>\n")
	return []byte(out.String())
}

// escape returns s as it stands in XML.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}
