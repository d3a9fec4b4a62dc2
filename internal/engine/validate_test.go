package engine_test

import (
	"context"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

func TestValidateAgreesWithCompiling(t *testing.T) {
	for name, tt := range map[string]struct {
		module coretest.Module
		good   bool
	}{
		"empty":      {coretest.Module{}, true},
		"a function": {coretest.Module{Funcs: []coretest.Func{{Type: sigVoid, Export: "trap", Code: coretest.Code(coretest.Unreachable)}}}, true},
		"a memory":   {coretest.Module{Memory: &coretest.Memory{Min: 1, Export: "m"}}, true},
		"an import without a module's name": {coretest.Module{
			Imports: []coretest.Import{{Name: "1", Func: &sigVoid}},
		}, true},
		"a function of another type": {coretest.Module{Funcs: []coretest.Func{{Type: sigI, Export: "f",
			Code: coretest.Code(coretest.LocalGet, 0)}}}, false},
		"garbage collection": {coretest.Module{Funcs: []coretest.Func{{Type: sigVoid, Export: "f", Code: coretest.Code(0xfb, 1, 0)}}}, false},
	} {
		wasm := tt.module.Bytes()
		if err := engine.Validate(t.Context(), wasm); (err == nil) != tt.good {
			t.Errorf("%s: %v", name, err)
		}
		eng, err := engine.New(engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		rt, err := eng.NewRuntime(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		imports := make([]engine.Import, len(tt.module.Imports))
		if _, err := rt.Compile(t.Context(), engine.Source{Wasm: wasm, Imports: imports}); (err == nil) != tt.good {
			t.Errorf("%s: compiling: %v", name, err)
		}
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	}
}
