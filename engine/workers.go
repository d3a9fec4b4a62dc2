package engine

import "context"

type workersKey struct{}

// WithCompileWorkers returns a context whose compilations use n workers instead
// of the number in [Config]: with fewer than there are processors, what runs
// beside a compilation keeps its pace.
func WithCompileWorkers(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, workersKey{}, n)
}

// compileWorkers returns the number for a compilation with ctx.
func (e *Engine) compileWorkers(ctx context.Context) int {
	if n, ok := ctx.Value(workersKey{}).(int); ok {
		return n
	}
	return e.workers
}
