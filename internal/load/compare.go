package load

import (
	"math"
	"slices"
	"sort"
	"time"

	"golang.org/x/perf/benchmath"
)

// Confidence is how sure it is that a difference is between its bounds.
const Confidence = 0.95

// Verdict says how a build compares with an old one.
type Verdict string

// The verdicts.
const (
	Slower  Verdict = "slower"  // by more than is allowed
	Same    Verdict = "same"    // slower by no more than is allowed, if at all
	Unclear Verdict = "unclear" // there were too few rounds to tell
)

// Difference is how a quantity has changed.
type Difference struct {
	Name string `json:"name"`
	// Unit is "ms", "bytes" or "/s".
	Unit string `json:"unit"`
	// Old and New are the medians of the rounds.
	Old float64 `json:"old"`
	New float64 `json:"new"`
	// Change is by how much New is more than Old, in percent, and Low and High are its bounds at
	// the Confidence; nil if there are too few rounds for any.
	Change float64  `json:"change_percent"`
	Low    *float64 `json:"low_percent"`
	High   *float64 `json:"high_percent"`
	// N are the rounds of each build.
	OldN int `json:"old_rounds"`
	NewN int `json:"new_rounds"`
}

// Certain reports whether there is a difference at all.
func (d *Difference) Certain() bool {
	return d.Low != nil && d.High != nil && (*d.Low > 0 || *d.High < 0)
}

// Comparison is how a build compares with an old one.
type Comparison struct {
	// InTurns reports whether both were measured in turns. If not, the old one was measured in
	// another run, and Other says what was different then.
	InTurns  bool     `json:"in_turns"`
	Other    []string `json:"other_run,omitempty"`
	Baseline string   `json:"baseline"`
	// Decides is the name of the difference that decides.
	Decides       string       `json:"decided_by"`
	Verdict       Verdict      `json:"verdict"`
	MaxRegression float64      `json:"max_regression_percent"`
	Confidence    float64      `json:"confidence"`
	Differences   []Difference `json:"differences"`
	// Needed is how long a build has to be measured, about, until it is clear, in seconds; 0 if it
	// is clear or nobody knows.
	Needed float64 `json:"needed_seconds,omitempty"`
}

// metric is a quantity of a round.
type metric struct {
	name, unit string
	of         func(r *Round) float64
	// more reports whether more of it is better.
	more bool
	// decides reports whether a build is slower if this is worse.
	decides bool
}

// metrics returns the quantities that are compared. The first one decides, and so do the requests
// per second if they are not given by a rate: they tell if a part of the requests has become much
// slower, but other programs on the machine change them as well.
func metrics(rate bool) []metric {
	typical := metric{
		"typical latency", "ms", func(r *Round) float64 { return r.Typical }, false, true,
	}
	perSecond := metric{
		"requests/s", "/s", func(r *Round) float64 { return r.PerSecond }, true, !rate,
	}
	return []metric{
		typical, perSecond,
		{"latency p50", "ms", func(r *Round) float64 { return r.P50 }, false, false},
		{"latency p90", "ms", func(r *Round) float64 { return r.P90 }, false, false},
		{"latency p99", "ms", func(r *Round) float64 { return r.P99 }, false, false},
		{"memory", "bytes", func(r *Round) float64 { return r.Memory }, false, false},
	}
}

// Compare compares a build with an old one. inTurns says that their rounds were measured in turns,
// rate that requests were due at a rate. maxRegression is by how many percent the build may be
// slower.
func Compare(old, build *Side, inTurns, rate bool, maxRegression float64) *Comparison {
	c := &Comparison{
		InTurns: inTurns, MaxRegression: maxRegression, Confidence: Confidence,
	}
	for _, m := range metrics(rate) {
		values := func(s *Side) []float64 {
			var list []float64
			for i := range s.Rounds {
				list = append(list, m.of(&s.Rounds[i]))
			}
			return list
		}
		a, b := values(old), values(build)
		compare := apart
		if inTurns {
			n := min(len(a), len(b)) // the last turn may have been interrupted
			a, b, compare = a[:n], b[:n], paired
		}
		if len(a) == 0 || len(b) == 0 || slices.Min(a) <= 0 || slices.Min(b) <= 0 {
			continue
		}
		e := compare(a, b)
		d := Difference{
			Name: m.name, Unit: m.unit, Old: median(a), New: median(b),
			Change: percent(e.center), Low: bound(e.low), High: bound(e.high), OldN: len(a),
			NewN: len(b),
		}
		c.Differences = append(c.Differences, d)
		if m.decides {
			c.decide(m, e, build)
		}
	}
	if c.Verdict == "" {
		c.Verdict = Unclear
	}
	return c
}

