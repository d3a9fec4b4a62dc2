package corewasm_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// program makes random code with locals 0 to 3 to compute with, 4 as the selector of br_tables and
// 5 as the number of passes through loops that are left: the code ends when there are none.
type program struct {
	*rand.Rand
	// labels are whether the blocks around have a result, the innermost first.
	labels []bool
	size   int // of the code that may be added
}

func (p *program) local() []byte { return ct.Code(ct.LocalGet, p.IntN(4)) }

// condition is an expression of type i32.
func (p *program) condition() []byte {
	switch p.IntN(6) {
	case 0:
		return p.local()
	case 1:
		return ct.Code(p.local(), ct.I32Eqz)
	case 2: // of i64
		return ct.Code(p.local(), 0xac, p.local(), 0xad, 0x51+p.IntN(10))
	case 3: // of f64
		return ct.Code(p.local(), 0xb7, p.local(), 0xb7, ct.F64Add, p.local(), 0xb8, 0x61+p.IntN(6))
	case 4: // what replaces instructions comes between
		return ct.Code(p.local(), ct.I32Eqz, ct.GlobalGet, 0, ct.I32Xor)
	}
	return ct.Code(p.local(), p.local(), 0x46+p.IntN(10))
}

// label returns a label of a block without a result.
func (p *program) label() (label int, ok bool) {
	label = p.IntN(len(p.labels))
	return label, !p.labels[label]
}

// block is code in a block that begins with these bytes.
func (p *program) block(result bool, begin ...byte) []byte {
	before := p.labels
	p.labels = append([]bool{result && begin[0] != ct.Loop}, before...)
	defer func() { p.labels = before }()
	typ, last := byte(ct.Void), []byte(nil)
	if result {
		typ, last = ct.I32, p.condition()
	}
	code := ct.Code(append(begin, typ))
	if begin[len(begin)-1] == ct.Loop {
		code = ct.Code(code, ct.LocalGet, 5, ct.Const(1), ct.I32Sub, ct.LocalTee, 5, ct.I32Eqz,
			ct.If, ct.Void, ct.Return, ct.End)
	}
	code = ct.Code(code, p.statements(), last)
	if begin[0] == ct.If && (result || p.IntN(2) == 0) {
		code = ct.Code(code, ct.Else, p.statements(), last)
	}
	return ct.Code(code, ct.End)
}

// dispatch is a loop that begins with a br_table, the arms of which jump to each other.
func (p *program) dispatch() []byte {
	n := 1 + p.IntN(4)
	before := p.labels
	code := ct.Code(ct.Loop, ct.Void)
	p.labels = append(make([]bool, n+1), before...)
	if p.IntN(4) == 0 { // no such loop any more
		code = ct.Code(code, ct.Nop)
	}
	for range n {
		code = ct.Code(code, ct.Block, ct.Void)
	}
	code = ct.Code(code, ct.LocalGet, 4, ct.BrTable, ct.U32(n+2))
	for range n + 3 {
		code = ct.Code(code, ct.U32(p.IntN(n)))
	}
	for range n {
		p.labels = p.labels[1:]
		jump := ct.Code(ct.Const(p.IntN(2*n+3)-1), ct.LocalSet, 4-p.IntN(8)/7,
			ct.Br, ct.U32(len(p.labels)-len(before)-1))
		if p.IntN(2) == 0 {
			p.labels = append([]bool{false}, p.labels...)
			jump = ct.Code(p.condition(), ct.If, ct.Void, p.statements(), ct.Const(p.IntN(n)),
				ct.LocalSet, 4, ct.Br, ct.U32(len(p.labels)-len(before)-1), ct.End)
			p.labels = p.labels[1:]
		}
		code = ct.Code(code, ct.End, ct.LocalGet, 5, ct.Const(1), ct.I32Sub, ct.LocalTee, 5,
			ct.I32Eqz, ct.If, ct.Void, ct.Return, ct.End, p.statements(), jump)
	}
	p.labels = before
	return ct.Code(code, ct.End)
}

func (p *program) statements() []byte {
	var code []byte
	for range 1 + p.IntN(4) {
		if p.size--; p.size < 0 {
			break
		}
		code = ct.Code(code, p.statement())
	}
	return code
}

