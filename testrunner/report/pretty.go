package report

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// Styles are how a Pretty styles single lines; a *term.Output has them.
type Styles interface {
	Bad(string) string
	Fair(string) string
	Good(string) string
	Dim(string) string
	Strong(string) string
}

// Plain returns the Styles that style nothing.
func Plain() Styles { return plain{} }

// plain styles nothing.
type plain struct{}

func (plain) Bad(s string) string    { return s }
func (plain) Fair(s string) string   { return s }
func (plain) Good(s string) string   { return s }
func (plain) Dim(s string) string    { return s }
func (plain) Strong(s string) string { return s }

// Pretty writes results for people.
type Pretty struct {
	Styles Styles
	// Full shows whole differences, however long.
	Full bool
	// Width is how many columns there are, 0 if it is unknown. Lines of
	// expected and actual values are shortened to it, unless Full.
	Width int
	// Lines is how many lines of a difference are shown, unless Full; 0: 20.
	Lines int
	// Later, if not nil, reports entries that are described elsewhere.
	Later func(r *testrunner.Result) bool
	// Server got the requests; nil for instances in this process.
	Server *url.URL
	// Rerun returns the command that runs one file again and shows all of its
	// differences.
	Rerun func(path string) string
}

const (
	defaultLines = 20
	defaultWidth = 160
	minRoom      = 20 // for a line on the narrowest terminal
	margin       = 6  // of differences
)

func (p *Pretty) limit() int {
	if p.Lines == 0 {
		return defaultLines
	}
	return p.Lines
}

// room returns the number of columns for a line of a difference that begins in a
// column; 0 for no limit.
func (p *Pretty) room(column int) int {
	if p.Full {
		return 0
	}
	width := p.Width
	if width == 0 {
		width = defaultWidth
	}
	return max(width-margin-column, minRoom)
}

// File returns the line about a file and, if something failed in it, the
// details.
func (p *Pretty) File(f *testrunner.FileResult) string {
	var b strings.Builder
	run, failed := tally(f)
	told := false
	path := term.Clean(f.Path)
	switch {
	case len(f.ParseErrors) > 0:
		fmt.Fprintf(&b, "%s %s  %s\n", p.Styles.Bad(term.SymbolBad), p.Styles.Strong(path),
			p.Styles.Bad("cannot be parsed"))
	case f.Err != nil:
		fmt.Fprintf(&b, "%s %s  %s\n", p.Styles.Bad(term.SymbolBad), p.Styles.Strong(path),
			p.Styles.Bad("not run"))
	case failed > 0:
		fmt.Fprintf(&b, "%s %s  %s  %s\n", p.Styles.Bad(term.SymbolBad), p.Styles.Strong(path),
			p.Styles.Bad(failedText(failed, run)), p.Styles.Dim(units.Duration(f.Duration)))
	default:
		fmt.Fprintf(&b, "%s %s  %s\n", p.Styles.Good(term.SymbolGood), path,
			p.Styles.Dim(words.Count(run, "entry", "entries")+"  "+units.Duration(f.Duration)))
	}
	for _, note := range f.Notes {
		fmt.Fprintf(&b, "  %s %s\n", p.Styles.Fair("note:"), term.CleanLines(note))
	}
	for _, e := range f.ParseErrors {
		b.WriteString("\n" + indent(strings.TrimRight(rendered(e), "\n"), "  ") + "\n")
	}
	if f.Err != nil {
		b.WriteString(indent(term.CleanLines(f.Err.Error()), "  ") + "\n")
	}
	p.notes(&b, f)
	for i := range f.Results {
		r := &f.Results[i]
		if r.Outcome.Failed() && (p.Later == nil || !p.Later(r)) {
			b.WriteString("\n" + p.Entry(f.Path, r))
			told = true
		}
	}
	if told || len(f.ParseErrors) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// notes writes the notes of entries that did not fail, each once.
func (p *Pretty) notes(b *strings.Builder, f *testrunner.FileResult) {
	type labelled struct{ label, text string }
	var order []labelled
	first, count := make(map[labelled]string), make(map[labelled]int)
	for i := range f.Results {
		r := &f.Results[i]
		if r.Outcome.Failed() {
			continue
		}
		for _, text := range r.Notes {
			note := labelled{"note:", text}
			if r.Flaky() && text == r.AttemptsNote() {
				note.label = "flaky:"
			}
			if count[note]++; count[note] == 1 {
				order, first[note] = append(order, note), place(f.Path, r.Entry.Range)
			}
		}
	}
	for _, note := range order {
		where := first[note]
		if n := count[note]; n > 1 {
			where += fmt.Sprintf(" and %d more", n-1)
		}
		fmt.Fprintf(b, "  %s %s: %s\n", p.Styles.Fair(note.label), where, p.prose(note.text, 0))
	}
}

// Entry returns the report about an entry that failed.
func (p *Pretty) Entry(path string, r *testrunner.Result) string {
	var b strings.Builder
	attempts := ""
	if r.Attempts > 1 {
		attempts = fmt.Sprintf(", %d attempts", r.Attempts)
	}
	outcome, where := outcomeText(r), place(path, r.Entry.Range)+attempts
	name := p.cut(r.Name(), len("  ")+term.Width(outcome)+len("  ")+len("  ")+term.Width(where))
	fmt.Fprintf(&b, "  %s  %s  %s\n", p.Styles.Bad(outcome), p.Styles.Strong(name),
		p.Styles.Dim(where))
	for _, note := range r.Notes {
		text := p.prose(note, len("    note: "))
		b.WriteString("    " + p.Styles.Fair("note:") + " " +
			strings.ReplaceAll(text, "\n", "\n          ") + "\n")
	}
	for i := range r.Problems {
		b.WriteString(indent(p.problem(path, &r.Problems[i]), "    "))
	}
	b.WriteString(indent(p.body(path, r), "    "))
	if r.Response != nil {
		b.WriteString(indent(p.guest(r.Response), "    "))
	}
	b.WriteString(indent(p.again(path, r), "    "))
	return b.String()
}

// Update returns the report about one difference that can be accepted.
func (p *Pretty) Update(u testrunner.Update) string {
	one := *u.Result
	problem := *u.Problem
	if problem.Kind == testrunner.ProblemMissing {
		one.Outcome, problem.Diff = testrunner.Outcome(testrunner.ProblemMissing),
			added(problem.Edits)
	}
	one.Problems = []testrunner.Problem{problem}
	one.Request, one.Rerun = nil, ""
	return p.Entry(u.Path, &one)
}

// added returns the lines to be added to a fixture as a difference.
func added(edits []hurl.Edit) *diff.Diff {
	d := &diff.Diff{Kind: diff.Text}
	for _, e := range edits {
		for line := range strings.Lines(e.Text) {
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				d.Lines = append(d.Lines, diff.Line{Op: diff.More,
					Spans: []diff.Span{{Text: line}}})
			}
		}
	}
	return d
}

