//go:build unix

package engine

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// Beside programs that use all processors, a process of the lowest priority might hardly ever end:
// it stops after it got less than one starvedPart of a processor for starvedAfter.
const (
	starvedAfter = 5 * time.Second
	starvedPart  = 4
)

var errStarved = errors.New("there is next to no processor time to spare")

// LowestPriority lowers the priority of this process below that of all others, if it leads a
// process group. The context that it returns ends when next to no processor time is left for the
// process. The caller must call stop.
func LowestPriority(ctx context.Context) (_ context.Context, stop func()) {
	// On Linux threads have priorities, and naming the group reaches them all. SCHED_IDLE would be
	// lower still, but then Linux takes a processor on which such a thread runs for an idle one: it
	// puts what has just woken up there, where it may wait for the next tick of the clock.
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, 19) // else it is as quick as others
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(starvedAfter)
		defer tick.Stop()
		for last := processorTime(); ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			now := processorTime()
			if now-last < starvedAfter/starvedPart {
				cancel(errStarved)
				return
			}
			last = now
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// processorTime returns what this process has used.
func processorTime() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
