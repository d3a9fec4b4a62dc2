package corewasm_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// shortAndLong returns a module with more than 1 MB of code. Function i returns i+1000, and is long
// if i is a multiple of 3, the more so the larger i is. Function n+i calls it, function 2n+i calls
// it through table 0, function 3n calls it by its number there, and 3n+1 is the start function.
func shortAndLong(n int) []byte {
	m := ct.Module{Memory: &ct.Memory{Min: 1}, Table: n, Start: 3*n + 2}
	unit := ct.Code(ct.Const(1<<20), ct.Drop)
	padding := bytes.Repeat(unit, 1600)
	result := ct.Sig(nil, []byte{ct.I32})
	elem := ct.Elem{Offset: ct.Const(0)}
	for i := range n {
		code := ct.Const(i + 1000)
		if i%3 == 0 {
			code = ct.Code(padding[:len(padding)-len(unit)*(n-i)], code)
		}
		m.Funcs = append(m.Funcs, ct.Func{Type: result, Export: fmt.Sprint("f", i), Code: code})
		elem.Funcs = append(elem.Funcs, i)
	}
	indirect := ct.Code(ct.CallIndirect, 0, 0) // of the first type, which is that of the results
	for i := range n {
		m.Funcs = append(m.Funcs, ct.Func{Type: result, Export: fmt.Sprint("call", i),
			Code: ct.Code(ct.Call, ct.U32(i))})
	}
	for i := range n {
		m.Funcs = append(m.Funcs, ct.Func{Type: result, Export: fmt.Sprint("table", i),
			Code: ct.Code(ct.Const(i), indirect)})
	}
	m.Funcs = append(m.Funcs,
		ct.Func{Type: ct.Sig([]byte{ct.I32}, []byte{ct.I32}), Export: "number",
			Code: ct.Code(ct.LocalGet, 0, indirect)},
		ct.Func{Type: ct.Sig(nil, nil), Export: "start",
			Code: ct.Code(ct.Const(16), ct.Const(7), ct.I32Store, 2, 0)})
	m.Elems = []ct.Elem{elem}
	return m.Bytes()
}

// bodies returns the size of each function, by its number among the module's own.
func bodies(t *testing.T, module []byte) (sizes []int) {
	t.Helper()
	info, err := corewasm.Scan(module)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(module, module[len(module)-info.CodeSize():]) // the last section
	n, k := uleb(module[at:])
	for at += k; n > 0; n-- {
		size, k := uleb(module[at:])
		sizes = append(sizes, size)
		at += k + size
	}
	return sizes
}

func TestLongFunctionsComeLast(t *testing.T) {
	const n = 400
	module := shortAndLong(n)
	before := bodies(t, module)
	for name, opt := range map[string]corewasm.Options{
		"plain":      {},
		"safepoints": {Safepoint: &corewasm.ImportName{Module: "host", Name: "safepoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			rw, err := corewasm.Rewrite(module, opt)
			if err != nil {
				t.Fatal(err)
			}
			after := bodies(t, rw.Wasm)[:len(before)]
			first := slices.IndexFunc(after, func(size int) bool { return size > 4<<10 })
			if first != len(before)-(n+2)/3 {
				t.Errorf("the first long function is at %d", first)
			} else if !slices.IsSortedFunc(after[first:], func(a, b int) int { return b - a }) {
				t.Error("the long functions do not begin with the longest one")
			}
			run(t, rw, func() {}, func(m api.Module) {
				if got, _ := m.Memory().ReadUint32Le(16); got != 7 {
					t.Errorf("another function was the start function")
				}
				for i := range n {
					want := fmt.Sprintf("[%d]", i+1000)
					for k, export := range []string{"f", "call", "table"} {
						export = fmt.Sprint(export, i)
						if got := call(t, m, export); got != want {
							t.Errorf("%s gave %s, not %s", export, got, want)
						}
						index := m.ExportedFunction(export).Definition().Index()
						original, ok := rw.OriginalFunc(index)
						if !ok || original != uint32(k*n+i) {
							t.Errorf("%s is said to be function %d", export, original)
						}
					}
					if got := call(t, m, "number", uint64(i)); got != want {
						t.Errorf("number %d gave %s, not %s", i, got, want)
					}
				}
			})
		})
	}
}

// Places in the code and what counts instructions are those of the old order.
func TestOrderStaysForPlacesInTheCode(t *testing.T) {
	module := shortAndLong(400)
	host := &corewasm.ImportName{Module: "host", Name: "safepoint"}
	for name, opt := range map[string]corewasm.Options{
		"lines":        {Safepoint: host, Lines: true},
		"coverage":     {Safepoint: host, Coverage: "c"},
		"instructions": {Safepoint: host, Instructions: "i"},
	} {
		rw, err := corewasm.Rewrite(module, opt)
		if err != nil {
			t.Fatal(err)
		}
		info, err := corewasm.Scan(rw.Wasm)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range info.Exports {
			if e.Kind != corewasm.KindFunc || e.Name == "c" {
				continue
			}
			if original, ok := rw.OriginalFunc(e.Index); !ok || original != e.Index-info.ImportedFuncs {
				t.Fatalf("%s: function %s is at another place", name, e.Name)
			}
		}
	}
}
