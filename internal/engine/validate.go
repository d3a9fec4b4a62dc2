package engine

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Validate returns an error if an engine would not compile a module. It takes much less time than
// compiling.
func Validate(ctx context.Context, wasm []byte) error {
	info, err := corewasm.Scan(wasm)
	if err != nil {
		return err
	}
	// The providers do not matter, but the names in the modules do.
	src := Source{Imports: make([]Import, len(info.Imports))}
	names, err := src.importNames(info)
	if err != nil {
		return err
	}
	rewritten, err := corewasm.RewriteScanned(info, corewasm.Options{
		Imports: names, Safepoint: &corewasm.ImportName{Module: HostModule, Name: safepointName},
		MoveData:     true,
		GlobalPrefix: globalPrefix, StartExport: startExport,
	})
	if err != nil {
		return err
	}
	cache := wazero.NewCompilationCache()
	rt := newRuntime(cache)
	// With a context that has ended, the compiler stops right after the module was
	// decoded and validated. Only with several workers does it look.
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = rt.CompileModule(experimental.WithCompilationWorkers(ended, 2), rewritten.Wasm)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	err = errors.Join(err, rt.Close(noValues{}), cache.Close(noValues{}))
	for _, c := range rewritten.Companions {
		err = errors.Join(err, Validate(ctx, c.Wasm))
	}
	return err
}
