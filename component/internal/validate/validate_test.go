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

// Codes of types and sorts.
const (
	u8, u32, u64, f64, char, str = 0x7d, 0x79, 0x77, 0x75, 0x74, 0x73

	fn, typ, comp, inst = 0x01, 0x03, 0x04, 0x05
)

var (
	subResource = []byte{typ, 0x01}
	noParams    = Func(0)
)

// verdictOn returns why c is not valid, nil if it is.
func verdictOn(c *binary.Component, feats validate.Features) error {
	_, err := validate.Analyze(c, feats)
	return err
}

// check returns the verdict on a component of the given sections.
func check(t *testing.T, sections ...[]byte) error {
	t.Helper()
	c, err := binary.Decode(Component(sections...))
	if err != nil {
		t.Fatalf("the test's own component is malformed: %v", err)
	}
	return verdictOn(c, validate.DefaultFeatures)
}

func types(defs ...[]byte) []byte    { return Defs(TypeSection, defs...) }
func canons(defs ...[]byte) []byte   { return Defs(CanonSection, defs...) }
func imports(defs ...[]byte) []byte  { return Defs(ImportSection, defs...) }
func exports(defs ...[]byte) []byte  { return Defs(ExportSection, defs...) }
func aliases(defs ...[]byte) []byte  { return Defs(AliasSection, defs...) }
func insts(defs ...[]byte) []byte    { return Defs(InstanceSection, defs...) }
func eq(index byte) []byte           { return B(typ, 0x00, index) }
func record(fields ...[]byte) []byte { return Cat(B(0x72), Vec(fields...)) }

// instantiate is an instance of a component; args are name, sort and index each.
func instantiate(component byte, args ...[]byte) []byte { return Cat(B(0x00, component), Vec(args...)) }

func arg(name string, sort, index byte) []byte { return Cat(Name(name), B(sort, index)) }

// inline is an instance of items.
func inline(items ...[]byte) []byte { return Cat(B(0x01), Vec(items...)) }

func item(name string, sort, index byte) []byte { return Cat(ExternName(name), B(sort, index)) }

func aliasExport(sort, instance byte, name string) []byte {
	return Cat(B(sort, 0x00, instance), Name(name))
}

// exporting is the section of a core module whose exports are functions named by the keys, of the
// given core types, and a memory "mem"; and the core instance of it and an alias of each export in
// order, the memory first.
func exporting(coreTypes ...[]byte) []byte {
	var funcs, bodies [][]byte
	exp := [][]byte{Cat(Name("mem"), B(0x02, 0))}
	alias := [][]byte{Cat(B(0x00, 0x02, 0x01, 0), Name("mem"))}
	for i := range coreTypes {
		name := fmt.Sprint("f", i)
		funcs = append(funcs, B(byte(i)))
		bodies = append(bodies, B(3, 0, 0x00, 0x0b))
		exp = append(exp, Cat(Name(name), B(0x00, byte(i))))
		alias = append(alias, Cat(B(0x00, 0x00, 0x01, 0), Name(name)))
	}
	return Cat(
		Section(
			CoreModuleSection,
			Module(Defs(1, coreTypes...), Defs(3, funcs...), Defs(5, B(0x00, 1)), Defs(7, exp...),
				Defs(10, bodies...)),
		),
		Defs(CoreInstanceSection, B(0x00, 0, 0)),
		aliases(alias...),
	)
}

func coreFunc(results int, params ...byte) []byte {
	return Cat(
		B(0x60),
		U32(uint32(len(params))),
		params,
		U32(uint32(results)),
		[]byte(strings.Repeat("\x7f", results)),
	)
}

const i32 = 0x7f

type verdict struct {
	name     string
	sections [][]byte
	text     string // of the error, "" if valid
}

func runVerdicts(t *testing.T, table []verdict) {
	t.Helper()
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {
			err := check(t, tt.sections...)
			var e *validate.Error
			switch {
			case tt.text == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.text != "" && err == nil:
				t.Errorf("accepted, want %q", tt.text)
			case err != nil && (!errors.As(err, &e) || e.Offset < 8):
				t.Errorf("%v has no place", err)
			case err != nil && !strings.Contains(e.Error(), tt.text):
				t.Errorf("got %q, want %q", e, tt.text)
			}
		})
	}
}

func s(sections ...[]byte) [][]byte { return sections }

