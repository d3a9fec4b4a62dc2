package corewasm_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// manyFunctions returns a module with code for several processors: loops, calls in circles, fills,
// copies, references to functions and globals that are set.
func manyFunctions(functions int) []byte {
	number := ct.Global{Type: ct.I32, Mutable: true, Init: ct.Const(0)}
	m := ct.Module{Memory: &ct.Memory{Min: 1}, Globals: []ct.Global{number, number}}
	three := ct.Code(ct.Const(8), ct.Const(16), ct.Const(24))
	bulk := [][]byte{
		ct.Code(three, 0xfc, 10, 0, 0),                        // memory.copy
		ct.Code(three, 0xfc, 11, 0),                           // memory.fill
		ct.Code(ct.Const(1), 0x40, 0, ct.Drop),                // memory.grow
		ct.Code(ct.Const(1), 0x24, 1),                         // global.set
		ct.Code(ct.Const(0), 0x28, 2, 4, 0x28, 2, 8, ct.Drop), // loads
	}
	for i := range functions {
		code := ct.Code(ct.Loop, ct.Void, ct.Const(i), 0x0d, 0, ct.End,
			ct.Call, ct.U32((i*7+1)%functions))
		for k := range 60 + i%50 {
			code = ct.Code(code, ct.Const(k*i), ct.Drop)
		}
		if i > functions/2 {
			code = ct.Code(code, bulk[i%len(bulk)])
		}
		m.Funcs = append(m.Funcs, ct.Func{Type: ct.Sig(nil, nil), Code: code})
	}
	return m.Bytes()
}

// withWorkers rewrites a module on so many processors.
func withWorkers(module []byte, opt corewasm.Options, workers int) (*corewasm.Rewritten, error) {
	opt.Workers = workers
	return corewasm.Rewrite(module, opt)
}

func TestRewritingDoesNotDependOnTheProcessors(t *testing.T) {
	check := func(name string, module []byte) {
		info, err := corewasm.Scan(module)
		if err != nil || info.CodeSize() < 128<<10 {
			return // too small for several processors
		}
		for _, lines := range []bool{false, true} {
			opt := fullOptions(info)
			opt.Lines = lines
			want, wantErr := withWorkers(module, opt, 1)
			for _, workers := range []int{2, 5} {
				got, err := withWorkers(module, opt, workers)
				switch {
				case fmt.Sprint(err) != fmt.Sprint(wantErr):
					t.Errorf("%s: got %v, want %v", name, err, wantErr)
				case err == nil && !bytes.Equal(got.Wasm, want.Wasm):
					t.Errorf("%s: %d workers write another module", name, workers)
				case err == nil && !reflect.DeepEqual(got.Code, want.Code):
					t.Errorf("%s: %d workers find %+v, want %+v",
						name, workers, got.Code, want.Code)
				}
			}
		}
	}
	corpus(t, check)
	module := manyFunctions(1500)
	if info, err := corewasm.Scan(module); err != nil || info.CodeSize() < 256<<10 {
		t.Fatalf("the module is too small: %v", err)
	}
	check("many functions", module)
}

// Of several faults the first one in the module is reported, whoever comes upon another one first.
func TestFirstFaultIsReportedOnAllProcessors(t *testing.T) {
	module := manyFunctions(1500)
	info, err := corewasm.Scan(module)
	if err != nil {
		t.Fatal(err)
	}
	opt := fullOptions(info)
	// The numbers of calls: as large ones there is no such function, nor an end to the body.
	code := len(module) - info.CodeSize()
	var last string
	for at := len(module) - 1; at > code; at -= info.CodeSize() / 40 {
		module[at] = 0xff
		want, got := "", ""
		if _, err := withWorkers(module, opt, 1); err != nil {
			want = err.Error()
		}
		if _, err := withWorkers(module, opt, 4); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Fatalf("a fault at %d: got %q, want %q", at, got, want)
		}
		last = got
	}
	if last == "" {
		t.Error("no fault was found")
	}
}
