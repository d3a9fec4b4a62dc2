package validate_test

import (
	"testing"

	. "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
)

func enum(labels ...string) []byte  { return Cat(B(0x6d), Vec(namesOf(labels)...)) }
func flags(labels ...string) []byte { return Cat(B(0x6e), Vec(namesOf(labels)...)) }

func namesOf(labels []string) [][]byte {
	var out [][]byte
	for _, l := range labels {
		out = append(out, Name(l))
	}
	return out
}

func variant(cases ...[]byte) []byte { return Cat(B(0x71), Vec(cases...)) }

func variantCase(label string, payload ...byte) []byte {
	if len(payload) == 0 {
		return Cat(Name(label), B(0, 0))
	}
	return Cat(Name(label), B(1), payload, B(0))
}

// TestTypesMatchByStructure passes the type have where a type equal to want is imported.
func TestTypesMatchByStructure(t *testing.T) {
	for _, tt := range []struct {
		name       string
		want, have []byte
		text       string
	}{
		{"primitive", B(u8), B(u8), ""},
		{"other primitive", B(u8), B(u32), "expected u8, found u32"},
		{"record", record(Field("x", u8)), record(Field("x", u8)), ""},
		{"record with other labels", record(Field("x", u8)), record(Field("y", u8)), `expected field "x", found "y"`},
		{"record with labels in other case", record(Field("x", u8)), record(Field("X", u8)), `expected field "x", found "X"`},
		{"record with other types", record(Field("x", u8)), record(Field("x", u32)), `record field "x"`},
		{"record with more fields", record(Field("x", u8)), record(Field("x", u8), Field("y", u8)), "expected 1 fields, found 2"},
		{"record in other order", record(Field("x", u8), Field("y", u8)), record(Field("y", u8), Field("x", u8)), `expected field "x"`},
		{"tuple for a record", record(Field("x", u8)), B(0x6f, 1, u8), "expected record, found tuple"},
		{"variant", variant(variantCase("a"), variantCase("b", u8)), variant(variantCase("a"), variantCase("b", u8)), ""},
		{"variant with more cases", variant(variantCase("a")), variant(variantCase("a"), variantCase("b")), "expected 1 cases, found 2"},
		{"variant with other labels", variant(variantCase("a")), variant(variantCase("b")), `expected case "a"`},
		{"variant without a payload", variant(variantCase("a", u8)), variant(variantCase("a")), "found none"},
		{"variant with a payload", variant(variantCase("a")), variant(variantCase("a", u8)), "expected no payload"},
		{"enum", enum("a", "b"), enum("a", "b"), ""},
		{"enum with other labels", enum("a", "b"), enum("a", "c"), `expected "b" in enum, found "c"`},
		{"flags with fewer", flags("a", "b"), flags("a"), "expected 2 names of flags, found 1"},
		{"list", B(0x70, u8), B(0x70, u8), ""},
		{"list of others", B(0x70, u8), B(0x70, str), "type mismatch in list"},
		{"fixed list of other length", B(0x67, u8, 2), B(0x67, u8, 3), "expected a list of 2 elements, found one of 3"},
		{"list for a fixed list", B(0x67, u8, 2), B(0x70, u8), "expected fixed-length list, found list"},
		{"tuple of other length", B(0x6f, 2, u8, u8), B(0x6f, 1, u8), "expected 2 types"},
		{"tuple of others", B(0x6f, 2, u8, u8), B(0x6f, 2, u8, str), "tuple field 1"},
		{"option of another", B(0x6b, u8), B(0x6b, str), "type mismatch in option"},
		{"result", B(0x6a, 1, u8, 1, str), B(0x6a, 1, u8, 1, str), ""},
		{"result without ok", B(0x6a, 1, u8, 0), B(0x6a, 0, 0), "expected an ok payload"},
		{"result with error", B(0x6a, 0, 0), B(0x6a, 0, 1, u8), "expected no error payload"},
		{"map with other keys", B(0x63, u8, u8), B(0x63, str, u8), "type mismatch in map"},
		{"stream of another", B(0x66, 1, u8), B(0x66, 0), "expected an element"},
		{"future for a stream", B(0x66, 1, u8), B(0x65, 1, u8), "expected stream, found future"},
		{"function", Func(u8, Field("a", u8)), Func(u8, Field("a", u8)), ""},
		{"function with other labels", Func(u8, Field("a", u8)), Func(u8, Field("b", u8)), `expected parameter "a"`},
		{"function with another result", Func(u8), Func(str), "mismatch in the result"},
		{"function for a value type", B(u8), Func(0), "expected u8, found function type"},
		{"instance type", B(0x42, 1, 0x04, 0, 1, 'r', typ, 1), B(0x42, 2, 0x04, 0, 1, 'r', typ, 1, 0x04, 0, 1, 'q', typ, 1), ""},
		{"instance type with less", B(0x42, 1, 0x04, 0, 1, 'r', typ, 1), B(0x42, 0), `missing expected export "r"`},
		{"component type", B(0x41, 1, 0x03, 0, 1, 'r', typ, 1), B(0x41, 0), ""},
		{"component type with more needs", B(0x41, 0), B(0x41, 1, 0x03, 0, 1, 'r', typ, 1), `missing expected import "r"`},
		{"component type for an instance type", B(0x42, 0), B(0x41, 0), "expected instance type, found component type"},
	} {
		runVerdicts(t, []verdict{{tt.name, s(
			types(tt.have),
			Nested(types(tt.want), imports(Import("x", eq(0)...))),
			insts(instantiate(0, arg("x", typ, 0))),
		), tt.text}})
	}
}

