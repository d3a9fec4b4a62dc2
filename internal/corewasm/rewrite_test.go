package corewasm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

var (
	sigVoid = ct.Sig(nil, nil)
	sigI    = ct.Sig(nil, []byte{ct.I32})
	sigII   = ct.Sig([]byte{ct.I32}, []byte{ct.I32})
)

// counts is a safepoint that is to be called again after n counts.
func counts(safepoint func(), n uint32) func() uint32 {
	return func() uint32 { safepoint(); return n }
}

// run instantiates a module on the interpreter. Its imports come from a host
// module "host" with functions "seven" and "safepoint"; safepoints is called
// for the latter. mem, unless nil, is applied before f is called.
func run(t *testing.T, rw *corewasm.Rewritten, safepoint func(), f func(m api.Module)) {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	_, err := r.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithFunc(func() uint32 { return 7 }).Export("seven").
		NewFunctionBuilder().WithFunc(counts(safepoint, 1)).Export("safepoint").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, rw.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range rw.Data {
		if !m.Memory().Write(uint32(s.Offset), s.Bytes) {
			t.Fatalf("data at %d does not fit", s.Offset)
		}
	}
	f(m)
}

func call(t *testing.T, m api.Module, name string, args ...uint64) string {
	t.Helper()
	got, err := m.ExportedFunction(name).Call(t.Context(), args...)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return first
	}
	return fmt.Sprint(got)
}

// everything uses functions in each place where an index can stand.
func everything() ct.Module {
	filler := make([]ct.Func, 130) // pushes indices over the one-byte limit
	for i := range filler {
		filler[i] = ct.Func{Type: sigI, Code: ct.Const(i)}
	}
	const first = 131 // of the functions below: one import, then the filler
	return ct.Module{
		Name:    "all",
		Imports: []ct.Import{{Module: "x", Name: "y", Func: &sigI}},
		Memory:  &ct.Memory{Min: 1, Max: 2, Export: "memory"},
		Table:   4,
		Tags:    []ct.Type{sigVoid},
		Globals: []ct.Global{
			{Type: ct.I32, Mutable: true, Init: ct.Const(0)},
			{Type: 0x70, Init: ct.Code(ct.RefFunc, ct.U32(first+2))},
		},
		Start: first + 4 + 1,
		Elems: []ct.Elem{{Offset: ct.Const(1), Funcs: []int{0, first + 2, 127}}},
		Data: []ct.Data{
			{Offset: ct.Const(10), Bytes: "active"},
			{Bytes: "passive"},
			{Offset: ct.Const(12), Bytes: "T"},
		},
		DataCount: true,
		Funcs: append(filler, []ct.Func{
			{Type: sigII, Export: "fib", Name: "fib", Code: ct.Code(
				ct.LocalGet, 0, ct.Const(2), ct.I32LtU, ct.If, ct.I32, ct.LocalGet, 0, ct.Else,
				ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.Call, ct.U32(first),
				ct.LocalGet, 0, ct.Const(2), ct.I32Sub, ct.Call, ct.U32(first), ct.I32Add, ct.End)},
			{Type: sigII, Export: "sum", Locals: []byte{ct.I64, ct.I32}, Code: ct.Code(
				ct.Block, ct.Void, ct.Loop, ct.Void,
				ct.LocalGet, 2, ct.LocalGet, 0, ct.I32Add, ct.LocalSet, 2,
				ct.LocalGet, 0, ct.Const(1), ct.I32Sub, ct.LocalTee, 0, ct.BrIf, 0, ct.End, ct.End,
				ct.LocalGet, 2)},
			{Type: sigI, Export: "plain", Code: ct.Const(41)},
			{Type: sigII, Export: "table", Code: ct.Code(ct.LocalGet, 0, ct.CallIndirect, 0, 0)},
			{Type: sigVoid, Code: ct.Code(ct.Const(99), ct.GlobalSet, 0)},
			{Type: sigI, Export: "global", Code: ct.Code(ct.GlobalGet, 0)},
			{Type: sigI, Export: "tail", Code: ct.Code(ct.ReturnCall, ct.U32(first+2))},
			{Type: sigI, Export: "caught", Code: ct.Code(
				ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, ct.Throw, 0, ct.End, ct.End, ct.Const(5))},
			{Type: sigVoid, Export: "init", Code: ct.Code(ct.Const(0), ct.Const(0), ct.Const(7), ct.Misc, 8, 1, 0)},
			{Type: sigVoid, Export: "dropped", Code: ct.Code(ct.Const(0), ct.Const(0), ct.Const(1), ct.Misc, 8, 0, 0)},
			{Type: sigII, Export: "load", Code: ct.Code(ct.LocalGet, 0, ct.I32Load8U, 0, 0)},
			{Type: sigI, Export: "reftable", Code: ct.Code(
				ct.Const(0), ct.RefFunc, ct.U32(first+2), ct.TableSet, 0, ct.Const(0), ct.CallIndirect, 0, 0)},
		}...),
	}
}

