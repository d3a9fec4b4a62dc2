//go:build unix && !linux

package engine

import (
	"context"
	"syscall"
)

// LowestPriority gives this process less processor time than others.
func LowestPriority(ctx context.Context) (_ context.Context, stop func()) {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) // else it is as quick as others
	return context.WithCancel(ctx)
}
