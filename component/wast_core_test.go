package component

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// wastCore runs the core modules of a script, all in one group.
type wastCore struct {
	run     *wastRun
	runtime *engine.Runtime
	group   *engine.Group
	next    int
	insts   map[string]*wastCoreInstance
}

type wastCoreInstance struct {
	slot int
	info *corewasm.Info
}

// wastCoreSlots is more than any script needs.
const wastCoreSlots = 4096

// started gives the runtime, which is made when it is first needed.
func (c *wastCore) started() (*engine.Runtime, error) {
	if c.runtime != nil {
		return c.runtime, nil
	}
	var err error
	c.runtime, err = c.run.e.NewRuntime(c.run.t.Context(), nil)
	return c.runtime, err
}

func (c *wastCore) close() {
	if c.group != nil {
		if err := c.group.Close(); err != nil {
			c.run.t.Error(err)
		}
	}
	if c.runtime != nil {
		if err := c.runtime.Close(c.run.t.Context()); err != nil {
			c.run.t.Error(err)
		}
	}
}

// compile compiles a module; without a provider of imports only to see whether it is valid.
func (c *wastCore) compile(code []byte, provider func(module string) (slot int,
	ok bool)) (*engine.Module, error) {
	info, err := corewasm.Scan(code)
	if err != nil {
		return nil, err
	}
	rt, err := c.started()
	if err != nil {
		return nil, err
	}
	imports := make([]engine.Import, len(info.Imports))
	for i, im := range info.Imports {
		if provider == nil {
			continue
		}
		slot, ok := provider(im.Module)
		if !ok {
			return nil, fmt.Errorf("unknown import %q %q", im.Module, im.Name)
		}
		imports[i] = engine.Import{Slot: slot, Name: im.Name}
	}
	return rt.Compile(c.run.t.Context(),
		engine.Source{Name: "module", Wasm: code, Imports: imports})
}

func (c *wastCore) instantiate(code []byte, name string) (*wastCoreInstance, error) {
	if c.group == nil {
		rt, err := c.started()
		if err != nil {
			return nil, err
		}
		c.group, c.insts = rt.NewGroup(engine.Limits{}, wastCoreSlots),
			map[string]*wastCoreInstance{}
		if _, err := c.instantiate(wastSpectest(), "spectest"); err != nil {
			return nil, wastFail("spectest: %v", err)
		}
	}
	m, err := c.compile(code, func(module string) (int, bool) {
		i := c.insts[module]
		if i == nil {
			return 0, false
		}
		return i.slot, true
	})
	if err != nil {
		return nil, err
	}
	i := &wastCoreInstance{slot: c.next, info: m.Info()}
	c.next++
	if err := c.group.Instantiate(c.group.NewContext(c.run.t.Context(), nil), i.slot,
		m); err != nil {
		return nil, err
	}
	if name != "" {
		c.insts[name] = i
	}
	return i, nil
}

// wastCoreResult is the result of a core function or the value of a global.
type wastCoreResult struct {
	types []corewasm.ValType
	stack []uint64
}

func (r wastCoreResult) String() string { return fmt.Sprintf("%x of %v", r.stack, r.types) }

func (c *wastCore) act(i *wastCoreInstance, a *wastAction) (wastResult, error) {
	slot, field, info := i.slot, a.Field, i.info
	if a.Type == "get" {
		reader, err := c.reader(i, a.Field)
		if err != nil {
			return nil, err
		}
		slot, field, info = reader.slot, "get", reader.info
	}
	e, ok := info.ExportNamed(field)
	if !ok || e.Kind != corewasm.KindFunc {
		return nil, wastFail("no function %q", field)
	}
	ft, _ := info.FuncTypeOf(e.Index)
	if len(a.Args) != len(ft.Params) {
		return nil, wastFail("wrong number of arguments")
	}
	var stack []uint64
	for k, v := range a.Args {
		words, err := wastCoreValue(v)
		if err != nil {
			return nil, err
		}
		if len(words) != wastSlots(ft.Params[k]) {
			return nil, wastFail("value of type %s for %v", v.Type, ft.Params[k])
		}
		stack = append(stack, words...)
	}
	slots := 0
	for _, t := range ft.Results {
		slots += wastSlots(t)
	}
	stack = append(stack, make([]uint64, max(slots-len(stack), 0))...)
	f, err := c.group.Func(slot, field)
	if err != nil {
		return nil, wastFail("%v", err)
	}
	err = f.Call(c.group.NewContext(c.run.t.Context(), nil), stack)
	return wastCoreResult{ft.Results, stack[:slots]}, err
}

