package engine

import (
	"testing"
	"time"
)

func TestSafepointsKeepPace(t *testing.T) {
	now := time.Now()
	after := func(p *pace, d time.Duration) int32 {
		p.since = now
		return p.next(now.Add(d))
	}
	p := &pace{mixed: true}
	if n := p.next(now); n > newCounts {
		t.Errorf("%d counts come first, of which nobody knows how long they take", n)
	}
	for n := int32(0); n < maxCounts; {
		last := n
		if n = after(p, slow/100); n <= last {
			t.Fatalf("%d counts after %d that took no time", n, last)
		}
	}
	if n := after(p, slow/100); n != maxCounts {
		t.Errorf("%d counts are more than there should be", n)
	}
	if n := after(p, slow/2); n != maxCounts {
		t.Errorf("%d counts after %d that took long enough", n, maxCounts)
	}
	// Each takes 50 ns from here on.
	const each = 50
	n := after(p, maxCounts*each)
	if d := time.Duration(n) * each; d > slow || d < slow/4 {
		t.Errorf("%d counts, which take %v", n, d)
	}
	if again := after(p, time.Duration(n)*each); again != n {
		t.Errorf("%d counts after %d that took long enough", again, n)
	}
	if n := after(p, time.Hour); n != minCounts {
		t.Errorf("%d counts after an hour", n)
	}
	p.counts, p.mixed = maxCounts, true
	if n := after(p, time.Second); n != newCounts {
		t.Errorf("%d counts after a long call of the host", n)
	}
	p.counts, p.mixed = minCounts, true
	if n := after(p, time.Second); n != minCounts {
		t.Errorf("%d counts after a long call of the host, and %d before", n, minCounts)
	}
	p.mixed = true
	if n := after(p, slow/100); n != 2*minCounts {
		t.Errorf("%d counts after %d that took no time, short calls of the host included", n,
			minCounts)
	}
	for _, counts := range []int32{minCounts, maxCounts} {
		next := newPace(counts)
		if n := next.next(now.Add(time.Hour)); n != counts {
			t.Errorf("%d counts come first in a call after one with %d", n, counts)
		}
	}
}
