// Package profile writes where time went as files that other programs and browsers open: profiles
// in pprof's format, and flame graphs. It knows nothing of what was sampled.
package profile

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/stable"
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

// sorted returns the samples, those that took longest first.
func (p *Profile) sorted() []Sample {
	list := slices.Clone(p.Samples)
	stable.Sort(list, func(a, b Sample) int {
		return cmp.Compare(b.CPU+b.Wait, a.CPU+a.Wait)
	})
	return list
}