func (p *Pretty) problem(path string, x *testrunner.Problem) string {
	var b strings.Builder
	where := ""
	if x.Range.Start.Line > 0 {
		where = "  " + p.Styles.Dim(place(path, x.Range))
	}
	if x.Diff != nil {
		where += "  " + p.Styles.Bad("- expected") + "  " + p.Styles.Good("+ got")
	}
	fmt.Fprintf(&b, "%s%s\n", term.Clean(x.Title), where)
	if x.Source != "" {
		label := fmt.Sprintf("  %d | ", x.Range.Start.Line)
		b.WriteString(p.Styles.Dim(label) + p.cut(x.Source, margin+len(label)) + "\n")
	}
	switch {
	case x.Diff != nil:
		b.WriteString(indent(p.Diff(x.Diff, path), "  "))
	case x.Expected == "" && x.Actual != "":
		b.WriteString(indent(p.prose(x.Actual, margin)+"\n", "  "))
	case x.Expected != "":
		b.WriteString(p.pair(x.Expected, x.Actual, path))
	}
	for _, d := range x.Ignore {
		b.WriteString(p.Styles.Fair("to ignore it:") + " # @ignore " + term.Clean(d) + "\n")
	}
	return b.String()
}

// pair writes the expected and the actual value, a line each.
func (p *Pretty) pair(want, got, path string) string {
	wantSpans, gotSpans := diff.Words(want, got)
	if wantSpans == nil {
		wantSpans, gotSpans = []diff.Span{{Text: want}}, []diff.Span{{Text: got}}
	}
	const label = "expected  "
	wantLine, hidden := fit(wantSpans, p.room(len(label)))
	gotLine, more := fit(gotSpans, p.room(len(label)))
	text := "  expected  " + p.draw(wantLine, false, p.Styles.Bad) + "\n  got       " +
		p.draw(gotLine, false, p.Styles.Good) + "\n"
	if hidden += more; hidden > 0 {
		text += "  " + p.Styles.Dim(p.hiddenText(0, hidden, path)) + "\n"
	}
	return text
}