func TestValueTypes(t *testing.T) {
	labels := func(n int) [][]byte {
		var out [][]byte
		for i := range n {
			out = append(out, Name(fmt.Sprint("a", i)))
		}
		return out
	}
	chain := func(n int) []byte {
		defs := [][]byte{B(0x70, str)}
		for i := range n - 2 {
			defs = append(defs, Cat(B(0x70), sleb(i)))
		}
		return types(defs...)
	}
	runVerdicts(t, []verdict{
		{"every constructor", s(types(
			record(Field("x", u32)),
			Cat(B(0x71), Vec(Cat(Name("a"), B(1, 0, 0)), Cat(Name("b"), B(0, 0)))),
			B(0x70, 1), B(0x67, 1, 4), B(0x6f, 2, 0, u8), Cat(B(0x6e), Vec(labels(32)...)), Cat(B(0x6d), Vec(labels(300)...)),
			B(0x6b, 2), B(0x6a, 1, 2, 1, str), B(0x66, 1, u8), B(0x65, 0), B(0x63, str, 2), B(0x64))), ""},
		{"record without fields", s(types(B(0x72, 0))), "at least one field"},
		{"variant without cases", s(types(B(0x71, 0))), "at least one case"},
		{"tuple without types", s(types(B(0x6f, 0))), "at least one type"},
		{"flags without any", s(types(B(0x6e, 0))), "at least one flag"},
		{"33 flags", s(types(Cat(B(0x6e), Vec(labels(33)...)))), "more than 32 flags"},
		{"enum without cases", s(types(B(0x6d, 0))), "at least one case"},
		{"empty fixed list", s(types(B(0x67, u8, 0))), "at least one element"},
		{"map with a float as key", s(types(B(0x63, f64, u8))), "cannot be the key"},
		{"map with a list as key", s(types(B(0x70, u8), B(0x63, 0, u8))), "cannot be the key"},
		{"map with a named primitive as key", s(types(B(u32), B(0x63, 0, u8))), ""},
		{"stream of char", s(types(B(0x66, 1, char))), "stream<char>"},
		{"stream of borrows", s(imports(Import("r", subResource...)), types(B(0x68, 0), B(0x6b, 1), B(0x66, 1, 2))), "cannot carry a borrow"},
		{"future of a list of borrows",
			s(imports(Import("r", subResource...)), types(B(0x68, 0), B(0x70, 1), B(0x65, 1, 2))),
			"cannot carry a borrow"},
		{"result that is a borrow", s(imports(Import("r", subResource...)), types(B(0x68, 0), Func(1))), "cannot contain a borrow"},
		{"parameter that is a borrow", s(imports(Import("r", subResource...)), types(B(0x68, 0), Func(0, Field("b", 1)))), ""},
		{"index that is not defined yet", s(types(B(0x70, 0))), "unknown type 0: index out of bounds"},
		{"function as element", s(types(noParams, B(0x70, 0))), "not a defined value type but a function type"},
		{"resource as element", s(imports(Import("r", subResource...)), types(B(0x70, 0))), "not a defined value type but a resource type"},
		{"own of a value type", s(types(B(u8), B(0x69, 0))), "not a resource type but a u8"},
		{"two fields of one name", s(types(record(Field("a-b", u8), Field("A-b", u8)))), "conflicts"},
		{"field without a name", s(types(record(Field("", u8)))), "is empty"},
		{"case in camel case", s(types(Cat(B(0x6d), Vec(Name("fooBar"))))), "kebab"},
		{"two parameters of one name", s(types(Func(0, Field("a", u8), Field("a", u8)))), "conflicts"},
		{"value just below the largest", s(types(Cat(B(0x67, u8), U32(1<<28-1)))), ""},
		{"value that is too large", s(types(Cat(B(0x67, u8), U32(1<<28)))), "exceeds the maximum"},
		{"value whose size would wrap around", s(types(Cat(B(0x67, u64), U32(1<<29)))), "exceeds the maximum"},
		{"sum that is too large", s(types(Cat(B(0x67, u8), U32(1<<27)), B(0x6f, 2, 0, 0))), "exceeds the maximum"},
		{"size counted with 64-bit pointers", s(types(Cat(B(0x67, str), U32(1<<24)))), "exceeds the maximum"},
		{"one flat value more than fits",
			s(types(B(0x67, u8, 17), Func(0, Field("p", 0))), imports(Import("f", fn, 1)),
				canons(B(0x01, 0x00, 0, 0))), "memory is required"},
		{"as many flat values as fit",
			s(types(B(0x67, u8, 16), Func(0, Field("p", 0))), imports(Import("f", fn, 1)),
				canons(B(0x01, 0x00, 0, 0))), ""},
		{"100 levels", s(chain(100)), ""},
		{"101 levels", s(chain(101)), "nested more than"},
		{"a tree of two to the 30", s(types(func() [][]byte {
			defs := [][]byte{B(0x70, u8)}
			for i := range byte(30) {
				defs = append(defs, B(0x6a, 1, i, 1, i))
			}
			return defs
		}()...)), "larger than"},
	})
}