func TestRewrittenModulesBehaveAsTheOriginal(t *testing.T) {
	module := everything().Bytes()
	type result map[string]string
	observe := func(opt corewasm.Options) result {
		opt.Imports = []corewasm.ImportName{{Module: "host", Name: "seven"}}
		rw, err := corewasm.Rewrite(module, opt)
		if err != nil {
			t.Fatal(err)
		}
		got := result{}
		run(t, rw, func() {}, func(m api.Module) {
			for _, c := range []struct {
				name string
				args []uint64
			}{
				{"fib", []uint64{15}}, {"sum", []uint64{1000}}, {"plain", nil}, {"global", nil}, {"tail", nil},
				{"caught", nil}, {"table", []uint64{0}}, {"table", []uint64{1}}, {"table", []uint64{2}},
				{"table", []uint64{3}}, {"table", []uint64{4}}, {"load", []uint64{12}}, {"load", []uint64{13}},
				{"init", nil}, {"load", []uint64{3}}, {"reftable", nil},
			} {
				got[fmt.Sprint(c.name, c.args)] = call(t, m, c.name, c.args...)
			}
		})
		return got
	}
	want := observe(corewasm.Options{})
	if want["table[1]"] != "[7]" || want["table[2]"] != "[41]" || want["table[3]"] != "[126]" ||
		want["load[12]"] != "[84]" {
		t.Fatalf("the module itself is wrong: %v", want)
	}
	safepoint := &corewasm.ImportName{Module: "host", Name: "safepoint"}
	for name, opt := range map[string]corewasm.Options{
		"safepoints": {Safepoint: safepoint},
		"often":      {Safepoint: safepoint, Period: 1},
		"data":       {MoveData: true},
		"globals":    {GlobalPrefix: "\x00g"},
		"all":        {Safepoint: safepoint, Period: 100, MoveData: true, GlobalPrefix: "\x00g", Lines: true},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(want, observe(opt)); d != "" {
				t.Error(d)
			}
		})
	}
}

// An active segment counts as dropped once it has been applied. wazero alone
// forgets that; a segment that moved behaves as the specification says.
func TestMovedSegmentIsDropped(t *testing.T) {
	rw, err := corewasm.Rewrite(everything().Bytes(), corewasm.Options{
		Imports: []corewasm.ImportName{{Module: "host", Name: "seven"}}, MoveData: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, rw, func() {}, func(m api.Module) {
		if got := call(t, m, "dropped"); got != "wasm error: out of bounds memory access" {
			t.Errorf("got %s", got)
		}
	})
}

func TestDataThatMoves(t *testing.T) {
	computed := ct.Code(ct.Const(1), ct.Const(2), ct.I32Add)
	for _, tt := range []struct {
		name   string
		module ct.Module
		want   []corewasm.Segment
	}{
		{"all", ct.Module{Memory: &ct.Memory{Min: 1}, Data: []ct.Data{
			{Offset: ct.Const(65535), Bytes: "x"}, {Offset: ct.Const(0), Bytes: "y"}, {Offset: ct.Const(9)}}},
			[]corewasm.Segment{{65535, []byte("x")}, {0, []byte("y")}}},
		{"up to one that is computed", ct.Module{Memory: &ct.Memory{Min: 1}, Data: []ct.Data{
			{Offset: ct.Const(1), Bytes: "a"}, {Offset: computed, Bytes: "b"}, {Offset: ct.Const(3), Bytes: "c"}}},
			[]corewasm.Segment{{1, []byte("a")}}},
		{"up to one that does not fit", ct.Module{Memory: &ct.Memory{Min: 1}, Data: []ct.Data{
			{Offset: ct.Const(1), Bytes: "a"}, {Offset: ct.Const(65535), Bytes: "bb"}, {Offset: ct.Const(3), Bytes: "c"}}},
			[]corewasm.Segment{{1, []byte("a")}}},
		{"none into an imported memory", ct.Module{
			Imports: []ct.Import{{Module: "m", Name: "m", Desc: []byte{2, 0, 1}}},
			Data:    []ct.Data{{Offset: ct.Const(1), Bytes: "a"}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rw, err := corewasm.Rewrite(tt.module.Bytes(), corewasm.Options{MoveData: true})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, rw.Data); d != "" {
				t.Error(d)
			}
			info, err := corewasm.Scan(rw.Wasm)
			if err != nil {
				t.Fatal(err)
			}
			kept := 0
			for _, d := range info.Data {
				if len(d.Bytes) > 0 {
					kept++
				}
			}
			all := 0
			for _, d := range tt.module.Data {
				if d.Bytes != "" {
					all++
				}
			}
			if kept+len(rw.Data) != all {
				t.Errorf("%d kept and %d moved of %d", kept, len(rw.Data), all)
			}
		})
	}
}

// The compile cache depends on this: only data differs, so code must not.
func TestCodeDoesNotDependOnData(t *testing.T) {
	var first []byte
	for _, data := range [][]ct.Data{
		{{Offset: ct.Const(1), Bytes: "a"}},
		{{Offset: ct.Const(1), Bytes: "b"}, {Offset: ct.Const(700), Bytes: strings.Repeat("c", 500)}},
		nil,
	} {
		m := ct.Module{Memory: &ct.Memory{Min: 1}, Data: data, DataCount: true,
			Funcs: []ct.Func{{Type: sigI, Name: fmt.Sprint("name", len(data)), Code: ct.Const(1)}}}
		rw, err := corewasm.Rewrite(m.Bytes(), corewasm.Options{MoveData: true})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = rw.Wasm
		}
		if d := cmp.Diff(first, rw.Wasm); d != "" {
			t.Error(d)
		}
	}
}

