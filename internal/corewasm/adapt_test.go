package corewasm_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestAdaptReturnsTheResultOfRewrite checks that the shortcut agrees with the whole
// way, and is not taken where the module itself would be another.
func TestAdaptReturnsTheResultOfRewrite(t *testing.T) {
	opt := corewasm.Options{MoveData: true, GlobalPrefix: "g"}
	base := func(data ...ct.Data) []byte {
		return ct.Module{
			Memory: &ct.Memory{Min: 1},
			Funcs:  []ct.Func{{Type: sigI, Export: "f", Code: ct.Const(7)}},
			Data:   data,
		}.Bytes()
	}
	at := func(offset int, text string) ct.Data { return ct.Data{Offset: ct.Const(offset), Bytes: text} }
	before := base(at(8, "one"), at(100, "two"))
	tests := map[string]struct {
		now   []byte
		alike bool
	}{
		"the same":         {before, true},
		"other data":       {base(at(8, "ONE"), at(100, "TWO")), true},
		"other lengths":    {base(at(8, "o"), at(100, "twotwotwo")), true},
		"other places":     {base(at(16, "one"), at(200, "two")), true},
		"more segments":    {base(at(8, "one"), at(100, "two"), at(200, "three")), false},
		"fewer segments":   {base(at(8, "one")), false},
		"one does not fit": {base(at(8, "one"), at(65535, "two")), false},
		"other code": {ct.Module{
			Memory: &ct.Memory{Min: 1},
			Funcs:  []ct.Func{{Type: sigI, Export: "f", Code: ct.Const(8)}},
			Data:   []ct.Data{at(8, "one"), at(100, "two")},
		}.Bytes(), false},
		"more memory": {ct.Module{
			Memory: &ct.Memory{Min: 2},
			Funcs:  []ct.Func{{Type: sigI, Export: "f", Code: ct.Const(7)}},
			Data:   []ct.Data{at(8, "one"), at(100, "two")},
		}.Bytes(), false},
	}
	first, err := corewasm.Rewrite(before, opt)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			info, err := corewasm.Scan(tt.now)
			if err != nil {
				t.Fatal(err)
			}
			adapted, ok := first.Adapt(info, opt)
			if ok != tt.alike {
				t.Fatalf("got %v", ok)
			}
			whole, err := corewasm.RewriteScanned(info, opt)
			if err != nil {
				t.Fatal(err)
			}
			if same := bytes.Equal(first.Wasm, whole.Wasm); ok && !same {
				t.Error("the rewritten modules differ")
			}
			if !ok {
				return
			}
			if diff := cmp.Diff(whole.Data, adapted.Data); diff != "" {
				t.Errorf("data (-rewritten +adapted):\n%s", diff)
			}
			if diff := cmp.Diff([]any{whole.Globals, whole.Code}, []any{adapted.Globals, adapted.Code}); diff != "" ||
				adapted.Info != info {
				t.Errorf("facts (-rewritten +adapted):\n%s", diff)
			}
		})
	}
}
