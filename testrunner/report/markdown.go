package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/words"
)

// markdownSize bounds what Markdown writes about failures, in bytes: GitHub takes 1 MiB for a step.
const markdownSize = 256 << 10

// Markdown writes a summary of a run as GitHub shows it: what failed, with its report, and what is
// flaky.
func Markdown(w io.Writer, run *Run) error {
	s := run.Summary
	var b strings.Builder
	sign := "✅"
	if !run.success() {
		sign = "❌"
	}
	fmt.Fprintf(&b, "### %s %s\n\n%s in %s, %s\n", sign, escaped(counts(s)),
		words.Count(s.Entries, "entry", "entries"), words.Count(s.Files, "file", "files"),
		units.Duration(s.Duration))
	if text := run.coverageText(); text != "" {
		b.WriteString("\n" + escaped(text) + "\n")
	}
	for n, row := range faultTable(s) {
		if n == 0 {
			b.WriteByte('\n')
		}
		for i := range row {
			row[i] = escaped(row[i])
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if n == 0 {
			b.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
	left := 0
	add := func(place, title, text string) {
		if b.Len() > markdownSize {
			left++
			return
		}
		fmt.Fprintf(&b, "\n<details><summary>%s <code>%s</code></summary>\n\n%s</details>\n",
			escaped(title), escaped(place), fenced(text))
	}
	for _, f := range run.Files {
		path := run.name(f)
		if len(f.ParseErrors) > 0 || f.Err != nil {
			add(path, "cannot be run", fileFault(f))
		}
		for i := range f.Results {
			if r := &f.Results[i]; r.Outcome.Failed() {
				title := fmt.Sprintf("%s: %s", outcomeText(r), term.Clean(r.Name()))
				_, text, _ := strings.Cut(Text(f.Path, r), "\n") // the first line is the title
				add(r.Entry.Range.Start.LineIn(path), title, dedent(text))
			}
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s not shown here.\n",
			words.Count(left, "more failure is", "more failures are"))
	}
	flaky := false
	for _, f := range run.Files {
		for i := range f.Results {
			r := &f.Results[i]
			if !r.Flaky() {
				continue
			}
			if !flaky {
				flaky = true
				b.WriteString("\n**Flaky**\n\n")
			}
			place := r.Entry.Range.Start.LineIn(run.name(f))
			fmt.Fprintf(&b, "- <code>%s</code> %s: %s\n", escaped(place),
				escaped(term.Clean(r.Name())), r.AttemptsNote())
		}
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

// escaped returns a text that Markdown and HTML take as it is.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case strings.ContainsRune("\\`*_[]|~@", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fenced returns a text as a block of code.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}
