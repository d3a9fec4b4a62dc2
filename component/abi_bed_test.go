package component

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// encodings are the exports of testdata/abi.wasm, one for each string encoding.
var encodings = [...]string{"utf8", "utf16", "latin1-utf16"}

// abiBed is a guest memory in which values are lowered and lifted without running guest code but
// for the allocator.
type abiBed struct {
	inst *instance
	th   *thread
	opts [len(encodings)]*options
	zero *Func
	grow *Func // doubles the memory
}

func newABIBed(t testing.TB) *abiBed {
	t.Helper()
	i := instantiateFile(t, "abi.wasm", NewLinker(), nil)
	b := &abiBed{inst: i.store.insts[0], zero: i.Func("reset"), grow: i.Func("grow")}
	b.th = &thread{store: i.store}
	b.th.ectx = i.store.group.NewContext(t.Context(), b.th)
	for n, name := range encodings {
		b.opts[n] = &i.Func(name).fn.lift.opts
	}
	return b
}

// reset frees all memory of the guest.
func (b *abiBed) reset(t testing.TB) {
	t.Helper()
	if _, err := b.zero.Call(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// cx is a context with the options of an encoding.
func (b *abiBed) cx(encoding int) cx { return newCX(b.th, b.inst, b.opts[encoding]) }

// trapped runs f and returns the trap that it raised, nil if it raised none. Other panics go on.
func trapped(f func()) (trap *TrapError) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *TrapError:
			trap = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// decodeFile decodes a component of testdata.
func decodeFile(t testing.TB, name string) *Component {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newEngine returns an engine that is closed when the test ends.
func newEngine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// instantiateFile links and instantiates a component of testdata, and closes everything when the
// test ends.
func instantiateFile(t testing.TB, name string, l *Linker, data any) *Instance {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return instantiateBytes(t, b, l, data)
}

func instantiateBytes(t testing.TB, b []byte, l *Linker, data any) *Instance {
	t.Helper()
	s := newTestStore(t, b, l, data)
	i, err := s.linked.Instantiate(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func newTestStore(t testing.TB, b []byte, l *Linker, data any) *Store {
	t.Helper()
	c, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Heap: true}) // where stale views of memory show
	if err != nil {
		t.Fatal(err)
	}
	linked, err := c.Link(t.Context(), e, l, LinkOptions{})
	if err != nil {
		t.Fatal(errors.Join(err, e.Close()))
	}
	s := linked.NewStore(t.Context(), data, Limits{})
	t.Cleanup(func() {
		// The test's own context has ended.
		ctx := t.Context()
		if err := errors.Join(s.Close(), linked.Close(ctx), e.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// chance makes choices from bytes; after them it always chooses the first.
type chance struct{ data []byte }

func (c *chance) byte() byte {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

func (c *chance) below(n int) int { return int(c.byte()) % n }

func (c *chance) uint64() (v uint64) {
	for range 8 {
		v = v<<8 | uint64(c.byte())
	}
	return v
}

// typ makes a type of at most that depth; res is what handles are of.
func (c *chance) typ(depth int, res *types.Resource) *types.Type {
	kinds := []types.Kind{
		types.Bool, types.S8, types.U8, types.S16, types.U16, types.S32, types.U32, types.S64,
		types.U64, types.F32, types.F64,
		types.Char, types.String, types.Flags, types.Enum, types.Own,
	}
	if depth > 0 {
		kinds = append(kinds, types.List, types.FixedList, types.Map, types.Record, types.Tuple,
			types.Variant, types.Option, types.Result)
	}
	optional := func() *types.Type {
		if c.below(3) == 0 {
			return nil
		}
		return c.typ(depth-1, res)
	}
	fields := func() []types.Field {
		fs := make([]types.Field, 1+c.below(4))
		for i := range fs {
			fs[i] = types.Field{Name: "f" + strconv.Itoa(i), Type: c.typ(depth-1, res)}
		}
		return fs
	}
	switch k := kinds[c.below(len(kinds))]; k {
	case types.Flags:
		return types.NewFlags(labels(1 + c.below(32)))
	case types.Enum:
		return types.NewEnum(labels(1 + 2*c.below(200)))
	case types.Own:
		return types.NewOwn(res)
	case types.List:
		return types.NewList(c.typ(depth-1, res))
	case types.FixedList:
		return types.NewFixedList(c.typ(depth-1, res), uint32(1+c.below(5)))
	case types.Map:
		return types.NewMap(types.NewPrim(types.String), c.typ(depth-1, res))
	case types.Record:
		return types.NewRecord(fields())
	case types.Tuple:
		return types.NewTuple(fields())
	case types.Variant:
		cases := make([]types.Case, 1+c.below(4))
		for i := range cases {
			cases[i] = types.Case{Name: "c" + strconv.Itoa(i), Type: optional()}
		}
		return types.NewVariant(cases)
	case types.Option:
		return types.NewOption(c.typ(depth-1, res))
	case types.Result:
		return types.NewResult(optional(), optional())
	default:
		return types.NewPrim(k)
	}
}

func labels(n int) []string {
	ls := make([]string, n)
	for i := range ls {
		ls[i] = "l" + strconv.Itoa(i)
	}
	return ls
}

// value makes a value of the type.
func (c *chance) value(t *types.Type) Value {
	switch t.Kind {
	case types.Bool:
		return Bool(c.byte()&1 == 1)
	case types.S8:
		return S8(int8(c.byte()))
	case types.U8:
		return U8(c.byte())
	case types.S16:
		return S16(int16(c.uint64()))
	case types.U16:
		return U16(uint16(c.uint64()))
	case types.S32:
		return S32(int32(c.uint64()))
	case types.U32:
		return U32(uint32(c.uint64()))
	case types.S64:
		return S64(int64(c.uint64()))
	case types.U64:
		return U64(c.uint64())
	case types.F32:
		return Value{bits: canonF32(uint32(c.uint64()))}
	case types.F64:
		return Value{bits: canonF64(c.uint64())}
	case types.Char:
		return Char(c.rune())
	case types.String:
		rs := make([]rune, c.below(20))
		for i := range rs {
			rs[i] = c.rune()
		}
		return String(string(rs))
	case types.Flags:
		return Flags(uint32(c.uint64()) & uint32(flagMask(t)))
	case types.Own:
		return Own(int(c.byte()))
	case types.Record, types.Tuple:
		vs := make([]Value, len(t.Fields))
		for i, f := range t.Fields {
			vs[i] = c.value(f.Type)
		}
		return Record(vs...)
	case types.List, types.Map:
		return c.list(t.Elem, c.below(6))
	case types.FixedList:
		return c.list(t.Elem, int(t.Len))
	}
	n := int(c.uint64() % uint64(len(t.Cases)))
	if p := t.Cases[n].Type; p != nil {
		return Variant(uint32(n), c.value(p))
	}
	return Enum(uint32(n))
}

func (c *chance) list(elem *types.Type, n int) Value {
	if elem.Kind == types.U8 {
		b := make([]byte, n)
		for i := range b {
			b[i] = c.byte()
		}
		return Bytes(b)
	}
	vs := make([]Value, n)
	for i := range vs {
		vs[i] = c.value(elem)
	}
	return List(vs...)
}

// rune makes a scalar value: ASCII, Latin-1, of the basic plane or beyond.
func (c *chance) rune() rune {
	n := rune(c.byte())
	switch c.below(4) {
	case 1:
		return n
	case 2:
		return 0x4e00 + n
	case 3:
		return 0x1f300 + n
	}
	return n & 0x7f
}

// same reports whether two values of a type are equal.
func same(t *types.Type, a, b Value) bool {
	switch t.Kind {
	case types.String:
		return a.Str() == b.Str()
	case types.Own:
		return a.Rep() == b.Rep()
	case types.Record, types.Tuple:
		for i, f := range t.Fields {
			if !same(f.Type, a.Items()[i], b.Items()[i]) {
				return false
			}
		}
		return len(a.Items()) == len(b.Items())
	case types.List, types.Map, types.FixedList:
		if t.Elem.Kind == types.U8 {
			return string(a.Bytes()) == string(b.Bytes())
		}
		if len(a.Items()) != len(b.Items()) {
			return false
		}
		for i := range a.Items() {
			if !same(t.Elem, a.Items()[i], b.Items()[i]) {
				return false
			}
		}
		return true
	case types.Variant, types.Enum, types.Option, types.Result:
		if a.Case() != b.Case() {
			return false
		}
		p := t.Cases[a.Case()].Type
		return p == nil || same(p, a.Payload(), b.Payload())
	}
	return a.bits == b.bits
}
