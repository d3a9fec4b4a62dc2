package engine

import (
	"context"
	"errors"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Helper compiles wasm in another process, which has a [Compiler] for dir.
type Helper func(ctx context.Context, dir string, wasm []byte) error

// helpedCode is how much code a module must have to be worth a process, in
// bytes: as much as is compiled in about a quarter of a second.
const helpedCode = 256 << 10

type asideKey struct{}

// Aside returns a context whose compilations leave the processors to what runs beside them: large
// modules go to the helper, unless it is nil, and all others are compiled by one worker.
func Aside(ctx context.Context, help Helper) context.Context {
	return context.WithValue(ctx, asideKey{}, help)
}

// aside returns what a context says about compilations.
func aside(ctx context.Context) (help Helper, ok bool) {
	help, ok = ctx.Value(asideKey{}).(Helper)
	return help, ok
}

// IsAside reports whether a context comes from [Aside].
func IsAside(ctx context.Context) bool {
	_, ok := aside(ctx)
	return ok
}

// newRuntime returns the runtime for all components: code can only be shared within one runtime.
func newRuntime(cache wazero.CompilationCache) wazero.Runtime {
	return wazero.NewRuntimeWithConfig(noValues{}, wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesTailCall|
			experimental.CoreFeaturesExtendedConst|experimental.CoreFeaturesExceptionHandling|
			experimental.CoreFeaturesTypedFunctionReferences).
		WithCompilationCache(cache))
}

// Compiler is the part of a [Helper] in the other process.
type Compiler struct{ cache wazero.CompilationCache }

// NewCompiler returns a compiler that leaves code in dir. It does not make the folder again if that
// is removed later.
func NewCompiler(dir string) (*Compiler, error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	return &Compiler{cache}, err
}

// Compile compiles wasm, with all processors that Go may use. It is called once. If the context
// ends first, the error is its cause.
func (c *Compiler) Compile(ctx context.Context, wasm []byte) error {
	rt := newRuntime(c.cache)
	_, err := rt.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)),
		wasm)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return errors.Join(err, rt.Close(noValues{}), c.cache.Close(noValues{}))
}
