package engine

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// compilation is the result of compiling a module.
type compilation struct {
	compiled  wazero.CompiledModule
	extraRefs int  // how many times more than once the code must be closed
	hit       bool // nothing had to be compiled
	err       error
}

func (c *compilation) close() error {
	if c.err != nil {
		return nil
	}
	var err error
	for range c.extraRefs + 1 {
		err = errors.Join(err, c.compiled.Close(noValues{}))
	}
	return err
}

// compile compiles m. Compilations run one after the other, each with a worker per processor unless
// ctx says [Aside]. wazero looks at ctx only between two functions, if at all, and one function can
// take minutes: if ctx ends first, the compilation is abandoned.
func (e *Engine) compile(
	ctx context.Context, rt wazero.Runtime, m *Module, opt corewasm.Options,
) error {
	select {
	case e.compiling <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	help, beside := aside(ctx)
	workers := 1
	if !beside {
		workers = runtime.GOMAXPROCS(0)
	}
	if m.info.CodeSize() < helpedCode {
		help = nil
	}
	digest, wasm := m.digest, withName(m.rewritten.Wasm, m.digest)
	var settled atomic.Bool // by the first end of the two
	done := make(chan compilation, 1)
	go func() {
		c := e.compileNow(experimental.WithCompilationWorkers(ctx, workers), rt, digest, wasm, help)
		<-e.compiling
		if settled.CompareAndSwap(false, true) {
			done <- c
		} else {
			e.forsake(c)
		}
	}()
	select {
	case c := <-done:
		return e.take(m, c, opt)
	case <-ctx.Done():
	}
	e.mu.Lock()
	abandoned := settled.CompareAndSwap(false, true)
	if abandoned {
		e.abandoned++
	}
	e.mu.Unlock()
	if !abandoned {
		return e.take(m, <-done, opt)
	}
	return context.Cause(ctx)
}

// take sets the code of m.
func (e *Engine) take(m *Module, c compilation, opt corewasm.Options) error {
	if c.err != nil {
		return c.err
	}
	m.fromCache = c.hit
	m.rewritten.Wasm = nil // the compiler has its own
	e.keep(m, c, opt)
	return nil
}

// forsake ends a compilation that was abandoned. Its errors are dropped: no caller waits for them.
func (e *Engine) forsake(c compilation) {
	_ = c.close()
	e.mu.Lock()
	e.abandoned--
	last := e.closed && e.abandoned == 0
	e.mu.Unlock()
	if last {
		_ = e.free()
	}
}

func (e *Engine) compileNow(
	ctx context.Context, rt wazero.Runtime, digest string, wasm []byte, help Helper,
) (c compilation) {
	e.mu.Lock()
	c.hit = slices.ContainsFunc(e.codes, func(c *code) bool { return c.digest == digest })
	e.mu.Unlock()
	if e.disk == nil || c.hit {
		c.compiled, c.err = compileCarefully(ctx, rt, wasm)
	} else {
		c.compiled, c.extraRefs, c.hit, c.err = e.disk.compile(ctx, rt, digest, wasm, help)
	}
	return c
}
