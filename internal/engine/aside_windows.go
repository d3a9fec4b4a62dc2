package engine

import (
	"context"

	"golang.org/x/sys/windows"
)

// LowestPriority gives this process less processor time than others.
func LowestPriority(ctx context.Context) (_ context.Context, stop func()) {
	_ = windows.SetPriorityClass(windows.CurrentProcess(), windows.BELOW_NORMAL_PRIORITY_CLASS) // else it is as quick as others
	return context.WithCancel(ctx)
}
