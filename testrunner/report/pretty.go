package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Styles are how a Pretty styles single lines; a *term.Output has them.
type Styles interface {
	Bad(string) string
	Fair(string) string
	Good(string) string
	Dim(string) string
	Strong(string) string
}

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
	// Full shows differences whole, however long.
	Full bool
	// Width is how many columns there are; longer lines of differences are cut
	// unless Full; 0: no limit.
	Width int
	// Rerun returns the command that runs one file again and shows all of its
	// differences.
	Rerun func(path string) string
}

// maxShown is how many lines of a difference are shown unless all are wanted.
const maxShown = 20

// File returns the line about a file and, if something failed in it, the whole
// story.
func (p *Pretty) File(f *testrunner.FileResult) string {
	var b strings.Builder
	failed, run := 0, 0
	for i := range f.Results {
		if o := f.Results[i].Outcome; o != testrunner.Skipped {
			run++
			if o.Failed() {
				failed++
			}
		}
	}
	path := term.Clean(f.Path)
	switch {
	case len(f.ParseErrors) > 0:
		fmt.Fprintf(&b, "%s %s  %s\n", p.Styles.Bad(term.SymbolBad), p.Styles.Strong(path), p.Styles.Bad("cannot be parsed"))
	case f.Err != nil:
		fmt.Fprintf(&b, "%s %s  %s\n", p.Styles.Bad(term.SymbolBad), p.Styles.Strong(path), p.Styles.Bad("not run"))
	case failed > 0:
		fmt.Fprintf(&b, "%s %s  %s  %s\n", p.Styles.Bad(term.SymbolBad), p.Styles.Strong(path), p.Styles.Bad(fmt.Sprintf("%d of %s failed", failed, plural(run, "entry", "entries"))), p.Styles.Dim(duration(f.Duration)))
	default:
		fmt.Fprintf(&b, "%s %s  %s\n", p.Styles.Good(term.SymbolGood), path, p.Styles.Dim(plural(run, "entry", "entries")+"  "+duration(f.Duration)))
	}
	for _, note := range f.Notes {
		fmt.Fprintf(&b, "  %s %s\n", p.Styles.Fair("note:"), clean(note))
	}
	for _, e := range f.ParseErrors {
		b.WriteString("\n" + indent(clean(strings.TrimRight(e.Render(), "\n")), "  ") + "\n")
	}
	if f.Err != nil {
		b.WriteString(indent(clean(f.Err.Error()), "  ") + "\n")
	}
	for i := range f.Results {
		r := &f.Results[i]
		if r.Outcome.Failed() {
			b.WriteString("\n" + p.Entry(f.Path, r))
		} else {
			p.notes(&b, f.Path, r)
		}
	}
	if failed > 0 || len(f.ParseErrors) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// notes writes the notes of an entry that did not fail.
func (p *Pretty) notes(b *strings.Builder, path string, r *testrunner.Result) {
	for _, note := range r.Notes {
		fmt.Fprintf(b, "  %s %s: %s\n", p.Styles.Fair("note:"), place(path, r.Entry.Range), clean(note))
	}
}

// Entry returns what there is to say about an entry that failed.
func (p *Pretty) Entry(path string, r *testrunner.Result) string {
	var b strings.Builder
	attempts := ""
	if r.Attempts > 1 {
		attempts = fmt.Sprintf(", %d attempts", r.Attempts)
	}
	fmt.Fprintf(&b, "  %s  %s  %s\n", p.Styles.Bad(outcomeText(r)), p.Styles.Strong(clean(r.Name())), p.Styles.Dim(place(path, r.Entry.Range)+attempts))
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "    %s %s\n", p.Styles.Fair("note:"), clean(note))
	}
	for i := range r.Problems {
		b.WriteString(indent(p.problem(path, &r.Problems[i]), "    "))
	}
	if r.Answer != nil {
		b.WriteString(indent(p.guest(r.Answer), "    "))
	}
	return b.String()
}

func (p *Pretty) problem(path string, x *testrunner.Problem) string {
	var b strings.Builder
	where := ""
	if x.Range.Start.Line > 0 {
		where = "  " + p.Styles.Dim(place(path, x.Range))
	}
	fmt.Fprintf(&b, "%s%s\n", clean(x.Title), where)
	switch {
	case x.Diff != nil:
		b.WriteString(indent(p.Diff(x.Diff, path), "  "))
	case x.Expected == "" && x.Actual != "":
		b.WriteString(indent(clean(x.Actual)+"\n", "  "))
	case x.Expected != "":
		b.WriteString("  expected  " + p.Styles.Good(p.cut(oneLine(x.Expected), 12)) + "\n")
		b.WriteString("  got       " + p.Styles.Bad(p.cut(oneLine(x.Actual), 12)) + "\n")
	}
	return b.String()
}

func oneLine(s string) string { return term.Clean(s) }

// cut shortens a line that is wider than the terminal.
func (p *Pretty) cut(s string, used int) string {
	r := []rune(s)
	room := p.Width - used - 8
	if p.Full || p.Width == 0 || room < 20 || len(r) <= room {
		return s
	}
	return string(r[:room-1]) + "…"
}

// guest writes what is known of the guest's failure.
func (p *Pretty) guest(a *testrunner.Answer) string {
	var b strings.Builder
	if f := a.Failure; f != nil {
		for _, frame := range f.Frames {
			b.WriteString("  " + p.Styles.Dim("at ") + clean(frame.String()) + "\n")
		}
		if f.Hint != "" {
			b.WriteString(p.Styles.Fair("hint: ") + clean(f.Hint) + "\n")
		}
	}
	if len(a.Stderr) > 0 {
		b.WriteString("stderr of the guest:\n")
		for _, l := range a.Stderr {
			b.WriteString("  " + p.Styles.Dim("│ ") + term.Clean(l) + "\n")
		}
	}
	return b.String()
}

// worthTelling is from when on it is told how long a component took to load.
const worthTelling = 500 * time.Millisecond

// Summary returns the last lines of a run.
func (p *Pretty) Summary(s *testrunner.Summary) string {
	var b strings.Builder
	if len(s.Slowest) > 1 {
		for i, x := range s.Slowest {
			label := "slowest"
			if i > 0 {
				label = "       "
			}
			fmt.Fprintf(&b, "%s %8s  %s\n", p.Styles.Dim(label), duration(x.Duration), p.Styles.Dim(clean(fmt.Sprintf("%s:%d %s", x.Path, x.Line, x.Name))))
		}
	}
	line := fmt.Sprintf("%s in %s: %s", plural(s.Entries, "entry", "entries"), plural(s.Files, "file", "files"), counts(s))
	if s.Verdict() == testrunner.AllPassed {
		line = p.Styles.Good(line)
	} else {
		line = p.Styles.Bad(line)
	}
	took := duration(s.Duration)
	if s.Loading > worthTelling {
		took += fmt.Sprintf(" (%s of it to load the component)", duration(s.Loading))
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

// Text returns what Entry does, without style and whole.
func Text(path string, r *testrunner.Result) string {
	p := &Pretty{Styles: plain{}, Full: true}
	return p.Entry(path, r)
}