// sleb is a non-negative number in signed LEB128, as type indices are written where a primitive
// could stand.
func sleb(n int) []byte {
	if n < 64 {
		return B(byte(n))
	}
	return B(byte(n&0x7f)|0x80, byte(n>>7))
}

func TestIndexSpacesGrowWithEachDefinition(t *testing.T) {
	runVerdicts(t, []verdict{
		{"exports append too",
			s(types(noParams), imports(Import("f", fn, 0)), exports(Export("a", fn, 0)),
				exports(Export("b", fn, 1), Export("c", fn, 2))), ""},
		{"one beyond",
			s(types(noParams), imports(Import("f", fn, 0)), exports(Export("a", fn, 0), Export("b", fn, 2))),
			"index out of bounds (2 are defined)"},
		{"aliases append",
			s(types(B(0x42, 2, 0x01, u8, 0x04, 0, 1, 't', typ, 0, 0)), imports(Import("i", inst, 0)),
				aliases(aliasExport(typ, 0, "t")), types(B(0x70, 1))), ""},
		{"recursive groups append each of their types",
			s(Defs(CoreTypeSection, B(0x4e, 2, 0x60, 0, 0, 0x60, 0, 0), B(0x50, 0)),
				imports(Import("m", 0x00, 0x11, 2))), ""},
		{"function type as module", s(Defs(CoreTypeSection, B(0x60, 0, 0)), imports(Import("m", 0x00, 0x11, 0))), "not a module type"},
		{"unknown component", s(insts(instantiate(0))), "unknown component 0"},
		{"unknown core module", s(Defs(CoreInstanceSection, B(0x00, 0, 0))), "unknown core module 0"},
		{"value import", s(imports(Import("v", 0x02, 0x01, u8))), "values are not supported"},
		{"start", s(Section(StartSection, B(0, 0, 0))), "start definitions are not supported"},
		{"value", s(Defs(ValueSection, B(u8, 1, 1))), "value definitions are not supported"},
		{"export of a core function", s(exporting(coreFunc(0)), exports(Export("f", 0x00, 0x00, 0))), "cannot be used here"},
	})
}

func TestOuterAliases(t *testing.T) {
	outer := func(sort, count, index byte) []byte { return aliases(B(sort, 0x02, count, index)) }
	runVerdicts(t, []verdict{
		{"of this component", s(types(B(u8)), outer(typ, 0, 0), types(B(0x70, 1))), ""},
		{"of the enclosing component", s(types(record(Field("x", u8))), Nested(outer(typ, 1, 0), types(B(0x70, 0)))), ""},
		{"of too far out", s(types(B(u8)), Nested(outer(typ, 2, 0))), "invalid outer alias count of 2"},
		{"of nothing", s(Nested(outer(typ, 1, 0))), "index out of bounds"},
		{"of a resource", s(imports(Import("r", subResource...)), Nested(outer(typ, 1, 0))), "refers to resources"},
		{"of a type that mentions a resource",
			s(imports(Import("r", subResource...)), types(B(0x69, 0), record(Field("x", 1))),
				Nested(outer(typ, 1, 2))), "refers to resources"},
		{"of a resource, in a type", s(imports(Import("r", subResource...)), types(B(0x41, 1, 0x02, typ, 0x02, 1, 0))), ""},
		{"of a type with resources of its own", s(types(B(0x42, 1, 0x04, 0, 1, 'r', typ, 1)), Nested(outer(typ, 1, 0))), ""},
		{"of a component", s(Nested(), Nested(outer(comp, 1, 0), insts(instantiate(0)))), ""},
		{"of a component, in a type", s(Nested(), types(B(0x41, 1, 0x02, comp, 0x02, 1, 0))), "may only refer to types or instances"},
	})
}

