// Package report writes the results of a test run: for people on a terminal,
// and in the formats that other programs read. It does not change results.
package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Run is a run that has ended.
type Run struct {
	Files   []*testrunner.FileResult
	Summary *testrunner.Summary
	Started time.Time
	// Base is the folder from which reports for programs name files below it.
	Base string
	// Coverage is how much of the components' code ran; nil if nobody asked.
	Coverage *Coverage
}

// name returns the name of a file in reports for programs.
func (r *Run) name(f *testrunner.FileResult) string { return r.Name(f.Path) }

// Name returns the name of the file at path in reports for programs.
func (r *Run) Name(path string) string {
	if filepath.IsAbs(path) && r.Base != "" {
		if rel, err := filepath.Rel(r.Base, path); err == nil && filepath.IsLocal(rel) {
			path = rel
		}
	}
	return shownPath(path)
}

// shownPath returns a path as reports show it.
func shownPath(path string) string { return term.Clean(filepath.ToSlash(path)) }

// place returns file:line:column.
func place(path string, r hurl.Range) string { return r.Start.In(term.Clean(path)) }

// rendered returns an error of the parser as lines that are safe to show.
func rendered(e *hurl.ParseError) string {
	shown := *e
	shown.File = term.Clean(e.File)
	return term.CleanLines(shown.Render())
}

// outcomeText returns an outcome with its error code, if it has one.
func outcomeText(r *testrunner.Result) string {
	if r.Outcome == testrunner.ErrorCode && r.Response != nil && r.Response.Failure != nil {
		return "error-code " + term.Clean(r.Response.Failure.ErrorCode)
	}
	return string(r.Outcome)
}

// counted is how often an outcome occurred, in words.
type counted struct {
	outcome testrunner.Outcome
	text    string
}

// Counts beside those of outcomes.
const (
	notParsed testrunner.Outcome = "not parsed"
	notRun    testrunner.Outcome = "not run"
)

// countList lists the counts that are not zero.
func countList(s *testrunner.Summary) []counted {
	var list []counted
	for _, o := range testrunner.Outcomes() {
		n := s.Counts[o]
		if n == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", n, countWord(o, n))
		if o == testrunner.Pass && s.Flaky > 0 {
			text += fmt.Sprintf(" (%d flaky)", s.Flaky)
		}
		list = append(list, counted{o, text})
	}
	if s.Unreadable > 0 {
		list = append(list, counted{
			notParsed, words.Count(s.Unreadable, "file cannot be parsed", "files cannot be parsed"),
		})
	}
	if s.NotRun > 0 {
		list = append(list, counted{notRun, words.Count(s.NotRun, "file not run", "files not run")})
	}
	return list
}

// counts lists the counts that are not zero on one line.
func counts(s *testrunner.Summary) string {
	var parts []string
	for _, c := range countList(s) {
		parts = append(parts, c.text)
	}
	if len(parts) == 0 {
		return "nothing to run"
	}
	return strings.Join(parts, ", ")
}

// tally counts the entries of a file that were run, and those that failed.
func tally(f *testrunner.FileResult) (run, failed int) {
	for i := range f.Results {
		if o := f.Results[i].Outcome; o != testrunner.Skipped {
			run++
			if o.Failed() {
				failed++
			}
		}
	}
	return run, failed
}

func failedText(failed, run int) string {
	return fmt.Sprintf("%d of %s failed", failed, words.Count(run, "entry", "entries"))
}

// countWord returns the noun for n entries of an outcome.
func countWord(o testrunner.Outcome, n int) string {
	switch {
	case o == testrunner.Pass:
		return "passed"
	case n == 1:
		return string(o)
	case o == testrunner.Mismatch:
		return "mismatches"
	case o == testrunner.Trap || o == testrunner.Error:
		return string(o) + "s"
	}
	return string(o)
}
