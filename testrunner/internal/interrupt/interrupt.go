// Package interrupt lets long computations end early, without a check for errors after each of
// their steps.
package interrupt

import (
	"context"
	"io"
)

// Work is a computation that ends with a context. It belongs to one goroutine. A nil Work never
// ends early.
type Work struct {
	ctx   context.Context
	steps int
}

// ended is the panic by which a computation ends. Do recovers it.
type ended struct{ cause error }

// Do runs a computation and returns nil, or the cause of the end of ctx if that ended it.
func Do(ctx context.Context, computation func(w *Work)) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case ended:
			err = r.cause
		default:
			panic(r)
		}
	}()
	computation(&Work{ctx: ctx})
	return nil
}

// stepsPerLook is how many steps there are between two looks at the context.
const stepsPerLook = 4096

// Step is called for each step of the computation. Steps take about the same time, a few
// microseconds at most. It does not return if the context has ended.
func (w *Work) Step() {
	if w == nil {
		return
	}
	if w.steps++; w.steps%stepsPerLook == 0 {
		w.Look()
	}
}

// Look is a step that takes longer than others.
func (w *Work) Look() {
	if w != nil && w.ctx.Err() != nil {
		panic(ended{context.Cause(w.ctx)})
	}
}

// Steps returns how many steps there have been.
func (w *Work) Steps() int { return w.steps }

// Reader returns a reader that fails once the context has ended. Callers must call Look before they
// interpret what they read.
func (w *Work) Reader(r io.Reader) io.Reader { return &reader{w, r} }

type reader struct {
	work *Work
	in   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if r.work != nil && r.work.ctx.Err() != nil {
		return 0, context.Cause(r.work.ctx)
	}
	return r.in.Read(p)
}