func TestNamesOfImportsAndExports(t *testing.T) {
	instWith := func(attr ...byte) []byte { return Cat(B(0x02), Name("a"), Vec(attr), B(inst, 0)) }
	iface := types(B(0x42, 0))
	withR := func(names ...string) [][]byte { // a resource r and functions of type 2, which takes self: borrow<r>
		items := [][]byte{}
		for _, n := range names {
			items = append(items, Import(n, fn, 2))
		}
		return s(imports(Import("r", subResource...)), types(B(0x68, 0), Func(0, Field("self", 1))),
			imports(items...))
	}
	runVerdicts(t, []verdict{
		{"plain and interface", s(types(noParams), imports(Import("get-JSON", fn, 0), Import("a:b/c", fn, 0), Import("a:b/c@0.2.1", fn, 0))), ""},
		{"no kebab case", s(types(noParams), imports(Import("getJson", fn, 0))), "kebab"},
		{"empty", s(types(noParams), imports(Import("", fn, 0))), "not a valid extern name"},
		{"shortened version", s(types(noParams), imports(Import("a:b/c@1", fn, 0))), "three numbers"},
		{"twice in other case", s(types(noParams), imports(Import("a", fn, 0), Import("A", fn, 0))), "conflicts"},
		{"import and export of one name", s(types(noParams), imports(Import("a", fn, 0)), exports(Export("a", fn, 0))), ""},
		{"twice among items", s(types(noParams), imports(Import("a", fn, 0)), insts(inline(item("x", fn, 0), item("X", fn, 0)))), "conflicts"},
		{"twice in an instance type", s(types(B(0x42, 3, 0x01, 0x40, 0, 1, 0, 0x04, 0, 1, 'a', fn, 0, 0x04, 0, 1, 'A', fn, 0))), "conflicts"},
		{"implements", s(iface, imports(instWith(Cat(B(0x00), Name("a:b/c"))...))), ""},
		{"implements no interface", s(iface, imports(instWith(Cat(B(0x00), Name("b"))...))), "must be an interface name"},
		{"version suffix without version", s(iface, imports(instWith(Cat(B(0x01), Name(".1"))...))), "no canonical version"},
		{"version suffix", s(iface, imports(Cat(B(0x02), Name("a:b/c@0.2"), Vec(Cat(B(0x01), Name(".6"))), B(inst, 0)))), ""},
		{"method", withR("[method]r.m"), ""},
		{"static", withR("[static]r.m"), ""},
		{"method of an unknown resource", withR("[method]q.m"), "has no name in this context"},
		{"static of an unknown resource", withR("[static]q.m"), "has no name in this context"},
		{"method and static of one name", withR("[method]r.m", "[static]r.m"), "conflicts"},
		{"method named as its resource", withR("[method]r.r"), "conflicts"},
		{"constructor that returns nothing", withR("[constructor]r"), "should return one value"},
		{"constructor", s(imports(Import("r", subResource...)), types(B(0x69, 0), Func(1)), imports(Import("[constructor]r", fn, 2))), ""},
		{"constructor that can fail",
			s(imports(Import("r", subResource...)), types(B(0x69, 0), B(0x6a, 1, 1, 1, str), Func(2)),
				imports(Import("[constructor]r", fn, 3))), ""},
		{"constructor of another resource",
			s(imports(Import("r", subResource...), Import("q", subResource...)), types(B(0x69, 1), Func(2)),
				imports(Import("[constructor]r", fn, 3))), "not the one named"},
		{"method without self",
			s(imports(Import("r", subResource...)), types(B(0x68, 0), Func(0, Field("me", 1))),
				imports(Import("[method]r.m", fn, 2))), "called self"},
		{"method that takes its own resource",
			s(imports(Import("r", subResource...)), types(B(0x69, 0), Func(0, Field("self", 1))),
				imports(Import("[method]r.m", fn, 2))), "should be borrow"},
		{"method that is an instance", s(iface, imports(Import("[method]r.m", inst, 0))), "is for functions"},
	})
}

