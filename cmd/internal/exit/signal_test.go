package exit

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestASignalIsACancellationWithACode(t *testing.T) {
	for s, want := range map[os.Signal]int{
		syscall.SIGINT: 128 + int(syscall.SIGINT), syscall.SIGTERM: 128 + int(syscall.SIGTERM),
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&Ended{s})
		if got := OfContext(ctx); got != want || !errors.Is(context.Cause(ctx), context.Canceled) {
			t.Errorf("%s: got %d, %v", s, got, context.Cause(ctx))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := OfContext(ctx); got != OK {
		t.Errorf("without a signal: got %d", got)
	}
}
