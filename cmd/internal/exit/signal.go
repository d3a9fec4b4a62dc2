package exit

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// Ended is the cause of a context that a signal has cancelled.
type Ended struct{ os.Signal }

// Error names the signal.
func (e *Ended) Error() string { return "ended by the signal " + e.String() }

// Is reports whether target is context.Canceled: a signal is a cancellation like any other.
func (e *Ended) Is(target error) bool { return target == context.Canceled }

// OfContext returns the exit code of a command that the end of ctx has interrupted.
func OfContext(ctx context.Context) int {
	var e *Ended
	if errors.As(context.Cause(ctx), &e) {
		return OfSignal(e.Signal)
	}
	return OK
}

// OfSignal returns the exit code of a program that a signal has ended, as shells report it.
func OfSignal(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return Signal + int(n)
	}
	return Signal
}