func TestTypesOfExportsNeedVisibleNames(t *testing.T) {
	rec := record(Field("x", u8))
	// A function that takes type 0, by lowering nothing and lifting a core function.
	lifted := Cat(exporting(coreFunc(0, i32)), types(Func(0, Field("p", 0))), canons(B(0x00, 0x00, 0, 0, 1)))
	runVerdicts(t, []verdict{
		{"record without a name", s(types(rec), lifted, exports(Export("f", fn, 0))), "not valid to be used as export"},
		{"record named too late", s(types(rec), lifted, exports(Export("t", typ, 0), Export("f", fn, 0))), "not valid to be used as export"},
		{"record named, function ascribed",
			s(types(rec), lifted, exports(Export("t", typ, 0)), types(Func(0, Field("p", 2))),
				exports(ExportAs("f", B(fn, 0), B(fn, 3)))), ""},
		{"import of an anonymous record", s(types(rec, Func(0, Field("p", 0))), imports(Import("f", fn, 1))), "not valid to be used as import"},
		{"import of a named record", s(types(rec), imports(Import("t", eq(0)...)), types(Func(0, Field("p", 1))), imports(Import("f", fn, 2))), ""},
		{"import that depends on an export",
			s(types(rec), exports(Export("t", typ, 0)), types(Func(0, Field("p", 1))), imports(Import("f", fn, 2))),
			"not valid to be used as import"},
		{"tuples and options need none", s(types(B(0x6f, 1, u8), B(0x6b, 0), Func(0, Field("p", 1))), imports(Import("f", fn, 2))), ""},
		{"record within a list", s(types(rec, B(0x70, 0), Func(0, Field("p", 1))), imports(Import("f", fn, 2))), "not valid to be used as import"},
		{"instance that names its types", s(types(B(0x42, 4, 0x01, 0x72, 1, 1, 'x', u8, 0x04, 0, 1, 't', typ, 0, 0,
			0x01, 0x40, 1, 1, 'p', 1, 1, 0, 0x04, 0, 1, 'f', fn, 2)), imports(Import("i", inst, 0))), ""},
		{"instance that does not", s(types(B(0x42, 3, 0x01, 0x72, 1, 1, 'x', u8,
			0x01, 0x40, 1, 1, 'p', 0, 1, 0, 0x04, 0, 1, 'f', fn, 1)), imports(Import("i", inst, 0))), "instance not valid to be used as import"},
		{"component type that does not", s(types(B(0x41, 3, 0x01, 0x72, 1, 1, 'x', u8,
			0x01, 0x40, 1, 1, 'p', 0, 1, 0, 0x04, 0, 1, 'f', fn, 1))), "func not valid to be used as export"},
	})
}

