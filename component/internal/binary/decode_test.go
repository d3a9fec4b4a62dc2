package binary_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	. "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
)

func ptr[T any](v T) *T { return &v }

func TestDecodeReadsEachDefinition(t *testing.T) {
	module := Module()
	u32 := binary.ValType{Prim: binary.OpU32}
	str := binary.ValType{Prim: binary.OpString}
	value := func(v binary.DefValType) *binary.Type { return &binary.Type{Value: &v} }
	for _, tt := range []struct {
		name    string
		section []byte
		want    binary.Def
	}{
		{"core module", Section(CoreModuleSection, module), &binary.CoreModule{Offset: 10, Bytes: module}},
		{"core instance of a module", Defs(CoreInstanceSection, Cat(B(0x00, 3), Vec(Cat(Name("env"), B(0x12, 2))))),
			&binary.CoreInstance{Module: 3, Args: []binary.CoreInstArg{{Name: "env", Instance: 2}}}},
		{"core instance of items", Defs(CoreInstanceSection, Cat(B(0x01), Vec(Cat(Name("m"), B(0x02, 7))))),
			&binary.CoreInstance{Inline: true, Exports: []binary.CoreInlineExport{{Name: "m", Sort: binary.SortCoreMemory, Index: 7}}}},
		{"instance of a component", Defs(InstanceSection, Cat(B(0x00, 1), Vec(Cat(Name("a"), B(0x05, 2))))),
			&binary.Instance{Component: 1, Args: []binary.InstArg{{Name: "a", Sort: binary.SortInstance, Index: 2}}}},
		{"instance of items", Defs(InstanceSection, Cat(B(0x01), Vec(Cat(ExternName("a"), B(0x00, 0x11, 4))))),
			&binary.Instance{Inline: true, Exports: []binary.InlineExport{
				{Name: binary.ExternName{Name: "a"}, Sort: binary.SortCoreModule, Index: 4}}}},
		{"alias of an export", Defs(AliasSection, Cat(B(0x01, 0x00, 5), Name("f"))),
			&binary.Alias{Sort: binary.SortFunc, Target: binary.AliasExport, Instance: 5, Name: "f"}},
		{"alias of a core export", Defs(AliasSection, Cat(B(0x00, 0x01, 0x01, 5), Name("t"))),
			&binary.Alias{Sort: binary.SortCoreTable, Target: binary.AliasCoreExport, Instance: 5, Name: "t"}},
		{"alias of an outer type", Defs(AliasSection, B(0x03, 0x02, 1, 9)),
			&binary.Alias{Sort: binary.SortType, Target: binary.AliasOuter, Count: 1, Index: 9}},
		{"primitive", Defs(TypeSection, B(0x74)), value(binary.DefValType{Op: binary.OpChar})},
		{"record", Defs(TypeSection, Cat(B(0x72), Vec(Field("x", 0x79), Field("y", 0x83, 0x01)))),
			value(binary.DefValType{Op: binary.OpRecord,
				Fields: []binary.Field{{Label: "x", Type: u32},
					{Label: "y", Type: binary.ValType{Index: 131}}}})},
		{"variant", Defs(TypeSection, Cat(B(0x71), Vec(Cat(Name("a"), B(0, 0)), Cat(Name("b"), B(1, 0x73, 0))))),
			value(binary.DefValType{Op: binary.OpVariant, Cases: []binary.Case{{Label: "a"}, {Label: "b", Type: &str}}})},
		{"list", Defs(TypeSection, B(0x70, 0x73)), value(binary.DefValType{Op: binary.OpList, Elem: &str})},
		{"fixed list", Defs(TypeSection, B(0x67, 0x79, 8)), value(binary.DefValType{Op: binary.OpFixedList, Elem: &u32, Len: 8})},
		{"tuple", Defs(TypeSection, B(0x6f, 2, 0x79, 0x73)), value(binary.DefValType{Op: binary.OpTuple, Types: []binary.ValType{u32, str}})},
		{"flags", Defs(TypeSection, Cat(B(0x6e), Vec(Name("a"), Name("b")))),
			value(binary.DefValType{Op: binary.OpFlags, Labels: []string{"a", "b"}})},
		{"enum", Defs(TypeSection, Cat(B(0x6d), Vec(Name("a")))), value(binary.DefValType{Op: binary.OpEnum, Labels: []string{"a"}})},
		{"option", Defs(TypeSection, B(0x6b, 0x79)), value(binary.DefValType{Op: binary.OpOption, Elem: &u32})},
		{"result", Defs(TypeSection, B(0x6a, 0x00, 0x01, 0x73)), value(binary.DefValType{Op: binary.OpResult, Err: &str})},
		{"own", Defs(TypeSection, B(0x69, 3)), value(binary.DefValType{Op: binary.OpOwn, Index: 3})},
		{"borrow", Defs(TypeSection, B(0x68, 3)), value(binary.DefValType{Op: binary.OpBorrow, Index: 3})},
		{"stream", Defs(TypeSection, B(0x66, 0x01, 0x79)), value(binary.DefValType{Op: binary.OpStream, Elem: &u32})},
		{"future", Defs(TypeSection, B(0x65, 0x00)), value(binary.DefValType{Op: binary.OpFuture})},
		{"map", Defs(TypeSection, B(0x63, 0x73, 0x79)), value(binary.DefValType{Op: binary.OpMap, Key: &str, Elem: &u32})},
		{"error-context", Defs(TypeSection, B(0x64)), value(binary.DefValType{Op: binary.OpErrorContext})},
		{"resource", Defs(TypeSection, B(0x3f, 0x7f, 0x01, 4)),
			&binary.Type{Resource: &binary.ResourceType{Rep: binary.CoreI32, Dtor: 4, HasDtor: true}}},
		{"async function", Defs(TypeSection, Cat(B(0x43), Vec(Field("p", 0x79)), B(0x00, 0x73))),
			&binary.Type{Func: &binary.FuncType{Async: true, Params: []binary.Field{{Label: "p", Type: u32}}, Result: &str}}},
		{"component type", Defs(TypeSection, Cat(B(0x41), Vec(Cat(B(0x03), Import("r", 0x03, 0x01))))),
			&binary.Type{Component: &binary.ComponentType{Decls: []binary.Decl{{Import: &binary.ImportDecl{
				Name: binary.ExternName{Name: "r"}, Type: binary.ExternType{Sort: binary.SortType, Bound: binary.BoundSub}}}}}}},
		{"instance type", Defs(TypeSection, Cat(B(0x42), Vec(Cat(B(0x01, 0x73)), Cat(B(0x04), Import("t", 0x03, 0x00, 0))))),
			&binary.Type{Instance: &binary.InstanceType{Decls: []binary.Decl{
				{Type: value(binary.DefValType{Op: binary.OpString})},
				{Export: &binary.ExportDecl{Name: binary.ExternName{Name: "t"}, Type: binary.ExternType{Sort: binary.SortType}}}}}}},
		{"lift", Defs(CanonSection, B(0x00, 0x00, 1, 5, 0x02, 0x03, 0, 0x04, 2, 0x06, 0x07, 3, 6)),
			&binary.Canon{Op: binary.CanonLift, Func: 1, Type: 6, Opts: binary.CanonOpts{
				Encoding: binary.Latin1UTF16, HasEncoding: true, Memory: ptr(uint32(0)),
				Realloc: ptr(uint32(2)), Async: true, Callback: ptr(uint32(3))}}},
		{"lower", Defs(CanonSection, B(0x01, 0x00, 1, 0)), &binary.Canon{Op: binary.CanonLower, Func: 1}},
		{"task.return", Defs(CanonSection, B(0x09, 0x00, 0x73, 1, 0x03, 1)),
			&binary.Canon{Op: binary.CanonTaskReturn, Result: &str, Opts: binary.CanonOpts{Memory: ptr(uint32(1))}}},
		{"waitable-set.wait", Defs(CanonSection, B(0x20, 0x01, 2)),
			&binary.Canon{Op: binary.CanonWaitableSetWait, Cancellable: true, Memory: 2}},
		{"context.get", Defs(CanonSection, B(0x0a, 0x7f, 1)), &binary.Canon{Op: binary.CanonContextGet, ValType: binary.CoreI32, Slot: 1}},
		{"start", Section(StartSection, B(1, 1, 2, 3)), &binary.Start{Func: 1, Args: []uint32{2}, Results: 3}},
		{"value", Defs(ValueSection, B(0x79, 1, 42)), &binary.ValueDef{Type: u32, Data: []byte{42}}},
		{"import of a function", Defs(ImportSection, Import("f", 0x01, 3)),
			&binary.Import{Name: binary.ExternName{Name: "f"}, Type: binary.ExternType{Sort: binary.SortFunc, Index: 3}}},
		{"import of a module", Defs(ImportSection, Import("m", 0x00, 0x11, 3)),
			&binary.Import{Name: binary.ExternName{Name: "m"}, Type: binary.ExternType{Sort: binary.SortCoreModule, Index: 3}}},
		{"import with attributes", Defs(ImportSection, Cat(B(0x02), Name("i"),
			Vec(Cat(B(0x00), Name("a:b/c")), Cat(B(0x02), Name("☃"))), B(0x05, 0))),
			&binary.Import{Name: binary.ExternName{Name: "i", Implements: "a:b/c", HasImplements: true,
				ExternalID: "☃", HasExternalID: true, HasAttrs: true},
				Type: binary.ExternType{Sort: binary.SortInstance}}},
		{"export", Defs(ExportSection, Export("f", 0x01, 2)), &binary.Export{Name: binary.ExternName{Name: "f"}, Sort: binary.SortFunc, Index: 2}},
		{"ascribed export", Defs(ExportSection, ExportAs("f", B(0x01, 2), B(0x01, 3))),
			&binary.Export{Name: binary.ExternName{Name: "f"}, Sort: binary.SortFunc, Index: 2,
				Type: &binary.ExternType{Sort: binary.SortFunc, Index: 3}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := binary.Decode(Component(tt.section))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]binary.Def{tt.want}, c.Defs); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeReadsCoreTypes(t *testing.T) {
	fn := binary.CoreFuncType{
		Params:  []binary.CoreValType{binary.CoreI32},
		Results: []binary.CoreValType{binary.CoreFuncRef},
	}
	sub := binary.CoreSubType{Final: true, Func: &fn}
	for _, tt := range []struct {
		name string
		in   []byte
		want *binary.CoreType
	}{
		{"function", B(0x60, 1, 0x7f, 1, 0x70), &binary.CoreType{Func: &fn, Group: []binary.CoreSubType{sub}}},
		{"long form of funcref", B(0x60, 1, 0x7f, 1, 0x63, 0x70), &binary.CoreType{Func: &fn, Group: []binary.CoreSubType{sub}}},
		{"recursive group", B(0x4e, 2, 0x60, 1, 0x7f, 1, 0x70, 0x5f, 1, 0x78, 0x01),
			&binary.CoreType{Group: []binary.CoreSubType{sub, {Final: true}}}},
		{"open type", B(0x00, 0x50, 0, 0x60, 0, 0), &binary.CoreType{Group: []binary.CoreSubType{{Func: &binary.CoreFuncType{}}}}},
		{"module type", Cat(B(0x50), Vec(Cat(B(0x00), Name("a"), Name("b"), B(0x02, 0x01, 1, 2)), Cat(B(0x03), Name("g"), B(0x03, 0x7e, 1)))),
			&binary.CoreType{Module: &binary.CoreModuleType{Decls: []binary.CoreModuleDecl{
				{Import: &binary.CoreImportDecl{Module: "a", Name: "b", Desc: binary.CoreExternType{
					Sort: binary.SortCoreMemory, Limits: binary.CoreLimits{Min: 1, Max: 2, HasMax: true, PageSizeLog2: 16}}}},
				{Export: &binary.CoreExportDecl{Name: "g",
					Desc: binary.CoreExternType{Sort: binary.SortCoreGlobal, Global: binary.CoreI64,
						Mutable: true}}},
			}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := binary.Decode(Component(Defs(CoreTypeSection, tt.in)))
			if err != nil {
				t.Fatal(err)
			}
			got := c.Defs[0].(*binary.CoreType)
			if got.Module == nil {
				tt.want.Raw = tt.in
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeKeepsOrderAndOffsets(t *testing.T) {
	data := Component(Defs(TypeSection, B(0x73), B(0x70, 0x73)), Custom("x", B(1, 2)),
		Nested(Defs(TypeSection, B(0x7f))), Defs(TypeSection, B(0x79)))
	c, err := binary.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Defs) != 4 || c.Size != len(data) {
		t.Fatalf("%d definitions, size %d of %d", len(c.Defs), c.Size, len(data))
	}
	if diff := cmp.Diff([]int{11, 12, 22, 37}, c.DefOffsets); diff != "" {
		t.Errorf("offsets: -want +got:\n%s", diff)
	}
	inner := c.Defs[2].(*binary.Component)
	if inner.Offset != 22 || inner.Size != 12 || inner.DefOffsets[0] != 33 {
		t.Errorf("nested component at %d of %d bytes, its type at %d", inner.Offset, inner.Size,
			inner.DefOffsets[0])
	}
}

// What tools write into custom sections is no reason to refuse a component.
func TestDecodeDoesNotLookIntoCustomSections(t *testing.T) {
	for name, body := range map[string][]byte{
		"names":   Cat(Section(0, Name("top")), Section(1, B(0x01), Vec(Cat(U32(2), Name("f"))))),
		"garbage": B(0xff, 0xff, 0xff),
		"nothing": nil,
	} {
		if _, err := binary.Decode(Component(Custom("component-name", body))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two bytes that become two hundred in memory: a file may be large, but not in that way.
func TestDecodeBoundsTheParts(t *testing.T) {
	const limit = 1_000_000
	fill := func(n int, part ...byte) []byte { return bytes.Repeat(part, n) }
	vec := func(id byte, n int, part ...byte) []byte { return Section(id, U32(uint32(n)), fill(n, part...)) }
	for name, tt := range map[string]struct{ few, many []byte }{
		"types":           {vec(TypeSection, limit/2, 0x70, 0x7d), vec(TypeSection, limit, 0x70, 0x7d)},
		"custom sections": {fill(limit/2, 0, 2, 1, 'x'), fill(limit+1, 0, 2, 1, 'x')},
		"nested": {
			Section(ComponentSection, Component(vec(TypeSection, limit/4, 0x70, 0x7d))),
			bytes.Repeat(Section(ComponentSection, Component(vec(TypeSection, limit/4, 0x70, 0x7d))), 4),
		},
		"labels": {
			Defs(TypeSection, Cat(B(0x6d), U32(limit/2), fill(limit/2, 1, 'x'))),
			Defs(TypeSection, Cat(B(0x6d), U32(limit), fill(limit, 1, 'x'))),
		},
	} {
		if _, err := binary.Decode(Component(tt.few)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var e *binary.Error
		if _, err := binary.Decode(Component(tt.many)); !errors.As(err, &e) ||
			!strings.Contains(e.Msg, "more than 1000000 sections") {
			t.Errorf("too many %s: %v", name, err)
		}
	}
	if _, err := binary.DecodeCoreModule(Module(vec(1, limit, 0x60, 0, 0)), 0); err == nil {
		t.Error("a core module with too many types is read")
	}
}

func TestDecodeRefusesMalformedInput(t *testing.T) {
	typ := func(b ...byte) []byte { return Component(Defs(TypeSection, b)) }
	canon := func(b ...byte) []byte { return Component(Defs(CanonSection, b)) }
	deep := B(0x42, 0)
	for range 200 {
		deep = Cat(B(0x42, 1, 0x01), deep)
	}
	nested := Component()
	for range 200 {
		nested = Component(Section(ComponentSection, nested))
	}
	for _, tt := range []struct {
		name   string
		data   []byte
		offset int
		text   string
	}{
		{"nothing", nil, 0, "unexpected end"},
		{"part of the preamble", Component()[:6], 6, "unexpected end"},
		{"core module", Module(), 0, "found a core module"},
		{"text", []byte("(component)"), 0, "found text"},
		{"something else", []byte("#!/bin/sh\n"), 0, "magic"},
		{"other version", []byte("\x00asm\x0e\x00\x01\x00"), 4, "unknown binary version"},
		{"module of another version", []byte("\x00asm\x0d\x00\x00\x00"), 0, "core module of the unknown version 0x000d"},
		{"other layer", []byte("\x00asm\x0d\x00\x02\x00"), 6, "unknown layer"},
		{"unknown section", Component(B(13, 0)), 8, "unknown section id 13"},
		{"section cut", Component(B(7, 5, 1)), 8, "unexpected end"},
		{"section size missing", Component(B(7)), 9, "unexpected end"},
		{"section too long", Component(Section(TypeSection, B(1, 0x73, 0))), 12, "left over"},
		{"vector longer than its section", Component(Section(TypeSection, U32(1<<30), B(0x73))), 10, "unexpected end"},
		{"length in too many bytes", Component(Section(TypeSection, B(0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0x73))), 10, "too long"},
		{"length beyond 32 bits", Component(Section(TypeSection, B(0x81, 0x80, 0x80, 0x80, 0x10, 0x73))), 10, "too large"},
		{"custom section without a name", Component(Section(0)), 10, "unexpected end"},
		{"custom section named in other than UTF-8", Component(Section(0, B(1, 0xff))), 11, "UTF-8"},
		{"component in a core module section", Component(Section(CoreModuleSection, Component())), 10, "found a component"},
		{"module in a component section", Component(Section(ComponentSection, Module())), 10, "found a core module"},
		{"core instance", Component(Defs(CoreInstanceSection, B(0x02))), 11, "core instance"},
		{"core instantiation argument", Component(Defs(CoreInstanceSection, B(0x00, 0, 1, 1, 'a', 0x00, 0))), 16, "instance is expected"},
		{"core sort", Component(Defs(CoreInstanceSection, B(0x01, 1, 1, 'a', 0x05, 0))), 15, "core sort"},
		{"instance", Component(Defs(InstanceSection, B(0x02))), 11, "instance"},
		{"sort", Component(Defs(AliasSection, B(0x06, 0x00, 0, 0))), 11, "sort"},
		{"alias target", Component(Defs(AliasSection, B(0x03, 0x03, 0, 0))), 12, "alias target"},
		{"outer alias of a function", Component(Defs(AliasSection, B(0x01, 0x02, 0, 0))), 11, "cannot be aliased"},
		{"type", typ(0x62), 11, "for type"},
		{"value type", typ(0x70, 0x62), 12, "value type"},
		{"value type index that is negative", typ(0x70, 0xff, 0x7f), 12, "value type"},
		{"value type index beyond 32 bits", typ(0x70, 0x80, 0x80, 0x80, 0x80, 0x20), 12, "too large"},
		{"variant case end", typ(0x71, 1, 1, 'a', 0, 1), 16, "end of the case"},
		{"function result", typ(0x40, 0, 0x02), 13, "function result"},
		{"named results", typ(0x40, 0, 0x01, 0x01), 14, "named results"},
		{"import in an instance type", typ(0x42, 1, 0x03, 0, 1, 'a', 0x01, 0), 13, "type declaration"},
		{"types nested too deep", typ(deep...), -1, "nested more than"},
		{"components nested too deep", nested, -1, "nested more than"},
		{"prefixed core function type", Component(Defs(CoreTypeSection, B(0x00, 0x60, 0, 0))), 12, "core type"},
		{"module type in a module type", Component(Defs(CoreTypeSection, B(0x50, 1, 0x01, 0x50, 1, 0x01))), -1, "core type"},
		{"core type cut", Component(Section(CoreTypeSection, B(2, 0x60, 0, 0))), 14, "unexpected end"},
		{"limits", Component(Defs(CoreTypeSection, Cat(B(0x50, 1, 0x03, 0, 0x02, 0x10)))), 16, "limits"},
		{"canonical definition", canon(0x07), 11, "canonical definition"},
		{"lift of another sort", canon(0x00, 0x01, 0, 0, 0), 12, "lifted"},
		{"canonical option", canon(0x01, 0x00, 0, 1, 0x0a), 15, "canonical option"},
		{"memory twice", canon(0x01, 0x00, 0, 2, 0x03, 0, 0x03, 0), 17, "memory is given more than once"},
		{"async twice", canon(0x01, 0x00, 0, 2, 0x06, 0x06), 16, "async is given more than once"},
		{"two encodings", canon(0x01, 0x00, 0, 2, 0x00, 0x01), 16, "more than one string encoding"},
		{"flag", canon(0x0c, 0x02), 12, "cancellable"},
		{"form of a name", Component(Defs(ImportSection, B(0x03, 1, 'a', 0x01, 0))), 11, "form of the name"},
		{"name attribute", Component(Defs(ImportSection, B(0x02, 1, 'a', 1, 0x03))), 15, "name attribute"},
		{"attribute twice", Component(Defs(ImportSection, B(0x02, 1, 'a', 2, 0x02, 0, 0x02, 0, 0x01, 0))), 17, "external-id twice"},
		{"name not in UTF-8", Component(Defs(ImportSection, B(0x00, 1, 0xff, 0x01, 0))), 13, "UTF-8"},
		{"type bound", Component(Defs(ImportSection, Import("a", 0x03, 0x02))), 15, "type bound"},
		{"kind of import", Component(Defs(ImportSection, Import("a", 0x06, 0x00))), 14, "kind of import"},
		{"core import that is no module", Component(Defs(ImportSection, Import("a", 0x00, 0x00, 0))), 15, "module is expected"},
		{"presence of an ascribed type", Component(Defs(ExportSection, Cat(ExternName("a"), B(0x01, 0, 0x02)))), 16, "presence"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := binary.Decode(tt.data)
			var e *binary.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if !strings.Contains(e.Msg, tt.text) || tt.offset >= 0 && e.Offset != tt.offset {
				t.Errorf("got %v at %d, want %q at %d", e, e.Offset, tt.text, tt.offset)
			}
		})
	}
}

func TestDecodeOfEveryPrefixEndsInAnError(t *testing.T) {
	whole := Component(
		Section(CoreModuleSection, Module()),
		Defs(TypeSection, Func(0x73, Field("a", 0x79)), Cat(B(0x72), Vec(Field("x", 0x79))),
			B(0x42, 1, 0x04, 0, 1, 'r', 0x03, 0x01)),
		Defs(ImportSection, Import("f", 0x01, 0)),
		Nested(Defs(CanonSection, B(0x01, 0x00, 0, 1, 0x03, 0))),
	)
	complete := map[int]bool{8: true} // sections may end here
	for pos := 8; pos < len(whole); {
		pos += 2 + int(whole[pos+1])
		complete[pos] = true
	}
	for n := range whole {
		if _, err := binary.Decode(whole[:n]); (err == nil) != complete[n] {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}

func TestKindOfFiles(t *testing.T) {
	for _, tt := range []struct {
		data string
		want binary.FileKind
	}{
		{"", binary.KindEmpty},
		{string(Component()), binary.KindComponent},
		{string(Module()), binary.KindModule},
		{"\x00as", binary.KindTruncated},
		{"\x00asm\x0d\x00", binary.KindTruncated},
		{"\x00asm\x0c\x00\x01\x00", binary.KindUnsupportedVersion},
		{"\x00asm\x02\x00\x00\x00", binary.KindUnsupportedVersion},
		{"\x00asm\x0d\x00\x02\x00", binary.KindUnsupportedLayer},
		{"(component", binary.KindText},
		{"\n ;; hello\n(; (; nested ;) ;) (\tmodule $m)", binary.KindText},
		{";; only a comment", binary.KindOther},
		{"(; open", binary.KindOther},
		{"(something else)", binary.KindOther},
		{"#!/bin/sh", binary.KindOther},
	} {
		if got := binary.Kind([]byte(tt.data)); got != tt.want {
			t.Errorf("Kind(%q) = %v, want %v", tt.data, got, tt.want)
		}
	}
}

func TestDecodeCoreModuleFindsImportsAndExports(t *testing.T) {
	m := Module(
		Defs(1, B(0x60, 1, 0x7f, 1, 0x7e), B(0x60, 0, 0)),
		Defs(2, Cat(Name("a"), Name("f"), B(0x00, 0)), Cat(Name("a"), Name("m"), B(0x02, 0x00, 1))),
		Defs(3, B(1)),
		Defs(4, B(0x70, 0x00, 2), B(0x40, 0x00, 0x70, 0x00, 1, 0xd0, 0x70, 0x0b)),
		Defs(13, B(0x00, 1)),
		Defs(6, B(0x7f, 0x00, 0x41, 0xff, 0x01, 0x41, 1, 0x6a, 0x0b),
			Cat(B(0x7c, 0x01, 0x44), make([]byte, 8), B(0x0b))),
		Defs(7, Cat(Name("f"), B(0x00, 1)), Cat(Name("t"), B(0x01, 1)), Cat(Name("g"), B(0x03, 1)),
			Cat(Name("e"), B(0x04, 0)), Cat(Name("m"), B(0x02, 0))),
		Defs(10, B(2, 0, 0x0b)),
	)
	got, err := binary.DecodeCoreModule(m, 0)
	if err != nil {
		t.Fatal(err)
	}
	memory := binary.CoreExternType{
		Sort:   binary.SortCoreMemory,
		Limits: binary.CoreLimits{Min: 1, PageSizeLog2: 16},
	}
	wantImports := []binary.CoreImportDecl{
		{Module: "a", Name: "f", Desc: binary.CoreExternType{Sort: binary.SortCoreFunc}},
		{Module: "a", Name: "m", Desc: memory},
	}
	if diff := cmp.Diff(wantImports, got.Imports); diff != "" {
		t.Errorf("imports: -want +got:\n%s", diff)
	}
	wantExports := []binary.CoreModuleExport{
		{Name: "f", Desc: binary.CoreExternType{Sort: binary.SortCoreFunc, TypeIndex: 1}},
		{Name: "t",
			Desc: binary.CoreExternType{Sort: binary.SortCoreTable, Elem: binary.CoreFuncRef,
				Limits: binary.CoreLimits{Min: 1, PageSizeLog2: 16}}},
		{Name: "g", Desc: binary.CoreExternType{Sort: binary.SortCoreGlobal, Global: binary.CoreF64, Mutable: true}},
		{Name: "e", Desc: binary.CoreExternType{Sort: binary.SortCoreTag, TypeIndex: 1}},
		{Name: "m", Desc: memory},
	}
	if diff := cmp.Diff(wantExports, got.Exports); diff != "" {
		t.Errorf("exports: -want +got:\n%s", diff)
	}
}

func TestDecodeCoreModuleRefusesWhatItCannotType(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		text string
	}{
		{"sections out of order", Module(Defs(2), Defs(1)), "out of order"},
		{"section twice", Module(Defs(1), Defs(1)), "out of order or repeated"},
		{"unknown section", Module(Defs(14)), "unknown section"},
		{"section cut", Module(B(1, 9)), "unexpected end"},
		{"function of an unknown type", Module(Defs(3, B(0))), "out of bounds"},
		{"export of an unknown function", Module(Defs(7, Cat(Name("f"), B(0x00, 0)))), "out of bounds"},
		{"export twice", Module(Defs(5, B(0x00, 1)), Defs(7, Cat(Name("m"), B(0x02, 0)), Cat(Name("m"), B(0x02, 0)))), "twice"},
		{"instruction that is not constant", Module(Defs(6, B(0x7f, 0x00, 0x10, 0, 0x0b))), "constant instruction"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := binary.DecodeCoreModule(tt.data, 100)
			var e *binary.Error
			if !errors.As(err, &e) || !strings.Contains(e.Msg, tt.text) || e.Offset < 108 {
				t.Errorf("got %v, want %q", err, tt.text)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Component())
	f.Add(Component(Section(CoreModuleSection, Module(Defs(1, B(0x60, 0, 0)), Defs(3, B(0)), Defs(7, Cat(Name("f"), B(0, 0)))))))
	f.Add(Component(Defs(TypeSection, Func(0x73, Field("a", 0x79)), B(0x42, 1, 0x04, 0, 1, 'r', 0x03, 0x01), B(0x63, 0x73, 0x79))))
	f.Add(Component(Defs(ImportSection, Import("a:b/c@1.2.3", 0x05, 0)), Defs(AliasSection, Cat(B(0x01, 0x00, 0), Name("f")))))
	f.Add(Component(Defs(CanonSection, B(0x01, 0x00, 0, 2, 0x03, 0, 0x04, 1)), Nested(Defs(CoreTypeSection, B(0x50, 0)))))
	f.Add(Component(Custom("component-name", Section(0, Name("c")), Section(1, B(0x01, 1, 0, 1, 'f')))))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		c, err := binary.Decode(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the input was written to")
		}
		var e *binary.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Fatalf("an error that is no *Error: %v", err)
		case err != nil && (e.Offset < 0 || e.Offset > len(data)):
			t.Fatalf("offset %d outside of %d bytes: %v", e.Offset, len(data), e)
		case err == nil && (len(c.Defs) != len(c.DefOffsets) || c.Size != len(data)):
			t.Fatalf("%d definitions with %d offsets, size %d of %d", len(c.Defs), len(c.DefOffsets),
				c.Size, len(data))
		case err == nil && binary.Kind(data) != binary.KindComponent:
			t.Fatalf("decoded although it is %v", binary.Kind(data))
		}
	})
}