// TestResourcesAreReplacedInEveryType passes a type that mentions the resource that was passed, and
// one that mentions another.
func TestResourcesAreReplacedInEveryType(t *testing.T) {
	const own0, own1 = 2, 3 // type indices in the outer component
	for name, mention := range map[string]func(own byte) []byte{
		"record":        func(own byte) []byte { return record(Field("a", u8), Field("x", own)) },
		"variant":       func(own byte) []byte { return variant(variantCase("a"), variantCase("b", own)) },
		"list":          func(own byte) []byte { return B(0x70, own) },
		"fixed list":    func(own byte) []byte { return B(0x67, own, 3) },
		"tuple":         func(own byte) []byte { return B(0x6f, 3, own, u8, own) },
		"option":        func(own byte) []byte { return B(0x6b, own) },
		"ok":            func(own byte) []byte { return B(0x6a, 1, own, 0) },
		"error":         func(own byte) []byte { return B(0x6a, 0, 1, own) },
		"stream":        func(own byte) []byte { return B(0x66, 1, own) },
		"future":        func(own byte) []byte { return B(0x65, 1, own) },
		"map":           func(own byte) []byte { return B(0x63, u8, own) },
		"parameter":     func(own byte) []byte { return Func(0, Field("a", u8), Field("p", own)) },
		"result":        func(own byte) []byte { return Func(own) },
		"instance type": func(own byte) []byte { return B(0x42, 2, 0x02, typ, 0x02, 1, own, 0x04, 0, 1, 't', typ, 0, 0) },
	} {
		outer := s(
			imports(Import("r", subResource...), Import("q", subResource...)),
			types(B(0x69, 0), B(0x69, 1), mention(own0), mention(own1)),
			Nested(imports(Import("r", subResource...)), types(B(0x69, 0), B(0x69, 0), mention(1)),
				imports(Import("x", eq(3)...))),
		)
		runVerdicts(t, []verdict{
			{name + " of the given resource", append(outer[:len(outer):len(outer)], insts(instantiate(0, arg("r", typ, 0), arg("x", typ, 4)))), ""},
			{name + " of another resource",
				append(outer[:len(outer):len(outer)], insts(instantiate(0, arg("r", typ, 0), arg("x", typ, 5)))),
				"resource types are not the same"},
		})
	}
}