// accesses reads and writes memory, mostly through one local and sums of it and numbers.
func (p *program) accesses() []byte {
	address, offsets := p.IntN(4), []int{0, 1, 4, 8, 12, 24, 100, 5000}
	code := ct.Code(ct.LocalGet, address, ct.Const([]int{0xffff, 0xfff0}[p.IntN(2)]), ct.I32And,
		ct.LocalSet, address)
	from := func() []byte {
		at := ct.Code(ct.LocalGet, address)
		switch p.IntN(12) {
		case 0, 1, 2:
			at = ct.Code(at, ct.Const(4*p.IntN(8)), ct.I32Add)
		case 3:
			at = ct.Code(ct.Const(8), at, ct.I32Add)
		case 4:
			at = ct.Code(at, ct.Const(4*p.IntN(8)), ct.I32Sub)
		case 5:
			at = ct.Const(65_500 + 4*p.IntN(12))
		case 6:
			at = ct.Code(ct.GlobalGet, 1, ct.Const(4*p.IntN(8)), ct.I32Add)
		case 7:
			at = p.local()
		}
		if p.IntN(4) == 0 {
			at = ct.Code(at, ct.LocalTee, p.IntN(4))
		}
		return at
	}
	offset := func() []byte { return ct.U32(offsets[p.IntN(len(offsets))]) }
	load := func() []byte {
		switch p.IntN(3) {
		case 0:
			return ct.Code(from(), 0x29, 3, offset(), 0xa7) // i64.load
		case 1:
			return ct.Code(from(), ct.I32Load8U, 0, offset())
		}
		return ct.Code(from(), ct.I32Load, 2, offset())
	}
	for range 1 + p.IntN(6) {
		switch p.IntN(8) {
		case 0, 1:
			code = ct.Code(code, load(), ct.LocalSet, p.IntN(4))
		case 2:
			code = ct.Code(code, load(), ct.Drop)
		case 3:
			code = ct.Code(code, from(), load(), ct.I32Store, 2, offset())
		case 4:
			code = ct.Code(code, from(), p.local(), 0xac, 0x37, 3, offset()) // i64.store
		case 5:
			code = ct.Code(code, from(), p.local(), ct.I32Store8, 0, offset())
		case 6:
			code = ct.Code(code, load(), p.local(), ct.Const(1), 0x72, ct.I32DivU, ct.LocalSet,
				p.IntN(4))
		case 7:
			code = ct.Code(code, p.local(), ct.LocalSet, address)
		}
	}
	return code
}

func (p *program) statement() []byte {
	label, ok := p.label()
	switch p.IntN(18) {
	case 14, 15, 16, 17:
		return p.accesses()
	case 0, 1:
		return p.block(false, ct.Block)
	case 2, 3:
		return p.block(false, ct.Loop)
	case 4:
		return ct.Code(p.condition(), p.block(false, ct.If))
	case 5:
		begin := []byte{ct.Block, ct.Loop}[p.IntN(2)]
		return ct.Code(p.block(true, begin), ct.LocalSet, p.IntN(4))
	case 6:
		return ct.Code(p.condition(), p.block(true, ct.If), ct.LocalSet, p.IntN(4))
	case 7, 8:
		if ok {
			return ct.Code(p.condition(), ct.BrIf, ct.U32(label))
		}
		return ct.Code(p.local(), p.condition(), ct.BrIf, ct.U32(label), ct.LocalSet, p.IntN(4))
	case 9:
		if other, both := p.label(); ok && both {
			return ct.Code(p.local(), ct.Const(3), ct.I32And, ct.If, ct.Void, p.local(), ct.BrTable,
				2, ct.U32(label+1), ct.U32(other+1), ct.U32(label+1), ct.End)
		}
		return ct.Code(p.local(), ct.Call, 1, ct.LocalSet, p.IntN(4))
	case 10:
		return p.dispatch()
	case 11:
		if ok {
			return ct.Code(p.condition(), ct.If, ct.Void, ct.Br, ct.U32(label+1), ct.End)
		}
		fallthrough
	case 12:
		return ct.Code(p.local(), ct.GlobalGet, 0, ct.I32Add, ct.Const(5), ct.I32Mul, ct.GlobalSet,
			0)
	}
	return ct.Code(p.local(), p.local(), 0x6a+p.IntN(3), ct.Const(p.IntN(100)), ct.I32Add,
		ct.LocalSet, p.IntN(4))
}

// crowd is how many locals have values around all loops of some random modules.
const crowd = 16

// randomModule has a function "run" of random code, which returns what is in its locals.
func randomModule(seed uint64) []byte {
	p := &program{Rand: rand.New(rand.NewPCG(seed, 1)), labels: []bool{false}, size: 60}
	i := byte(ct.I32)
	locals := []byte{i, i}
	var begin, end []byte
	if seed%2 == 1 { // many that have values all along, for loops that begin with few registers
		for local := 6; local < 6+crowd; local++ {
			locals = append(locals, i)
			begin = ct.Code(begin, p.local(), ct.Const(local), ct.I32Mul, ct.LocalSet, local)
			end = ct.Code(end, ct.LocalGet, local, ct.GlobalGet, 0, ct.I32Xor, ct.GlobalSet, 0)
		}
	}
	return ct.Module{
		Memory: &ct.Memory{Min: 1},
		Globals: []ct.Global{{Type: ct.I32, Mutable: true, Init: ct.Const(1), Export: "g"},
			{Type: ct.I32, Init: ct.Const(65_520)}},
		Exports: []ct.Export{{Name: "memory", Kind: 2}},
		Funcs: []ct.Func{
			{Type: ct.Sig([]byte{i, i, i, i}, nil), Locals: locals, Export: "run",
				Code: ct.Code(ct.Const(300), ct.LocalSet, 5, begin, p.statements(), end, p.local(),
					ct.GlobalGet, 0, ct.I32Add, ct.GlobalSet, 0)},
			{Type: sigII, Code: ct.Code(ct.LocalGet, 0, ct.Const(3), ct.I32Mul)},
		},
	}.Bytes()
}

