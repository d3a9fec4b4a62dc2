package validate_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	. "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
	"github.com/wasihttp/wasihttp/component/internal/validate"
)

// addSuite adds the small binaries of the suites under the folder that WASIHTTP_WAST_DIR names, if
// it does.
func addSuite(f *testing.F) {
	dir := os.Getenv("WASIHTTP_WAST_DIR")
	if dir == "" {
		return
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wasm" {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && len(data) < 1000 {
			f.Add(data)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

func FuzzValidate(f *testing.F) {
	addSuite(f)
	rec := record(Field("x", u8))
	f.Add(Component(types(rec, B(0x70, 0), Func(0, Field("p", u8))),
		imports(Import("t", eq(0)...), Import("r", subResource...), Import("f", fn, 2))))
	f.Add(Component(
		Nested(types(B(0x3f, 0x7f, 0)), exports(Export("r", typ, 0)),
			canons(B(0x02, 0), B(0x03, 0), B(0x04, 1))),
		insts(instantiate(0), instantiate(0)),
		aliases(aliasExport(typ, 0, "r"), aliasExport(typ, 1, "r")),
		Nested(imports(Import("x", subResource...), Import("y", eq(0)...))),
		insts(instantiate(1, arg("x", typ, 0), arg("y", typ, 0)))))
	f.Add(Component(types(B(0x42, 2, 0x04, 0, 1, 'r', typ, 1, 0x04, 0, 1, 's', typ, 0, 0)),
		imports(Import("i", inst, 0)),
		exports(ExportAs("j", B(inst, 0), B(inst, 0))), insts(inline(item("k", inst, 1)))))
	f.Add(Component(types(B(0x41, 3, 0x03, 0, 1, 'r', typ, 1, 0x01, 0x69, 0, 0x04, 0, 1, 's', typ,
		0, 1)), imports(Import("c", comp, 0)),
		Nested(aliases(B(comp, 0x02, 1, 0)), exports(Export("d", comp, 0)))))
	f.Add(Component(exporting(coreFunc(0), coreFunc(1, i32, i32, i32, i32)), types(Func(0)),
		canons(B(0x00, 0x00, 0, 0, 0), B(0x01, 0x00, 0, 0)),
		Defs(CoreInstanceSection, Cat(B(0x01, 1), Name("x"), B(0x00, 0)))))
	f.Add(Component(types(B(0x66, 1, u8), B(0x65, 0), B(0x43, 0, 0, str)),
		canons(B(0x0e, 0), B(0x18, 1, 0), B(0x1f), B(0x09, 0x00, u8, 0))))
	f.Add(Component(Defs(CoreTypeSection,
		Cat(B(0x50), Vec(Cat(B(0x01), coreFunc(0)),
			Cat(B(0x00), Name("e"), Name("x"), B(0x00, 0)))), B(0x4e, 1, 0x60, 1, 0x63, 1, 0))))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := binary.Decode(data)
		if err != nil {
			return
		}
		first := verdictOn(c, validate.DefaultFeatures)
		var e *validate.Error
		if first != nil && (!errors.As(first, &e) || e.Offset < 0 || e.Offset > len(data)) {
			t.Fatalf("%v has no place in %d bytes", first, len(data))
		}
		if again := verdictOn(c, validate.DefaultFeatures); (first == nil) != (again == nil) {
			t.Fatalf("first %v, then %v", first, again)
		}
		if all := verdictOn(c, validate.AllFeatures); first == nil && all != nil {
			t.Fatalf("refused with more features: %v", all)
		}
	})
}
