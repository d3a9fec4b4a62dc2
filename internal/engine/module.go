package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// maxLinesCode bounds the code that gets a line table, in bytes: wazero reads
// it whole for the first backtrace, a row for each instruction that can trap.
const maxLinesCode = 8 << 20

// maxTable bounds how far a guest can grow a table, in elements of 8 bytes:
// tables do not count as memory, and an allocation that fails ends the process.
const maxTable = 1 << 20

// Module is a compiled module, ready for instances in any group of its
// runtime. It is freed with the runtime.
type Module struct {
	runtime   *Runtime
	source    Source
	info      *corewasm.Info
	rewritten *corewasm.Rewritten
	digest    string
	code      *code
	fromCache bool
	canReset  bool
	hidden    bool      // a companion: not shown in backtraces
	extra     []*Module // companions for memories 1 and up
	image     *image    // nil if the module has no memory of its own

	namesOnce sync.Once
	names     *corewasm.Names
	debug     debugInfo
	lines     *lineMap // for profiles; nil if there are none
	covered   *covered // nil if nobody asks what runs
}

// FromCache reports whether the code came from memory or from the disk cache, so that nothing was
// compiled.
func (m *Module) FromCache() bool { return m.fromCache }

// Info returns the description of the original module.
func (m *Module) Info() *corewasm.Info { return m.info }

// Name returns the module name of the name section, or else the source's name.
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

// Compile rewrites and compiles a module, or takes its code from the cache. The end of ctx stops a
// compilation that has begun.
func (r *Runtime) Compile(ctx context.Context, src Source) (*Module, error) {
	return r.compile(ctx, src, false)
}

func (r *Runtime) compile(ctx context.Context, src Source, hidden bool) (*Module, error) {
	info, err := src.Info, error(nil)
	if info == nil {
		if info, err = corewasm.Scan(src.Wasm); err != nil {
			return nil, &ModuleError{src.Name, err}
		}
	}
	names, err := src.importNames(info)
	if err != nil {
		return nil, err
	}
	opt := rewriteOptions(info, names, src.Known)
	if r.engine.covers != nil && !hidden {
		opt.Coverage = coverageExport
	}
	if r.engine.counts && !hidden { // what companions do is no code of the guest's
		opt.Instructions = countExport
	}
	m := &Module{runtime: r, source: src, info: info, hidden: hidden, debug: debugInfo{info: info}}
	if src.Progress != nil {
		src.Progress(0, len(src.Wasm))
	}
	if err := r.obtain(ctx, m, opt); err != nil {
		return nil, err
	}
	m.canReset = m.resettable()
	if opt.Coverage != "" {
		m.covered = r.engine.covers.of(m)
	}
	if src.Progress != nil {
		src.Progress(len(src.Wasm), len(src.Wasm))
	}
	rw := m.rewritten
	if m.ownsMemory() {
		m.image, err = newImage(r.engine, rw.Data)
	}
	if err != nil {
		return nil, errors.Join(&ModuleError{src.Name, err}, m.free(ctx))
	}
	r.mu.Lock()
	r.modules[m.digest] = m
	r.all = append(r.all, m)
	r.mu.Unlock()
	return m, nil
}

// rewriteOptions returns how a module is rewritten whose imports get those names, and some of whose
// globals have known values.
func rewriteOptions(
	info *corewasm.Info, names []corewasm.ImportName, known []corewasm.Known,
) corewasm.Options {
	return corewasm.Options{
		Imports:      names,
		Safepoint:    &corewasm.ImportName{Module: HostModule, Name: safepointName},
		MoveData:     true,
		GlobalPrefix: globalPrefix,
		StartExport:  startExport,
		MaxTable:     maxTable,
		Known:        known,
		Lines:        info.HasDWARF && info.CodeSize() <= maxLinesCode,
	}
}

// ownsMemory reports whether the module defines its memory 0.
func (m *Module) ownsMemory() bool {
	return m.info.ImportedMemories == 0 && len(m.info.Memories) > 0
}

// digest identifies code in backtraces and in the cache: 32 hex digits.
func digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return hex.EncodeToString(sum[:16])
}

// withName adds a name section that holds only the module name, which is how wazero's backtraces
// identify modules.
func withName(wasm []byte, name string) []byte {
	sub := append([]byte{byte(len(name))}, name...)
	content := append([]byte("\x04name"), 0, byte(len(sub)))
	content = append(content, sub...)
	wasm = append(wasm, 0, byte(len(content)))
	return append(wasm, content...)
}

// free frees the compiled code and the idle memories.
func (m *Module) free(ctx context.Context) error {
	err := m.runtime.engine.release(ctx, m.code)
	if m.image != nil {
		err = errors.Join(err, m.image.free())
	}
	return err
}

// moduleConfig switches off what wazero would set up for each instance.
func moduleConfig() wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(noRandom{})
}

// noRandom is a source of random numbers that nothing reads: wazero seeds a generator for every
// instance without one.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("no random source") }
