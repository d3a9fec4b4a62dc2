package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
)

//go:embed report.html
var page string

type (
	htmlRun struct {
		Counts, Headline, Entries, FileCount, Time, Started, Coverage string

		Success   bool
		Chips     []htmlSpan
		Slowest   []htmlSlow
		Faults    []htmlFault
		FaultHead []string
		Files     []htmlFile
	}
	htmlSlow struct{ Place, Name, Time string }
	// htmlFault is a row of the table of faults.
	htmlFault struct {
		Request, Upstream string
		Marks             []htmlSpan
	}
	htmlFile struct {
		Path, Time, Told, Fault string
		Failed                  bool
		Notes                   []string
		Entries                 []htmlEntry
	}
	htmlEntry struct {
		Name, Outcome, Time, Class string
		Place                      string
		Failed                     bool
		Notes                      []string
		Text                       []htmlSpan
	}
	htmlSpan struct{ Class, Text string }
)

// HTMLFile is the name of the file that HTML writes.
const HTMLFile = "index.html"

// HTML writes a page into a folder, which it creates if needed: one file that
// needs no other.
func HTML(dir string, run *Run) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := regular.Create(filepath.Join(dir, HTMLFile), 0o644)
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
		Counts: counts(s), Time: units.Duration(s.Duration),
		Started:   run.Started.Format("2006-01-02 15:04:05"),
		Entries:   words.Count(s.Entries, "entry", "entries"),
		FileCount: words.Count(s.Files, "file", "files"),
		Headline:  words.Count(s.FailedFiles, "file", "files") + " failed",
		Success:   run.success(), Coverage: run.coverageText(),
	}
	if s.Verdict() == testrunner.AllPassed && !out.Success {
		out.Headline = "Too little of the code ran"
	}
	for _, c := range countList(s) {
		class := "bad"
		switch c.outcome {
		case testrunner.Pass:
			class = "good"
		case testrunner.Skipped, notRun:
			class = "dim"
		}
		out.Chips = append(out.Chips, htmlSpan{class, c.text})
	}
	if len(s.Slowest) > 1 {
		for _, x := range s.Slowest {
			out.Slowest = append(out.Slowest, htmlSlow{
				x.Pos.LineIn(shownPath(x.Path)), term.Clean(x.Name), units.Duration(x.Duration),
			})
		}
	}
	for n, row := range faultTable(s) {
		if n == 0 {
			out.FaultHead = row
			continue
		}
		f := htmlFault{Request: row[0], Upstream: row[1]}
		for _, text := range row[2:] {
			class := "dim"
			switch text {
			case markOf(testrunner.Survived):
				class = "good"
			case markOf(testrunner.Failed):
				class = "bad"
			}
			f.Marks = append(f.Marks, htmlSpan{class, text})
		}
		out.Faults = append(out.Faults, f)
	}
	for _, f := range run.Files {
		out.Files = append(out.Files, htmlOfFile(f))
	}
	return out
}

func htmlOfFile(f *testrunner.FileResult) htmlFile {
	out := htmlFile{
		Path: shownPath(f.Path), Time: units.Duration(f.Duration), Failed: f.Failed(),
		Notes: f.Notes,
	}
	run, failed := tally(f)
	switch {
	case len(f.ParseErrors) > 0:
		out.Told, out.Fault = "cannot be parsed", fileFault(f)
	case f.Err != nil:
		out.Told, out.Fault = "not run", fileFault(f)
	case failed > 0:
		out.Told = failedText(failed, run)
	default:
		out.Told = words.Count(run, "entry", "entries")
	}
	for i := range f.Results {
		out.Entries = append(out.Entries, htmlOfEntry(f.Path, &f.Results[i]))
	}
	return out
}

// htmlPlace returns the place of an entry in its file.
func htmlPlace(e *hurl.Entry) string {
	if at := e.Range.Start; at.Entry == 0 {
		return fmt.Sprintf("line %d", at.Line)
	}
	return fmt.Sprintf("entry %d", e.Range.Start.Entry)
}

func htmlOfEntry(path string, r *testrunner.Result) htmlEntry {
	e := htmlEntry{
		Name: term.Clean(r.Name()), Outcome: outcomeText(r), Time: units.Duration(r.Duration),
		Place:  htmlPlace(r.Entry),
		Failed: r.Outcome.Failed(), Notes: r.Notes, Class: "good",
	}
	switch {
	case r.Outcome == testrunner.Skipped:
		e.Class = "dim"
	case r.Flaky():
		e.Class, e.Outcome = "fair", "flaky"
	case e.Failed:
		// The first line is the heading.
		_, text, _ := strings.Cut(reportPretty(htmlStyles{}).Entry(path, r), "\n")
		e.Text = htmlText(dedent(text))
	}
	return e
}

// htmlStyles puts marks around text. The marks are characters for private use,
// which clean text does not have.
type htmlStyles struct{}

const (
	htmlMark = '\ue000' // begins a style; which follows
	htmlEnd  = '\ue001'
)

func mark(style rune, s string) string {
	return string([]rune{htmlMark, style}) + s + string(htmlEnd)
}

func (htmlStyles) Bad(s string) string    { return mark('b', s) }
func (htmlStyles) Fair(s string) string   { return mark('f', s) }
func (htmlStyles) Good(s string) string   { return mark('g', s) }
func (htmlStyles) Dim(s string) string    { return mark('d', s) }
func (htmlStyles) Strong(s string) string { return mark('s', s) }

// htmlText translates marks. They are not nested.
func htmlText(s string) []htmlSpan {
	classes := map[rune]string{'b': "bad", 'f': "fair", 'g': "good", 'd': "dim", 's': "strong"}
	var out []htmlSpan
	for i, part := range strings.Split(s, string(htmlMark)) {
		if i == 0 {
			out = append(out, htmlSpan{"", part})
			continue
		}
		marked, rest, _ := strings.Cut(part, string(htmlEnd))
		style := rune(marked[0])
		out = append(out, htmlSpan{classes[style], marked[1:]}, htmlSpan{"", rest})
	}
	return out
}

// dedent drops the margin that all lines have.
func dedent(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "    "), "\n    ", "\n")
}
