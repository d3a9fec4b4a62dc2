package engine

import (
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Beside programs that take all there is, a process of the lowest priority
// might never end: it gives up when for starvedAfter it got less than a
// starvedPart of one processor.
const (
	starvedAfter = 5 * time.Second
	starvedPart  = 4
)

var errStarved = errors.New("there is next to no processor time to spare")

// LowestPriority gives this process only the processor time that nobody else
// wants. The context that it returns ends when that is next to nothing. The
// caller must call stop.
func LowestPriority(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	// Threads have priorities, not processes; those to come inherit theirs.
	threads, _ := os.ReadDir("/proc/self/task") // without them it is as quick as others
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
		}
	}
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
