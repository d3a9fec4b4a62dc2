package engine_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

func TestTrapCodes(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []byte
		want engine.TrapCode
	}{
		{"unreachable", coretest.Code(coretest.Unreachable), engine.TrapUnreachable},
		{"load", coretest.Code(coretest.Const(65533), coretest.I32Load, 2, 0, coretest.Drop), engine.TrapOutOfBounds},
		{"divide", coretest.Code(coretest.Const(1), coretest.Const(0), coretest.I32DivU, coretest.Drop), engine.TrapDivideByZero},
		{"beyond the table", coretest.Code(coretest.Const(9), coretest.CallIndirect, 0, 0), engine.TrapTableOutOfBounds},
		{"null in the table", coretest.Code(coretest.Const(1), coretest.CallIndirect, 0, 0), engine.TrapTableOutOfBounds},
		{"wrong type", coretest.Code(coretest.Const(0), coretest.CallIndirect, 1, 0, coretest.Drop), engine.TrapIndirectCallType},
		{"exception", coretest.Code(coretest.Throw, 0), engine.TrapUncaughtException},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, engine.Limits{})
			f.instantiate(0, f.compile(coretest.Module{
				Memory: &coretest.Memory{Min: 1},
				Table:  2,
				Tags:   []coretest.Type{sigVoid},
				Elems:  []coretest.Elem{{Offset: coretest.Const(0), Funcs: []int{0}}},
				Funcs: []coretest.Func{
					{Type: sigVoid, Export: "run", Code: tt.code},
					{Type: sigI, Code: coretest.Const(1)},
				},
			}))
			_, err := f.call(0, "run")
			want := &engine.Trap{Code: tt.want, Frames: []engine.Frame{{Module: "test"}}}
			if d := cmp.Diff(want, err, cmpopts.EquateComparable()); d != "" {
				t.Error(d)
			}
		})
	}
}

type ownError struct{ text string }

func (e *ownError) Error() string { return e.text }