// outcomes is what a function "run" leaves in the global "g" and in the memory, called with
// different numbers, up to a trap.
func outcomes(t *testing.T, config wazero.RuntimeConfig, module []byte, period uint32) string {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(features))
	defer func() { _ = r.Close(context.Background()) }()
	_, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().
		WithFunc(counts(func() {}, period)).Export("safepoint").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	trapped := false
	for i := range uint64(5) {
		_, err := m.ExportedFunction("run").Call(ctx, i, 1<<32-1-i, 65_500+7*i, 0)
		if err != nil {
			trap, _, _ := strings.Cut(err.Error(), "\n")
			all, trapped = append(all, trap), true
			break
		}
		all = append(all, m.ExportedGlobal("g").Get())
	}
	if !trapped {
		bytes, _ := m.ExportedMemory("memory").Read(0, m.ExportedMemory("memory").Size())
		all = append(all, crc32.ChecksumIEEE(bytes))
	}
	return fmt.Sprint(all)
}

func checkRandomModule(t *testing.T, seed uint64) {
	module := randomModule(seed)
	want := outcomes(t, wazero.NewRuntimeConfigInterpreter(), module, 1)
	for _, opt := range []corewasm.Options{
		{Period: 1 << 10}, {Period: 1 << 10, Lines: true}, {Period: corewasm.DefaultPeriod,
			Known: []corewasm.Known{{Global: 1, Bits: 65_520}}},
	} {
		opt.Safepoint = &corewasm.ImportName{Module: "host", Name: "safepoint"}
		rw, err := corewasm.Rewrite(module, opt)
		if err != nil {
			t.Fatal(err)
		}
		got := outcomes(t, wazero.NewRuntimeConfigCompiler(), rw.Wasm, opt.Period)
		if got != want {
			t.Errorf("seed %d, period %d, lines %t: %s, not %s", seed, opt.Period, opt.Lines, got,
				want)
		}
	}
}

// TestJumpsAreThreaded checks that a function in the form that Go's compiler makes, which jumps
// forward only, gets branches in place of jumps, and no safepoint.
func TestJumpsAreThreaded(t *testing.T) {
	code := func(branch int) []byte {
		return ct.Code(ct.Loop, ct.Void, ct.Block, ct.Void, ct.Block, ct.Void, ct.Block, ct.Void,
			ct.LocalGet, 0, ct.BrTable, 2, 0, 1, 2, ct.End,
			ct.GlobalGet, 0, ct.If, ct.Void, ct.Const(7), ct.LocalSet, 0, ct.Br, branch, ct.End,
			ct.End, ct.End, ct.End)
	}
	module := ct.Module{
		Globals: []ct.Global{{Type: ct.I32, Mutable: true, Init: ct.Const(1), Export: "g"}},
		Funcs:   []ct.Func{{Type: ct.Sig([]byte{ct.I32}, nil), Code: code(3)}},
	}
	rw, err := corewasm.Rewrite(module.Bytes(), corewasm.Options{
		Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}})
	if err != nil {
		t.Fatal(err)
	}
	body := ct.Code(0, code(2), ct.End)
	if !bytes.Contains(rw.Wasm, ct.Code(len(body), body)) {
		t.Errorf("% x is not in % x", body, rw.Wasm)
	}
}

func TestBranchesGoWhereTheyDid(t *testing.T) {
	for seed := range uint64(150) {
		checkRandomModule(t, seed)
	}
}

func FuzzBranches(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(checkRandomModule)
}

// TestBranchesAreRewrittenIfThereAreNotVeryMany has a branch in a function that counts, and code
// after it of different size.
func TestBranchesAreRewrittenIfThereAreNotVeryMany(t *testing.T) {
	for _, large := range []bool{false, true} {
		module := ct.Module{Funcs: []ct.Func{{Type: sigVoid, Code: ct.Code(
			ct.Block, ct.Void, ct.Const(1), ct.BrIf, 0, ct.Call, 0, ct.End)}, {Type: sigVoid}}}
		if large {
			module.Funcs[1].Code = bytes.Repeat([]byte{ct.Nop}, 8<<20)
		}
		rw, err := corewasm.Rewrite(module.Bytes(), corewasm.Options{
			Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}})
		if err != nil {
			t.Fatal(err)
		}
		as := ct.Code(ct.Block, ct.Void, ct.Const(1), ct.BrIf, 0)
		if bytes.Contains(rw.Wasm, as) != large {
			t.Errorf("large is %t: the branch is not as it should be", large)
		}
	}
}
