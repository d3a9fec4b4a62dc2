package validate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	. "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
	"github.com/wasihttp/wasihttp/component/internal/validate"
)

func TestLiftAndLower(t *testing.T) {
	i32s := func(n int) []byte { return []byte(strings.Repeat("\x7f", n)) }
	params := func(n int, typ byte) [][]byte {
		var out [][]byte
		for i := range n {
			out = append(out, Field(fmt.Sprint("p", i), typ))
		}
		return out
	}
	lift := func(core []byte, functype []byte, opts ...byte) [][]byte {
		realloc, post, cb := coreFunc(1, i32s(4)...), coreFunc(0, i32), coreFunc(1, i32s(3)...)
		return s(exporting(core, realloc, post, cb), types(functype), canons(Cat(B(0x00, 0x00, 0), opts, B(0))))
	}
	lower := func(functype []byte, opts ...byte) [][]byte {
		return s(exporting(coreFunc(0), coreFunc(1, i32s(4)...)), types(functype),
			imports(Import("f", fn, 0)), canons(Cat(B(0x01, 0x00, 0), opts)))
	}
	mem, memRealloc := B(1, 0x03, 0), B(2, 0x03, 0, 0x04, 1)
	async := func(result byte, p ...[]byte) []byte { f := Func(result, p...); f[0] = 0x43; return f }
	runVerdicts(t, []verdict{
		{"lift of nothing", lift(coreFunc(0), noParams, 0), ""},
		{"lift with 16 parameters", lift(coreFunc(0, i32s(16)...), Func(0, params(16, u32)...), 0), ""},
		{"lift with 17 parameters", lift(coreFunc(0, i32), Func(0, params(17, u32)...), memRealloc...), ""},
		{"lift with 17 parameters and no realloc", lift(coreFunc(0, i32), Func(0, params(17, u32)...), mem...), "realloc is required"},
		{"lift of a wrong parameter", lift(coreFunc(0, i32), noParams, 0), "wrong parameters"},
		{"lift of a wrong result", lift(coreFunc(1), noParams, 0), "wrong results"},
		{"lift with a string", lift(coreFunc(0, i32, i32), Func(0, Field("s", str)), memRealloc...), ""},
		{"lift with a string and no options", lift(coreFunc(0, i32, i32), Func(0, Field("s", str)), 0), "memory is required"},
		{"lift with a string and no realloc", lift(coreFunc(0, i32, i32), Func(0, Field("s", str)), mem...), "realloc is required"},
		{"lift that returns a string", lift(coreFunc(1), Func(str), mem...), ""},
		{"lift that returns a string without memory", lift(coreFunc(1), Func(str), 0), "memory is required"},
		{"realloc without memory", lift(coreFunc(0), noParams, 1, 0x04, 1), "requires memory"},
		{"realloc of another type", lift(coreFunc(0), noParams, 2, 0x03, 0, 0x04, 0), "wrong signature for the canonical option realloc"},
		{"post-return", lift(coreFunc(1), Func(str), 2, 0x03, 0, 0x05, 2), ""},
		{"post-return of another type", lift(coreFunc(1), Func(str), 2, 0x03, 0, 0x05, 0), "wrong signature for the canonical option post-return"},
		{"async lift with callback", lift(coreFunc(1, i32), async(str, Field("a", u32)), 3, 0x03, 0, 0x06, 0x07, 3), ""},
		{"async lift without callback", lift(coreFunc(0, i32), async(str, Field("a", u32)), 2, 0x03, 0, 0x06), ""},
		{"async lift of a sync function", lift(coreFunc(1), noParams, 2, 0x06, 0x07, 3), "requires an async function type"},
		{"callback without async", lift(coreFunc(1), noParams, 1, 0x07, 3), "requires async"},
		{"async with post-return", lift(coreFunc(0), async(0), 2, 0x06, 0x05, 2), "cannot be given together"},
		{"lift of a value type", lift(coreFunc(0), B(u8), 0), "not a function type"},
		{"lower of nothing", lower(noParams, 0), ""},
		{"lower with a string", lower(Func(0, Field("s", str)), mem...), ""},
		{"lower with a string and no memory", lower(Func(0, Field("s", str)), 0), "memory is required"},
		{"lower that returns a string", lower(Func(str), memRealloc...), ""},
		{"lower that returns a string without realloc", lower(Func(str), mem...), "realloc is required"},
		{"lower with 17 parameters and no memory", lower(Func(0, params(17, u32)...), 0), "memory is required"},
		{"lower with post-return", lower(noParams, 1, 0x05, 0), "post-return cannot be given"},
		{"async lower with 4 parameters", lower(async(0, params(4, u32)...), 1, 0x06), ""},
		{"async lower with 5 parameters and no memory", lower(async(0, params(5, u32)...), 1, 0x06), "memory is required"},
		{"async lower with a result and no memory", lower(async(u8), 1, 0x06), "memory is required"},
		{"async lower of a sync function", lower(noParams, 1, 0x06), "requires an async function type"},
	})
}

