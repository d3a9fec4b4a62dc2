// Package report writes what came of a test run: for people on a terminal, and
// in the formats that other programs read. It only reads results.
package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/fixture/hurl"
	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Run is a run that has ended.
type Run struct {
	Files   []*testrunner.FileResult
	Summary *testrunner.Summary
	Started time.Time
}

// place returns file:line:column.
func place(path string, r hurl.Range) string {
	if r.Start.Line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d:%d", path, r.Start.Line, r.Start.Col)
}

// duration writes a length of time with three digits.
func duration(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return fmt.Sprintf("%.3gs", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3gms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%dµs", d.Microseconds())
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// outcomeText is an outcome with what names it further.
func outcomeText(r *testrunner.Result) string {
	if r.Outcome == testrunner.ErrorCode && r.Answer != nil && r.Answer.Failure != nil {
		return "error-code " + r.Answer.Failure.ErrorCode
	}
	return string(r.Outcome)
}

// clean makes text safe to show, line by line.
func clean(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = term.Clean(l)
	}
	return strings.Join(lines, "\n")
}

// counts lists the outcomes that occurred.
func counts(s *testrunner.Summary) string {
	var parts []string
	for _, o := range testrunner.Outcomes() {
		n := s.Counts[o]
		if n == 0 {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, countWord(o, n)))
	}
	if s.Unreadable > 0 {
		parts = append(parts, plural(s.Unreadable, "file cannot be parsed", "files cannot be parsed"))
	}
	if s.NotRun > 0 {
		parts = append(parts, plural(s.NotRun, "file not run", "files not run"))
	}
	if len(parts) == 0 {
		return "nothing to run"
	}
	return strings.Join(parts, ", ")
}

// countWord is what n entries of an outcome are called.
func countWord(o testrunner.Outcome, n int) string {
	switch {
	case o == testrunner.Pass:
		return "passed"
	case n == 1:
		return string(o)
	case o == testrunner.Mismatch:
		return "mismatches"
	case o == testrunner.Trap:
		return "traps"
	}
	return string(o)
}
