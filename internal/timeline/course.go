package timeline

import (
	"time"
	"unsafe"
)

// course is the phases of a request. The zero value is one that waits.
type course struct {
	phases []Phase // that have ended
	kind   Kind    // of the phase that goes on
	since  time.Duration
	lost   int // phases that were not kept
	totals [Kinds]time.Duration

	dropped bool
	grown   int // bytes that phases takes and nobody knows of yet
}

// enter begins a phase, unless it goes on already.
func (c *course) enter(k Kind, now time.Duration) {
	if k != c.kind {
		c.close(now)
		c.kind = k
	}
}

// close ends the phase that goes on.
func (c *course) close(now time.Duration) {
	if now <= c.since {
		return
	}
	c.totals[c.kind] += now - c.since
	c.record(now)
	c.since = now
}

// brief is the longest time that is too short to be a phase of its own, or to part two of one kind.
const brief = time.Microsecond

// record adds the phase that goes on to those that have ended.
func (c *course) record(now time.Duration) {
	if n := len(c.phases); n > 0 {
		last := &c.phases[n-1]
		if last.Kind == c.kind && c.since-last.End <= brief {
			last.End = now
			return
		}
	}
	switch {
	case now-c.since <= brief:
	case c.dropped || len(c.phases) >= MaxPhases:
		c.lost++
	default:
		before := c.size()
		c.phases = append(c.phases, Phase{c.kind, c.since, now})
		c.grown += c.size() - before
	}
}

// size returns how many bytes the phases take.
func (c *course) size() int { return cap(c.phases) * int(unsafe.Sizeof(Phase{})) }

// drop lets go of the phases, and keeps none from now on.
func (c *course) drop() { c.phases, c.dropped, c.grown = nil, true, 0 }
