package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// TAP writes the Test Anything Protocol, version 13: a test per entry.
func TAP(w io.Writer, run *Run) error {
	out := bufio.NewWriter(w)
	total := 0
	for _, f := range run.Files {
		total += len(f.Results)
		if len(f.ParseErrors) > 0 || f.Err != nil {
			total++
		}
	}
	fmt.Fprintf(out, "TAP version 13\n1..%d\n", total)
	n := 0
	for _, f := range run.Files {
		if len(f.ParseErrors) > 0 || f.Err != nil {
			n++
			fmt.Fprintf(out, "not ok %d - %s\n", n, tapText(f.Path))
			tapDiagnosis(out, fileFault(f))
		}
		for i := range f.Results {
			n++
			tapEntry(out, n, f.Path, &f.Results[i])
		}
	}
	return out.Flush()
}

// fileFault returns why a file was not run.
func fileFault(f *testrunner.FileResult) string {
	if f.Err != nil {
		return term.CleanLines(f.Err.Error())
	}
	var b strings.Builder
	for _, e := range f.ParseErrors {
		b.WriteString(rendered(e))
	}
	return b.String()
}

func tapEntry(out *bufio.Writer, n int, path string, r *testrunner.Result) {
	name := tapText(r.Entry.Range.Start.LineIn(path) + " " + r.Name())
	switch {
	case r.Outcome == testrunner.Skipped:
		fmt.Fprintf(out, "ok %d - %s # SKIP %s\n", n, name, tapText(strings.Join(r.Notes, "; ")))
	case r.Outcome.Failed():
		fmt.Fprintf(out, "not ok %d - %s\n", n, name)
		tapDiagnosis(out, Text(path, r))
	default:
		flaky := ""
		if r.Flaky() {
			flaky = " # flaky: " + r.AttemptsNote()
		}
		fmt.Fprintf(out, "ok %d - %s%s\n", n, name, flaky)
	}
}

// tapText escapes text for the description of a test.
func tapText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(term.Clean(s))
}

func tapDiagnosis(out *bufio.Writer, text string) {
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(out, "# %s\n", l)
	}
}
