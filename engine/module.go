package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/corewasm"
)

// maxLinesCode bounds the code that gets a line table, in bytes: wazero reads
// it whole for the first backtrace, a row for each instruction that can trap.
const maxLinesCode = 8 << 20

// Module is a compiled module, ready for instances in any group of its
// runtime. It is freed with the runtime.
type Module struct {
	runtime   *Runtime
	source    Source
	info      *corewasm.Info
	rewritten *corewasm.Rewritten
	digest    string
	compiled  wazero.CompiledModule
	extraRefs int
	fromCache bool
	canReset  bool
	hidden    bool      // a companion: not shown in backtraces
	extra     []*Module // companions for memories 1 and up
	image     *image    // nil when the module has no memory of its own

	namesOnce sync.Once
	names     *corewasm.Names
	debug     debugInfo
}

// FromCache tells whether the code came from memory or from the disk cache,
// so that nothing was compiled.
func (m *Module) FromCache() bool { return m.fromCache }

// Info describes the original module.
func (m *Module) Info() *corewasm.Info { return m.info }

// Name gives the name section's module name, else the source's name.
func (m *Module) Name() string {
	if n := m.funcNames().Module; n != "" {
		return n
	}
	return m.source.Name
}

func (m *Module) funcNames() *corewasm.Names {
	m.namesOnce.Do(func() { m.names = m.info.Names() })
	return m.names
}

// Compile rewrites and compiles a module, or finds its code in the cache.
// Cancelling ctx stops a compilation that has begun.
func (r *Runtime) Compile(ctx context.Context, src Source) (*Module, error) {
	return r.compile(ctx, src, false)
}

func (r *Runtime) compile(ctx context.Context, src Source, hidden bool) (*Module, error) {
	info, err := corewasm.Scan(src.Wasm)
	if err != nil {
		return nil, fmt.Errorf("module %q: %w", src.Name, err)
	}
	names, err := src.importNames(info)
	if err != nil {
		return nil, err
	}
	rw, err := corewasm.RewriteScanned(info, corewasm.Options{
		Imports:      names,
		Safepoint:    &corewasm.ImportName{Module: hostModule, Name: safepointName},
		MoveData:     true,
		GlobalPrefix: globalPrefix,
		Lines:        info.HasDWARF && info.CodeSize() <= maxLinesCode,
	})
	if err != nil {
		return nil, fmt.Errorf("module %q: %w", src.Name, err)
	}
	m := &Module{runtime: r, source: src, info: info, rewritten: rw, hidden: hidden, debug: debugInfo{info: info}}
	m.digest = digest(rw.Wasm)
	for _, c := range rw.Companions {
		companion := Source{Name: src.Name, Wasm: c.Wasm}
		if c.Import >= 0 {
			companion.Imports = []Import{src.Imports[c.Import]}
		}
		extra, err := r.compile(ctx, companion, true)
		if err != nil {
			return nil, err
		}
		m.extra = append(m.extra, extra)
	}
	m.canReset = m.resettable()
	progress := src.Progress
	if progress == nil {
		progress = func(int, int) {}
	}
	progress(0, len(src.Wasm))
	if err := r.engine.compile(ctx, r.rt, m); err != nil {
		return nil, fmt.Errorf("module %q: %w", src.Name, err)
	}
	progress(len(src.Wasm), len(src.Wasm))
	rw.Wasm = nil
	if m.ownsMemory() {
		m.image, err = newImage(r.engine, rw.Data)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("module %q: %w", src.Name, err), m.free(ctx))
	}
	r.mu.Lock()
	r.modules[m.digest] = m
	r.all = append(r.all, m)
	r.mu.Unlock()
	return m, nil
}

// ownsMemory tells whether the module defines its memory 0.
func (m *Module) ownsMemory() bool {
	return m.info.ImportedMemories == 0 && len(m.info.Memories) > 0
}

// digest identifies code in backtraces and in the cache: 32 hex digits.
func digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return hex.EncodeToString(sum[:16])
}

// withName adds a name section that holds only the module name, which is how
// wazero's backtraces tell modules apart.
func withName(wasm []byte, name string) []byte {
	sub := append([]byte{byte(len(name))}, name...)
	content := append([]byte("\x04name"), 0, byte(len(sub)))
	content = append(content, sub...)
	wasm = append(wasm, 0, byte(len(content)))
	return append(wasm, content...)
}

// compile fills in m.compiled. Compilations run one after the other, each with
// all workers.
func (e *Engine) compile(ctx context.Context, rt wazero.Runtime, m *Module) error {
	ctx = experimental.WithCompilationWorkers(ctx, e.compileWorkers(ctx))
	wasm := withName(m.rewritten.Wasm, m.digest)
	e.compileMu.Lock()
	defer e.compileMu.Unlock()
	hot := e.live[m.digest] > 0
	var hit bool
	var err error
	if e.disk == nil || hot {
		hit = hot
		m.compiled, err = rt.CompileModule(ctx, wasm)
	} else {
		hit, err = e.disk.compile(ctx, rt, m, wasm)
	}
	if err != nil {
		return err
	}
	m.fromCache = hit
	e.live[m.digest]++
	return nil
}

// free gives up the compiled code and the idle memories.
func (m *Module) free(ctx context.Context) error {
	e := m.runtime.engine
	e.compileMu.Lock()
	var err error
	for range m.extraRefs + 1 {
		err = errors.Join(err, m.compiled.Close(ctx))
	}
	if e.live[m.digest]--; e.live[m.digest] == 0 {
		delete(e.live, m.digest)
	}
	e.compileMu.Unlock()
	if m.image != nil {
		err = errors.Join(err, m.image.free())
	}
	return err
}

// moduleConfig switches off what wazero would set up for each instance.
func moduleConfig() wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(noRandom{})
}

// noRandom stands in for a source of randomness that nothing reads: wazero
// seeds a generator for every instance that has none.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("no random source") }
