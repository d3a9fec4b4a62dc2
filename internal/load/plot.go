package load

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/units"
)

// The size of plots and of the room around their axes, in pixels of SVG.
const (
	plotWidth, plotHeight = 720, 260
	plotLeft, plotRight   = 64, 12
	plotTop, plotBottom   = 12, 40

	innerWidth  float64 = plotWidth - plotLeft - plotRight
	innerHeight float64 = plotHeight - plotTop - plotBottom
)

// plot is a diagram on the page. Its coordinates are those of SVG.
type plot struct {
	Title, About string // About is what a reader hears who does not see it
	Unit         string // of the horizontal axis
	Width        int
	Height       int
	Bars         []plotBar
	Lines        []plotLine
	Across, Up   []plotTick
	Base, Left   float64
	Right        float64
	Legend       []plotKey
}

type (
	plotBar struct {
		X, Y, W, H float64
		Text       string
	}
	plotLine struct{ Class, Points string }
	plotTick struct {
		At   float64
		Text string
	}
	plotKey struct{ Class, Text string }
)

func newPlot(title, about, unit string) plot {
	return plot{
		Title: title, About: about, Unit: unit, Width: plotWidth, Height: plotHeight,
		Base: plotTop + innerHeight, Left: plotLeft, Right: plotLeft + innerWidth,
	}
}

// plots returns the diagrams of a result.
func (r *Result) plots() []plot {
	out := []plot{r.histogramPlot(), r.curvePlot()}
	if len(r.Rounds) > 1 {
		out = append(out, r.roundsPlot())
	}
	return out
}

// histogramPlot draws how many requests took how long.
func (r *Result) histogramPlot() plot {
	p := newPlot("How long requests took", fmt.Sprintf(
		"Histogram: half of the requests took at most %s, 99 %% at most %s.",
		duration(r.Latency.P50), duration(r.Latency.P99)), "latency")
	var most, all int64
	for _, b := range r.Histogram {
		most, all = max(most, b.Requests), all+b.Requests
	}
	width := innerWidth / float64(max(len(r.Histogram), 1))
	every := max(1, int(math.Ceil(64/width)))
	before := ""
	for i, b := range r.Histogram {
		height := innerHeight * float64(b.Requests) / float64(max(most, 1))
		if b.Requests > 0 {
			height = max(height, 1)
		}
		x := plotLeft + float64(i)*width
		p.Bars = append(p.Bars, plotBar{
			round1(x + width*0.05), round1(p.Base - height), round1(width * 0.9), round1(height),
			fmt.Sprintf("%s%s: %s (%s)", before, duration(b.UpTo), grouped(b.Requests),
				share(b.Requests, all)),
		})
		before = duration(b.UpTo) + " to "
		if i%every == every-1 && x+width < plotLeft+innerWidth-width/2 {
			p.Across = append(p.Across, plotTick{round1(x + width), duration(b.UpTo)})
		}
	}
	for _, part := range []float64{0, 0.5, 1} {
		p.Up = append(p.Up, plotTick{
			round1(p.Base - part*innerHeight), share(int64(part*float64(most)), all),
		})
	}
	return p
}

// curvePlot draws latencies by the part of the requests that took no longer, with as much room for
// each further nine.
func (r *Result) curvePlot() plot {
	p := newPlot("Latency by percentile", fmt.Sprintf(
		"Curve: p50 %s, p90 %s, p99 %s, p99.9 %s.", duration(r.Latency.P50),
		duration(r.Latency.P90), duration(r.Latency.P99), duration(r.Latency.P999)), "percentile")
	curves := []*Side{r.Side}
	if r.Baseline != nil && len(r.Baseline.Curve) > 0 {
		curves = append(curves, r.Baseline)
		p.Legend = []plotKey{{"new", "this build"}, {"old", "baseline"}}
	}
	low, high, nines := math.Inf(1), 0.0, 1.0
	for _, s := range curves {
		for _, point := range s.Curve {
			if point.Time > 0 {
				low, high = min(low, point.Time), max(high, point.Time)
			}
			if point.Percent < 100 {
				nines = max(nines, 2-math.Log10(100-point.Percent))
			}
		}
	}
	if high == 0 {
		return p
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	to = max(to, from+1)
	x := func(percent float64) float64 {
		n := nines
		if percent < 100 {
			n = min(nines, 2-math.Log10(100-percent))
		}
		return round1(plotLeft + innerWidth*n/nines)
	}
	y := func(ms float64) float64 {
		return round1(p.Base - innerHeight*(math.Log10(ms)-from)/(to-from))
	}
	for i, s := range curves {
		var points strings.Builder
		for _, point := range s.Curve {
			fmt.Fprintf(&points, "%v,%v ", x(point.Percent), y(max(point.Time, low)))
		}
		p.Lines = append(p.Lines, plotLine{[]string{"new", "old"}[i], points.String()})
	}
	for d := from; d <= to; d++ {
		p.Up = append(p.Up, plotTick{y(math.Pow(10, d)), duration(math.Pow(10, d))})
	}
	for n := 0.0; n <= nines; n++ {
		percent := 100 - 100*math.Pow(10, -n)
		p.Across = append(p.Across, plotTick{x(percent), trimmedPercent(percent, int(n))})
		if n == 0 && nines >= 1 {
			p.Across = append(p.Across, plotTick{x(50), "50 %"})
		}
	}
	return p
}

// trimmedPercent writes 100 less a power of ten: 90 %, 99 %, 99.9 %.
func trimmedPercent(percent float64, nines int) string {
	return fmt.Sprintf("%.*f %%", max(0, nines-2), percent)
}

// roundsPlot draws requests per second from round to round.
func (r *Result) roundsPlot() plot {
	p := newPlot("Requests per second, round by round", fmt.Sprintf(
		"Line over %d rounds, %s per second in all.", len(r.Rounds), number(r.PerSecond)), "round")
	curves := [][]Round{r.Rounds}
	if r.Baseline != nil {
		curves = append(curves, r.Baseline.Rounds)
		p.Legend = []plotKey{{"new", "this build"}, {"old", "baseline"}}
	}
	high, n := 0.0, 2
	for _, rounds := range curves {
		n = max(n, len(rounds))
		for i := range rounds {
			high = max(high, rounds[i].PerSecond)
		}
	}
	for i, rounds := range curves {
		var points strings.Builder
		for at := range rounds {
			fmt.Fprintf(&points, "%v,%v ",
				round1(plotLeft+innerWidth*float64(at)/float64(n-1)),
				round1(p.Base-innerHeight*rounds[at].PerSecond/max(high, 1)))
		}
		p.Lines = append(p.Lines, plotLine{[]string{"new", "old"}[i], points.String()})
	}
	for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
		p.Up = append(p.Up, plotTick{round1(p.Base - part*innerHeight), number(part * high)})
	}
	for _, at := range []int{0, (n - 1) / 2, n - 1} {
		p.Across = append(p.Across, plotTick{
			round1(plotLeft + innerWidth*float64(at)/float64(n-1)), fmt.Sprint(at + 1),
		})
	}
	return p
}

// round1 rounds a coordinate to a tenth.
func round1(v float64) float64 { return math.Round(10*v) / 10 }

// seconds writes a number of seconds.
func seconds(s float64) string {
	return units.Duration(time.Duration(s * float64(time.Second)))
}
