package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// maxCompiling bounds the code that is compiled at once, in bytes, unless one module has more of it
// alone: compiling takes 50 to 80 bytes of memory for each.
const maxCompiling = 8 << 20

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

// obtain sets the code of m and what rewriting finds out: those of a live module, those that the
// cache has, or else it rewrites and compiles the module.
func (r *Runtime) obtain(ctx context.Context, m *Module, opt corewasm.Options) error {
	e := r.engine
	if e.share(m, opt) {
		e.rememberShared(m, opt)
		return nil
	}
	key := e.disk.recordKey(&m.source, opt)
	if known := e.disk.module(key); known != nil {
		m.rewritten, m.digest = known.head.Kept.Restore(m.info, opt), known.head.Digest
		end, err := e.begin(ctx, m.digest)
		if err != nil {
			return err
		}
		found := e.adopt(m, known.stub, opt) || e.load(ctx, m, known.stub, opt)
		end()
		if found {
			return nil
		}
	}
	size := m.info.CodeSize()
	if !m.hidden { // a companion is compiled while its module has room
		if err := e.enter(ctx, size); err != nil {
			return err
		}
	}
	leave := func() {
		if !m.hidden {
			e.leave(size)
		}
	}
	stop := m.source.progress(size)
	defer stop()
	stub, err := r.rewrite(ctx, m, opt)
	if err != nil {
		leave()
		return err
	}
	if err := e.compile(ctx, r.rt, m, stub, opt, leave); err != nil {
		return &ModuleError{m.source.Name, err}
	}
	if kept, ok := m.rewritten.Keep(); ok && key != "" {
		e.disk.keepModule(key, record{recordHead{m.digest, kept}, stub})
	}
	return nil
}

// rewrite rewrites a module, and compiles its companions. It returns the module's stub.
func (r *Runtime) rewrite(ctx context.Context, m *Module, opt corewasm.Options) ([]byte, error) {
	var err error
	if IsAside(ctx) {
		opt.Workers = 1 // the others are for what runs beside
	}
	if m.rewritten, err = corewasm.RewriteScanned(m.info, opt); err != nil {
		return nil, &ModuleError{m.source.Name, err}
	}
	m.digest = digest(m.rewritten.Wasm)
	m.rewritten.Wasm = withName(m.rewritten.Wasm, m.digest)
	for _, c := range m.rewritten.Companions {
		companion := Source{Name: m.source.Name, Wasm: c.Wasm}
		if c.Import >= 0 {
			companion.Imports = []Import{m.source.Imports[c.Import]}
		}
		extra, err := r.compile(ctx, companion, true)
		if err != nil {
			return nil, err
		}
		m.extra = append(m.extra, extra)
	}
	if r.engine.disk == nil {
		return nil, nil
	}
	stub, err := corewasm.Stub(m.rewritten.Wasm)
	if err != nil {
		return nil, &ModuleError{m.source.Name, err}
	}
	return stub, nil
}