// decide finds the verdict from the effect on a quantity that decides. The first one says what it
// is, unless another one says that the build is slower.
func (c *Comparison) decide(m metric, e effect, build *Side) {
	if m.more { // of requests per second, fewer are slower
		e = effect{-e.center, -e.high, -e.low}
	}
	limit := math.Log1p(c.MaxRegression / 100)
	first := c.Decides == ""
	switch {
	case e.low > limit:
		if first || c.Verdict != Slower {
			c.Decides, c.Verdict, c.Needed = m.name, Slower, 0
		}
	case !first:
	case e.high <= limit:
		c.Decides, c.Verdict = m.name, Same
	default:
		c.Decides, c.Verdict = m.name, Unclear
		c.Needed = needed(e, limit, len(build.Rounds), build.Seconds)
	}
}

// longestNeeded is up to when it is worth saying how long to measure.
const longestNeeded = time.Hour

// needed returns how many seconds it takes until an effect is on one side of the limit: the bounds
// come nearer to each other with the square root of the number of rounds. 0 stands for much too
// long.
func needed(e effect, limit float64, rounds int, seconds float64) float64 {
	if rounds == 0 || seconds == 0 {
		return 0
	}
	if math.IsInf(e.low, 0) || math.IsInf(e.high, 0) {
		return seconds / float64(rounds) * leastRounds
	}
	away := math.Abs(e.center - limit)
	half := max(e.high-e.center, e.center-e.low)
	total := seconds * (half / away) * (half / away) * 1.2
	if away == 0 || total > longestNeeded.Seconds() {
		return 0
	}
	return max(total, 1.5*seconds)
}

// leastRounds is how many rounds there must be for any bounds at the Confidence.
const leastRounds = 6

// effect is the logarithm of a ratio, with its bounds at the Confidence; infinite if there are too
// few rounds for any.
type effect struct{ center, low, high float64 }

// paired returns the effect between values that were measured in turns: the median of the ratios of
// each turn, since what disturbs one build for longer than a turn disturbs the other one as well.
func paired(old, build []float64) effect {
	ratios := make([]float64, len(old))
	for i := range old {
		ratios[i] = math.Log(build[i] / old[i])
	}
	s := benchmath.AssumeNothing.Summary(
		benchmath.NewSample(ratios, &benchmath.DefaultThresholds), Confidence)
	return effect{s.Center, s.Lo, s.Hi}
}

// apart returns the effect between values of different runs: the median of the ratios of each value
// to each, and as bounds the ratios that the Mann-Whitney U-test does not reject (Hodges and
// Lehmann, 1963). The test takes values as independent of each other, which neighboring rounds are
// not if the machine is busier for a while: the values are the medians of a few batches of rounds.
func apart(old, build []float64) effect {
	old, build = batched(old), batched(build)
	var ratios []float64
	for _, b := range build {
		for _, a := range old {
			ratios = append(ratios, math.Log(b/a))
		}
	}
	slices.Sort(ratios)
	e := effect{median(ratios), math.Inf(-1), math.Inf(1)}
	// rejects reports whether the values do not differ by a ratio.
	rejects := func(ratio float64) bool {
		scaled := make([]float64, len(old))
		for i, a := range old {
			scaled[i] = math.Log(a) + ratio
		}
		logs := make([]float64, len(build))
		for i, b := range build {
			logs[i] = math.Log(b)
		}
		t := &benchmath.DefaultThresholds
		p := benchmath.AssumeNothing.Compare(
			benchmath.NewSample(scaled, t), benchmath.NewSample(logs, t))
		return p.P < 1-Confidence
	}
	// The test rejects less and less on the way to the center.
	last := len(ratios) - 1
	between := func(i int) float64 { return (ratios[i] + ratios[i+1]) / 2 }
	if rejects(ratios[0] - 1) {
		e.low = ratios[sort.Search(last/2, func(i int) bool { return !rejects(between(i)) })]
	}
	if rejects(ratios[last] + 1) {
		e.high = ratios[last-sort.Search(last/2, func(i int) bool {
			return !rejects(between(last - 1 - i))
		})]
	}
	return e
}

// batches is how many batches of rounds there are: so few that each lasts long, and enough for
// bounds at the Confidence.
const batches = 6

// batched returns the medians of batches of neighboring values; the values if they are few.
func batched(values []float64) []float64 {
	if len(values) <= batches {
		return values
	}
	out := make([]float64, batches)
	for i := range out {
		out[i] = median(values[i*len(values)/batches : (i+1)*len(values)/batches])
	}
	return out
}

// median returns the median of values, which stay as they are.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// percent returns the logarithm of a ratio as a change in percent.
func percent(e float64) float64 { return 100 * math.Expm1(e) }

// bound returns a bound as a change in percent; nil if it is infinite.
func bound(e float64) *float64 {
	if math.IsInf(e, 0) || math.IsNaN(e) {
		return nil
	}
	p := percent(e)
	return &p
}

// spreadOf returns how far the bounds of the median of values are from it, as a part of it.
func spreadOf(values []float64) float64 {
	s := benchmath.AssumeNothing.Summary(
		benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds), Confidence)
	return max(s.Hi-s.Center, s.Center-s.Lo) / s.Center
}
