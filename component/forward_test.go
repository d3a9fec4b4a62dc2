package component

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	b "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
	"github.com/wasihttp/wasihttp/component/internal/types"
)

// forwarder encodes a component that imports the function "f: func(x: T) -> T" and exports it again
// as "g": its core code passes on what it gets, so that each value is lowered into its memory and
// lifted from there, once as a parameter and once as a result.
type forwarder struct {
	sections [][]byte
	types    uint32
	names    []uint32 // definitions that are imported by name, as WIT wants it for records and the like
	defs     map[*types.Type][]byte
}

// prims are the codes of primitive types.
var prims = map[types.Kind]byte{
	types.Bool: 0x7f, types.S8: 0x7e, types.U8: 0x7d, types.S16: 0x7c, types.U16: 0x7b,
	types.S32: 0x7a, types.U32: 0x79,
	types.S64: 0x78, types.U64: 0x77, types.F32: 0x76, types.F64: 0x75, types.Char: 0x74,
	types.String: 0x73,
}

func (f *forwarder) section(id byte, item []byte) {
	f.sections = append(f.sections,
		b.Defs(id, item))
}

func (f *forwarder) define(def []byte) uint32 {
	f.section(b.TypeSection, def)
	f.types++
	return f.types - 1
}

// use defines a type and returns its code in other definitions.
func (f *forwarder) use(t *types.Type) []byte {
	if p, ok := prims[t.Kind]; ok {
		return b.B(p)
	}
	if code, ok := f.defs[t]; ok {
		return code
	}
	named := true
	var def []byte
	optional := func(t *types.Type) []byte {
		if t == nil {
			return b.B(0)
		}
		return b.Cat(b.B(1), f.use(t))
	}
	switch t.Kind {
	case types.List:
		def, named = b.Cat(b.B(0x70), f.use(t.Elem)), false
	case types.Option:
		def, named = b.Cat(b.B(0x6b), f.use(t.Elem)), false
	case types.Result:
		def, named = b.Cat(b.B(0x6a), optional(t.Cases[0].Type), optional(t.Cases[1].Type)), false
	case types.Tuple:
		items := make([][]byte, len(t.Fields))
		for i, x := range t.Fields {
			items[i] = f.use(x.Type)
		}
		def, named = b.Cat(b.B(0x6f), b.Vec(items...)), false
	case types.Record:
		items := make([][]byte, len(t.Fields))
		for i, x := range t.Fields {
			items[i] = b.Field(x.Name, f.use(x.Type)...)
		}
		def = b.Cat(b.B(0x72), b.Vec(items...))
	case types.Variant:
		items := make([][]byte, len(t.Cases))
		for i, x := range t.Cases {
			items[i] = b.Cat(b.Name(x.Name), optional(x.Type), b.B(0))
		}
		def = b.Cat(b.B(0x71), b.Vec(items...))
	case types.Enum:
		items := make([][]byte, len(t.Cases))
		for i, x := range t.Cases {
			items[i] = b.Name(x.Name)
		}
		def = b.Cat(b.B(0x6d), b.Vec(items...))
	case types.Flags:
		items := make([][]byte, len(t.Labels))
		for i, x := range t.Labels {
			items[i] = b.Name(x)
		}
		def = b.Cat(b.B(0x6e), b.Vec(items...))
	default:
		panic(t.Kind)
	}
	i := f.define(def)
	if named {
		f.section(b.ImportSection, b.Import("t"+strconv.Itoa(len(f.names)),
			b.Cat(b.B(0x03, 0x00), b.U32(i))...))
		i = f.types
		f.types++
		f.names = append(f.names, i)
	}
	f.defs[t] = b.U32(i)
	return f.defs[t]
}

