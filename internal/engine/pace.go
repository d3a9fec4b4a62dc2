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
	since  time.Time // when the guest went on
	mixed  bool      // the host has done something since then, too
}

const (
	// slow is longer than guest code should take from one safepoint to the next.
	slow      = time.Millisecond
	minCounts = 1 << 12
	maxCounts = corewasm.DefaultPeriod
	// newCounts is the largest next number of counts if it is unknown how long the last ones took.
	newCounts = 1 << 16
)

// next returns after how many counts the next safepoint should come.
func (p *pace) next(now time.Time) int32 {
	if p.counts == 0 {
		p.counts = maxCounts
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
