package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		File      string      `xml:"file,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Time    string      `xml:"time,attr"`
		Failure *junitFault `xml:"failure"`
		Error   *junitFault `xml:"error"`
		// Flaky are the attempts that failed before one passed, as Maven's Surefire
		// writes them.
		Flaky   []junitFault `xml:"flakyFailure"`
		Skipped *junitSkip   `xml:"skipped"`
		Output  *junitText   `xml:"system-out"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
	junitSkip struct {
		Message string `xml:"message,attr,omitempty"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// JUnit writes the format that CI systems know, as the schema of Jenkins has it:
// a suite per file, a case per entry. Mismatches are failures; everything else
// that fails is an error.
func JUnit(w io.Writer, run *Run) error {
	all := junitSuites{Time: seconds(run.Summary.Duration)}
	for _, f := range run.Files {
		s := junitFile(f, run.name(f))
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

func junitFile(f *testrunner.FileResult, path string) junitSuite {
	path = xmlText(path)
	s := junitSuite{
		Name: path, File: path, Time: seconds(f.Duration),
		Timestamp: f.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	fault := func(kind, text string) {
		first, _, _ := strings.Cut(text, "\n")
		s.Cases = append(s.Cases, junitCase{
			Class: path, Name: "(file)", Time: "0.000000",
			Error: &junitFault{Message: xmlText(first), Type: kind, Text: xmlText(text)},
		})
		s.Errors++
	}
	for _, e := range f.ParseErrors {
		fault("parse-error", rendered(e))
	}
	if f.Err != nil {
		fault("not-run", term.CleanLines(f.Err.Error()))
	}
	names := make(map[string]int)
	for i := range f.Results {
		s.Cases = append(s.Cases, junitEntry(f.Path, path, &f.Results[i], names))
		c := &s.Cases[len(s.Cases)-1]
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	s.Tests = len(s.Cases)
	return s
}

// junitEntry makes the case of an entry. Names are unique within a file, since
// some readers merge cases of the same name.
func junitEntry(path, class string, r *testrunner.Result, names map[string]int) junitCase {
	name := term.Clean(r.Name())
	names[name]++
	if n := names[name]; n > 1 {
		name = fmt.Sprintf("%s (%d)", name, n)
	}
	c := junitCase{Class: class, Name: name, Time: seconds(r.Duration)}
	if r.Response != nil && len(r.Response.Stderr) > 0 {
		c.Output = &junitText{xmlText(strings.Join(r.Response.Stderr, "\n"))}
	}
	switch {
	case r.Outcome == testrunner.Skipped:
		c.Skipped = &junitSkip{term.Clean(strings.Join(r.Notes, "; "))}
	case r.Outcome.Failed():
		fault := &junitFault{
			Message: term.Clean(headline(r)), Type: outcomeText(r), Text: xmlText(Text(path, r)),
		}
		if r.Outcome == testrunner.Mismatch {
			c.Failure = fault
		} else {
			c.Error = fault
		}
	case r.Flaky():
		for _, e := range r.Earlier {
			failed := &testrunner.Result{Outcome: e.Outcome, Problems: e.Problems}
			message := term.Clean(headline(failed))
			c.Flaky = append(c.Flaky, junitFault{Message: message, Type: outcomeText(failed),
				Text: message})
		}
	}
	return c
}

// headline says on one line what failed.
func headline(r *testrunner.Result) string {
	if len(r.Problems) == 0 {
		return outcomeText(r)
	}
	p := &r.Problems[0]
	s := p.Title
	if p.Source != "" {
		s += ": " + p.Source
	}
	switch {
	case p.Expected != "":
		s += ": expected " + p.Expected + ", got " + p.Actual
	case p.Actual != "":
		s += ": " + p.Actual
	case p.Diff != nil:
		s += " differs"
	}
	if n := len(r.Problems) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// xmlText drops characters that XML 1.0 does not allow.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' || r == 0xfffe ||
			r == 0xffff {
			return '\ufffd'
		}
		return r
	}, s)
}
