// Package wasi holds the behaviour behind the WASI interfaces in plain Go: streams, clocks, random,
// stdio, HTTP fields, bodies and the HTTP client. It knows neither the component model nor a
// version of WASI: the dialects p2 and p3 convert.
package wasi

import (
	"context"
	"io"
)

// Waiter is woken by any of the sources that it is subscribed to. It belongs to one goroutine; only
// its wake-up is shared.
type Waiter struct {
	c    chan struct{}
	call func() // instead of c
}

// NewWaiter returns a Waiter that is not woken yet.
func NewWaiter() *Waiter { return &Waiter{c: make(chan struct{}, 1)} }

// NewCaller returns a Waiter that calls f, on any goroutine, each time that it is woken; Wait is
// not for it. f must neither block nor call the source.
func NewCaller(f func()) *Waiter { return &Waiter{call: f} }

// Wake wakes the waiter, now or at its next wait. It never blocks and may be called from any
// goroutine.
func (w *Waiter) Wake() {
	if w.call != nil {
		w.call()
		return
	}
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// woken reports whether Wait would return at once.
func (w *Waiter) woken() bool { return len(w.c) > 0 }

// Wait waits until Wake was called since the last wait, or the context ends, whose cause it then
// returns.
func (w *Waiter) Wait(ctx context.Context) error {
	select {
	case <-w.c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Source is something that a guest can wait for.
type Source interface {
	// Ready reports whether the awaited state is there now. An error or the end counts as ready.
	Ready() bool
	// Subscribe wakes w whenever Ready may have become true after the call, until the returned
	// function is called.
	Subscribe(w *Waiter) (unsubscribe func())
}

// InputStream is the behaviour of a byte source. All methods are called by the goroutine of the
// guest that owns the stream.
type InputStream interface {
	Source
	// Read returns up to n bytes that are there now, without blocking; none means nothing yet.
	// io.EOF is the end, forever; any other error is reported once and then becomes io.EOF. The
	// bytes are the caller's until the guest reads again, from this or another stream.
	Read(n int) ([]byte, error)
	io.Closer
}

// OutputStream is the behaviour of a byte sink. All methods are called by the goroutine of the
// guest that owns the stream.
type OutputStream interface {
	Source // ready: CheckWrite permits more than nothing, or fails
	// CheckWrite returns how many bytes the next Write may have; 0 while the sink is busy or
	// flushing. ErrClosed: the sink takes nothing more.
	CheckWrite() (int, error)
	// Write accepts all of p, which it must not keep, or fails. The caller keeps to the permit.
	Write(p []byte) error
	// Flush asks for accepted bytes to be passed on; CheckWrite permits nothing until that is done.
	Flush() error
	io.Closer
}

// Asker is a Blocker whose Ready and Read have another goroutine get bytes if there are none. Block
// may do without.
type Asker interface {
	Blocker
	// Here reports what Ready does, and leaves it at that.
	Here() bool
}

// isHere reports whether s is ready, and does not make it so.
func isHere(s Source) bool {
	if a, ok := s.(Asker); ok {
		return a.Here()
	}
	return s.Ready()
}

// Await waits until s is ready or the context ends, whose cause it then returns.
func Await(ctx context.Context, s Source) error {
	if isHere(s) {
		return nil
	}
	if b, ok := s.(Blocker); ok {
		for !isHere(s) {
			if err := b.Block(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	w := NewWaiter()
	defer s.Subscribe(w)()
	for !s.Ready() {
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Blocker is a Source that the goroutine of a guest can wait for by itself, without a Waiter.
type Blocker interface {
	// Block returns when Ready may have become true, or when the context has ended, with its cause.
	Block(ctx context.Context) error
}

// Unlimited is an OutputStream that accepts a Write of any size, whatever CheckWrite says.
type Unlimited interface{ Unlimited() }

// Flusher is an OutputStream whose flush may be complete while CheckWrite permits nothing for
// another reason.
type Flusher interface {
	// Flushed reports whether no flush is under way.
	Flushed() bool
}

// Prompt is a stream whose bytes come, or are taken, without anything that the guest or its peers
// would have to do first, as those of a file are. A guest that asks for them without waiting may be
// made to wait for that little while.
type Prompt interface{ Prompt() }
