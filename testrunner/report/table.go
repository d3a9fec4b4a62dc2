package report

import (
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// table writes the rows of a summary's table below their head, columns aligned.
func (p *Pretty) table(rows [][]string) string {
	if len(rows) < 2 {
		return ""
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], term.Width(term.Clean(cell)))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			cell = term.Clean(cell)
			pad := strings.Repeat(" ", widths[i]-term.Width(cell)+2)
			if i == len(row)-1 {
				pad = ""
			}
			switch {
			case n == 0 || cell == testrunner.NoFault:
				cell = p.Styles.Dim(cell)
			case cell == testrunner.Survived:
				cell = p.Styles.Good(cell)
			case cell == testrunner.Failed:
				cell = p.Styles.Bad(cell)
			}
			b.WriteString(cell + pad)
		}
		b.WriteString("\n")
	}
	return b.String() + "\n"
}
