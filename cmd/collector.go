package cmd

import (
	"runtime"
	"runtime/debug"
)

// ballastSize is how much the live heap is made to look larger, in bytes. An answer leaves some 14 kB behind and the live heap is a few megabytes:
// without it the collector takes a third of the time of a small answer. Nothing touches the ballast, so it takes no memory; a
// percentage instead would let large heaps grow several times.
const ballastSize = 8 << 20

// holdBallast has the garbage collector work less often while the heap is small, until release is called.
func holdBallast() (release func()) {
	ballast := make([]byte, ballastSize)
	return func() { runtime.KeepAlive(ballast) }
}

const (
	loadGC    = 400 // per cent of the live heap
	defaultGC = 100
)

// relaxCollector has the garbage collector work less often for a load or a short run, until restore is called. What the user has set by GOGC stays.
func relaxCollector() (restore func()) {
	before := debug.SetGCPercent(loadGC)
	if before != defaultGC {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}