// encode returns the sections of a component that forwards values of t in the given encoding (0
// UTF-8, 1 UTF-16, 2 latin1+utf16), or, with several, of one that puts a forwarder for each inside.
func (f *forwarder) encode(t *types.Type, allocator []byte, encodings ...byte) [][]byte {
	*f = forwarder{defs: map[*types.Type][]byte{}}
	code := f.use(t)
	fn := f.define(b.Cat(b.B(0x40), b.Vec(b.Field("x", code...)), b.B(0x00), code))
	f.section(b.ImportSection, b.Import("f", b.Cat(b.B(0x01), b.U32(fn))...))
	if len(encodings) > 1 {
		for i, encoding := range encodings {
			var inner forwarder
			f.sections = append(f.sections, b.Nested(inner.encode(t, allocator, encoding)...))
			args := [][]byte{b.Cat(b.Name("f"), b.B(0x01), b.U32(uint32(i)))}
			for n, index := range f.names {
				args = append(args, b.Cat(b.Name("t"+strconv.Itoa(n)), b.B(0x03), b.U32(index)))
			}
			f.section(b.InstanceSection, b.Cat(b.B(0x00), b.U32(uint32(i)), b.Vec(args...)))
			f.section(b.AliasSection, b.Cat(b.B(0x01, 0x00), b.U32(uint32(i)), b.Name("g")))
		}
		f.section(b.ExportSection, b.Export("g",
			b.Cat(b.B(0x01), b.U32(uint32(len(encodings))))...))
		return f.sections
	}
	options := b.Vec(b.B(encodings[0]), b.B(0x03, 0), b.B(0x04, 0))
	f.sections = append(f.sections, b.Section(b.CoreModuleSection, allocator))
	f.section(b.CoreInstanceSection, b.B(0x00, 0, 0))
	f.section(b.AliasSection, b.Cat(b.B(0x00, 0x02, 0x01, 0), b.Name("memory")))
	f.section(b.AliasSection, b.Cat(b.B(0x00, 0x00, 0x01, 0), b.Name("realloc")))
	f.section(b.CanonSection, b.Cat(b.B(0x01, 0x00, 0), options))
	f.sections = append(f.sections, b.Section(b.CoreModuleSection, passOn(t)))
	f.section(b.CoreInstanceSection, b.Cat(b.B(0x01, 1), b.Name("f"), b.B(0x00, 1)))
	f.section(b.CoreInstanceSection, b.Cat(b.B(0x00, 1, 1), b.Name("h"), b.B(0x12, 1)))
	f.section(b.AliasSection, b.Cat(b.B(0x00, 0x00, 0x01, 2), b.Name("g")))
	f.section(b.CanonSection, b.Cat(b.B(0x00, 0x00, 2), options, b.U32(fn)))
	f.section(b.ExportSection, b.Export("g", 0x01, 1))
	return f.sections
}

// passOn is a core module whose function g calls the imported f with its own parameters. A result
// that does not fit a core value is left at the address 16.
func passOn(t *types.Type) []byte {
	const i32 = 0x7f
	var params []byte
	if t.FlatLen() > types.MaxFlatParams {
		params = b.B(i32)
	} else {
		for _, p := range t.Flat() {
			params = append(params, byte(p))
		}
	}
	list := func(ts []byte) []byte { return b.Cat(b.U32(uint32(len(ts))), ts) }
	var body []byte
	for i := range params {
		body = append(body, 0x20, byte(i)) // local.get
	}
	imported := b.Cat(b.B(0x60), list(params))
	exported := imported
	if t.FlatLen() > types.MaxFlatResults {
		imported = b.Cat(b.B(0x60), list(append(params[:len(params):len(params)], i32)), b.B(0))
		exported = b.Cat(exported, b.B(1, i32))
		body = b.Cat(body, b.B(0x41, 16, 0x10, 0, 0x41, 16)) // i32.const 16, call 0, i32.const 16
	} else {
		result := []byte{byte(t.Flat()[0])}
		imported = b.Cat(imported, list(result))
		exported = imported
		body = b.Cat(body, b.B(0x10, 0))
	}
	body = b.Cat(b.B(0), body, b.B(0x0b))
	return b.Module(
		b.Defs(1, imported, exported),
		b.Defs(2, b.Cat(b.Name("h"), b.Name("f"), b.B(0x00, 0))),
		b.Defs(3, b.B(1)),
		b.Defs(7, b.Cat(b.Name("g"), b.B(0x00, 1))),
		b.Defs(10, b.Cat(b.U32(uint32(len(body))), body)),
	)
}