// reader makes an instance whose function "get" reads an exported global.
func (c *wastCore) reader(i *wastCoreInstance, field string) (*wastCoreInstance, error) {
	e, ok := i.info.ExportNamed(field)
	if !ok || e.Kind != corewasm.KindGlobal {
		return nil, wastFail("no global %q", field)
	}
	var all []corewasm.GlobalType
	for _, im := range i.info.Imports {
		if im.Kind == corewasm.KindGlobal {
			all = append(all, im.Global)
		}
	}
	t := append(all, i.info.Globals...)[e.Index]
	mutable := byte(0)
	if t.Mutable {
		mutable = 1
	}
	code := wastModule(
		wastSection(1, 1, 0x60, 0, 1, byte(t.Type)),
		wastSection(2, slices.Concat([]byte{1, 0, byte(len(field))}, []byte(field),
			[]byte{3, byte(t.Type), mutable})...),
		wastSection(3, 1, 0),
		wastSection(7, 1, 3, 'g', 'e', 't', 0, 0),
		wastSection(10, 1, 4, 0, 0x23, 0, 0x0b),
	)
	m, err := c.compile(code, func(string) (int, bool) { return i.slot, true })
	if err != nil {
		return nil, wastFail("%v", err)
	}
	reader := &wastCoreInstance{slot: c.next, info: m.Info()}
	c.next++
	if err := c.group.Instantiate(c.group.NewContext(c.run.t.Context(), nil), reader.slot,
		m); err != nil {
		return nil, wastFail("%v", err)
	}
	return reader, nil
}

func wastSlots(t corewasm.ValType) int {
	if t == corewasm.V128 {
		return 2
	}
	return 1
}

func wastModule(sections ...[]byte) []byte {
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...))
}

// wastSection is a section of less than 128 bytes.
func wastSection(id byte, content ...byte) []byte {
	return append([]byte{id, byte(len(content))}, content...)
}

// wastSpectest is the module that core scripts import: functions that would print, a table, a
// memory and globals.
func wastSpectest() []byte {
	signatures := map[string][]byte{
		"print": {}, "print_i32": {0x7f}, "print_i64": {0x7e}, "print_f32": {0x7d},
		"print_f64":     {0x7c},
		"print_i32_f32": {0x7f, 0x7d}, "print_f64_f64": {0x7c, 0x7c},
	}
	var types, funcs, exports, code []byte
	n := byte(0)
	export := func(name string, kind, index byte) {
		exports = slices.Concat(exports, []byte{byte(len(name))}, []byte(name), []byte{kind, index})
	}
	for name, params := range signatures {
		types = slices.Concat(types, []byte{0x60, byte(len(params))}, params, []byte{0})
		funcs = append(funcs, n)
		code = append(code, 2, 0, 0x0b)
		export(name, 0, n)
		n++
	}
	export("table", 1, 0)
	export("memory", 2, 0)
	for i, name := range []string{"global_i32", "global_i64", "global_f32", "global_f64"} {
		export(name, 3, byte(i))
	}
	long := func(id byte, content []byte) []byte {
		return slices.Concat([]byte{id, byte(len(content)) | 0x80, byte(len(content) >> 7)},
			content)
	}
	return wastModule(
		wastSection(1, append([]byte{n}, types...)...),
		wastSection(3, append([]byte{n}, funcs...)...),
		wastSection(4, 1, 0x70, 1, 10, 20),
		wastSection(5, 1, 1, 1, 2),
		wastSection(6, 4,
			0x7f, 0, 0x41, 0x9a, 0x05, 0x0b, // 666
			0x7e, 0, 0x42, 0x9a, 0x05, 0x0b,
			0x7d, 0, 0x43, 0x66, 0xa6, 0x26, 0x44, 0x0b, // 666.6
			0x7c, 0, 0x44, 0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0xd4, 0x84, 0x40, 0x0b),
		long(7, append([]byte{n + 6}, exports...)),
		wastSection(10, append([]byte{n}, code...)...),
	)
}

