package corewasm_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// BenchmarkSafepoint shows what safepoints, and coverage too, cost in tight loops and calls.
func BenchmarkSafepoint(b *testing.B) {
	load := ct.Code(ct.LocalGet, 0, ct.Const(0xffff), ct.I32And, ct.I32Load8U, 0, 0, ct.LocalGet, 1,
		ct.I32Add, ct.LocalSet, 1)
	store := ct.Code(ct.LocalGet, 0, ct.Const(0xffff), ct.I32And, ct.LocalGet, 1, ct.I32Store8, 0,
		0, load)
	countdown := func(body []byte) []byte {
		return ct.Code(ct.Loop, ct.Void, body,
			ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.LocalTee, 0,
			ct.BrIf, 0, ct.End, ct.LocalGet, 1)
	}
	copies := ct.Code(ct.Const(64), ct.Const(128), ct.Const(24), ct.Misc, 10, 0, 0)
	get, set := func(l int) []byte {
		return ct.Code(ct.LocalGet,
			l)
	}, func(l int) []byte { return ct.Code(ct.LocalSet, l) }
	// Four passes of an inner loop in each of the outer one, as over short strings.
	short := ct.Code(ct.Const(4), set(2), ct.Loop, ct.Void, get(1), get(2), ct.I32Load8U, 0, 0,
		ct.I32Add, set(1), get(2), ct.Const(1), ct.I32Sub, ct.LocalTee, 2, ct.BrIf, 0, ct.End)
	// A row of a matrix by a number, added to another.
	row := ct.Code(ct.Const(0), set(2), ct.Loop, ct.Void, get(2), get(2), ct.F64Load, 3,
		ct.U32(8192),
		get(2), ct.F64Load, 3, ct.U32(16384), get(3), ct.F64Mul, ct.F64Add, ct.F64Store, 3,
		ct.U32(8192), get(2), ct.Const(8), ct.I32Add, ct.LocalTee, 2, ct.Const(2048), ct.I32LtU,
		ct.BrIf, 0, ct.End)
	// FNV and a store for each byte.
	hash := ct.Code(get(0), ct.Const(0xffff), ct.I32And, get(1), get(0), ct.Const(0xffff),
		ct.I32And,
		ct.I32Load8U, 0, 0, ct.I32Xor, ct.Const(16777619), ct.I32Mul,
		ct.LocalTee, 1, ct.I32Store8, 0,
		0)
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
			{Type: sig, Export: "copy", Locals: []byte{ct.I32}, Code: countdown(copies)},
			{Type: sig, Export: "short", Locals: []byte{ct.I32, ct.I32}, Code: countdown(short)},
			{Type: sig, Export: "row", Locals: []byte{ct.I32, ct.I32, ct.F64},
				Code: countdown(row)},
			{Type: sig, Export: "hash", Locals: []byte{ct.I32}, Code: countdown(hash)},
			{Type: sig, Export: "leaf", Locals: []byte{ct.I32},
				Code: countdown(ct.Code(get(0), ct.Call, 9, set(1)))},
			{Type: sig,
				Code: ct.Code(get(0), ct.Const(3), ct.I32Mul, get(0), ct.Const(0xffff), ct.I32And,
					ct.I32Load8U, 0, 0, ct.I32Add)},
		},
	}.Bytes()
	ctx := b.Context()
	for _, mode := range []string{"plain", "safepoints", "coverage"} {
		opt := corewasm.Options{}
		if mode != "plain" {
			opt.Safepoint = &corewasm.ImportName{Module: "host", Name: "safepoint"}
		}
		if mode == "coverage" {
			opt.Coverage = covered
		}
		rw, err := corewasm.Rewrite(module, opt)
		if err != nil {
			b.Fatal(err)
		}
		r := wazero.NewRuntimeWithConfig(ctx,
			wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features))
		_, err = r.NewHostModuleBuilder("host").NewFunctionBuilder().
			WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
				stack[0] = corewasm.DefaultPeriod
			}), nil, []api.ValueType{api.ValueTypeI32}).
			Export("safepoint").Instantiate(ctx)
		if err != nil {
			b.Fatal(err)
		}
		m, err := r.Instantiate(ctx, rw.Wasm)
		if err != nil {
			b.Fatal(err)
		}
		for name, arg := range map[string]uint64{"loop": 1e7, "load": 1e7, "store": 1e7, "fib": 30,
			"copy": 1e6, "short": 2e6, "row": 3e4, "hash": 1e7, "leaf": 1e7} {
			f := m.ExportedFunction(name)
			b.Run(name+"/"+mode, func(b *testing.B) {
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