// TestValuesPassThroughComponents sends values of every type through three components, one for each
// string encoding in each order, to the embedder and back.
func TestValuesPassThroughComponents(t *testing.T) {
	allocator, err := os.ReadFile(filepath.Join("testdata", "allocator.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		wit    string
		values []Value
	}{
		{"bool", []Value{Bool(false), Bool(true)}},
		{"u8", []Value{U8(0), U8(255)}},
		{"s8", []Value{S8(-128), S8(127)}},
		{"u16", []Value{U16(65535)}},
		{"s16", []Value{S16(-32768), S16(1)}},
		{"u32", []Value{U32(1<<32 - 1)}},
		{"s32", []Value{S32(-1 << 31), S32(5)}},
		{"u64", []Value{U64(1<<64 - 1)}},
		{"s64", []Value{S64(-1 << 63)}},
		{"f32", []Value{F32(1.5), F32(float32(math.Copysign(0, -1)))}},
		{"f64", []Value{F64(-1e300)}},
		{"char", []Value{Char('a'), Char('é'), Char('語'), Char('🦀'), Char(0x10ffff)}},
		{"string", []Value{String(""), String("plain"), String("é Latin"), String("語 and 🦀"),
			String("late " + strings.Repeat("x", 300) + "語")}},
		{"list<u8>", []Value{Bytes(nil), Bytes([]byte("\x00\xff bytes"))}},
		{"list<u32>", []Value{List(), List(U32(1), U32(2), U32(3))}},
		{"list<string>", []Value{List(String("a"), String("ü"), String("語"))}},
		{"list<list<option<u16>>>", []Value{List(List(), List(None(), Some(U16(7))))}},
		{"tuple<u8, u64, string>", []Value{Record(U8(1), U64(2), String("drei"))}},
		{"record { a: u8, b: f64, c: char, d: s16 }",
			[]Value{Record(U8(1), F64(2.5), Char('語'), S16(-4))}},
		{"variant { a, b(f32), c(u64), d(string), e(f64) }",
			[]Value{Enum(0), Variant(1, F32(1.5)), Variant(2, U64(1<<63)), Variant(3, String("ß")),
				Variant(4, F64(-2))}},
		{"enum { x, y, z }", []Value{Enum(2)}},
		{"flags { r, w, x }", []Value{Flags(0), Flags(5)}},
		{"option<string>", []Value{None(), Some(String("é"))}},
		{"option<option<bool>>", []Value{None(), Some(None()), Some(Some(Bool(true)))}},
		{"result", []Value{OkUnit(), ErrUnit()}},
		{"result<u64, string>", []Value{Ok(U64(9)), Err(String("nö"))}},
		{"result<_, u8>", []Value{OkUnit(), Err(U8(3))}},
		// More than 16 core values: parameters go through memory.
		{"tuple<string, string, string, string, string, string, string, string, string>",
			[]Value{Record(String("1"), String("é"), String("語"), String(""), String("5"),
				String("6"), String("7"), String("8"), String("🦀"))}},
		{"list<record { a: u8, b: f64, c: char, d: s16 }>",
			[]Value{List(Record(U8(1), F64(2), Char('3'), S16(4)),
				Record(U8(5), F64(6), Char('7'), S16(8)))}},
	} {
		t.Run(tt.wit, func(t *testing.T) {
			typ, err := types.Parse(tt.wit,
				func(string) (*types.Type, *types.Resource) { return nil, nil })
			if err != nil {
				t.Fatal(err)
			}
			for _, order := range [][]byte{{0, 1, 2}, {2, 1, 0}, {1, 0, 2, 2, 1, 1, 0, 0}} {
				var seen Value
				l := NewLinker()
				l.Instance("").Func("f", fmt.Sprintf("func(x: %s) -> %s", tt.wit, tt.wit),
					func(_ *Call, args []Value) (Value, error) {
						seen = args[0]
						return args[0], nil
					})
				var f forwarder
				i := instantiateBytes(t, b.Component(f.encode(typ, allocator, order...)...), l, nil)
				for _, v := range tt.values {
					got := must(t, i, "g", v)
					if !same(typ, v, seen) || !same(typ, v, got) {
						t.Errorf("%v: sent %v, the host saw %v, came back as %v", order, v, seen,
							got)
					}
				}
			}
		})
	}
}
