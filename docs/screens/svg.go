package main

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A span is text in one style. Class names the style in the picture's style sheet: "c" and the
// number of a colour of the terminal's palette, "b" for bold, "d" for dim, in any combination.
type span struct {
	class string
	text  string
}

// parse reads a line of a terminal's output whose only escape sequences are SGR (ECMA-48, 8.3.117)
// with the sixteen colours, bold and dim, and returns its spans.
func parse(line string) ([]span, error) {
	var spans []span
	bold, dim, colour := false, false, -1
	for line != "" {
		text, rest, escaped := strings.Cut(line, "\x1b[")
		if text != "" {
			var class []string
			if bold {
				class = append(class, "b")
			}
			if dim {
				class = append(class, "d")
			}
			if colour >= 0 {
				class = append(class, "c"+strconv.Itoa(colour))
			}
			spans = append(spans, span{strings.Join(class, " "), text})
		}
		if !escaped {
			break
		}
		parameters, after, ok := strings.Cut(rest, "m")
		if !ok {
			return nil, fmt.Errorf("escape sequence %q: not SGR", rest)
		}
		for p := range strings.SplitSeq(parameters, ";") {
			n, err := strconv.Atoi("0" + p)
			switch {
			case err != nil:
				return nil, fmt.Errorf("escape sequence %q: not SGR", parameters)
			case n == 0:
				bold, dim, colour = false, false, -1
			case n == 1:
				bold = true
			case n == 2:
				dim = true
			case n >= 30 && n <= 37:
				colour = n - 30
			case n >= 90 && n <= 97:
				colour = n - 90 + 8
			default:
				return nil, fmt.Errorf("SGR %d: not known", n)
			}
		}
		line = after
	}
	return spans, nil
}

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
.b { font-weight: 600 } .d { fill: var(--dim) }
.c1, .c9 { fill: var(--c1) } .c2, .c10 { fill: var(--c2) } .c3, .c11 { fill: var(--c3) }
.c4, .c12 { fill: var(--c4) } .c5, .c13 { fill: var(--c5) } .c6, .c14 { fill: var(--c6) }
`

// picture draws lines of a terminal's output as an SVG document in a window with a title. It fits
// light and dark pages. alt describes the picture to those who do not see it.
func picture(title, alt string, lines []string) ([]byte, error) {
	columns := 0
	var body strings.Builder
	for i, line := range lines {
		spans, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		column := 0
		for _, s := range spans {
			text := s.text
			if n := utf8.RuneCountInString(text); column+n > maximum {
				text = string([]rune(text)[:max(0, maximum-column-1)]) + "…"
			}
			n := utf8.RuneCountInString(text)
			if strings.TrimSpace(text) != "" {
				fmt.Fprintf(&body, `<text x="%.1f" y="%.1f" textLength="%.1f"`,
					margin+float64(column)*cell, bar+margin+float64(i)*row+10, float64(n)*cell)
				if s.class != "" {
					fmt.Fprintf(&body, ` class="%s"`, s.class)
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
	return []byte(out.String()), nil
}

// escape returns s as it stands in XML.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}
