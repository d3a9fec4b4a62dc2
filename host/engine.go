package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// Engine holds the compiled code of one Host after the other, so that what they have in common is
// compiled once. It starts when it is first needed, and is safe for concurrent use.
type Engine struct {
	options EngineOptions

	mu  sync.Mutex
	eng *engine.Engine
}

// EngineOptions configure an Engine. The zero value keeps code in memory only.
type EngineOptions struct {
	// CacheDir is the folder that keeps compiled code between runs; "" keeps none. A folder that
	// cannot be used is no error: the Engine works without it.
	CacheDir string
	// Warn, unless nil, is called with the reason if CacheDir cannot be used.
	Warn func(error)
	// Notice, unless nil, is called with a line about what takes long to compile. Calls may
	// overlap.
	Notice func(line string)
	// Profile, unless nil, collects samples of what guests do, for which they take somewhat longer.
	Profile *Profile
	// Coverage, unless nil, collects what of the guests' code runs, which makes it slower.
	Coverage *Coverage
	// Instructions has guests count the instructions that they run, see Call.Instructions. Their
	// code is another one then, and slower.
	Instructions bool
	// Helper, unless nil, compiles a large module in another process, where CompileFor leaves the
	// code in dir. It is used for Hosts whose Config says Background.
	Helper func(ctx context.Context, dir string, wasm []byte) error
}

// NewEngine returns an Engine, which must be closed after the Hosts that use it.
func NewEngine(options EngineOptions) *Engine { return &Engine{options: options} }

func (e *Engine) open() (*engine.Engine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.eng != nil {
		return e.eng, nil
	}
	config := engine.Config{
		CacheDir: e.options.CacheDir, Helped: e.options.Helper != nil,
		Instructions: e.options.Instructions,
	}
	if e.options.Profile != nil {
		config.Profile = e.options.Profile.inner
	}
	if e.options.Coverage != nil {
		config.Coverage = e.options.Coverage.inner
	}
	if notice := e.options.Notice; notice != nil {
		config.Slow = func(module, function string, blocks int) {
			notice(fmt.Sprintf("module %q: function %s has %d blocks of code; compiling it takes "+
				"time with the square of that (split it, or have the compiler inline less)",
				module, function, blocks))
		}
	}
	eng, err := engine.New(config)
	if err != nil {
		return nil, err
	}
	if w := eng.Warning(); w != nil && e.options.Warn != nil {
		e.options.Warn(w)
	}
	e.eng = eng
	return eng, nil
}

// LinkOptions configures Engine.Link.
type LinkOptions struct {
	// Background makes Link leave a processor to what runs beside it.
	Background bool
	// Progress, unless nil, is called with the bytes of core code that have been compiled, and with
	// the bytes in all. Calls do not overlap.
	Progress func(done, total int)
}

// Link resolves the imports of a component in l and compiles its core modules; the caller closes
// what Link returns before the Engine. It is for programs that run components without a Host. The
// error is a *CompileError unless the Engine cannot start.
func (e *Engine) Link(
	ctx context.Context,
	c *component.Component,
	l *component.Linker,
	o LinkOptions,
) (*component.Linked, error) {
	eng, err := e.open()
	if err != nil {
		return nil, err
	}
	if o.Background {
		ctx = engine.Aside(ctx, e.options.Helper)
	}
	linked, err := c.Link(ctx, eng, l, component.LinkOptions{Progress: o.Progress})
	if err != nil {
		return nil, &CompileError{err}
	}
	return linked, nil
}

// CompileError reports that a valid component cannot be linked or compiled here.
type CompileError struct{ Err error }

// Error returns the cause.
func (e *CompileError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CompileError) Unwrap() error { return e.Err }

// EngineStats are counts of what an Engine has in use.
type EngineStats struct {
	// Instances counts groups of core instances, of which IdleInstances wait for another request;
	// Runtimes counts what they run in.
	Instances, IdleInstances, Runtimes int64
	// Mappings counts memory mappings, of which IdleMappings belong to no instance; MappedBytes is
	// the address space that they reserve.
	Mappings, IdleMappings, MappedBytes int64
}

// Stats returns what is in use now.
func (e *Engine) Stats() EngineStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.eng == nil {
		return EngineStats{}
	}
	s := e.eng.Stats()
	return EngineStats{
		Instances:     s.Groups,
		IdleInstances: s.IdleGroups,
		Runtimes:      s.Runtimes,
		Mappings:      s.Mappings,
		IdleMappings:  s.IdleMappings,
		MappedBytes:   s.MappedBytes,
	}
}

// Close frees the compiled code.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.eng == nil {
		return nil
	}
	err := e.eng.Close()
	e.eng = nil
	return err
}
