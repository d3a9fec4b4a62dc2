package corewasm_test

import (
	"bytes"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestAccessesShareChecks has code in which accesses are to one address, or near it.
func TestAccessesShareChecks(t *testing.T) {
	get := func(local int) []byte { return ct.Code(ct.LocalGet, local) }
	plus := func(n int) []byte { return ct.Code(ct.Const(n), ct.I32Add) }
	load := func(offset int) []byte { return ct.Code(ct.I32Load, 2, offset, ct.Drop) }
	store := func(offset int) []byte { return ct.Code(get(1), ct.I32Store, 2, offset) }
	probe := func(local, offset int) []byte {
		return ct.Code(get(local), ct.I32Load8U, 0, offset, ct.Drop)
	}
	swap := func(local int) []byte { return ct.Code(ct.Drop, get(local)) }
	tee := func(local int) []byte { return ct.Code(ct.LocalTee, local) }
	set := func(local int) []byte { return ct.Code(ct.LocalSet, local) }
	same := []byte(nil)
	for name, tt := range map[string]struct {
		code, want []byte // the same if want is nil
		added      int    // locals
	}{
		"fields in order": {
			code: ct.Code(get(0), load(4), get(0), store(8), get(0), load(16)),
			want: ct.Code(get(0), probe(0, 19), load(4), get(0), store(8), get(0), load(16)),
		},
		"the last field first": {code: ct.Code(get(0), load(16), get(0), load(4)), want: same},
		"sums": {
			code: ct.Code(get(0), load(0), get(0), plus(8), load(4), ct.Const(9), get(0), ct.I32Add,
				store(1)),
			want: ct.Code(get(0), probe(0, 15), load(0), get(0), plus(8), swap(0), load(12),
				ct.Const(9), get(0), ct.I32Add, swap(0), store(10)),
		},
		"sums of a sum": {
			code: ct.Code(get(0), plus(8), load(0), get(0), plus(12), load(0)),
			want: ct.Code(get(0), plus(8), tee(2), probe(2, 7), load(0), get(0), plus(12), swap(2),
				load(4)),
			added: 1,
		},
		"a sum below": {code: ct.Code(get(0), load(0), get(0), plus(-8), load(8)), want: same},
		"far away":    {code: ct.Code(get(0), load(0), get(0), plus(5000), load(0)), want: same},
		"numbers": {
			code:  ct.Code(ct.Const(1024), load(0), ct.Const(1028), load(0)),
			want:  ct.Code(ct.Const(1024), tee(2), probe(2, 7), load(0), ct.Const(1028), swap(2), load(4)),
			added: 1,
		},
		"a local that was another's": {
			code: ct.Code(get(0), load(0), get(0), plus(4), set(1), get(1), load(0), get(1), load(4)),
			want: ct.Code(get(0), probe(0, 11), load(0), get(0), plus(4), set(1), get(1), swap(0),
				load(4), get(1), swap(0), load(8)),
		},
		"a local that is set": {
			code: ct.Code(get(0), load(0), get(1), set(0), get(0), load(4)), want: same,
		},
		"a local that is set in between": {
			code: ct.Code(get(0), load(0), get(0), plus(4), get(1), set(0), load(0)),
			want: ct.Code(get(0), tee(2), probe(0, 7), load(0), get(0), plus(4), swap(2), get(1), set(0),
				load(4)),
			added: 1,
		},
		"after a branch": { // perhaps only the first is executed, and nothing before it is checked
			code: ct.Code(get(0), load(0), get(1), ct.BrIf, 0, get(0), load(4)), want: same,
		},
		"after a call": {code: ct.Code(get(0), load(0), ct.Call, 1, get(0), load(4)), want: same},
		"after a division": {
			code: ct.Code(get(0), load(0), get(1), get(1), ct.I32DivU, ct.Drop, get(0), load(4)),
			want: same,
		},
		"sums after a branch": {
			code: ct.Code(get(0), load(0), get(1), ct.BrIf, 0, get(0), plus(4), load(0)),
			want: ct.Code(get(0), load(0), get(1), ct.BrIf, 0, get(0), plus(4), swap(0), load(4)),
		},
		"sums after a join": {
			code: ct.Code(ct.Block, ct.Void, get(0), load(0), ct.End, get(0), plus(4), load(0)),
			want: same,
		},
		"in an arm": {
			code: ct.Code(get(0), load(0), get(1), ct.If, ct.Void, get(0), plus(4), load(0), ct.Else,
				get(0), plus(4), load(0), ct.End),
			want: ct.Code(get(0), load(0), get(1), ct.If, ct.Void, get(0), plus(4), swap(0), load(4),
				ct.Else, get(0), plus(4), load(0), ct.End),
		},
	} {
		module := ct.Module{Memory: &ct.Memory{Min: 1}, Funcs: []ct.Func{
			{Type: ct.Sig([]byte{ct.I32, ct.I32}, nil), Code: tt.code}, {Type: sigVoid}}}
		rw, err := corewasm.Rewrite(module.Bytes(), corewasm.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := ct.Code(0, tt.want, ct.End)
		if tt.want == nil {
			want = ct.Code(0, tt.code, ct.End)
		}
		if tt.added > 0 {
			want = ct.Code(1, tt.added, ct.I32, want[1:])
		}
		if !bytes.Contains(rw.Wasm, ct.Code(len(want), want)) {
			t.Errorf("%s: % x is not in % x", name, want, rw.Wasm)
		}
	}
}