func TestFunctionIndicesMapToTheOriginal(t *testing.T) {
	rw, err := corewasm.Rewrite(ct.Module{
		Imports: []ct.Import{{Module: "a", Name: "b", Func: &sigVoid}},
		Funcs:   []ct.Func{{Type: sigVoid}, {Type: sigVoid}},
	}.Bytes(), corewasm.Options{Safepoint: &corewasm.ImportName{Module: "h", Name: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Index uint32
		OK    bool
	}
	var got []answer
	for i := range uint32(5) {
		index, ok := rw.OriginalFunc(i)
		got = append(got, answer{index, ok})
	}
	if d := cmp.Diff([]answer{{0, true}, {0, false}, {1, true}, {2, true}, {0, false}}, got); d != "" {
		t.Error(d)
	}
}

func TestUnsupportedFeaturesAreNamed(t *testing.T) {
	body := func(code ...byte) []byte {
		return ct.Module{Funcs: []ct.Func{{Type: sigVoid, Code: code}}}.Bytes()
	}
	section := func(id byte, content ...byte) []byte { return append(ct.Header(), ct.Section(id, content)...) }
	for name, tt := range map[string]struct {
		module []byte
		want   string
	}{
		"struct types":      {section(1, 1, 0x5f, 0), "garbage collection"},
		"array types":       {section(1, 1, 0x5e, 0x7f, 0), "garbage collection"},
		"open types":        {section(1, 1, 0x50, 0, 0x60, 0, 0), "garbage collection"},
		"GC instructions":   {body(0xfb, 0), "garbage collection"},
		"GC constants":      {section(6, 1, 0x6b, 0, 0x41, 0, 0xfb, 0x1c, 0x0b), "garbage collection"},
		"try":               {body(0x06, 0x40), "try and catch"},
		"continuations":     {section(1, 1, 0x5d, 0), "stack switching"},
		"suspend":           {body(0xe2, 0), "stack switching"},
		"shared memories":   {section(5, 1, 3, 1, 1), "threads"},
		"atomics":           {body(0xfe, 0x03, 0), "threads"},
		"64-bit memories":   {section(5, 1, 4, 1), "memory64"},
		"64-bit tables":     {section(4, 1, 0x70, 4, 1), "memory64"},
		"custom page sizes": {section(5, 1, 8, 1, 0), "custom page sizes"},
		"relaxed SIMD":      {body(0xfd, 0x80, 0x02), "relaxed SIMD"},
		"wide arithmetic":   {body(0xfc, 19), "wide arithmetic"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := corewasm.Rewrite(tt.module, corewasm.Options{})
			var lacking *corewasm.FeatureError
			if !errors.As(err, &lacking) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that names %s", err, tt.want)
			}
		})
	}
}