func TestInstantiation(t *testing.T) {
	needs := func(externType []byte, before ...[]byte) []byte {
		return Nested(append(before, imports(Import("a", externType...)))...)
	}
	twoResources := imports(Import("r", subResource...), Import("q", subResource...))
	// A component that imports a resource and a function that takes a list of it.
	user := Nested(imports(Import("t", subResource...)),
		types(B(0x69, 0), B(0x70, 1), Func(0, Field("p", 2))), imports(Import("f", fn, 3)))
	// A function of the outer component that takes a list of resource 0.
	give := Cat(types(B(0x69, 0), B(0x70, 2), Func(0, Field("p", 3))), imports(Import("f", fn, 4)))
	maker := Nested(types(B(0x3f, 0x7f, 0)), exports(Export("r", typ, 0)))
	taker := Nested(imports(Import("x", subResource...), Import("y", eq(0)...)))
	runVerdicts(t, []verdict{
		{"nothing needed", s(Nested(), insts(instantiate(0))), ""},
		{"argument missing", s(needs(B(fn, 0), types(noParams)), insts(instantiate(0))), `needs an import named "a"`},
		{"argument given",
			s(types(noParams), imports(Import("f", fn, 0)), needs(B(fn, 0), types(noParams)),
				insts(instantiate(0, arg("a", fn, 0)))), ""},
		{"argument twice",
			s(types(noParams), imports(Import("f", fn, 0)), needs(B(fn, 0), types(noParams)),
				insts(instantiate(0, arg("a", fn, 0), arg("a", fn, 0)))), "given twice"},
		{"argument of another sort",
			s(Nested(), needs(B(fn, 0), types(noParams)), insts(instantiate(1, arg("a", comp, 0)))),
			"expected func, found component"},
		{"other parameters",
			s(types(Func(0, Field("x", u8))), imports(Import("f", fn, 0)), needs(B(fn, 0), types(noParams)),
				insts(instantiate(0, arg("a", fn, 0)))), "expected 0 parameters, found 1"},
		{"async for sync",
			s(types(B(0x43, 0, 1, 0)), imports(Import("f", fn, 0)), needs(B(fn, 0), types(noParams)),
				insts(instantiate(0, arg("a", fn, 0)))), "expected func, found async func"},
		{"the resource that was given", s(twoResources, give, user, insts(instantiate(0, arg("t", typ, 0), arg("f", fn, 0)))), ""},
		{"another resource than was given",
			s(twoResources, give, user, insts(instantiate(0, arg("t", typ, 1), arg("f", fn, 0)))),
			"resource types are not the same"},
		{"resource by its equal", s(twoResources, taker, insts(instantiate(0, arg("x", typ, 0), arg("y", typ, 0)))), ""},
		{"resource by another", s(twoResources, taker, insts(instantiate(0, arg("x", typ, 0), arg("y", typ, 1)))), "resource types are not the same"},
		{"resource of the same instance",
			s(maker, insts(instantiate(0)), aliases(aliasExport(typ, 0, "r"), aliasExport(typ, 0, "r")), taker,
				insts(instantiate(1, arg("x", typ, 0), arg("y", typ, 1)))), ""},
		{"resources of two instances",
			s(maker, insts(instantiate(0), instantiate(0)),
				aliases(aliasExport(typ, 0, "r"), aliasExport(typ, 1, "r")), taker,
				insts(instantiate(1, arg("x", typ, 0), arg("y", typ, 1)))), "resource types are not the same"},
		{"value type for a resource",
			s(types(B(u8)), Nested(imports(Import("x", subResource...))), insts(instantiate(0, arg("x", typ, 0)))),
			"expected resource type, found u8"},
		{"instance with more than needed", s(types(noParams), imports(Import("f", fn, 0)), insts(inline(item("g", fn, 0), item("h", fn, 0))),
			needs(B(inst, 0), types(B(0x42, 2, 0x01, 0x40, 0, 1, 0, 0x04, 0, 1, 'g', fn, 0))), insts(instantiate(0, arg("a", inst, 0)))), ""},
		{"instance with less",
			s(insts(inline()), needs(B(inst, 0), types(B(0x42, 2, 0x01, 0x40, 0, 1, 0, 0x04, 0, 1, 'g', fn, 0))),
				insts(instantiate(0, arg("a", inst, 0)))), `missing expected export "g"`},
		{"component that needs less",
			s(Nested(), needs(B(comp, 0), types(B(0x41, 2, 0x01, 0x40, 0, 1, 0, 0x03, 0, 1, 'g', fn, 0))),
				insts(instantiate(1, arg("a", comp, 0)))), ""},
		{"component that needs more",
			s(Nested(types(noParams), imports(Import("g", fn, 0))), needs(B(comp, 0), types(B(0x41, 0))),
				insts(instantiate(1, arg("a", comp, 0)))), `missing expected import "g"`},
		{"alias of what an instance lacks", s(insts(inline()), aliases(aliasExport(fn, 0, "f"))), `no export named "f"`},
		{"alias as another sort",
			s(types(noParams), imports(Import("f", fn, 0)), insts(inline(item("f", fn, 0))),
				aliases(aliasExport(inst, 0, "f"))), "is not an instance but a func"},
		{"ascribed to less",
			s(types(noParams, B(0x42, 0)), imports(Import("f", fn, 0)), insts(inline(item("f", fn, 0))),
				exports(ExportAs("i", B(inst, 0), B(inst, 1)))), ""},
		{"ascribed to more",
			s(types(B(0x42, 0), B(0x42, 2, 0x01, 0x40, 0, 1, 0, 0x04, 0, 1, 'g', fn, 0)),
				imports(Import("i", inst, 0)), exports(ExportAs("i", B(inst, 0), B(inst, 1)))), "not compatible"},
		{"ascribed as abstract", s(types(B(0x3f, 0x7f, 0)), exports(ExportAs("r", B(typ, 0), subResource)), canons(B(0x03, 1))), ""},
		{"abstract is not local",
			s(types(B(0x3f, 0x7f, 0)), exports(ExportAs("r", B(typ, 0), subResource)), canons(B(0x02, 1))),
			"not a local resource"},
		{"exponential instantiation", s(func() []byte {
			out := Nested()
			for i := range byte(20) {
				out = Cat(out, Nested(aliases(B(comp, 0x02, 1, i)), insts(instantiate(0), instantiate(0))))
			}
			return out
		}()), "more than 10000 instances"},
	})
}

