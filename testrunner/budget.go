package testrunner

import (
	"fmt"
	"strconv"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/units"
)

// used is what an entry has taken, with all of its requests.
type used struct {
	time             time.Duration
	memory           int64
	upstreamRequests int
	instructions     int64
}

// add adds a response.
func (u *used) add(r *Response) {
	u.time += r.Duration
	u.memory = max(u.memory, r.Memory)
	u.upstreamRequests += r.UpstreamRequests
	u.instructions += r.Instructions
}

// checkBudgets reports the budgets of an entry that were not enough.
func (f *fileRun) checkBudgets(r *Result, u *used, s *hurl.Settings) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, b := range []struct {
		*hurl.Budget
		title  string
		used   int64
		format func(int64) string // of what was used, which may be rounded
		limit  func(int64) string // of Max, exactly
		// accepted is whether the budget may become what was used.
		accepted bool
	}{
		{s.MaxTime, "Time (@max-time)", int64(u.time), func(n int64) string {
			if n < int64(time.Microsecond) {
				return units.Exact(time.Duration(n))
			}
			return units.Duration(time.Duration(n))
		}, func(n int64) string { return units.Exact(time.Duration(n)) }, false},
		{
			s.MaxMemory, "Memory (@max-memory)", u.memory, hurl.FormatSize, hurl.FormatSize, true,
		},
		{
			s.MaxUpstreamRequests, "Requests to other servers (@max-upstream-requests)",
			int64(u.upstreamRequests), number, number, true,
		},
		{
			s.MaxInstructions, "Instructions (@max-instructions)", u.instructions, number, number,
			true,
		},
	} {
		if b.Budget == nil || b.used <= b.Max {
			continue
		}
		over := b.format(b.used-b.Max) + " more"
		switch ratio := float64(b.used) / float64(b.Max); {
		case b.Max == 0:
		case ratio >= 10:
			over += fmt.Sprintf(", %.0f times as much", ratio)
		case ratio >= 1.01:
			over += fmt.Sprintf(", %.0f %%", 100*(ratio-1))
		default:
			over += ", less than 1 %"
		}
		p := Problem{
			Kind: ProblemBudget, Range: b.Range, Title: b.title,
			Expected: "at most " + b.limit(b.Max),
			Actual:   fmt.Sprintf("%s (%s)", b.format(b.used), over),
			measured: b.used,
		}
		if b.accepted && f.options.All {
			p.Edits = []hurl.Edit{{Range: b.Range, Text: b.format(b.used)}}
		}
		r.Problems = append(r.Problems, p)
		r.Outcome = Mismatch
	}
}
