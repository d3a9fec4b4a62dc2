package exploring

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/explorer"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// The kinds of differences.
const (
	changed = "changed"
	missing = "missing"
	added   = "added"
)

// maxListed is how many differences of bodies are listed.
const maxListed = 1000

// compare compares two responses.
func compare(a, b explorer.Compared) explorer.Comparison {
	var c explorer.Comparison
	add := func(place, kind, a, b string) {
		c.Differences = append(c.Differences, explorer.Difference{
			Place: place, Kind: kind, A: valid(a), B: valid(b),
		})
	}
	if a.Status != b.Status {
		add("status", changed, strconv.Itoa(a.Status), strconv.Itoa(b.Status))
	}
	if a.Outcome != b.Outcome {
		add("outcome", changed, a.Outcome, b.Outcome)
	}
	compareFields(add, "header", a.Headers, b.Headers)
	compareBodies(add, &a, &b)
	compareFields(add, "trailer", a.Trailers, b.Trailers)
	c.Same = len(c.Differences) == 0
	c.Text = text(c.Differences)
	return c
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// compareFields compares fields by their names, in any case.
func compareFields(add func(place, kind, a, b string), what string, a, b [][2]string) {
	values := func(list [][2]string, name string) (all []string) {
		for _, f := range list {
			if strings.EqualFold(f[0], name) {
				all = append(all, f[1])
			}
		}
		return all
	}
	var seen []string
	for _, f := range append(slices.Clone(a), b...) {
		name := strings.ToLower(f[0])
		if slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		x, y := values(a, name), values(b, name)
		place := what + " " + name
		switch {
		case len(x) == 0:
			add(place, added, "", strings.Join(y, ", "))
		case len(y) == 0:
			add(place, missing, strings.Join(x, ", "), "")
		case !slices.Equal(x, y):
			add(place, changed, strings.Join(x, ", "), strings.Join(y, ", "))
		}
	}
}

// compareBodies compares bodies: JSON by path, text by line, others by byte.
func compareBodies(add func(place, kind, a, b string), a, b *explorer.Compared) {
	if bytes.Equal(a.Body, b.Body) {
		return
	}
	d := diff.Bodies(nil, a.Body, b.Body)
	switch d.Kind {
	case diff.JSON:
		for _, change := range d.Changes[:min(len(d.Changes), maxListed)] {
			kind := changed
			switch change.Kind {
			case diff.Removed:
				kind = missing
			case diff.Added:
				kind = added
			}
			x, y := change.Want, change.Got
			if change.Kind == diff.Moved {
				x, y = "at "+change.From, "at "+change.Path
			}
			add("body "+change.Path, kind, x, y)
		}
	case diff.Text:
		lines := 0
		for _, l := range d.Lines {
			if lines >= maxListed || l.Op == diff.Same {
				continue
			}
			lines++
			addLine(add, &l)
		}
	default:
		add("body", changed, size(a), size(b))
	}
	if a.Cut || b.Cut {
		add("body", changed, "only its beginning is compared", "only its beginning is compared")
	}
}

func size(c *explorer.Compared) string { return fmt.Sprintf("%d bytes", len(c.Body)) }

// text is the differences for people.
func text(list []explorer.Difference) string {
	if len(list) == 0 {
		return "the same\n"
	}
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%s %s\n", d.Place, d.Kind)
		if d.Kind != added {
			fmt.Fprintf(&b, "  - %s\n", strings.ReplaceAll(d.A, "\n", "\n    "))
		}
		if d.Kind != missing {
			fmt.Fprintf(&b, "  + %s\n", strings.ReplaceAll(d.B, "\n", "\n    "))
		}
	}
	return b.String()
}

// addLine adds a line that one of two texts has.
func addLine(add func(place, kind, a, b string), l *diff.Line) {
	place := fmt.Sprintf("body line %d", l.Number)
	if l.Op == diff.Less {
		add(place, missing, l.Text(), "")
	} else {
		add(place, added, "", l.Text())
	}
}