// enter waits until there is room for compiling a module with that many bytes of code beside those
// that are being compiled. leave must follow.
func (e *Engine) enter(ctx context.Context, size int) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e.mu.Lock()
		if e.jobs == 0 || e.compiling+size <= maxCompiling {
			e.jobs++
			e.compiling += size
			e.mu.Unlock()
			return nil
		}
		left := e.left
		e.mu.Unlock()
		select {
		case <-left:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (e *Engine) leave(size int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jobs--
	e.compiling -= size
	close(e.left)
	e.left = make(chan struct{})
}

// begin waits until nothing else makes or loads the code of that digest, and keeps others from it
// until end is called.
func (e *Engine) begin(ctx context.Context, digest string) (end func(), err error) {
	for {
		e.mu.Lock()
		busy := e.busy[digest]
		if busy == nil {
			mine := make(chan struct{})
			e.busy[digest] = mine
			e.mu.Unlock()
			return func() {
				e.mu.Lock()
				delete(e.busy, digest)
				e.mu.Unlock()
				close(mine)
			}, nil
		}
		e.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// load sets the code of m to that which the cache has for its stub, and reports whether it has any.
func (e *Engine) load(ctx context.Context, m *Module, stub []byte, opt corewasm.Options) bool {
	if e.disk == nil {
		return false
	}
	compiled := e.disk.load(ctx, m.runtime.rt, m.digest, stub)
	if compiled == nil {
		return false
	}
	e.take(m, compilation{compiled: compiled, hit: true}, stub, opt)
	return true
}

// compile compiles m, which was rewritten, with a worker per processor unless ctx says [Aside]. It
// calls leave when it has ended. wazero looks at ctx only between two functions, if at all, and one
// function can take minutes: if ctx ends first, the compilation is abandoned.
func (e *Engine) compile(
	ctx context.Context, rt wazero.Runtime, m *Module, stub []byte, opt corewasm.Options,
	leave func(),
) error {
	end, err := e.begin(ctx, m.digest)
	if err != nil {
		leave()
		return err
	}
	if e.adopt(m, stub, opt) || e.load(ctx, m, stub, opt) {
		end()
		leave()
		return nil
	}
	e.announce(m)
	help, beside := aside(ctx)
	workers := 1
	if !beside {
		workers = runtime.GOMAXPROCS(0)
	}
	if m.info.CodeSize() < helpedCode {
		help = nil
	}
	digest, wasm := m.digest, m.rewritten.Wasm
	var settled atomic.Bool // by the first end of the two
	done := make(chan compilation, 1)
	go func() {
		ctx := experimental.WithCompilationWorkers(ctx, workers)
		var c compilation
		if e.disk == nil {
			c.compiled, c.err = compileCarefully(ctx, rt, wasm)
		} else {
			c.compiled, c.extraRefs, c.err = e.disk.compile(ctx, rt, digest, wasm, stub, help)
		}
		if settled.CompareAndSwap(false, true) {
			done <- c
		} else {
			e.forsake(c, end)
		}
		leave()
	}()
	select {
	case c := <-done:
		return e.settle(m, c, stub, opt, end)
	case <-ctx.Done():
	}
	e.mu.Lock()
	abandoned := settled.CompareAndSwap(false, true)
	if abandoned {
		e.abandoned++
	}
	e.mu.Unlock()
	if !abandoned {
		return e.settle(m, <-done, stub, opt, end)
	}
	return context.Cause(ctx)
}

// manyBlocks is from how many blocks of one function on its compilation takes seconds.
const manyBlocks = 40_000

// announce says that compiling m will take long, if so.
func (e *Engine) announce(m *Module) {
	code := m.rewritten.Code
	if e.slow == nil || code.Blocks < manyBlocks {
		return
	}
	name := m.info.Names().Func(code.Largest)
	if name == "" {
		name = fmt.Sprint("number ", code.Largest)
	}
	e.slow(m.source.Name, name, code.Blocks)
}

// settle sets the code of m to what was compiled.
func (e *Engine) settle(
	m *Module, c compilation, stub []byte, opt corewasm.Options, end func(),
) error {
	defer end()
	if c.err != nil {
		return c.err
	}
	e.take(m, c, stub, opt)
	return nil
}

// take sets the code of m.
func (e *Engine) take(m *Module, c compilation, stub []byte, opt corewasm.Options) {
	m.fromCache = c.hit
	if e.profile != nil && m.info.HasDWARF {
		if m.lines = newLineMap(m.rewritten.Wasm); m.lines == nil {
			m.lines = newLineMap(stub)
		}
	}
	m.rewritten.Wasm = nil // the compiler has its own
	e.keep(m, c, stub, opt)
}

// forsake ends a compilation that was abandoned. Its errors are dropped: no caller waits for them.
func (e *Engine) forsake(c compilation, end func()) {
	_ = c.close()
	end()
	e.mu.Lock()
	e.abandoned--
	last := e.closed && e.abandoned == 0
	e.mu.Unlock()
	if last {
		_ = e.free()
	}
}
