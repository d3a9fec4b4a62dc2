package cmd

import (
	"runtime"
	"runtime/debug"
)

// ballastSize is how much larger the live heap is made to look, in bytes. A response leaves some 14
// kB of garbage, and the live heap is a few megabytes: without ballast the collector takes a third
// of the time of a small response. Nothing touches the ballast, so it takes no memory. A percentage
// instead would let large heaps grow several times.
const ballastSize = 8 << 20

// holdBallast makes the garbage collector work less often while the heap is small, until release is
// called.
func holdBallast() (release func()) {
	ballast := make([]byte, ballastSize)
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