func TestHostPanicsBecomeTraps(t *testing.T) {
	own := &ownError{"one line\nwasm stack trace:\n\tx.$1()"}
	var none *engine.Context
	for _, tt := range []struct {
		name  string
		fn    func(*engine.Context, []uint64)
		check func(t *testing.T, trap *engine.Trap)
	}{
		{"error", func(*engine.Context, []uint64) { panic(own) }, func(t *testing.T, trap *engine.Trap) {
			var got *ownError
			if !errors.As(error(trap), &got) || got != own || trap.Error() != own.text {
				t.Errorf("got %v", trap)
			}
		}},
		{"string", func(*engine.Context, []uint64) { panic("words") }, func(t *testing.T, trap *engine.Trap) {
			var p *engine.PanicError
			if !errors.As(error(trap), &p) || p.Value != "words" || len(p.Stack) == 0 {
				t.Errorf("got %v", trap)
			}
		}},
		{"run-time error", func(*engine.Context, []uint64) { none.Owner() }, func(t *testing.T, trap *engine.Trap) {
			var r runtime.Error
			if !errors.As(error(trap), &r) {
				t.Errorf("got %v", trap)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, engine.Limits{}, engine.HostFunc{Name: "fail", Fn: tt.fn})
			f.instantiate(0, f.compile(coretest.Module{
				Imports: []coretest.Import{{Func: &sigVoid}},
				Funcs:   []coretest.Func{{Type: sigVoid, Name: "f.g(x)\n\ty", Export: "run", Code: coretest.Code(coretest.Call, 0)}},
			}, engine.Import{Slot: engine.HostSlot, Name: "fail"}))
			_, err := f.call(0, "run")
			var trap *engine.Trap
			if !errors.As(err, &trap) || trap.Code != engine.TrapHost {
				t.Fatalf("got %v", err)
			}
			tt.check(t, trap)
			want := []engine.Frame{
				{Module: "host", Func: "fail"},
				{Module: "test", Func: "f.g(x)\n\ty", Index: 1},
			}
			if d := cmp.Diff(want, trap.Frames); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNestedTrapKeepsAllFrames(t *testing.T) {
	var f *fixture
	f = start(t, engine.Limits{}, engine.HostFunc{
		Name: "back", Fn: func(ctx *engine.Context, stack []uint64) {
			if _, err := f.call(0, "inner"); err != nil {
				panic(err)
			}
		},
	})
	f.instantiate(0, f.compile(coretest.Module{
		Imports: []coretest.Import{{Func: &sigVoid}},
		Funcs: []coretest.Func{
			{Type: sigVoid, Name: "outer", Export: "outer", Code: coretest.Code(coretest.Call, 0)},
			{Type: sigVoid, Name: "inner", Export: "inner", Code: coretest.Code(coretest.Unreachable)},
		},
	}, engine.Import{Slot: engine.HostSlot, Name: "back"}))
	_, err := f.call(0, "outer")
	var trap *engine.Trap
	if !errors.As(err, &trap) || trap.Code != engine.TrapUnreachable {
		t.Fatalf("got %v", err)
	}
	want := []engine.Frame{
		{Module: "test", Func: "inner", Index: 2},
		{Module: "host", Func: "back"},
		{Module: "test", Func: "outer", Index: 1},
	}
	if d := cmp.Diff(want, trap.Frames); d != "" {
		t.Error(d)
	}
	if got := trap.Error(); got != "wasm trap: unreachable" {
		t.Errorf("message %q", got)
	}
}

func TestStartFunction(t *testing.T) {
	f := start(t, engine.Limits{}, engine.HostFunc{Name: "check", Fn: func(ctx *engine.Context, _ []uint64) {
		if ctx.Owner() != any(t) {
			t.Error("the start function has another context")
		}
	}})
	m := f.compile(coretest.Module{
		Imports: []coretest.Import{{Func: &sigVoid}},
		Start:   2,
		Funcs: []coretest.Func{
			{Type: sigVoid, Name: "init", Code: coretest.Code(coretest.Call, 0, coretest.Unreachable)},
		},
	}, engine.Import{Slot: engine.HostSlot, Name: "check"})
	err := f.g.Instantiate(f.ctx, 0, m)
	want := &engine.Trap{
		Code:   engine.TrapUnreachable,
		Frames: []engine.Frame{{Module: "test", Func: "init", Index: 1}},
	}
	if d := cmp.Diff(want, err, cmpopts.EquateComparable()); d != "" {
		t.Error(d)
	}
}

func TestSegmentsThatDoNotFitTrap(t *testing.T) {
	for _, tt := range []struct {
		name   string
		module coretest.Module
		want   engine.TrapCode
	}{
		{"data", coretest.Module{
			Memory: &coretest.Memory{Min: 1},
			Data:   []coretest.Data{{Offset: coretest.Const(0), Bytes: "fits"}, {Offset: coretest.Const(65533), Bytes: "long"}},
		}, engine.TrapOutOfBounds},
		{"data at a negative offset", coretest.Module{
			Memory: &coretest.Memory{Min: 1},
			Data:   []coretest.Data{{Offset: coretest.Const(-1), Bytes: "x"}},
		}, engine.TrapOutOfBounds},
		{"elements", coretest.Module{
			Table: 1,
			Elems: []coretest.Elem{{Offset: coretest.Const(1), Funcs: []int{0}}},
			Funcs: []coretest.Func{{Type: sigVoid}},
		}, engine.TrapTableOutOfBounds},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, engine.Limits{})
			err := f.g.Instantiate(f.ctx, 0, f.compile(tt.module))
			var trap *engine.Trap
			if !errors.As(err, &trap) || trap.Code != tt.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLinkErrorsNameTheImport(t *testing.T) {
	exporter := coretest.Module{
		Funcs:  []coretest.Func{{Type: sigVoid, Export: "f"}},
		Memory: &coretest.Memory{Min: 1, Export: "m"},
	}
	for _, tt := range []struct {
		name   string
		im     coretest.Import
		from   engine.Import
		reason string
	}{
		{"no host function", coretest.Import{Module: "a", Name: "b", Func: &sigVoid}, engine.Import{Slot: engine.HostSlot, Name: "nope"},
			`module "test": import 0 (func "a" "b"): there is no host function "nope"`},
		{"host function of another type", coretest.Import{Module: "a", Name: "b", Func: &sigI}, engine.Import{Slot: engine.HostSlot, Name: "h"},
			`module "test": import 0 (func "a" "b"): type () -> (i32) does not match that of the host function`},
		{"empty slot", coretest.Import{Module: "a", Name: "b", Func: &sigVoid}, engine.Import{Slot: 3, Name: "f"},
			`module "test": import 0 (func "a" "b"): nothing has been instantiated that could provide it`},
		{"no export", coretest.Import{Module: "a", Name: "b", Func: &sigVoid}, engine.Import{Slot: 0, Name: "g"},
			`module "test": import 0 (func "a" "b"): module "test" has no export "g"`},
		{"another kind", coretest.Import{Module: "a", Name: "b", Func: &sigVoid}, engine.Import{Slot: 0, Name: "m"},
			`module "test": import 0 (func "a" "b"): export "m" of module "test" is a memory`},
		{"another type", coretest.Import{Module: "a", Name: "b", Func: &sigII}, engine.Import{Slot: 0, Name: "f"},
			`module "test": import 0 (func "a" "b"): type (i32) -> (i32) does not match () -> () of export "f"`},
		{"memory too small", coretest.Import{Module: "a", Name: "b", Desc: []byte{2, 0, 2}}, engine.Import{Slot: 0, Name: "m"},
			`module "test": import 0 (memory "a" "b"): its type does not match that of export "m"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, engine.Limits{}, engine.HostFunc{Name: "h", Fn: func(*engine.Context, []uint64) {}})
			f.instantiate(0, f.compile(exporter))
			err := f.g.Instantiate(f.ctx, 1,
				f.compile(coretest.Module{Imports: []coretest.Import{tt.im}}, tt.from))
			var link *engine.LinkError
			if !errors.As(err, &link) || err.Error() != tt.reason {
				t.Errorf("got  %v\nwant %s", err, tt.reason)
			}
		})
	}
}

func TestMemoryLimitIsTheSumOverTheGroup(t *testing.T) {
	const page = 65536
	f := start(t, engine.Limits{MaxMemoryBytes: 4 * page})
	m := f.compile(coretest.Module{
		Memory: &coretest.Memory{Min: 1, Export: "m"},
		Funcs: []coretest.Func{
			{Type: sigII, Export: "grow", Code: coretest.Code(coretest.LocalGet, 0, coretest.MemoryGrow, 0)},
			{Type: sigVoid, Export: "trap", Code: coretest.Code(coretest.Unreachable)},
		},
	})
	f.instantiate(0, m)
	f.instantiate(1, m)
	var trap *engine.Trap
	if _, err := f.call(0, "trap"); !errors.As(err, &trap) || trap.MemoryRefused {
		t.Errorf("before: %v", err)
	}
	const refused = 1<<32 - 1
	for _, step := range []struct {
		slot       int
		more, want uint64
	}{{0, 3, refused}, {0, 1, 1}, {1, 2, refused}, {1, 1, 1}, {0, 1, refused}, {1, 0, 2}} {
		if got, err := f.call(step.slot, "grow", step.more); err != nil || got != step.want {
			t.Errorf("%+v: got %d, %v", step, got, err)
		}
	}
	if _, err := f.call(0, "trap"); !errors.As(err, &trap) || !trap.MemoryRefused {
		t.Errorf("a trap after memory was refused does not say so: %v", err)
	}
	err := f.g.Instantiate(f.ctx, 2, m)
	want := `module "test": its initial memory, with tables, of 65536 bytes exceeds the limit: 0 of 262144 bytes are left`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestTablesAreBounded(t *testing.T) {
	f := start(t, engine.Limits{MaxMemoryBytes: 1 << 20})
	grows := coretest.Module{Table: 10, Funcs: []coretest.Func{
		{Type: sigII, Export: "grow", Code: coretest.Code(0xd0, 0x70, coretest.LocalGet, 0, coretest.Misc, 15, 0)},
	}}
	f.instantiate(0, f.compile(grows))
	const refused = 1<<32 - 1
	for _, step := range []struct{ more, want uint64 }{{5, 10}, {1 << 31, refused}, {1 << 20, refused}, {1, 15}} {
		if got, err := f.call(0, "grow", step.more); err != nil || got != step.want {
			t.Errorf("%+v: got %d, %v", step, got, err)
		}
	}
	err := f.g.Instantiate(f.ctx, 1, f.compile(coretest.Module{Table: 1 << 18}))
	want := `module "test": its initial memory, with tables, of 2097152 bytes exceeds the limit: 1048496 of 1048576 bytes are left`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestSharedMemoryTablesAndGlobals(t *testing.T) {
	f := start(t, engine.Limits{})
	f.instantiate(0, f.compile(coretest.Module{
		Memory:  &coretest.Memory{Min: 1, Export: "m"},
		Table:   2,
		Globals: []coretest.Global{{Type: coretest.I32, Mutable: true, Init: coretest.Const(7), Export: "g"}},
		Exports: []coretest.Export{{Name: "t", Kind: 1}},
		Funcs: []coretest.Func{
			{Type: sigI, Export: "via", Code: coretest.Code(coretest.Const(1), coretest.CallIndirect, 0, 0)},
			{Type: sigI, Export: "global", Code: coretest.Code(coretest.GlobalGet, 0)},
		},
	}))
	m := f.compile(coretest.Module{
		Imports: []coretest.Import{
			{Name: "1", Desc: []byte{2, 0, 1}},
			{Name: "2", Desc: []byte{1, 0x70, 0, 2}},
			{Name: "3", Desc: []byte{3, coretest.I32, 1}},
			{Name: "4", Func: &sigI},
		},
		Elems: []coretest.Elem{{Offset: coretest.Const(1), Funcs: []int{1}}},
		Funcs: []coretest.Func{{Type: sigI, Export: "own", Code: coretest.Code(
			coretest.Const(0), coretest.Const(42), coretest.I32Store8, 0, 0,
			coretest.Const(9), coretest.GlobalSet, 0,
			coretest.Call, 0)}},
		Exports: []coretest.Export{{Name: "again", Kind: 2}},
	}, engine.Import{Slot: 0, Name: "m"}, engine.Import{Slot: 0, Name: "t"},
		engine.Import{Slot: 0, Name: "g"}, engine.Import{Slot: 0, Name: "global"})
	f.instantiate(1, m)
	if got, err := f.call(0, "via"); err != nil || got != 9 {
		t.Errorf("got %d, %v", got, err)
	}
	mem, err := f.g.Memory(1, "again")
	if err != nil {
		t.Fatal(err)
	}
	if got := mem.Bytes()[0]; got != 42 {
		t.Errorf("byte is %d", got)
	}
	fn, err := f.g.TableFunc(0, "t", 1, nil, []engine.ValueType{engine.I32})
	if err != nil {
		t.Fatal(err)
	}
	stack := make([]uint64, 1)
	if err := fn.Call(f.ctx, stack); err != nil || stack[0] != 9 {
		t.Errorf("got %d, %v", stack[0], err)
	}
	for _, tt := range []struct {
		index   uint32
		results []engine.ValueType
		want    engine.TrapCode
	}{{0, nil, engine.TrapTableOutOfBounds}, {2, nil, engine.TrapTableOutOfBounds}, {1, nil, engine.TrapIndirectCallType}} {
		_, err := f.g.TableFunc(0, "t", tt.index, nil, tt.results)
		var trap *engine.Trap
		if !errors.As(err, &trap) || trap.Code != tt.want {
			t.Errorf("index %d: got %v", tt.index, err)
		}
	}
}
