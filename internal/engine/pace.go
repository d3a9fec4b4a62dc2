package engine

import (
	"time"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// A count of safepoints is the cost of a plain instruction, which is at most a few times wrong for
// ordinary code. What the system does for an instruction can take ten thousand times as long: it
// provides a page that is used for the first time, or has to wait for memory. So the number of
// counts to the next safepoint depends on how long the last ones took.
type pace struct {
	counts int32     // to the next safepoint; 0: those that modules begin with
	since  time.Time // when the guest went on; zero before the first safepoint of a call
	mixed  bool      // the host has done something since then, too
}

const (
	// slow is longer than guest code should take from one safepoint to the next.
	slow      = time.Millisecond
	minCounts = 1 << 12
	maxCounts = 2 * corewasm.DefaultPeriod
	// newCounts is the largest next number of counts if it is unknown how long the last ones took.
	newCounts = 1 << 16
)

// newPace is that of a call in a group whose last one went on for so many counts; 0 if there was
// none.
func newPace(counts int32) pace { return pace{counts: counts, mixed: true} }

// next returns after how many counts the next safepoint should come.
func (p *pace) next(now time.Time) int32 {
	switch {
	case p.counts == 0:
		p.counts = corewasm.DefaultPeriod
	case p.since.IsZero():
		p.mixed = false
		return p.counts
	}
	passed := now.Sub(p.since)
	switch {
	case passed < slow/4: // the guest has had less, if the host has done something
		p.counts = min(maxCounts, 2*p.counts)
	case p.mixed:
		p.counts = min(p.counts, newCounts)
	case passed > slow:
		p.counts = max(minCounts, int32(time.Duration(p.counts)*(slow/2)/passed))
	}
	p.mixed = false
	return p.counts
}
