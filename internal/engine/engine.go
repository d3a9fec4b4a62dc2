// Package engine runs core WebAssembly modules on wazero. No other package imports wazero.
//
// An [Engine] owns the compiled code and its cache. A [Runtime] belongs to one
// linked component: its host functions and its modules. A [Group] is the set
// of core instances of one component instance tree; its members import from
// each other by slot, live and die together, and have one owner at a time.
//
// Compiled code cannot be preempted, so each module is rewritten by package
// corewasm before it is compiled: it calls back now and then, which is where
// the Go scheduler and [Group.Interrupt] get their turn.
package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// ValueType is the type of a core value that host functions take or return.
type ValueType = api.ValueType

// The value types of host functions.
const (
	I32 = api.ValueTypeI32
	I64 = api.ValueTypeI64
	F32 = api.ValueTypeF32
	F64 = api.ValueTypeF64
)

// Config configures an [Engine].
type Config struct {
	// CacheDir is where compiled code is kept between runs; "" keeps none.
	CacheDir string
	// Helped says that a [Helper] will be used. It leaves code in a folder, which is a temporary
	// one without CacheDir.
	Helped bool
	// Slow, unless nil, is called before a function is compiled that takes seconds, with the names
	// of the module and the function, and how many blocks it has. Calls may overlap.
	Slow func(module, function string, blocks int)
	// Profile, unless nil, collects samples of what guests do.
	Profile *Profile
	// Coverage, unless nil, collects what of the guests' code runs.
	Coverage *Coverage
	// Instructions has groups count the instructions of their modules, see [Group.Instructions].
	Instructions bool
	// Heap keeps memories on Go's heap, where they move when they grow, as systems without mappings
	// of images do: for tests of what uses memories.
	Heap bool
}

// Engine owns compiled code. It is safe for concurrent use.
type Engine struct {
	mem     wazero.CompilationCache
	disk    *diskCache
	warning error
	slow    func(module, function string, blocks int) // nil: nobody listens
	profile *Profile                                  // nil: nobody asks
	covers  *Coverage                                 // likewise
	counts  bool                                      // Config.Instructions

	rt wazero.Runtime
	// heap is that of Config.
	heap bool

	mu        sync.Mutex
	codes     []*code // compiled and in use
	abandoned int     // compilations without a caller that waits
	closed    bool
	jobs      int                      // modules that are being compiled
	compiling int                      // bytes of code in them
	left      chan struct{}            // closed by the next of them to end
	busy      map[string]chan struct{} // by digests of code being made or loaded; closed at the end

	groups, idleGroups     atomic.Int64
	runtimes               atomic.Int64
	mappings, idleMappings atomic.Int64
	mapped                 atomic.Int64

	layout  atomic.Pointer[stackLayout]
	dropped atomic.Uint64 // bytes of stacks since they were last collected
	pages   pagemap
}

// Stats are counts of what is in use, for finding leaks.
type Stats struct {
	// Groups counts groups of instances. IdleGroups of them were reset and have not
	// been restarted since.
	Groups, IdleGroups int64
	Runtimes           int64
	// Mappings counts memory mappings, of which IdleMappings belong to no group;
	// MappedBytes is the address space that they reserve.
	Mappings, IdleMappings, MappedBytes int64
	// Abandoned counts compilations that go on although no caller waits for them.
	Abandoned int
}

// New returns an engine. A cache folder that cannot be used is no error: the engine works without
// it, and [Engine.Warning] returns the reason.
func New(cfg Config) (*Engine, error) {
	e := &Engine{
		left: make(chan struct{}), busy: map[string]chan struct{}{}, heap: cfg.Heap,
		slow: cfg.Slow, profile: cfg.Profile, covers: cfg.Coverage, counts: cfg.Instructions,
	}
	var err error
	switch {
	case cfg.CacheDir != "":
		if e.disk, err = openDiskCache(cfg.CacheDir); err != nil {
			e.warning = fmt.Errorf("compile cache not used: %w", err)
		}
	case cfg.Helped:
		// Without the folder there is no helper, which only costs time.
		e.disk, _ = openStage(os.TempDir(), "wasihttp-")
	}
	if e.disk != nil {
		e.mem = e.disk.stage
	}
	if e.mem == nil {
		e.mem = wazero.NewCompilationCache()
	}
	e.rt = newRuntime(e.mem)
	return e, nil
}

// Warning returns why the cache folder could not be used, or nil.
func (e *Engine) Warning() error { return e.warning }

// Keeps reports whether the engine keeps compiled code between runs.
func (e *Engine) Keeps() bool { return e.disk != nil && e.disk.entries != "" }

// Stats returns current counts.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	abandoned := e.abandoned
	e.mu.Unlock()
	return Stats{
		Groups: e.groups.Load(), IdleGroups: e.idleGroups.Load(),
		Runtimes: e.runtimes.Load(),
		Mappings: e.mappings.Load(), IdleMappings: e.idleMappings.Load(),
		MappedBytes: e.mapped.Load(),
		Abandoned:   abandoned,
	}
}

// Close frees all compiled code. The runtimes must have been closed before. If an abandoned
// compilation still runs, the code is freed at its end.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	abandoned := e.abandoned
	e.mu.Unlock()
	if abandoned == 0 {
		return e.free()
	}
	if e.disk != nil {
		return e.disk.close() // the process may not live until then
	}
	return nil
}

func (e *Engine) free() error {
	e.pages.close()
	err := errors.Join(e.rt.Close(noValues{}), e.mem.Close(noValues{}))
	if e.disk != nil {
		err = errors.Join(err, e.disk.close())
	}
	return err
}

