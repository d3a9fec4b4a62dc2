package load

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/testrunner/report"
)

//go:embed page.html
var page string

// HTML writes the result as a page: one file that needs no other, and has no script.
func (r *Result) HTML(w io.Writer) error {
	t, err := template.New("bench").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r.page())
}

// The data of the page. Texts are escaped by the template.
type (
	htmlPage struct {
		Headline, Started, Machine, Checked string
		Good, Interrupted                   bool
		Tiles                               []htmlTile
		Versus                              *htmlVersus
		Failures                            []string
		Plots                               []plot
		Spent                               []htmlPart
		Unknown                             string // in place of Spent
		Entries                             []htmlEntry
	}
	htmlTile struct{ Name, Value, More string }
	// htmlPart is a part of the time of a request, as wide as that of the whole in percent.
	htmlPart struct {
		Class, Name, Time, Share string
		Width                    float64
	}
	htmlEntry struct{ Requests, P50, P99, Max, Name, Place, Outcomes string }
	// htmlVersus is a comparison, and htmlChange a row of it. Its interval is in percent of the
	// width, which Zero divides.
	htmlVersus struct {
		Title, Says, Class string
		Other              []string
		Rows               []htmlChange
		Zero               float64
	}
	htmlChange struct {
		Name, Old, New, Change, Bounds, Rounds, Class string
		Bounded                                       bool
		Left, Width, At                               float64
	}
)

// page returns the data of the page.
func (r *Result) page() *htmlPage {
	out := &htmlPage{
		Headline: r.headline(), Started: r.Started.Format("2006-01-02 15:04:05"),
		Machine: r.Machine.String(), Interrupted: r.Interrupted, Versus: r.versus(),
		Good: r.Failed() == 0 && len(r.Faults) == 0,
	}
	plain := &Text{Styles: report.Plain()}
	out.Checked = strings.TrimSpace(plain.checked(r.Side))
	pretty := &report.Pretty{Styles: report.Plain(), Server: r.server()}
	for _, f := range r.Faults {
		out.Failures = append(out.Failures, pretty.File(f))
	}
	for i := range r.Failures {
		f := &r.Failures[i]
		out.Failures = append(out.Failures, pretty.Entry(f.Path, &f.Results[0]))
	}
	if r.Requests == 0 {
		return out
	}
	out.Tiles = []htmlTile{
		{"requests per second", number(r.PerSecond), grouped(r.Requests) + " requests in " +
			seconds(r.Seconds)},
		{"half of them took at most", duration(r.Latency.P50), "mean " + duration(r.Latency.Mean)},
		{"99 % took at most", duration(r.Latency.P99), "the longest " + duration(r.Latency.Max)},
	}
	if r.Memory.Max > 0 {
		out.Tiles = append(out.Tiles, htmlTile{"memory per instance",
			units.BinarySize(int64(r.Memory.Mean)), "at most " + units.BinarySize(r.Memory.Max)})
	}
	if r.Unsent > 0 {
		out.Tiles = append(out.Tiles, htmlTile{"not sent", grouped(r.Unsent),
			"were due: the rate is more than was reached"})
	}
	out.Plots, out.Spent = r.plots(), r.Spent.onPage()
	if r.Settings.URL != "" {
		out.Unknown = "Time: " + unknown + "."
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		out.Entries = append(out.Entries, htmlEntry{
			grouped(e.Requests), duration(e.Latency.P50), duration(e.Latency.P99),
			duration(e.Latency.Max), e.Name, e.place,
			plain.outcomes(e.Outcomes),
		})
	}
	return out
}

// onPage returns the parts of the time.
func (s *Spent) onPage() (list []htmlPart) {
	if s == nil {
		return nil
	}
	var sum float64
	for _, p := range s.parts() {
		sum += p.time
	}
	for i, p := range s.parts() {
		if p.time > 0 {
			percent := 100 * p.time / sum
			list = append(list, htmlPart{
				fmt.Sprintf("part%d", i), p.name, duration(p.time),
				fmt.Sprintf("%.1f %%", percent), round1(percent),
			})
		}
	}
	return list
}

// String describes a machine on one line.
func (m Machine) String() string {
	parts := []string{m.Host, fmt.Sprintf("%s/%s", m.OS, m.Arch), m.CPU,
		fmt.Sprintf("%d processors", m.Processors)}
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

// versus returns the data of the comparison; nil if there is none.
func (r *Result) versus() *htmlVersus {
	c := r.Comparison
	if c == nil {
		return nil
	}
	v := &htmlVersus{Title: "Cannot tell", Says: c.Says(), Class: "fair", Other: c.Other}
	switch c.Verdict {
	case Slower:
		v.Title, v.Class = "Slower", "bad"
	case Same:
		v.Title, v.Class = "No regression", "good"
	}
	if !c.InTurns {
		v.Title += " (than another run)"
	}
	// The scale has room for all bounds, up to a change by the half.
	most := 1.0
	for i := range c.Differences {
		for _, b := range []*float64{c.Differences[i].Low, c.Differences[i].High} {
			if b != nil {
				most = max(most, min(math.Abs(*b), 50))
			}
		}
	}
	at := func(change float64) float64 {
		return 50 + 48*max(-1, min(1, change/most))
	}
	v.Zero = at(0)
	for i := range c.Differences {
		d := &c.Differences[i]
		row := htmlChange{
			Name: d.Name, Old: quantity(d.Old, d.Unit), New: quantity(d.New, d.Unit),
			Change: d.change(), Bounds: d.bounds(), Rounds: d.rounds(), Class: "dim",
		}
		if d.Low != nil && d.High != nil {
			row.Bounded = true
			row.Left, row.At = at(*d.Low), at(d.Change)
			row.Width = max(0.6, at(*d.High)-row.Left)
		}
		if d.Certain() {
			if row.Class = "good"; (d.Change > 0) != (d.Unit == "/s") {
				row.Class = "bad"
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