func TestCoreItemsMatch(t *testing.T) {
	desc := func(d ...byte) []byte { return d }
	for _, tt := range []struct {
		name       string
		want, have []byte // descriptions of imports
		text       string
	}{
		{"function", desc(0x00, 0), desc(0x00, 0), ""},
		{"function of another type", desc(0x00, 0), desc(0x00, 1), "expected [] -> [], found [i32] -> []"},
		{"table", desc(0x01, 0x70, 0x01, 1, 9), desc(0x01, 0x70, 0x01, 2, 8), ""},
		{"table of other elements", desc(0x01, 0x70, 0, 1), desc(0x01, 0x6f, 0, 1), "expected a table of funcref, found externref"},
		{"table that is too small", desc(0x01, 0x70, 0, 2), desc(0x01, 0x70, 0, 1), "mismatch in table limits"},
		{"table that may grow too far", desc(0x01, 0x70, 1, 1, 2), desc(0x01, 0x70, 1, 1, 3), "mismatch in table limits"},
		{"memory that is shared", desc(0x02, 0x01, 1, 2), desc(0x02, 0x03, 1, 2), "shared flag"},
		{"memory with 64-bit addresses", desc(0x02, 0x00, 1), desc(0x02, 0x04, 1), "index type"},
		{"memory with small pages", desc(0x02, 0x00, 1), desc(0x02, 0x08, 1, 0), "page size"},
		{"global", desc(0x03, 0x7f, 0), desc(0x03, 0x7f, 0), ""},
		{"global of another type", desc(0x03, 0x7f, 0), desc(0x03, 0x7e, 0), "expected a global of type i32, found i64"},
		{"global that can be changed", desc(0x03, 0x7f, 0), desc(0x03, 0x7f, 1), "mutability"},
		{"tag", desc(0x04, 0x00, 1), desc(0x04, 0x00, 1), ""},
		{"tag of another type", desc(0x04, 0x00, 1), desc(0x04, 0x00, 0), "expected [i32] -> [], found [] -> []"},
		{"memory for a table", desc(0x01, 0x70, 0, 1), desc(0x02, 0x00, 1), "expected core table, found core memory"},
		{"reference to an equal type", desc(0x03, 0x63, 0, 0), desc(0x03, 0x63, 2, 0), ""},
		{"reference to another type", desc(0x03, 0x63, 0, 0), desc(0x03, 0x63, 1, 0), "global of type"},
	} {
		coreTypes := Cat(B(0x01), coreFunc(0))
		decls := func(kind byte, d []byte) []byte { // a module type that imports or exports d
			head := B(0x03)
			if kind == 0x00 {
				head = Cat(B(0x00), Name("m"))
			}
			return Defs(
				CoreTypeSection,
				Cat(B(0x50),
					Vec(coreTypes, Cat(B(0x01), coreFunc(0, i32)), coreTypes, Cat(head, Name("x"), d))),
			)
		}
		runVerdicts(t, []verdict{
			{tt.name + ", exported", s(decls(0x03, tt.have), imports(Import("m", 0x00, 0x11, 0)),
				Nested(decls(0x03, tt.want), imports(Import("m", 0x00, 0x11, 0))),
				insts(instantiate(0, Cat(Name("m"), B(0x00, 0x11, 0))))), tt.text},
			{tt.name + ", imported", s(decls(0x00, tt.want), imports(Import("m", 0x00, 0x11, 0)),
				Nested(decls(0x00, tt.have), imports(Import("m", 0x00, 0x11, 0))),
				insts(instantiate(0, Cat(Name("m"), B(0x00, 0x11, 0))))), tt.text},
		})
	}
}

