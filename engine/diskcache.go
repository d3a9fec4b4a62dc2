package engine

import (
	"context"

	"github.com/tetratelabs/wazero"
)

type diskCache struct{ stage wazero.CompilationCache }

func openDiskCache(dir string) (*diskCache, error) {
	c, err := wazero.NewCompilationCacheWithDir(dir)
	return &diskCache{c}, err
}

func (d *diskCache) close() error { return nil }

func (d *diskCache) compile(ctx context.Context, rt wazero.Runtime, m *Module, wasm []byte) (hit bool, err error) {
	m.compiled, err = rt.CompileModule(ctx, wasm)
	return false, err
}