// TestSignatures lifts each built-in again, as a function of the type that it should have.
func TestSignaturesOfBuiltins(t *testing.T) {
	const stream, future, res, fut64 = 0, 1, 2, 0x77
	opts := B(2, 0x03, 0, 0x06)
	for _, tt := range []struct {
		name   string
		canon  []byte
		result byte
		params []byte
	}{
		{"resource.new", B(0x02, res), u32, B(u32)},
		{"resource.drop", B(0x03, res), 0, B(u32)},
		{"resource.rep", B(0x04, res), u32, B(u32)},
		{"task.cancel", B(0x05), 0, nil},
		{"subtask.cancel", B(0x06, 0), u32, B(u32)},
		{"task.return", B(0x09, 0x00, str, 1, 0x03, 0), 0, B(u32, u32)},
		{"task.return of nothing", B(0x09, 0x01, 0x00, 0), 0, nil},
		{"context.get", B(0x0a, 0x7f, 1), u32, nil},
		{"context.set", B(0x0b, 0x7f, 0), 0, B(u32)},
		{"thread.yield", B(0x0c, 0), u32, nil},
		{"subtask.drop", B(0x0d), 0, B(u32)},
		{"stream.new", B(0x0e, stream), fut64, nil},
		{"stream.read", Cat(B(0x0f, stream), opts), u32, B(u32, u32, u32)},
		{"stream.write", Cat(B(0x10, stream), opts), u32, B(u32, u32, u32)},
		{"stream.cancel-read", B(0x11, stream, 0), u32, B(u32)},
		{"stream.cancel-write", B(0x12, stream, 1), u32, B(u32)},
		{"stream.drop-readable", B(0x13, stream), 0, B(u32)},
		{"stream.drop-writable", B(0x14, stream), 0, B(u32)},
		{"future.new", B(0x15, future), fut64, nil},
		{"future.read", Cat(B(0x16, future), opts), u32, B(u32, u32)},
		{"future.write", Cat(B(0x17, future), opts), u32, B(u32, u32)},
		{"future.cancel-read", B(0x18, future, 0), u32, B(u32)},
		{"future.cancel-write", B(0x19, future, 0), u32, B(u32)},
		{"future.drop-readable", B(0x1a, future), 0, B(u32)},
		{"future.drop-writable", B(0x1b, future), 0, B(u32)},
		{"error-context.new", B(0x1c, 1, 0x03, 0), u32, B(u32, u32)},
		{"error-context.debug-message", B(0x1d, 2, 0x03, 0, 0x04, 0), 0, B(u32, u32)},
		{"error-context.drop", B(0x1e), 0, B(u32)},
		{"waitable-set.new", B(0x1f), u32, nil},
		{"waitable-set.wait", B(0x20, 0, 0), u32, B(u32, u32)},
		{"waitable-set.poll", B(0x21, 1, 0), u32, B(u32, u32)},
		{"waitable-set.drop", B(0x22), 0, B(u32)},
		{"waitable.join", B(0x23), 0, B(u32, u32)},
		{"backpressure.inc", B(0x24), 0, nil},
		{"backpressure.dec", B(0x25), 0, nil},
		{"thread.index", B(0x26), u32, nil},
		{"thread.resume-later", B(0x28), 0, B(u32)},
		{"thread.suspend", B(0x29, 0), u32, nil},
		{"thread.suspend-then-resume", B(0x2a, 0), u32, B(u32)},
		{"thread.yield-then-resume", B(0x2b, 0), u32, B(u32)},
		{"thread.suspend-then-promote", B(0x2c, 0), u32, B(u32)},
		{"thread.yield-then-promote", B(0x2d, 0), u32, B(u32)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var params [][]byte
			for i, p := range tt.params {
				params = append(params, Field(fmt.Sprint("p", i), p))
			}
			realloc := coreFunc(1, i32, i32, i32, i32)
			if err := check(t,
				exporting(realloc),
				types(B(0x66, 1, u8), B(0x65, 1, u8), B(0x3f, 0x7f, 0), Func(tt.result, params...)),
				canons(tt.canon, B(0x00, 0x00, 1, 0, 3)),
			); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBuiltinsRefuseWhatDoesNotFit(t *testing.T) {
	base := Cat(exporting(coreFunc(0), coreFunc(1, i32, i32, i32, i32)),
		types(B(0x66, 1, str), B(0x65, 1, u8), B(0x66, 0)), imports(Import("r", subResource...)))
	with := func(canon ...byte) [][]byte { return s(base, canons(canon)) }
	runVerdicts(t, []verdict{
		{"resource.new of an imported resource", with(0x02, 3), "not a local resource"},
		{"resource.rep of an imported resource", with(0x04, 3), "not a local resource"},
		{"resource.drop of an imported resource", with(0x03, 3), ""},
		{"resource.drop of a stream", with(0x03, 0), "not a resource type"},
		{"stream.new of a future", with(0x0e, 1), "not a stream type but a future"},
		{"future.new of a stream", with(0x15, 0), "not a future type but a stream"},
		{"stream.read without memory", with(0x0f, 0, 1, 0x06), "memory is required"},
		{"stream.read of strings without realloc", with(0x0f, 0, 2, 0x03, 0, 0x06), "realloc is required"},
		{"stream.write of strings needs no realloc", with(0x10, 0, 2, 0x03, 0, 0x06), ""},
		{"stream.read of nothing needs no memory", with(0x0f, 2, 1, 0x06), ""},
		{"stream.read with a post-return", with(0x0f, 2, 1, 0x05, 0), "post-return cannot be given"},
		{"task.return with realloc", with(0x09, 0x01, 0x00, 2, 0x03, 0, 0x04, 1), "realloc cannot be given"},
		{"task.return of a string without memory", with(0x09, 0x00, str, 0), "memory is required"},
		{"context slot 2", with(0x0a, 0x7f, 2), "out of bounds"},
		{"context of another type", with(0x0a, 0x7d, 0), "hold i32"},
		{"waitable-set.wait without such a memory", with(0x20, 0, 1), "unknown core memory 1"},
		{"error-context.new without memory", with(0x1c, 0), "memory is required"},
		{"error-context.debug-message without realloc", with(0x1d, 1, 0x03, 0), "realloc is required"},
		{"thread.new-indirect of an unknown type", with(0x27, 0, 0), "unknown core type 0"},
		{"threads in parallel", with(0x42, 0), "is not supported"},
		{"destructor of another type", s(base, types(B(0x3f, 0x7f, 1, 0))), "wrong signature for a destructor"},
		{"resource represented by i64", s(base, types(B(0x3f, 0x7e, 0))), "represented by i32"},
	})
}

func TestFeaturesGate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		feature validate.Features
		section []byte
	}{
		{"streams", validate.Async, types(B(0x66, 0))},
		{"async functions", validate.Async, types(B(0x43, 0, 1, 0))},
		{"async built-ins", validate.Async, canons(B(0x1f))},
		{"asynchronous cancel", validate.AsyncBuiltins, canons(B(0x06, 1))},
		{"error-context", validate.ErrorContext, types(B(0x64))},
		{"fixed lists", validate.FixedLists, types(B(0x67, u8, 1))},
		{"maps", validate.Maps, types(B(0x63, u8, u8))},
		{"threads", validate.Threads, canons(B(0x26))},
		{"attributes", validate.Attributes, Cat(types(noParams), imports(Cat(B(0x02), Name("a"), Vec(Cat(B(0x02), Name("id"))), B(fn, 0))))},
		{"parallel threads", validate.SharedThreads, canons(B(0x42, 0))},
		{"canonical names", validate.CanonicalNames, Cat(types(noParams), imports(Import("a:b/c@1", fn, 0)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := binary.Decode(Component(tt.section))
			if err != nil {
				t.Fatal(err)
			}
			if err := verdictOn(c, validate.AllFeatures); err != nil {
				t.Errorf("refused with the feature: %v", err)
			}
			if err := verdictOn(c, validate.AllFeatures&^tt.feature); err == nil {
				t.Error("accepted without the feature")
			}
		})
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	data := Component(types(B(u8)), Nested(types(B(u8), B(0x70, 7))))
	c, err := binary.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var e *validate.Error
	if err := verdictOn(c, validate.DefaultFeatures); !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if data[e.Offset] != 0x70 || data[e.Offset+1] != 7 {
		t.Errorf("offset 0x%x is not that of the definition in % x", e.Offset, data)
	}
}