func TestTablesGrowToABound(t *testing.T) {
	// At least 5; 5 to 200; 5 to 7; at least 150, with an expression for its elements.
	tables := []byte{4, 0x70, 0, 5, 0x70, 1, 5, 0xc8, 1, 0x70, 1, 5, 7, 0x40, 0, 0x70, 0, 0x96, 1, 0xd0, 0x70, 0x0b}
	rw, err := corewasm.Rewrite(append(ct.Header(), ct.Section(4, tables)...), corewasm.Options{MaxTable: 100})
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{4, 0x70, 1, 5, 100, 0x70, 1, 5, 100, 0x70, 1, 5, 7, 0x40, 0, 0x70, 1, 0x96, 1, 0x96, 1, 0xd0, 0x70, 0x0b}
	if d := cmp.Diff(append(ct.Header(), ct.Section(4, want)...), rw.Wasm); d != "" {
		t.Error(d)
	}
}

func TestMalformedModules(t *testing.T) {
	body := func(code ...byte) []byte {
		return ct.Module{Funcs: []ct.Func{{Type: sigVoid, Code: code}}}.Bytes()
	}
	for _, tt := range []struct {
		name   string
		module []byte
		want   string
	}{
		{"empty", nil, "no WebAssembly magic at offset 0x0"},
		{"text", []byte("(module)"), "no WebAssembly magic at offset 0x0"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), "not version 1 of a core module at offset 0x4"},
		{"truncated", body(0x01)[:21], "unexpected end: 5 bytes wanted, 1 left at offset 0x14"},
		{"section twice", append(body(), ct.Section(1, []byte{0})...), "section out of order at offset 0x18"},
		{"unknown section", append(ct.Header(), 14, 0), "unknown section at offset 0x8"},
		{"unknown opcode", body(0x01, 0x27), "unknown opcode 0x27 at offset 0x18"},
		{"unknown vector opcode", body(0xfd, 0xff, 0x7f), "unknown opcode 0xfd 0x3fff at offset 0x17"},
		{"unknown numeric opcode", body(0xfc, 18), "unknown opcode 0xfc 0x12 at offset 0x17"},
		{"block that does not end", body(ct.Block, ct.Void), "function body without end at offset 0x1a"},
		{"body that ends early", body(ct.End), "function body ends early at offset 0x18"},
		{"too many locals",
			slices.Concat(ct.Header(), ct.Section(1, []byte{1, 0x60, 0, 0}), ct.Section(3, []byte{1, 0}),
				ct.Section(10, []byte{1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b})),
			"function has 4294967295 local variables, more than 50000 at offset 0x16"},
		{"too many parameters",
			append(ct.Header(), ct.Section(1, append([]byte{1, 0x60, 0xe9, 7}, make([]byte, 2000)...))...),
			"function type of 1001 parameters or results, more than 1000 at offset 0xd"},
		{"too many labels", body(append([]byte{0x41, 0, 0x0e, 0xf1, 0xff, 3}, make([]byte, 70_000)...)...),
			"br_table has 65521 labels, more than 65520 at offset 0x1e"},
		{"huge count", append(ct.Header(), ct.Section(1, ct.U32(1<<31))...), "type section: length 2147483648 out of bounds at offset 0xa"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := corewasm.Rewrite(tt.module, corewasm.Options{})
			var format *corewasm.FormatError
			if !errors.As(err, &format) || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestScan(t *testing.T) {
	info, err := corewasm.Scan(ct.Module{
		Name: "m",
		Imports: []ct.Import{
			{Module: "a", Name: "f", Func: &sigII},
			{Module: "a", Name: "t", Desc: []byte{1, 0x64, 0x70, 1, 2, 3}},
			{Module: "a", Name: "m", Desc: []byte{2, 1, 1, 9}},
			{Module: "a", Name: "g", Desc: []byte{3, 0x63, 0, 1}},
		},
		Funcs:   []ct.Func{{Type: sigI, Export: "run", Name: "go", Code: ct.Const(1)}},
		Customs: []ct.Custom{{Name: ".debug_info"}, {Name: ".debug_line"}},
	}.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	wantImports := []corewasm.Import{
		{Module: "a", Name: "f", Kind: corewasm.KindFunc},
		{Module: "a", Name: "t", Kind: corewasm.KindTable, Table: corewasm.TableType{
			Elem: info.Imports[1].Table.Elem, Limits: corewasm.Limits{Min: 2, Max: 3, HasMax: true}}},
		{Module: "a", Name: "m", Kind: corewasm.KindMemory, Memory: corewasm.Limits{Min: 1, Max: 9, HasMax: true}},
		{Module: "a", Name: "g", Kind: corewasm.KindGlobal, Global: corewasm.GlobalType{
			Type: corewasm.RefNull, Mutable: true}},
	}
	if d := cmp.Diff(wantImports, info.Imports, cmp.AllowUnexported(corewasm.Limits{})); d != "" {
		t.Error(d)
	}
	if got := info.Imports[1].Table.Elem.String(); got != "(ref func)" {
		t.Errorf("table of %s", got)
	}
	if got := info.Imports[3].Global.Type.String(); got != "(ref null 0)" {
		t.Errorf("global of %s", got)
	}
	if typ, ok := info.FuncTypeOf(1); !ok || typ.String() != "() -> (i32)" {
		t.Errorf("function 1 is %s", typ)
	}
	if d := cmp.Diff([]corewasm.Export{{Name: "run", Index: 1}}, info.Exports); d != "" {
		t.Error(d)
	}
	if !info.HasDWARF || info.Names().Module != "m" || info.Names().Func(1) != "go" {
		t.Errorf("DWARF %t, names %q %q", info.HasDWARF, info.Names().Module, info.Names().Func(1))
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(everything().Bytes())
	f.Add(ct.Header())
	f.Fuzz(func(t *testing.T, module []byte) {
		info, err := corewasm.Scan(module)
		if err != nil {
			return
		}
		info.Names()
		rw, err := corewasm.RewriteScanned(info, fullOptions(info))
		if err != nil {
			return
		}
		again, err := corewasm.Scan(rw.Wasm)
		if err != nil {
			t.Fatalf("the result cannot be read: %v", err)
		}
		for i := range again.Funcs {
			index := again.ImportedFuncs + uint32(i)
			original, ok := rw.OriginalFunc(index)
			if want := info.ImportedFuncs + uint32(i); ok != (i < len(info.Funcs)) || ok && original != want {
				t.Errorf("function %d of %d comes from %d (%t)", index, len(again.Funcs), original, ok)
			}
		}
	})
}

// What rewriting adds must not be there for modules that are invalid without.
func TestIndicesPastTheEndAreRefused(t *testing.T) {
	mod := func(m ct.Module) []byte {
		m.Globals = append(m.Globals, ct.Global{Type: 0x7f, Mutable: true, Init: ct.Const(1)})
		m.Funcs = append(m.Funcs, ct.Func{Type: sigVoid, Code: ct.Code(ct.Loop, ct.Void, ct.End)})
		return m.Bytes()
	}
	code := func(parts ...any) []byte {
		return mod(ct.Module{Funcs: []ct.Func{{Type: sigVoid, Code: ct.Code(parts...)}}})
	}
	for name, tt := range map[string]struct {
		module []byte
		want   string
	}{
		"call":            {code(0x10, 2), "unknown function 2"},
		"ref.func":        {code(0xd2, 2, ct.Drop), "unknown function 2"},
		"global.set":      {code(ct.Const(0), 0x24, 1), "unknown global 1"},
		"global.get":      {code(0x23, 1, ct.Drop), "unknown global 1"},
		"call_indirect":   {code(ct.Const(0), 0x11, 2, 0), "unknown type 2"},
		"block":           {code(ct.Block, 2, ct.End), "unknown type 2"},
		"ref.null":        {code(0xd0, 2, ct.Drop), "unknown type 2"},
		"function export": {mod(ct.Module{Exports: []ct.Export{{Name: "e", Kind: 0, Index: 1}}}), "unknown func 1"},
		"global export":   {mod(ct.Module{Exports: []ct.Export{{Name: "e", Kind: 3, Index: 1}}}), "unknown global 1"},
		"element":         {mod(ct.Module{Table: 1, Elems: []ct.Elem{{Offset: ct.Const(0), Funcs: []int{1}}}}), "unknown function 1"},
		"a mutable constant": {mod(ct.Module{Globals: []ct.Global{{Type: 0x7f, Mutable: true,
			Init: ct.Const(1)}, {Type: 0x7f, Init: []byte{0x23, 0}}}}), "global 0 cannot be used"},
		"a constant of itself": {mod(ct.Module{Globals: []ct.Global{{Type: 0x7f, Init: []byte{0x23, 0}}}}), "global 0 cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := corewasm.Rewrite(tt.module,
				corewasm.Options{Safepoint: &corewasm.ImportName{Module: "h", Name: "s"}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want: %s", err, tt.want)
			}
		})
	}
	if _, err := corewasm.Rewrite(code(0x10, 1), corewasm.Options{}); err != nil {
		t.Errorf("the last function cannot be called: %v", err)
	}
}