func TestCoreInstances(t *testing.T) {
	importing := func(desc ...byte) []byte {
		return Section(CoreModuleSection,
			Module(Defs(1, coreFunc(0), coreFunc(0, i32)), Defs(2, Cat(Name("e"), Name("x"), desc))))
	}
	with := func(sort, index byte) []byte { // the instance 1 of an item named x, and the instance 2 of module 1 with it
		return Defs(CoreInstanceSection, Cat(B(0x01, 1), Name("x"), B(sort, index)),
			Cat(B(0x00, 1, 1), Name("e"), B(0x12, 1)))
	}
	base := exporting(coreFunc(0), coreFunc(0, i32))
	moduleOf := func(decls ...[]byte) []byte { return Defs(CoreTypeSection, Cat(B(0x50), Vec(decls...))) }
	runVerdicts(t, []verdict{
		{"function", s(base, importing(0x00, 0), with(0x00, 0)), ""},
		{"function of another type", s(base, importing(0x00, 1), with(0x00, 0)), "expected [i32] -> [], found [] -> []"},
		{"memory", s(base, importing(0x02, 0x00, 1), with(0x02, 0)), ""},
		{"memory that is too small", s(base, importing(0x02, 0x00, 2), with(0x02, 0)), "memory limits"},
		{"memory without the maximum", s(base, importing(0x02, 0x01, 1, 2), with(0x02, 0)), "memory limits"},
		{"function for a memory", s(base, importing(0x02, 0x00, 1), with(0x00, 0)), "expected core memory, found core func"},
		{"argument missing", s(base, importing(0x02, 0x00, 1), Defs(CoreInstanceSection, B(0x00, 1, 0))),
			`missing module instantiation argument "e"`},
		{"item missing",
			s(base, importing(0x02, 0x00, 1), Defs(CoreInstanceSection, Cat(B(0x00, 1, 1), Name("e"), B(0x12, 0)))),
			`an item named "x"`},
		{"alias of nothing", s(base, aliases(Cat(B(0x00, 0x00, 0x01, 0), Name("nope")))), `no export named "nope"`},
		{"alias of another sort", s(base, aliases(Cat(B(0x00, 0x01, 0x01, 0), Name("mem")))), "not a core table but a core memory"},
		{"two imports of one name",
			s(Section(CoreModuleSection,
				Module(Defs(2, Cat(Name("a"), Name("b"), B(0x02, 0, 1)), Cat(Name("a"), Name("b"), B(0x02, 0, 1)))))),
			"duplicate import name"},
		{"module type with two exports of one name",
			s(moduleOf(Cat(B(0x03), Name("m"), B(0x02, 0, 1)), Cat(B(0x03), Name("m"), B(0x02, 0, 1)))),
			"already defined"},
		{"module type with an unknown function type", s(moduleOf(Cat(B(0x03), Name("f"), B(0x00, 0)))), "unknown core type 0"},
		{"module type with too large a memory", s(moduleOf(Cat(B(0x03), Name("m"), B(0x02, 0), U32(65537)))), "at most 65536 pages"},
		{"imported module, instantiated",
			s(base, moduleOf(Cat(B(0x01), coreFunc(0)), Cat(B(0x00), Name("e"), Name("x"), B(0x00, 0)),
				Cat(B(0x03), Name("y"), B(0x00, 0))),
				imports(Import("m", 0x00, 0x11, 0)), with(0x00, 0), aliases(Cat(B(0x00, 0x00, 0x01, 2), Name("y")))), ""},
		{"open type as supertype", s(Defs(CoreTypeSection, B(0x00, 0x50, 0, 0x60, 0, 0), B(0x4f, 1, 0, 0x60, 0, 0))), ""},
		{"final type as supertype", s(Defs(CoreTypeSection, coreFunc(0), B(0x4f, 1, 0, 0x60, 0, 0))), "is final"},
		{"broken core module", s(Section(CoreModuleSection, Module(Defs(3, B(9))))), "core module"},
	})
}
