package cmd

import (
	"runtime"
	"runtime/debug"
)

// Sizes of ballast, in bytes: how much larger the live heap is made to look. A response leaves a
// few kB of garbage, and the live heap is a few megabytes: without ballast the collector takes a
// third of the time of a small response. While nothing is served, it adds to the peak of a
// compilation.
const (
	startBallast = 8 << 20
	serveBallast = 24 << 20 // besides
)

// holdBallast makes the garbage collector work less often while the heap is small, until release is
// called. Nothing touches the ballast, so it takes no memory. A percentage instead would let large
// heaps grow several times.
func holdBallast(size int) (release func()) {
	ballast := make([]byte, size)
	return func() { runtime.KeepAlive(ballast) }
}

const (
	loadGC    = 400 // percent of the live heap
	defaultGC = 100
)

// relaxCollector makes the garbage collector work less often for a load or a short run, until
// restore is called. A value that the user has set by GOGC stays.
func relaxCollector() (restore func()) {
	before := debug.SetGCPercent(loadGC)
	if before != defaultGC {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}
