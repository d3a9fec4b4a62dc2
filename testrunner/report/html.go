package report

import (
	_ "embed"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/testrunner"
)

//go:embed report.html
var page string

type (
	htmlRun struct {
		Title, Counts, Time string
		Success             bool
		Files               []htmlFile
	}
	htmlFile struct {
		Path, Time, Fault string
		Failed            bool
		Entries           []htmlEntry
	}
	htmlEntry struct {
		Name, Outcome, Time, Class string
		Line                       int
		Failed                     bool
		Notes                      []string
		Lines                      []htmlLine
	}
	htmlLine struct{ Class, Text string }
)

// HTML writes a page into a folder, which is made if it is not there: one file,
// index.html, that needs no other.
func HTML(dir string, run *Run) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		return err
	}
	err = t.Execute(f, htmlOf(run))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func htmlOf(run *Run) htmlRun {
	s := run.Summary
	out := htmlRun{
		Title: run.Started.Format("2006-01-02 15:04:05"), Counts: counts(s), Time: duration(s.Duration),
		Success: s.Verdict() == testrunner.AllPassed,
	}
	for _, f := range run.Files {
		file := htmlFile{Path: filepath.ToSlash(f.Path), Time: duration(f.Duration), Failed: f.Failed()}
		if len(f.ParseErrors) > 0 || f.Err != nil {
			file.Fault = fileFault(f)
		}
		for i := range f.Results {
			file.Entries = append(file.Entries, htmlOfEntry(f.Path, &f.Results[i]))
		}
		out.Files = append(out.Files, file)
	}
	return out
}

func htmlOfEntry(path string, r *testrunner.Result) htmlEntry {
	e := htmlEntry{
		Name: r.Name(), Outcome: outcomeText(r), Time: duration(r.Duration), Line: r.Entry.Range.Start.Line,
		Failed: r.Outcome.Failed(), Notes: r.Notes, Class: "pass",
	}
	switch {
	case r.Outcome == testrunner.Skipped:
		e.Class = "skip"
	case e.Failed:
		e.Class = "fail"
		_, text, _ := strings.Cut(Text(path, r), "\n")
		for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
			e.Lines = append(e.Lines, htmlLine{lineClass(l), l})
		}
	}
	return e
}

// lineClass tells lines of differences by what they begin with.
func lineClass(l string) string {
	trimmed := strings.TrimLeft(l, " ")
	switch {
	case strings.HasPrefix(trimmed, "- "):
		return "less"
	case strings.HasPrefix(trimmed, "+ "):
		return "more"
	}
	return ""
}
