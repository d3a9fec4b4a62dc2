package load

import (
	"math"
	"math/rand/v2"
	"testing"
)

// simulated returns the rounds of two builds of which the new one is slower by a factor, on a
// machine that is busier for a while now and then.
func simulated(r *rand.Rand, rounds int, factor, noise float64) (old, build *Side) {
	old, build = &Side{Seconds: float64(rounds) / 2}, &Side{Seconds: float64(rounds) / 2}
	busy := 0.0
	one := func(s *Side, factor float64) {
		ms := 2 * factor * math.Exp(busy+noise*r.NormFloat64())
		s.Rounds = append(s.Rounds, Round{
			Seconds: 0.5, Requests: int64(500 / ms), PerSecond: 1000 / ms, Typical: ms, P50: ms,
			P90: 2 * ms, P99: 3 * ms, Memory: 1 << 20,
		})
	}
	for range rounds {
		busy = 0.8*busy + 2*noise*r.NormFloat64()
		one(old, 1)
		one(build, factor)
	}
	return old, build
}

func TestIdenticalBuildsAreNotCalledDifferent(t *testing.T) {
	const trials = 800
	r := rand.New(rand.NewPCG(1, 2))
	slower, different := 0, 0
	for range trials {
		old, build := simulated(r, 20, 1, 0.05)
		c := Compare(old, build, true, false, 0)
		if c.Verdict == Slower {
			slower++
		}
		if c.Differences[0].Certain() {
			different++
		}
	}
	// Both bounds are wrong in 5 % of all cases at most, each in half of them.
	if different > trials*5/100 || slower > trials*3/100 {
		t.Errorf("of %d comparisons of a build with itself, %d are called different and %d slower",
			trials, different, slower)
	}
	if different == 0 {
		t.Error("the bounds are so wide that nothing is ever called different")
	}
}

func TestABuildThatIsSlowerIsFoundWithEnoughRounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	found := func(rounds int) (slower int) {
		for range 100 {
			old, build := simulated(r, rounds, 1.10, 0.05)
			if Compare(old, build, true, false, 5).Verdict == Slower {
				slower++
			}
		}
		return slower
	}
	few, many := found(20), found(100)
	if few >= many || many < 97 {
		t.Errorf("a build that is 10 %% slower is found in %d of 100 runs of 20 rounds, and in %d of 100",
			few, many)
	}
}

// A difference that is too small to be seen, or on the limit, is not decided.
func TestAComparisonSaysWhenItCannotTell(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	old, build := simulated(r, 8, 1.08, 0.1)
	c := Compare(old, build, true, false, 5)
	if c.Verdict != Unclear {
		t.Fatalf("the verdict is %s: %s", c.Verdict, c.Says())
	}
	if c.Needed <= build.Seconds {
		t.Errorf("it is to be measured for %v s, and %v s were not enough", c.Needed, build.Seconds)
	}
	old, build = simulated(r, 3, 2, 0.01)
	if c := Compare(old, build, true, false, 5); c.Verdict != Unclear || c.Differences[0].Low != nil {
		t.Errorf("three rounds: %s", c.Says())
	}
	if c := Compare(&Side{}, build, true, false, 5); c.Verdict != Unclear {
		t.Errorf("without a round: %s", c.Says())
	}
}

func TestRequestsPerSecondDecideIfLatenciesDoNot(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	old, build := simulated(r, 40, 1, 0.01)
	for i := range build.Rounds {
		build.Rounds[i].PerSecond /= 1.5 // a part of the requests takes very long
	}
	if c := Compare(old, build, true, false, 5); c.Verdict != Slower || c.Decides != "requests/s" {
		t.Errorf("%s by %s", c.Verdict, c.Decides)
	}
	if c := Compare(old, build, true, true, 5); c.Verdict != Same {
		t.Errorf("at a rate: %s", c.Verdict)
	}
}

func TestRunsApartAreComparedByTheirBatches(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	wrong, found := 0, 0
	for range 100 {
		old, _ := simulated(r, 24, 1, 0.02)
		_, same := simulated(r, 24, 1, 0.02)
		_, slow := simulated(r, 24, 1.5, 0.02)
		if Compare(old, same, false, false, 5).Verdict == Slower {
			wrong++
		}
		c := Compare(old, slow, false, false, 5)
		if c.Verdict == Slower {
			found++
		}
		d := c.Differences[0]
		if d.Low == nil || *d.Low > d.Change || *d.High < d.Change {
			t.Fatalf("%+v", d)
		}
	}
	// Between runs the machine is another one, in this simulation too.
	if wrong > 5 || found < 98 {
		t.Errorf("of 100, %d identical and %d much slower builds are called slower", wrong, found)
	}
}

// The bounds between runs are those shifts that the test does not reject.
func TestTheBoundsBetweenRunsAreOrderStatistics(t *testing.T) {
	old := []float64{100, 101, 102, 103, 104, 105}
	build := []float64{200, 202, 204, 206, 208, 210}
	e := apart(old, build)
	if got := percent(e.center); got < 99.9 || got > 100.1 {
		t.Errorf("the change is %.2f %%", got)
	}
	// With six values each, the test rejects at 5 % if at most five pairs are in the wrong order.
	if lo, hi := percent(e.low), percent(e.high); lo < 94 || lo > 97.5 || hi < 102.5 || hi > 106 {
		t.Errorf("the bounds are %.2f %% and %.2f %%", lo, hi)
	}
	if e := apart(old[:3], build[:3]); !math.IsInf(e.low, -1) || !math.IsInf(e.high, 1) {
		t.Errorf("three values have the bounds %v", e)
	}
}

func TestAMedianDoesNotChangeItsValues(t *testing.T) {
	values := []float64{3, 1, 2, 10}
	if got := median(values); got != 2.5 || values[0] != 3 {
		t.Errorf("%v of %v", got, values)
	}
}
