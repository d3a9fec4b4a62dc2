package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/testrunner"
)

// longest is the longest time that is recorded; longer ones count as that long.
const longest = time.Hour

// newHistogram returns a histogram of times in nanoseconds. digits is how many significant ones are
// kept.
func newHistogram(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(longest), digits)
}

// sample is what one request took.
type sample struct {
	ticket  ticket
	latency time.Duration // since it was due
	service time.Duration // since it was sent
	spent   [timeline.Kinds]time.Duration
	ended   time.Time
	memory  int64
	failed  testrunner.Outcome // "" if there is a whole response
}

// counts reports whether it says something about how long responses take. A failure does not,
// except that there was none in time.
func (s *sample) counts() bool { return s.failed == "" || s.failed == testrunner.Expired }

// round is a part of a run.
type round struct {
	unsent   int64
	memory   float64 // the sum over the requests, in bytes
	began    time.Time
	ended    time.Time // when the last request has
	requests int64     // those that were sent
	// What follows is known after the round, in nanoseconds. typical is the mean over the requests
	// of how long the median one of their entry took.
	typical       float64
	p50, p90, p99 int64
}

// entryStats are the numbers of one entry.
type entryStats struct {
	place    testrunner.Place
	index    int // of the entry in its file
	requests int64
	latency  *hdrhistogram.Histogram
	now      *hdrhistogram.Histogram // latencies in the round that runs
	outcomes map[testrunner.Outcome]int
}

// preciseEntries is up to how many entries have histograms with three digits in each round: one
// takes 270 kB, one with two digits 40 kB.
const preciseEntries = 100

// shownFailures is how many results of entries that failed are kept.
const shownFailures = 3

// recorder counts what happens to requests. It is safe for concurrent use, and what it needs of
// memory does not grow with the number of requests.
type recorder struct {
	rate bool // requests have times at which they are due
	// length of a round that follows others in a phase: a time, or a number of requests.
	length time.Duration
	each   int64

	mu       sync.Mutex
	rounds   []round
	current  int                     // the round that runs
	now      *hdrhistogram.Histogram // latencies in that round
	latency  *hdrhistogram.Histogram // those in rounds before
	service  *hdrhistogram.Histogram // in all rounds; nil without a rate
	entries  map[*hurl.Entry]*entryStats
	order    []*entryStats
	outcomes map[testrunner.Outcome]int
	most     int64                         // memory of an instance, in bytes
	spent    [timeline.Kinds]time.Duration // by all requests together
	sent     int64
	failures []testrunner.FileResult
	failing  map[*hurl.Entry]bool
}

func newRecorder(rounds int, rate bool) *recorder {
	r := &recorder{
		rounds: make([]round, rounds), now: newHistogram(3), latency: newHistogram(3),
		rate: rate, entries: make(map[*hurl.Entry]*entryStats),
		outcomes: make(map[testrunner.Outcome]int), failing: make(map[*hurl.Entry]bool),
	}
	if rate {
		r.service = newHistogram(3)
	}
	return r
}

// roundOf returns the round that a request counts for. The lock is held.
func (r *recorder) roundOf(p *phase, ended time.Time) *round {
	n := p.round
	switch {
	case n >= 0:
	case r.length > 0:
		n = int(ended.Sub(p.began) / r.length)
	default:
		n = int(r.sent / max(1, r.each))
	}
	n = min(n, len(r.rounds)-1)
	if n > r.current {
		r.turn()
		r.current = n
	}
	n = r.current
	one := &r.rounds[n]
	if one.began.IsZero() {
		switch {
		case p.round >= 0 || n == 0:
			one.began = p.began
		case r.length > 0:
			one.began = p.began.Add(time.Duration(n) * r.length)
		default:
			one.began = r.rounds[n-1].ended
		}
	}
	return one
}

// turn ends the round that runs. The lock is held.
func (r *recorder) turn() {
	var sum float64
	var n int64
	for _, e := range r.order {
		if count := e.now.TotalCount(); count > 0 {
			sum, n = sum+float64(count)*float64(e.now.ValueAtPercentile(50)), n+count
			e.now.Reset()
		}
	}
	one := &r.rounds[r.current]
	if n > 0 {
		one.typical = sum / float64(n)
	}
	p := r.now.ValueAtPercentilesSlice([]float64{50, 90, 99})
	one.p50, one.p90, one.p99 = p[0], p[1], p[2]
	r.latency.Merge(r.now)
	r.now.Reset()
}

// endedEntry counts an entry that has ended, and what its requests took, the last of which is that
// of its result.
func (r *recorder) endedEntry(path string, result *testrunner.Result, samples []sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[result.Entry]
	if e == nil {
		e = &entryStats{
			place: testrunner.Place{
				Path: path, Pos: result.Entry.Range.Start, Name: result.Name(),
			},
			index: result.Entry.Index, latency: newHistogram(2),
			outcomes: make(map[testrunner.Outcome]int),
		}
		digits := 2
		if len(r.order) < preciseEntries {
			digits = 3
		}
		e.now = newHistogram(digits)
		r.entries[result.Entry] = e
		r.order = append(r.order, e)
	}
	for i := range samples {
		s := &samples[i]
		wanted := !result.Outcome.Failed() && i == len(samples)-1
		if s.counts() || wanted {
			r.add(s, e)
		}
	}
	r.outcomes[result.Outcome]++
	e.outcomes[result.Outcome]++
	if result.Outcome.Failed() && len(r.failures) < shownFailures && !r.failing[result.Entry] {
		r.failing[result.Entry] = true
		r.failures = append(r.failures, testrunner.FileResult{
			Path: path, Results: []testrunner.Result{*result}, Duration: result.Duration,
		})
	}
}

// add counts a request. The lock is held.
func (r *recorder) add(s *sample, e *entryStats) {
	one := r.roundOf(s.ticket.phase, s.ended)
	record(r.now, s.latency, 1)
	if r.rate {
		record(r.service, s.service, 1)
	}
	record(e.latency, s.latency, 1)
	record(e.now, s.latency, 1)
	e.requests++
	r.sent++
	for kind, d := range s.spent {
		r.spent[kind] += d
	}
	one.requests++
	one.memory += float64(s.memory)
	r.most = max(r.most, s.memory)
	if s.ended.After(one.ended) {
		one.ended = s.ended
	}
}

// record adds a time to a histogram.
func record(h *hdrhistogram.Histogram, d time.Duration, n int64) {
	// It fails only for values that are out of range.
	_ = h.RecordValues(int64(min(max(d, 0), longest)), n)
}

// groups bounds how often the latencies of requests that were not sent are recorded.
const groups = 10_000

// end counts the requests of a phase that were due but not sent: until its end, they took as long
// as they had waited then.
func (r *recorder) end(p *phase, now time.Time) {
	n := p.unsent()
	if n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.roundOf(p, p.until)
	one.unsent += n
	step := max(1, (n+groups-1)/groups)
	for i := int64(0); i < n; i += step {
		record(r.now, now.Sub(p.due(p.taken+i)), min(step, n-i))
	}
}

// requests returns how many requests were counted.
func (r *recorder) requests() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}