// HostFunc is a function that modules can import.
type HostFunc struct {
	Name            string
	Label           string // what profiles call it; "" for Name
	Onward          bool   // it calls a guest, whose time is the guest's
	Brief           bool   // it returns at once: profiles count it as a part of its caller
	Quick           bool   // it never waits: profiles measure some calls only
	Params, Results []ValueType
	// Fn finds the parameters on the stack and leaves the results there, 32-bit
	// ones zero-extended. A panic in it traps the guest; the value of a
	// panic(error) becomes [Trap.Cause].
	Fn func(ctx *Context, stack []uint64)
}

// HostModule is the name of the module of host functions in the frames of a backtrace.
const HostModule = "host"

const (
	safepointName = "safepoint"
	// globalPrefix names the globals that rewriting exports. No toolchain makes
	// an export whose name starts with a zero byte.
	globalPrefix   = "\x00g"
	startExport    = "\x00start"   // likewise
	coverageExport = "\x00covered" // likewise
	countExport    = "\x00count"   // likewise, of the global that counts instructions
)

// Runtime holds the host functions and compiled modules of one linked
// component. Compile and NewGroup are safe for concurrent use.
type Runtime struct {
	engine *Engine
	rt     wazero.Runtime
	host   api.Module
	config wazero.ModuleConfig
	hostC  wazero.CompiledModule

	mu      sync.Mutex
	modules map[string]*Module // by digest, for backtraces
	all     []*Module
	closed  bool
	// places are the numbers of addresses in the code, for a profile, whose lock guards them.
	places map[uintptr]uint32
}

// NewRuntime returns a runtime whose modules can import the host functions, whose names must
// differ.
func (e *Engine) NewRuntime(ctx context.Context, host []HostFunc) (*Runtime, error) {
	r := &Runtime{engine: e, rt: e.rt, config: moduleConfig(), modules: map[string]*Module{}}
	b := r.rt.NewHostModuleBuilder(HostModule)
	names := map[string]bool{safepointName: true}
	for _, f := range host {
		if names[f.Name] {
			return nil, fmt.Errorf("engine: two host functions named %q", f.Name)
		}
		names[f.Name] = true
		b.NewFunctionBuilder().
			WithGoFunction(e.profile.seen(&f, hostCall(f.Fn)), f.Params, f.Results).
			Export(f.Name)
	}
	b.NewFunctionBuilder().
		WithGoFunction(api.GoFunc(safepoint), nil, []api.ValueType{api.ValueTypeI32}).
		Export(safepointName)
	var err error
	if r.hostC, err = b.Compile(ctx); err == nil {
		r.host, err = r.rt.InstantiateModule(ctx, r.hostC, wazero.NewModuleConfig().WithName(""))
	}
	if err != nil {
		err = fmt.Errorf("engine: host module: %w", err)
		if r.hostC != nil {
			err = errors.Join(err, r.hostC.Close(ctx))
		}
		return nil, err
	}
	e.runtimes.Add(1)
	return r, nil
}

// Close frees modules and idle memory. Its groups must have been closed.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	all := r.all
	r.all = nil
	r.mu.Unlock()

	err := r.host.Close(ctx)
	for _, m := range all {
		err = errors.Join(err, m.free(ctx))
	}
	err = errors.Join(err, r.hostC.Close(ctx))
	r.engine.runtimes.Add(-1)
	return err
}

// HostSlot is the slot of an [Import] that a host function provides.
const HostSlot = -1

// Import says what provides an import: the export Name of the instance in a slot of the group, or
// the host function Name.
type Import struct {
	Slot int
	Name string
}

// Source is a module to compile. Wasm must not be changed while the module is
// in use.
type Source struct {
	// Name is used in backtraces if the module's own name section has none.
	Name string
	Wasm []byte
	// Info is what corewasm.Scan returns for Wasm, unless it is nil.
	Info *corewasm.Info
	// Digest, unless nil, returns what identifies Wasm, for which it hashes less than all of it. It
	// is called only if there is a cache folder.
	Digest func() []byte
	// Imports has one entry for each import of the module, in order.
	Imports []Import
	// Known are the globals that have one value whenever code reads them, see [corewasm.Options].
	// All modules of a group that share a global must know it, or none.
	Known []corewasm.Known
	// Progress, unless nil, is called with the bytes of the module compiled so far: 0 before, and
	// all after.
	Progress func(done, total int)
}

const memorySeparator = "/"

func slotName(slot int) string {
	if slot == HostSlot {
		return HostModule
	}
	return fmt.Sprint("slot", slot)
}

func (s *Source) importNames(info *corewasm.Info) ([]corewasm.ImportName, error) {
	if len(s.Imports) != len(info.Imports) {
		return nil, &ModuleError{s.Name,
			fmt.Errorf("%d imports provided for %d", len(s.Imports), len(info.Imports))}
	}
	names := make([]corewasm.ImportName, len(s.Imports))
	for i, im := range s.Imports {
		if im.Slot < HostSlot {
			return nil, &ModuleError{s.Name, fmt.Errorf("import %d: no slot %d", i, im.Slot)}
		}
		names[i] = corewasm.ImportName{Module: slotName(im.Slot), Name: im.Name}
		if info.Imports[i].Kind == corewasm.KindMemory {
			// The instance of a module with several memories has them in companions; only the
			// export says in which one.
			names[i].Module += memorySeparator + im.Name
		}
	}
	return names, nil
}
