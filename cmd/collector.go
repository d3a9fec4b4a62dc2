package cmd

import "runtime/debug"

const (
	// lateGC is how much garbage is let come together, in per cent of the live heap. An answer leaves some 14 kB behind and the live heap is a few
	// megabytes: at the 100 per cent that is the default, the collector takes a third of the time of a small answer. It delays compiling, too.
	lateGC    = 400
	defaultGC = 100
)

// relaxCollector has the garbage collector work less often until restore is called. What the user has set by GOGC stays.
func relaxCollector() (restore func()) {
	before := debug.SetGCPercent(lateGC)
	if before != defaultGC {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}
