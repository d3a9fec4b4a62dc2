package corewasm_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestAStubHasAllButTheCode compares what real modules declare with what their stubs do, which must
// be valid.
func TestAStubHasAllButTheCode(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	declared := func(wasm []byte) corewasm.Info {
		info, err := corewasm.Scan(wasm)
		if err != nil {
			t.Fatal(err)
		}
		return corewasm.Info{Types: info.Types, Imports: info.Imports, Funcs: info.Funcs,
			Tables: info.Tables, Memories: info.Memories, Globals: info.Globals, Tags: info.Tags,
			Exports: info.Exports, Elems: info.Elems, Data: info.Data, Customs: info.Customs}
	}
	modules := 0
	corpus(t, func(name string, module []byte) {
		info, err := corewasm.Scan(module)
		if err != nil {
			return
		}
		opt := fullOptions(info)
		rw, err := corewasm.RewriteScanned(info, opt)
		if err != nil || compiles(ctx, r, rw.Wasm) != nil {
			return
		}
		modules++
		stub, err := corewasm.Stub(rw.Wasm)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := compiles(ctx, r, stub); err != nil {
			t.Errorf("%s: the stub is not valid: %v", name, err)
		}
		if !reflect.DeepEqual(declared(stub), declared(rw.Wasm)) {
			t.Errorf("%s: the stub declares something else", name)
		}
		kept, ok := rw.Keep()
		if !ok {
			return
		}
		again := kept.Restore(info, opt)
		rw.Wasm = nil
		if !reflect.DeepEqual(again, rw) {
			t.Errorf("%s: %+v does not restore what rewriting returned", name, kept)
		}
	})
	if modules == 0 {
		t.Error("no modules were found")
	}
}

func TestStubOfOddModules(t *testing.T) {
	long := ct.Code(ct.Header(), []byte{10, 0x84, 0x80, 0}, 1, 2, 0, 0x0b) // a size in three bytes
	for name, tt := range map[string]struct {
		wasm, want []byte
	}{
		"no code":     {ct.Header(), ct.Header()},
		"long size":   {long, ct.Code(ct.Header(), 10, 5, 1, 3, 0, 0, 0x0b)},
		"no module":   {[]byte("text"), nil},
		"no count":    {ct.Code(ct.Header(), 10, 0), nil},
		"a lie":       {ct.Code(ct.Header(), 10, 5, []byte{0xff, 0xff, 0xff, 0xff, 0x0f}), nil},
		"cut section": {ct.Code(ct.Header(), 10, 9, 1), nil},
	} {
		got, err := corewasm.Stub(tt.wasm)
		if string(got) != string(tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
}

// A module with several memories has parts that are not restored.
func TestModulesWithCompanionsAreNotKept(t *testing.T) {
	module := ct.Code(ct.Header(), ct.Section(5, []byte{2, 0, 1, 0, 1}))
	rw, err := corewasm.Rewrite(module, corewasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := rw.Keep(); ok {
		t.Error("it was kept")
	}
}
