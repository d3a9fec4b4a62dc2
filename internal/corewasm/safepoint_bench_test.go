package corewasm_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// BenchmarkSafepoint shows what safepoints cost in tight loops and calls.
func BenchmarkSafepoint(b *testing.B) {
	load := ct.Code(ct.LocalGet, 0, ct.Const(0xffff), 0x71, ct.I32Load8U, 0, 0, ct.LocalGet, 1, ct.I32Add, ct.LocalSet, 1)
	store := ct.Code(ct.LocalGet, 0, ct.Const(0xffff), 0x71, ct.LocalGet, 1, ct.I32Store8, 0, 0, load)
	countdown := func(body []byte) []byte {
		return ct.Code(ct.Loop, ct.Void, body,
			ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.LocalTee, 0, ct.BrIf, 0, ct.End, ct.LocalGet, 1)
	}
	sig := ct.Sig([]byte{ct.I32}, []byte{ct.I32})
	module := ct.Module{
		Memory: &ct.Memory{Min: 1},
		Funcs: []ct.Func{
			{Type: sig, Export: "loop", Locals: []byte{ct.I32}, Code: countdown(nil)},
			{Type: sig, Export: "load", Locals: []byte{ct.I32}, Code: countdown(load)},
			{Type: sig, Export: "store", Locals: []byte{ct.I32}, Code: countdown(store)},
			{Type: sig, Export: "fib", Code: ct.Code(
				ct.LocalGet, 0, ct.Const(2), ct.I32LtU,
				ct.If, ct.I32, ct.LocalGet, 0, ct.Else,
				ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.Call, 3,
				ct.LocalGet, 0, ct.Const(2), ct.I32Sub, ct.Call, 3,
				ct.I32Add, ct.End)},
		},
	}.Bytes()
	ctx := b.Context()
	for _, with := range []bool{false, true} {
		opt := corewasm.Options{}
		if with {
			opt.Safepoint = &corewasm.ImportName{Module: "host", Name: "safepoint"}
		}
		rw, err := corewasm.Rewrite(module, opt)
		if err != nil {
			b.Fatal(err)
		}
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features))
		_, err = r.NewHostModuleBuilder("host").NewFunctionBuilder().
			WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), nil, nil).Export("safepoint").Instantiate(ctx)
		if err != nil {
			b.Fatal(err)
		}
		m, err := r.Instantiate(ctx, rw.Wasm)
		if err != nil {
			b.Fatal(err)
		}
		for name, arg := range map[string]uint64{"loop": 1e7, "load": 1e7, "store": 1e7, "fib": 30} {
			f := m.ExportedFunction(name)
			b.Run(fmt.Sprintf("%s/safepoints=%t", name, with), func(b *testing.B) {
				stack := []uint64{0}
				for b.Loop() {
					stack[0] = arg
					if err := f.CallWithStack(ctx, stack); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := r.Close(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
