package corewasm_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// randomProgram generates functions whose statements each store a byte at an address of their own:
// the byte shows that the statement ran.
type randomProgram struct {
	*rand.Rand
	code  []byte
	marks map[int]int // addresses, by the place of the store in the code
	next  *int
	calls int // index of the function that is called, 0 for none
	// ways are the first of an address for each outcome, by the place of the branch in the code.
	ways map[int]int
}

// Locals of a generated function: a parameter of random bits, what is left for its loops, and the
// condition of a branch.
const bitsLocal, fuelLocal, caseLocal = 0, 1, 2

func (p *randomProgram) emit(parts ...any) { p.code = append(p.code, ct.Code(parts...)...) }

func (p *randomProgram) mark() {
	p.emit(ct.Const(*p.next), ct.Const(1))
	p.marks[len(p.code)] = *p.next
	p.emit(ct.I32Store8, 0, 0)
	*p.next++
}

// choose emits a number below n, a power of two.
func (p *randomProgram) choose(n int) {
	p.emit(ct.LocalGet, bitsLocal, ct.Const(1103515245), ct.I32Mul, ct.Const(12345), ct.I32Add, ct.LocalTee, bitsLocal,
		ct.Const(16), 0x76 /* i32.shr_u */, ct.Const(n-1), ct.I32And)
}

// branch emits a branch with so many outcomes, and before it what shows which one comes. The
// condition is on the stack.
func (p *randomProgram) branch(outcomes int, parts ...any) {
	most := outcomes - 1
	p.emit(ct.LocalSet, caseLocal, ct.LocalGet, caseLocal, ct.Const(most), ct.LocalGet, caseLocal,
		ct.Const(most), ct.I32LtU, 0x1b /* select */)
	if outcomes == 2 {
		p.emit(ct.Drop, ct.LocalGet, caseLocal, ct.I32Eqz, ct.I32Eqz)
	}
	p.emit(ct.Const(*p.next), ct.I32Add, ct.Const(1), ct.I32Store8, 0, 0, ct.LocalGet, caseLocal)
	p.ways[len(p.code)] = *p.next
	*p.next += outcomes
	p.emit(parts...)
}

func (p *randomProgram) statements(depth, labels int) {
	for range 1 + p.IntN(4) {
		p.statement(depth, labels)
	}
}

func (p *randomProgram) statement(depth, labels int) {
	kind := p.IntN(13)
	if depth == 0 && kind >= 3 && kind <= 6 {
		kind = 0
	}
	label := p.IntN(labels)
	switch kind {
	case 3:
		p.emit(ct.Block, ct.Void)
		p.statements(depth-1, labels+1)
		p.emit(ct.End)
	case 4:
		p.emit(ct.Loop, ct.Void, ct.LocalGet, fuelLocal, ct.I32Eqz)
		p.branch(2, ct.BrIf, labels)
		p.emit(ct.LocalGet, fuelLocal, ct.Const(1), ct.I32Sub, ct.LocalSet, fuelLocal)
		p.statements(depth-1, labels+1)
		p.emit(ct.End)
	case 5, 6:
		p.choose(2)
		p.branch(2, ct.If, ct.Void)
		p.statements(depth-1, labels+1)
		if kind == 6 {
			p.emit(ct.Else)
			p.statements(depth-1, labels+1)
		}
		p.emit(ct.End)
	case 7, 8:
		p.choose(2)
		p.branch(2, ct.BrIf, label)
	case 9:
		p.choose(4)
		p.branch(3, ct.BrTable, 2, label, p.IntN(labels), p.IntN(labels))
	case 10: // a check
		p.choose(16)
		if p.IntN(2) == 0 {
			p.emit(ct.I32Eqz, ct.If, ct.Void)
			if p.IntN(2) == 0 {
				p.mark()
			}
			p.emit(ct.Unreachable, ct.End)
		} else {
			p.emit(ct.Block, ct.Void, ct.LocalGet, bitsLocal, ct.BrIf, 0, ct.Unreachable, ct.End, ct.Drop)
		}
	case 11:
		if p.calls != 0 {
			p.choose(64)
			p.emit(ct.Call, p.calls)
		}
	case 12:
		if p.IntN(3) == 0 {
			p.emit([][]byte{{ct.Return}, {ct.Br, byte(label)}, {ct.Unreachable}}[p.IntN(3)])
		}
	}
	p.mark()
}

// TestCoverageOfRandomProgramsIsWhatRan compares with what the programs say themselves.
func TestCoverageOfRandomProgramsIsWhatRan(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer func() { _ = r.Close(context.Background()) }()
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().
		WithFunc(func() uint32 { return 1 << 20 }).Export("safepoint").Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for seed := range uint64(400) {
		rnd, marks := rand.New(rand.NewPCG(seed, 1)), 0
		var bodies []*randomProgram
		m := ct.Module{Memory: &ct.Memory{Min: 1, Max: 1, Export: "memory"}}
		for i := range 3 {
			p := &randomProgram{
				Rand: rnd, marks: map[int]int{}, ways: map[int]int{}, next: &marks,
			}
			if i < 2 {
				p.calls = i + 1
			}
			p.emit(ct.Const(6), ct.LocalSet, fuelLocal)
			p.statements(3, 1)
			bodies = append(bodies, p)
			m.Funcs = append(m.Funcs, ct.Func{
				Type: ct.Sig([]byte{ct.I32}, nil), Locals: []byte{ct.I32, ct.I32},
				Code: p.code,
			})
		}
		m.Funcs[0].Export = "f"
		info, err := corewasm.Scan(m.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		opt := fullOptions(info)
		opt.Coverage = covered
		rw, err := corewasm.RewriteScanned(info, opt)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		ran := map[int]bool{}
		bits := make([]uint64, rw.Coverage)
		for run := range uint64(1 + rnd.IntN(6)) {
			inst, err := r.InstantiateWithConfig(ctx, rw.Wasm, wazero.NewModuleConfig().WithName(""))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			_, _ = inst.ExportedFunction("f").Call(ctx, uint64(rnd.Uint32())+run)
			for at := range marks {
				if b, _ := inst.Memory().ReadByte(uint32(at)); b != 0 {
					ran[at] = true
				}
			}
			for i := range bits {
				got, err := inst.ExportedFunction(covered).Call(ctx, uint64(i))
				if err != nil {
					t.Fatal(err)
				}
				bits[i] |= got[0]
			}
			_ = inst.Close(ctx)
		}
		err = info.Covered(bits, func(f *corewasm.Flow, blocks []bool, branches [][]bool) {
			body := bodies[f.Func]
			const locals = 3 // bytes before the code
			for i, b := range f.Branches {
				at, ok := body.ways[int(b.Offset-f.Offset)-locals]
				for o := range b.Outcomes {
					if compared++; ok && branches[i][o] != ran[at+o] {
						t.Errorf("seed %d: function %d, byte %d, outcome %d: came %t, coverage says %t",
							seed, f.Func, b.Offset, o, ran[at+o], branches[i][o])
					}
				}
			}
			for place, at := range body.marks {
				found := false
				for i, b := range f.Blocks {
					if store := f.Offset + locals + uint32(place); b.First <= store && store < b.End {
						found = true
						if compared++; blocks[i] != ran[at] {
							t.Errorf("seed %d: function %d, byte %d, block %d: ran %t, coverage says %t",
								seed, f.Func, place, i, ran[at], blocks[i])
						}
					}
				}
				if !found && ran[at] {
					t.Errorf("seed %d: function %d, byte %d ran and is in no block", seed, f.Func, place)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("%d comparisons", compared)
		}
	}
	t.Logf("%d comparisons", compared)
}
