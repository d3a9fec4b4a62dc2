package load

import (
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Measured is what a run has found out.
type Measured struct {
	New *Side
	Old *Side // nil if one build was measured
}

// Side is what was measured of a build. Its JSON is part of that of a Result.
type Side struct {
	// Seconds is how long it was measured.
	Seconds  float64 `json:"seconds"`
	Requests int64   `json:"requests"`
	// PerSecond is Requests by Seconds.
	PerSecond float64 `json:"requests_per_second"`
	// Unsent is how many requests were due, at a rate, but not sent.
	Unsent int64 `json:"unsent,omitempty"`
	// Latency is the time from when a request was due, or else sent, to the end of its response;
	// Service is that from when it was sent if requests were due at a rate.
	Latency Times  `json:"latency_ms"`
	Service *Times `json:"service_ms,omitempty"`
	// Histogram has the latencies, the shortest first, and Curve how long the part of the requests
	// took that was fastest.
	Histogram []Bar   `json:"histogram"`
	Curve     []Point `json:"percentiles"`
	// Spent is what a request spends its time on, on average; nil if that is not known.
	Spent    *Spent           `json:"time_ms,omitempty"`
	Memory   Memory           `json:"memory_bytes"`
	Outcomes map[string]int64 `json:"outcomes"`
	WarmUp   map[string]int64 `json:"warm_up_outcomes,omitempty"`
	Entries  []Entry          `json:"entries"`
	Rounds   []Round          `json:"rounds"`

	// Failures are results of the first entries that failed, each of another entry, and Faults
	// files that cannot be played.
	Failures []testrunner.FileResult  `json:"-"`
	Faults   []*testrunner.FileResult `json:"-"`
}

// Times describes lengths of time, in milliseconds.
type Times struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// Bar is a bar of a histogram: requests that took up to a time, in milliseconds, and longer than
// that of the bar before.
type Bar struct {
	UpTo     float64 `json:"up_to_ms"`
	Requests int64   `json:"requests"`
}

// Point is a point of the curve of latencies: that part of the requests, in percent, took no longer
// than that, in milliseconds.
type Point struct {
	Percent float64 `json:"percent"`
	Time    float64 `json:"ms"`
}

// Memory is the most linear memory that an instance has had until the end of a request, in bytes.
type Memory struct {
	Mean float64 `json:"mean"`
	Max  int64   `json:"max"`
}

// Spent is the time that requests are in the phases of a timeline, in milliseconds.
type Spent struct {
	Waiting   float64 `json:"waiting"`
	Instance  float64 `json:"instance"`
	Computing float64 `json:"computing"`
	Upstream  float64 `json:"upstream"`
	Host      float64 `json:"host"`
	Streaming float64 `json:"streaming"`
}

// parts returns the times with what they are called.
func (s *Spent) parts() []part {
	return []part{
		{"waiting", s.Waiting}, {"making an instance", s.Instance}, {"computing", s.Computing},
		{"waiting for upstreams", s.Upstream}, {"waiting for the host", s.Host},
		{"streaming", s.Streaming},
	}
}

type part struct {
	name string
	time float64
}

// Entry is what was measured of one entry of a fixture.
type Entry struct {
	Path  string `json:"path"`
	Index int    `json:"index"`
	// Line is 0 in an archive, whose entry has the number Index.
	Line     int              `json:"line"`
	Name     string           `json:"name"`
	Requests int64            `json:"requests"`
	Latency  Times            `json:"latency_ms"`
	Outcomes map[string]int64 `json:"outcomes"`

	place string // with the line or the number
}

// Round is what was measured in a part of the run.
type Round struct {
	Seconds   float64 `json:"seconds"`
	Requests  int64   `json:"requests"`
	PerSecond float64 `json:"requests_per_second"`
	// Typical is the mean over the requests of how long the median one of their entry took: other
	// programs that run now and then hardly change it.
	Typical float64 `json:"typical_ms"`
	P50     float64 `json:"p50_ms"`
	P90     float64 `json:"p90_ms"`
	P99     float64 `json:"p99_ms"`
	Memory  float64 `json:"memory_bytes"`
	Unsent  int64   `json:"unsent,omitempty"`
}

// ms returns a time in milliseconds.
func ms(ns float64) float64 { return math.Round(ns/1e3) / 1e3 }

// fine is ms with more digits, for statistics.
func fine(ns int64) float64 { return float64(ns) / 1e6 }

// timesOf describes the times of a histogram.
func timesOf(h *hdrhistogram.Histogram) Times {
	if h.TotalCount() == 0 {
		return Times{}
	}
	p := h.ValueAtPercentilesSlice([]float64{50, 75, 90, 95, 99, 99.9})
	at := func(i int) float64 { return ms(float64(p[i])) }
	return Times{
		Min: ms(float64(h.Min())), Mean: ms(h.Mean()), P50: at(0), P75: at(1), P90: at(2),
		P95: at(3), P99: at(4), P999: at(5), Max: ms(float64(h.Max())),
	}
}

// barsPerDecade is how many bars of a histogram there are between a time and the tenfold.
const barsPerDecade = 10

// barsOf returns the bars of a histogram, without those before the first and after the last one
// that have requests.
func barsOf(h *hdrhistogram.Histogram) []Bar {
	var bars []Bar
	end := func(n int) float64 { return math.Pow(10, float64(n)/barsPerDecade) }
	first := 0
	for _, b := range h.Distribution() {
		if b.Count == 0 {
			continue
		}
		n := int(math.Ceil(barsPerDecade * math.Log10(max(1, float64(b.From)))))
		if bars == nil {
			first = n
		}
		for len(bars) <= n-first {
			bars = append(bars, Bar{UpTo: end(first+len(bars)) / 1e6})
		}
		bars[n-first].Requests += b.Count
	}
	for i := range bars {
		// Three significant digits are enough for an end.
		scale := math.Pow(10, math.Floor(math.Log10(bars[i].UpTo))-2)
		bars[i].UpTo = math.Round(bars[i].UpTo/scale) * scale
	}
	return bars
}

// curveOf returns the curve of latencies, with more points the nearer it comes to all requests.
func curveOf(h *hdrhistogram.Histogram) []Point {
	if h.TotalCount() == 0 {
		return nil
	}
	var points []Point
	for _, b := range h.CumulativeDistributionWithTicks(5) {
		points = append(points, Point{b.Quantile, fine(b.ValueAt)})
	}
	return points
}

// result returns what was measured. Nothing runs any more.
func (s *side) result() *Side {
	r := s.record
	r.turn()
	out := &Side{
		Seconds: s.elapsed.Seconds(), Requests: r.sent, Memory: Memory{Max: r.most},
		Outcomes: counts(r.outcomes), Failures: r.failures, Faults: s.fails,
	}
	for o, n := range s.warm.outcomes {
		if o.Failed() && n > 0 {
			out.WarmUp = counts(s.warm.outcomes)
		}
	}
	if len(out.Failures) == 0 {
		out.Failures = s.warm.failures
	}
	if out.Seconds > 0 {
		out.PerSecond = float64(out.Requests) / out.Seconds
	}
	var memory float64
	for n := range r.rounds {
		one := &r.rounds[n]
		memory += one.memory
		out.Unsent += one.unsent
		if one.requests == 0 {
			continue // the run ended before
		}
		seconds := one.ended.Sub(one.began)
		if r.length > 0 && n < len(r.rounds)-1 && seconds > 0 {
			seconds = r.length
		}
		round := Round{
			Seconds: seconds.Seconds(), Requests: one.requests, Unsent: one.unsent,
			PerSecond: float64(one.requests) / max(seconds.Seconds(), 1e-9),
			Typical:   one.typical / 1e6,
			P50:       fine(one.p50), P90: fine(one.p90), P99: fine(one.p99),
			Memory: one.memory / float64(one.requests),
		}
		out.Rounds = append(out.Rounds, round)
	}
	out.Latency, out.Histogram, out.Curve = timesOf(r.latency), barsOf(r.latency),
		curveOf(r.latency)
	if r.rate {
		times := timesOf(r.service)
		out.Service = &times
	}
	if out.Requests > 0 {
		out.Memory.Mean = math.Round(memory / float64(out.Requests))
	}
	if n := float64(r.sent); r.spent[timeline.Computing] > 0 {
		of := func(k timeline.Kind) float64 { return ms(float64(r.spent[k]) / n) }
		out.Spent = &Spent{
			of(timeline.Waiting), of(timeline.Instance), of(timeline.Computing),
			of(timeline.Upstream), of(timeline.Host), of(timeline.Streaming),
		}
	}
	stable.Sort(r.order, func(a, b *entryStats) int {
		if a.place.Path != b.place.Path {
			return cmpFiles(s.load.Files(), a.place.Path, b.place.Path)
		}
		return a.index - b.index
	})
	for _, e := range r.order {
		out.Entries = append(out.Entries, Entry{
			Path: e.place.Path, Index: e.index, Line: e.place.Pos.Line, Name: e.place.Name,
			Requests: e.requests, Latency: timesOf(e.latency), Outcomes: counts(e.outcomes),
			place: e.place.Pos.LineIn(e.place.Path),
		})
	}
	return out
}

// cmpFiles compares paths by their place among the files that are played.
func cmpFiles(files []*testrunner.Source, a, b string) int {
	at := func(path string) int {
		return slices.IndexFunc(files, func(s *testrunner.Source) bool { return s.Path == path })
	}
	return at(a) - at(b)
}

func counts(of map[testrunner.Outcome]int) map[string]int64 {
	out := make(map[string]int64)
	for o, n := range of {
		out[string(o)] = int64(n)
	}
	return out
}

// Verdict returns what became of the entries, those played to warm up included.
func (s *Side) Verdict() testrunner.Verdict {
	sum := &testrunner.Summary{Counts: make(map[testrunner.Outcome]int)}
	for _, of := range []map[string]int64{s.Outcomes, s.WarmUp} {
		for o, n := range of {
			sum.Counts[testrunner.Outcome(o)] += int(n)
		}
	}
	for _, f := range s.Faults {
		sum.Count(f)
	}
	return sum.Verdict()
}

// Failed returns how many entries failed, without those played to warm up.
func (s *Side) Failed() (n int64) {
	for o, count := range s.Outcomes {
		if testrunner.Outcome(o).Failed() {
			n += count
		}
	}
	return n
}
