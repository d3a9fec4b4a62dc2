package load

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
)

// comparison writes how the build compares with the old one.
func (t *Text) comparison(b *strings.Builder, r *Result) {
	c := r.Comparison
	if c == nil {
		return
	}
	b.WriteString("\n")
	if !c.InTurns {
		fmt.Fprintf(b, "%s %s was measured at another time: the machine may have been busier\n",
			t.Styles.Fair("other run:"), term.Clean(c.Baseline))
		for _, line := range c.Other {
			fmt.Fprintf(b, "  %s\n", term.Clean(line))
		}
	}
	rows := [][]string{{"old", "new", "change", fmt.Sprintf("%.0f %% sure", 100*c.Confidence),
		"rounds", ""}}
	for i := range c.Differences {
		d := &c.Differences[i]
		rows = append(rows, []string{
			quantity(d.Old, d.Unit), quantity(d.New, d.Unit), d.change(), d.bounds(), d.rounds(),
			d.Name,
		})
	}
	t.table(b, rows, len(rows[0])-1)
	b.WriteString(t.verdict(c) + "\n")
}

// quantity writes a quantity with its unit.
func quantity(v float64, unit string) string {
	switch unit {
	case "ms":
		return duration(v)
	case "bytes":
		return units.BinarySize(int64(v))
	}
	return number(v) + unit
}

// change writes a change, as benchstat does: "~" if there may be none.
func (d *Difference) change() string {
	if !d.Certain() {
		return "~"
	}
	return fmt.Sprintf("%+.1f %%", d.Change)
}

// bounds writes between what a change is.
func (d *Difference) bounds() string {
	if d.Low == nil || d.High == nil {
		return "too few rounds"
	}
	return fmt.Sprintf("%+.1f … %+.1f %%", *d.Low, *d.High)
}

func (d *Difference) rounds() string {
	if d.OldN == d.NewN {
		return fmt.Sprint(d.NewN)
	}
	return fmt.Sprintf("%d+%d", d.OldN, d.NewN)
}

// verdict says what the comparison means.
func (t *Text) verdict(c *Comparison) string {
	text := c.Says()
	switch c.Verdict {
	case Slower:
		return t.Styles.Bad("slower:") + " " + text
	case Same:
		return t.Styles.Good("no regression:") + " " + text
	}
	return t.Styles.Fair("cannot tell:") + " " + text
}

// Says explains the verdict in a sentence.
func (c *Comparison) Says() string {
	d := c.decisive()
	limit := fmt.Sprintf("%s %%", trimmed(c.MaxRegression))
	if d == nil {
		return "too little was measured to compare"
	}
	switch {
	case c.Verdict == Slower:
		return fmt.Sprintf("%s %s (%s), and %s slower is allowed", d.Name, d.change(), d.bounds(),
			limit)
	case c.Verdict == Same && d.Certain():
		return fmt.Sprintf("%s %s (%s), and %s slower is allowed", d.Name, d.change(), d.bounds(),
			limit)
	case c.Verdict == Same:
		return fmt.Sprintf("%s did not change measurably (%s)", d.Name, d.bounds())
	}
	text := fmt.Sprintf("%s may have changed by %s, and %s slower is allowed", d.Name, d.bounds(),
		limit)
	if d.Low == nil || d.High == nil {
		text = fmt.Sprintf("there are too few rounds of %s", d.Name)
	}
	if c.Needed > 0 {
		long := time.Duration(math.Ceil(c.Needed)) * time.Second
		if !c.InTurns {
			return text + "; measure both runs longer: --for " + units.Exact(long)
		}
		return text + "; measure longer: --for " + units.Exact(long)
	}
	return text + "; the machine is too noisy, or the change is about as large as is allowed"
}

// decisive returns the difference that decides; nil if there is none.
func (c *Comparison) decisive() *Difference {
	for i := range c.Differences {
		if c.Differences[i].Name == c.Decides {
			return &c.Differences[i]
		}
	}
	return nil
}

// trimmed writes a number without zeros at its end.
func trimmed(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}
