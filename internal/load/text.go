package load

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/report"
)

// Text writes results for people.
type Text struct {
	Styles report.Styles
	// Width is how many columns there are; 0 if it is unknown.
	Width int
}

// Write returns a result as text.
func (t *Text) Write(r *Result) string {
	var b strings.Builder
	t.failures(&b, r)
	fmt.Fprintf(&b, "%s\n", t.Styles.Dim(r.headline()))
	if r.Interrupted {
		fmt.Fprintf(&b, "%s the run is not complete\n", t.Styles.Bad("interrupted:"))
	}
	if r.Requests == 0 {
		return b.String() + "no response was measured\n\n" + t.checked(r.Side)
	}
	t.figures(&b, r.Side, r.Settings.URL != "")
	t.histogram(&b, r.Side)
	t.entries(&b, r.Side)
	t.comparison(&b, r)
	b.WriteString("\n" + t.checked(r.Side))
	return b.String()
}

// headline says what was measured, and how.
func (r *Result) headline() string {
	s := &r.Settings
	what := s.URL
	if what == "" {
		what = "in process"
		if s.Component != "" {
			what = s.Component + " in process"
		}
		switch testrunner.Isolation(s.Isolate) {
		case testrunner.IsolateFile:
			what += ", an instance for each fixture"
		case testrunner.IsolateEntry:
			what += ", an instance for each entry"
		case testrunner.IsolateNone:
			what += ", an instance for each user"
		}
	}
	how := words.Count(s.Concurrency, "user", "users")
	if s.Rate > 0 {
		how += fmt.Sprintf(", %s requests due in a second", number(s.Rate))
	}
	files := words.Count(len(s.Fixtures), "fixture", "fixtures")
	return term.Clean(fmt.Sprintf("%s, %s, %s", what, files, how))
}

// number writes a number with three significant digits, or as a whole one.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 100:
		return grouped(int64(math.Round(v)))
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// grouped writes a whole number with commas.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// duration writes a time in milliseconds.
func duration(ms float64) string {
	return units.Duration(time.Duration(ms * float64(time.Millisecond)))
}

// unknown is what is said in place of what only instances in this process show.
const unknown = "what it was spent on, and memory, are known without --url only"

// figures writes the main numbers. url says that a server was measured.
func (t *Text) figures(b *strings.Builder, s *Side, url bool) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "%s %s\n", t.Styles.Dim(fmt.Sprintf("%-12s", name)),
			fmt.Sprintf(format, args...))
	}
	line("requests", "%s in %s  %s", grouped(s.Requests),
		units.Duration(time.Duration(s.Seconds*float64(time.Second))),
		t.Styles.Strong(number(s.PerSecond)+"/s")+t.spread(s))
	t.times(line, "latency", &s.Latency)
	if s.Service != nil {
		t.times(line, "  once sent", s.Service)
	}
	if s.Unsent > 0 {
		line("not sent", "%s", t.Styles.Bad(fmt.Sprintf(
			"%s were due but not sent: the rate is more than was reached", grouped(s.Unsent))))
	}
	switch {
	case s.Spent != nil:
		line("time", "%s", s.Spent.shares(t.Styles.Dim))
	case url && s.Requests > 0:
		line("time", "%s", t.Styles.Dim(unknown))
	}
	if s.Memory.Max > 0 {
		line("memory", "%s per instance, at most %s",
			units.BinarySize(int64(s.Memory.Mean)), units.BinarySize(s.Memory.Max))
	}
}

// shares writes the parts of the time in percent, without those that are next to nothing.
func (s *Spent) shares(dim func(string) string) string {
	var sum float64
	for _, p := range s.parts() {
		sum += p.time
	}
	var texts []string
	for _, p := range s.parts() {
		if percent := 100 * p.time / max(sum, 1e-9); percent >= 0.5 {
			texts = append(texts, dim(p.name)+fmt.Sprintf(" %.0f %%", percent))
		}
	}
	return strings.Join(texts, "  ")
}

// times writes percentiles.
func (t *Text) times(line func(name, format string, args ...any), name string, l *Times) {
	var parts []string
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"mean", l.Mean}, {"p50", l.P50}, {"p90", l.P90}, {"p99", l.P99}, {"p99.9", l.P999},
		{"max", l.Max},
	} {
		parts = append(parts, t.Styles.Dim(p.name)+" "+duration(p.value))
	}
	line(name, "%s", strings.Join(parts, "  "))
}

// spread says how much the rounds differ.
func (t *Text) spread(s *Side) string {
	if len(s.Rounds) < leastRounds {
		return ""
	}
	var values []float64
	for i := range s.Rounds {
		values = append(values, s.Rounds[i].PerSecond)
	}
	e := spreadOf(values)
	return t.Styles.Dim(fmt.Sprintf("  ± %.1f %%", 100*e))
}

// histogramWidth is how long the longest bar is, in columns, and maxBars how many bars there are.
const (
	histogramWidth = 40
	maxBars        = 16
)

// eighths are the ends of bars.
var eighths = []rune(" ▏▎▍▌▋▊▉█")

