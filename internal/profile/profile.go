// Package profile writes where time went as files that other programs and browsers open: profiles
// in pprof's format, and flame graphs. It knows nothing of what was sampled.
package profile

import (
	"cmp"
	"io"
	"slices"
	"time"

	"github.com/google/pprof/profile"
)

// Frame is a call in a stack.
type Frame struct {
	// Func is the name for people.
	Func string
	// File and Line say where in the source; "" and 0 if it is unknown. Without a file, Module says
	// where the function is.
	File   string
	Line   int
	Module string
}

// Sample is a stack, and what was spent in it.
type Sample struct {
	Stack     []Frame // innermost first
	Count     int64
	CPU, Wait time.Duration
}

// Profile is what was sampled.
type Profile struct {
	Samples  []Sample
	Began    time.Time
	Duration time.Duration
	Comment  string // such as the command line
}

// period is how much time a sample stands for as a rule.
const period = time.Millisecond

// Pprof writes the profile in pprof's format, compressed. Its samples have three values: how often
// the stack was seen, the processor time, which programs show unless told otherwise, and the time
// of waits.
func (p *Profile) Pprof(w io.Writer) error {
	out := &profile.Profile{
		SampleType: []*profile.ValueType{
			{Type: "samples", Unit: "count"},
			{Type: "cpu", Unit: "nanoseconds"},
			{Type: "wait", Unit: "nanoseconds"},
		},
		DefaultSampleType: "cpu",
		PeriodType:        &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
		Period:            int64(period),
		TimeNanos:         p.Began.UnixNano(),
		DurationNanos:     int64(p.Duration),
	}
	if p.Comment != "" {
		out.Comments = []string{p.Comment}
	}
	functions := map[Frame]*profile.Function{}
	locations := map[Frame]*profile.Location{}
	for _, s := range p.Samples {
		sample := &profile.Sample{Value: []int64{s.Count, int64(s.CPU), int64(s.Wait)}}
		for _, f := range s.Stack {
			l := locations[f]
			if l == nil {
				name := f
				name.Line = 0
				fn := functions[name]
				if fn == nil {
					fn = &profile.Function{
						ID: uint64(len(out.Function) + 1), Name: f.Func, SystemName: f.Func,
						Filename: cmp.Or(f.File, f.Module),
					}
					functions[name], out.Function = fn, append(out.Function, fn)
				}
				l = &profile.Location{
					ID:   uint64(len(out.Location) + 1),
					Line: []profile.Line{{Function: fn, Line: int64(f.Line)}},
				}
				locations[f], out.Location = l, append(out.Location, l)
			}
			sample.Location = append(sample.Location, l)
		}
		out.Sample = append(out.Sample, sample)
	}
	if err := out.CheckValid(); err != nil {
		return err
	}
	return out.Write(w)
}

// sorted returns the samples, those that took longest first.
func (p *Profile) sorted() []Sample {
	return slices.SortedFunc(slices.Values(p.Samples), func(a, b Sample) int {
		return cmp.Compare(b.CPU+b.Wait, a.CPU+a.Wait)
	})
}
