package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// faultTable returns the faults of other servers that were tried: a head, and then a row for each
// exchange of each entry. It is empty if none was.
func faultTable(s *testrunner.Summary) [][]string {
	head := []string{"request", "upstream"}
	for _, e := range s.Faults {
		for _, f := range e.Faults {
			if !slices.Contains(head[2:], f.Fault) {
				head = append(head, f.Fault)
			}
		}
	}
	var rows [][]string
	for _, e := range s.Faults {
		byPlace := make(map[string][]string)
		for _, f := range e.Faults {
			row := byPlace[f.Place]
			if row == nil {
				row = append([]string{
					term.Clean(e.String()), term.Clean(fmt.Sprintf("%s (%s)", f.Upstream, f.Place)),
				}, slices.Repeat([]string{markOf(testrunner.NotTried)}, len(head)-2)...)
				byPlace[f.Place] = row
				rows = append(rows, row)
			}
			row[slices.Index(head, f.Fault)] = markOf(f.Survival)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return append([][]string{head}, rows...)
}

// markOf returns how the result of a fault stands in the table.
func markOf(s testrunner.Survival) string {
	switch s {
	case testrunner.Survived:
		return "ok"
	case testrunner.Failed:
		return "FAILS"
	}
	return "-"
}

// table writes the rows of a table below their head, columns aligned.
func (p *Pretty) table(rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], term.Width(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-term.Width(cell)+2)
			if i == len(row)-1 {
				pad = ""
			}
			switch {
			case n == 0 || cell == markOf(testrunner.NotTried):
				cell = p.Styles.Dim(cell)
			case cell == markOf(testrunner.Survived):
				cell = p.Styles.Good(cell)
			case cell == markOf(testrunner.Failed):
				cell = p.Styles.Bad(cell)
			}
			b.WriteString(cell + pad)
		}
		b.WriteString("\n")
	}
	return b.String() + "\n"
}