// histogram draws the latencies.
func (t *Text) histogram(b *strings.Builder, s *Side) {
	bars := merged(s.Histogram, maxBars)
	var most, all int64
	for _, bar := range bars {
		most, all = max(most, bar.Requests), all+bar.Requests
	}
	if most == 0 {
		return
	}
	b.WriteString("\n")
	for _, bar := range bars {
		part := histogramWidth * 8 * float64(bar.Requests) / float64(most)
		n := int(math.Round(part))
		if bar.Requests > 0 {
			n = max(n, 1)
		}
		drawn := strings.Repeat("█", n/8)
		if n%8 > 0 {
			drawn += string(eighths[n%8])
		}
		fmt.Fprintf(b, "%s %s %s\n", t.Styles.Dim(fmt.Sprintf("≤ %7s", duration(bar.UpTo))),
			term.Pad(drawn, histogramWidth),
			t.Styles.Dim(share(bar.Requests, all)))
	}
}

// share writes a part of a whole in percent.
func share(part, whole int64) string {
	p := 100 * float64(part) / float64(whole)
	switch {
	case part == 0:
		return ""
	case p < 0.1:
		return words.Count(int(part), "request", "requests")
	}
	return fmt.Sprintf("%.1f %%", p)
}

// merged returns at most n bars: neighbors become one.
func merged(bars []Bar, n int) []Bar {
	each := (len(bars) + n - 1) / max(n, 1)
	var out []Bar
	for i := 0; i < len(bars); i += max(each, 1) {
		one := Bar{}
		for _, b := range bars[i:min(i+each, len(bars))] {
			one.UpTo, one.Requests = b.UpTo, one.Requests+b.Requests
		}
		out = append(out, one)
	}
	return out
}

// shownEntries is how many entries have a line of their own.
const shownEntries = 20

// entries writes what was measured of each entry, if there are several.
func (t *Text) entries(b *strings.Builder, s *Side) {
	if len(s.Entries) < 2 {
		return
	}
	rows := [][]string{{"requests", "p50", "p99", "max", "entry"}}
	for i := range s.Entries[:min(len(s.Entries), shownEntries)] {
		e := &s.Entries[i]
		rows = append(rows, []string{
			grouped(e.Requests), duration(e.Latency.P50), duration(e.Latency.P99),
			duration(e.Latency.Max),
			term.Clean(fmt.Sprintf("%s (%s)", e.Name, e.place)),
		})
	}
	b.WriteString("\n")
	t.table(b, rows, len(rows[0])-1)
	if n := len(s.Entries) - shownEntries; n > 0 {
		fmt.Fprintf(b, "%s\n", t.Styles.Dim(fmt.Sprintf("and %d more: --json has all", n)))
	}
}

// table writes rows in columns, all but those from left on aligned at the right. The first row is
// the head, and the last column is cut at the end of the line.
func (t *Text) table(b *strings.Builder, rows [][]string, left int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], term.Width(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-term.Width(cell))
			switch {
			case i == len(row)-1 && i >= left:
				line.WriteString(cell)
			case i >= left:
				line.WriteString(cell + space + "  ")
			default:
				line.WriteString(space + cell + "  ")
			}
		}
		text := strings.TrimRight(line.String(), " ")
		if t.Width > 0 {
			text = term.Cut(text, t.Width)
		}
		if n == 0 {
			text = t.Styles.Dim(text)
		}
		b.WriteString(text + "\n")
	}
}

// failures writes the first entries that failed, and files that cannot be played.
func (t *Text) failures(b *strings.Builder, r *Result) {
	pretty := &report.Pretty{Styles: t.Styles, Width: t.Width, Server: r.server()}
	for _, f := range r.Faults {
		b.WriteString(pretty.File(f))
	}
	for i := range r.Failures {
		f := &r.Failures[i]
		b.WriteString(pretty.Entry(f.Path, &f.Results[0]) + "\n")
	}
}

// server returns the server that got the requests; nil if there is none.
func (r *Result) server() *url.URL {
	if u, err := url.Parse(r.Settings.URL); err == nil && u.Host != "" {
		return u
	}
	return nil
}

// checked says what became of the entries.
func (t *Text) checked(s *Side) string {
	var total int64
	for _, n := range s.Outcomes {
		total += n
	}
	text := grouped(total) + " entries checked: " + t.outcomes(s.Outcomes)
	if total == 1 {
		text = "1 entry checked: " + t.outcomes(s.Outcomes)
	}
	for _, n := range s.WarmUp {
		if n > 0 {
			text += "; to warm up: " + t.outcomes(s.WarmUp)
			break
		}
	}
	return text + "\n"
}

// outcomes lists how often there was which outcome.
func (t *Text) outcomes(of map[string]int64) string {
	var parts []string
	for _, o := range testrunner.Outcomes() {
		n := of[string(o)]
		if n == 0 {
			continue
		}
		text := grouped(n) + " " + string(o)
		switch {
		case o == testrunner.Pass:
			text = t.Styles.Good(grouped(n) + " passed")
		case o.Failed():
			text = t.Styles.Bad(text)
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