// wastCoreValue gives the words that a value takes on the stack.
func wastCoreValue(v wastValue) ([]uint64, error) {
	var text string
	if v.Type != "v128" {
		if err := json.Unmarshal(v.Value, &text); err != nil {
			return nil, wastFail("value %s of type %s", v.Value, v.Type)
		}
	}
	one := func(bits int) ([]uint64, error) {
		n, err := wastNumber(text, bits)
		return []uint64{n}, err
	}
	switch v.Type {
	case "i32", "f32":
		return one(32)
	case "i64", "f64":
		return one(64)
	case "v128":
		var lanes []string
		if err := json.Unmarshal(v.Value, &lanes); err != nil || len(lanes) == 0 {
			return nil, wastFail("lanes %s", v.Value)
		}
		words := make([]uint64, 2)
		width := 128 / len(lanes)
		for i, lane := range lanes {
			n, err := wastNumber(lane, width)
			if err != nil {
				return nil, err
			}
			words[i*width/64] |= n << (i * width % 64)
		}
		return words, nil
	case "externref", "funcref":
		if text == "null" {
			return []uint64{0}, nil
		}
		n, err := wastNumber(text, 32)
		return []uint64{n + 1}, err // 0 is null
	}
	return nil, wastFail("values of type %s are not supported", v.Type)
}

// wastNumber reads an integer of either sign, or the bits of a floating-point number.
func wastNumber(text string, bits int) (uint64, error) {
	if n, err := strconv.ParseUint(text, 10, bits); err == nil {
		return n, nil
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, wastFail("number %q: %v", text, err)
	}
	return uint64(n) & (1<<(bits-1)<<1 - 1), nil
}

func (r wastCoreResult) compare(want []wastValue) error {
	if len(want) != len(r.types) {
		return fmt.Errorf("returned %s, want %d values", r, len(want))
	}
	stack := r.stack
	for i, t := range r.types {
		words := stack[:wastSlots(t)]
		stack = stack[len(words):]
		if err := wastFits(words, want[i]); err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	return nil
}

// wastFits compares a value with a pattern.
func wastFits(words []uint64, want wastValue) error {
	differ := fmt.Errorf("got %x, want %s %s %s", words, want.Type, want.LaneType, want.Value)
	bits := map[string]int{"i8": 8, "i16": 16, "i32": 32, "f32": 32, "i64": 64, "f64": 64}
	switch want.Type {
	case "either":
		for _, v := range want.Values {
			if wastFits(words, v) == nil {
				return nil
			}
		}
		return errors.New("fits none of the alternatives")
	case "v128":
		var lanes []string
		if err := json.Unmarshal(want.Value, &lanes); err != nil {
			return wastFail("lanes %s", want.Value)
		}
		width := bits[want.LaneType]
		if width == 0 || len(lanes)*width != 128 || len(words) != 2 {
			return differ
		}
		for i, lane := range lanes {
			if !wastLaneFits(words[i*width/64]>>(i*width%64), lane, width) {
				return differ
			}
		}
		return nil
	}
	if len(words) != 1 {
		return differ
	}
	var text string
	if len(want.Value) > 0 && want.Value[0] == '"' { // else an object that says which function it is
		if err := json.Unmarshal(want.Value, &text); err != nil {
			return wastFail("value %s", want.Value)
		}
	}
	null := strings.HasPrefix(want.Type, "null") || want.Type == "refnull" || text == "null"
	switch width := bits[want.Type]; {
	case width > 0:
		if !wastLaneFits(words[0], text, width) {
			return differ
		}
	case !strings.HasSuffix(want.Type, "ref") && !null:
		return wastFail("values of type %s are not supported", want.Type)
	case null != (words[0] == 0):
		return differ
	case want.Type == "externref" && !null && text != "":
		if n, err := wastNumber(text, 32); err != nil || words[0] != n+1 {
			return differ
		}
	}
	return nil
}

// wastLaneFits compares the low bits of a word with a number or a kind of NaN.
func wastLaneFits(word uint64, want string, bits int) bool {
	mask := uint64(1)<<(bits-1)<<1 - 1
	word &= mask
	quiet, sign := uint64(0x7fc0_0000), uint64(1)<<31
	if bits == 64 {
		quiet, sign = 0x7ff8_0000_0000_0000, 1<<63
	}
	switch want {
	case "nan:canonical":
		return word&^sign == quiet
	case "nan:arithmetic":
		return word&quiet == quiet
	}
	n, err := wastNumber(want, bits)
	return err == nil && word == n
}
