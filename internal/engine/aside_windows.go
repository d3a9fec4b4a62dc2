package engine

import (
	"context"

	"golang.org/x/sys/windows"
)

// LowestPriority lowers the priority of this process below that of others.
func LowestPriority(ctx context.Context) (_ context.Context, stop func()) {
	// Without it, the process is as quick as others.
	_ = windows.SetPriorityClass(windows.CurrentProcess(), windows.BELOW_NORMAL_PRIORITY_CLASS)
	return context.WithCancel(ctx)
}