func TestModulesMatchByNames(t *testing.T) {
	moduleType := func(decls ...[]byte) []byte { return Defs(CoreTypeSection, Cat(B(0x50), Vec(decls...))) }
	imp := func(name string) []byte { return Cat(B(0x00), Name("m"), Name(name), B(0x02, 0, 1)) }
	exp := func(name string) []byte { return Cat(B(0x03), Name(name), B(0x02, 0, 1)) }
	given := func(have, want []byte) [][]byte {
		return s(have, imports(Import("m", 0x00, 0x11, 0)), Nested(want, imports(Import("m", 0x00, 0x11, 0))),
			insts(instantiate(0, Cat(Name("m"), B(0x00, 0x11, 0)))))
	}
	runVerdicts(t, []verdict{
		{"offers more, needs less", given(moduleType(exp("a"), exp("b")), moduleType(imp("c"), exp("a"))), ""},
		{"offers less", given(moduleType(), moduleType(exp("a"))), `missing expected export "a"`},
		{"needs more", given(moduleType(imp("c")), moduleType()), `missing expected import "m:c"`},
	})
}

// TestVariantsJoinTheirFlatTypes lowers a function with a variant and lifts the result as one with
// the joined types.
func TestVariantsJoinTheirFlatTypes(t *testing.T) {
	const s64, f32 = 0x78, 0x76
	for _, tt := range []struct {
		name   string
		cases  [][]byte
		result []byte // of the payload's slots, as parameters
	}{
		{"same", [][]byte{variantCase("a", f32), variantCase("b", f32)}, B(f32)},
		{"i32 and f32", [][]byte{variantCase("a", u8), variantCase("b", f32)}, B(u32)},
		{"i32 and i64", [][]byte{variantCase("a", u8), variantCase("b", s64)}, B(u64)},
		{"f32 and f64", [][]byte{variantCase("a", f32), variantCase("b", f64)}, B(u64)},
		{"unequal length", [][]byte{variantCase("a", f64), variantCase("b", str), variantCase("c")}, B(u64, u32)},
	} {
		params := [][]byte{Field("tag", u32)}
		for i, p := range tt.result {
			params = append(params, Field(string(rune('a'+i)), p))
		}
		runVerdicts(t, []verdict{{tt.name, s(
			exporting(coreFunc(0)),
			types(variant(tt.cases...)),
			imports(Import("v", eq(0)...)),
			types(Func(0, Field("v", 1)), Func(0, params...)),
			imports(Import("f", fn, 2)),
			canons(B(0x01, 0x00, 0, 1, 0x03, 0), B(0x00, 0x00, 1, 0, 3)),
		), ""}})
	}
}

func TestThreadBuiltins(t *testing.T) {
	table := func(elem byte) []byte { // core table 0
		return Cat(
			Section(CoreModuleSection, Module(Defs(4, B(elem, 0, 1)), Defs(7, Cat(Name("t"), B(0x01, 0))))),
			Defs(CoreInstanceSection, B(0x00, 0, 0)),
			aliases(Cat(B(0x00, 0x01, 0x01, 0), Name("t"))),
		)
	}
	start := Defs(CoreTypeSection, coreFunc(0, i32), coreFunc(0), B(0x50, 0))
	runVerdicts(t, []verdict{
		{"new-indirect",
			s(table(0x70), start, types(Func(u32, Field("a", u32), Field("b", u32))),
				canons(B(0x27, 0, 0), B(0x00, 0x00, 0, 0, 0))), ""},
		{"new-indirect with another type", s(table(0x70), start, canons(B(0x27, 1, 0))), "wrong signature for the start function of a thread"},
		{"new-indirect with a module type", s(table(0x70), start, canons(B(0x27, 2, 0))), "not a function type"},
		{"new-indirect with a table of others", s(table(0x6f), start, canons(B(0x27, 0, 0))), "does not hold funcref but externref"},
		{"new-indirect without a table", s(start, canons(B(0x27, 0, 0))), "unknown core table 0"},
	})
}