// body returns the beginning of the response's body unless a difference shows
// it, since it often says what is wrong.
func (p *Pretty) body(path string, r *testrunner.Result) string {
	if r.Outcome != testrunner.Mismatch || r.Response == nil || len(r.Response.Body) == 0 {
		return ""
	}
	of := false
	for i := range r.Problems {
		switch r.Problems[i].Kind {
		case testrunner.ProblemBody:
			return ""
		case testrunner.ProblemStatus, testrunner.ProblemAssert, testrunner.ProblemCapture:
			of = true
		}
	}
	if !of {
		return ""
	}
	body := r.Response.Body
	if !diff.IsText(body) {
		return "body of the response: " + words.Count(len(body), "byte", "bytes") +
			" that are not text\n"
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	return "body of the response:\n" + p.excerpt(lines, path)
}

// cut shortens a line that is wider than the terminal.
func (p *Pretty) cut(s string, column int) string {
	if p.Width == 0 {
		return term.Clean(s)
	}
	line, _ := fit([]diff.Span{{Text: s}}, max(p.Width-column, minRoom))
	return p.draw(line, true, nil)
}

// prose makes text clean and breaks lines between words if they are wider than
// the rest of the line from a column on.
func (p *Pretty) prose(s string, column int) string {
	s = term.CleanLines(s)
	if p.Width == 0 {
		return s
	}
	room := max(p.Width-column, minRoom)
	var lines []string
	for _, l := range strings.Split(s, "\n") {
		lines = append(lines, term.Wrap(l, room)...) // the terminal breaks words that are too long
	}
	return strings.Join(lines, "\n")
}

// guest writes the details of the guest's failure.
func (p *Pretty) guest(a *testrunner.Response) string {
	var b strings.Builder
	if f := a.Failure; f != nil {
		for _, frame := range f.Frames {
			b.WriteString("  " + p.Styles.Dim("at ") + p.cut(frame.String(), margin+len("at ")) +
				"\n")
		}
		if f.Hint != "" {
			b.WriteString(p.Styles.Fair("hint: ") + p.prose(f.Hint, margin) + "\n")
		}
	}
	if a.Failure == nil && a.Message != "" {
		b.WriteString("the guest said: " + p.prose(a.Message, margin) + "\n")
	}
	if len(a.Stderr) > 0 {
		b.WriteString("stderr of the guest:\n")
		for _, l := range a.Stderr {
			b.WriteString("  " + p.Styles.Dim("│ ") + term.Clean(l) + "\n")
		}
	}
	return b.String()
}

// worthTelling is the shortest time of loading a component that is reported.
const worthTelling = 500 * time.Millisecond

// Summary returns the last lines of a run.
func (p *Pretty) Summary(s *testrunner.Summary) string {
	var b strings.Builder
	b.WriteString(p.table(faultTable(s)))
	if len(s.Slowest) > 1 {
		for i, x := range s.Slowest {
			label := "slowest"
			if i > 0 {
				label = "       "
			}
			name := x.Pos.LineIn(x.Path) + " " + x.Name
			fmt.Fprintf(&b, "%s %8s  %s\n", p.Styles.Dim(label), units.Duration(x.Duration),
				p.Styles.Dim(p.cut(name, len(label)+11)))
		}
	}
	style := p.Styles.Bad
	if s.Verdict() == testrunner.AllPassed {
		style = p.Styles.Good
	}
	text := fmt.Sprintf("%s in %s: %s", words.Count(s.Entries, "entry", "entries"),
		words.Count(s.Files, "file", "files"), counts(s))
	lines := strings.Split(p.prose(text, 0), "\n")
	for i := range lines {
		lines[i] = style(lines[i])
	}
	line := strings.Join(lines, "\n")
	took := units.Duration(s.Duration)
	if s.Loading > worthTelling {
		took += fmt.Sprintf(" (%s of it to load the component)", units.Duration(s.Loading))
	}
	fmt.Fprintf(&b, "%s  %s\n", line, p.Styles.Dim(took))
	return b.String()
}

// indent puts a margin before each line that is not empty.
func indent(s, margin string) string {
	lines := strings.SplitAfter(s, "\n")
	for i, l := range lines {
		if strings.TrimSpace(l) != "" {
			lines[i] = margin + l
		}
	}
	return strings.Join(lines, "")
}

// reportPretty is for report files: it shortens only very long differences.
func reportPretty(styles Styles) *Pretty { return &Pretty{Styles: styles, Lines: 400, Width: 2000} }

// Text returns the report of Entry, without styles and with only very long differences shortened.
func Text(path string, r *testrunner.Result) string {
	return reportPretty(plain{}).Entry(path, r)
}
