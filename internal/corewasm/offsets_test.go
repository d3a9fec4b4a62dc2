package corewasm

import (
	"bytes"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

func codeOf(t *testing.T, module []byte) []byte {
	t.Helper()
	info, err := Scan(module)
	if err != nil {
		t.Fatal(err)
	}
	return info.sec[secCode].content
}

// Each function has constants that occur nowhere else; wherever one is in the
// new code, the map must lead to the same one in the old code.
func TestOffsetsLeadToTheSameInstruction(t *testing.T) {
	marker := func(n int) []byte { return ct.Const(0x5000000 + n) }
	var funcs []ct.Func
	var markers [][]byte
	mark := func() []byte {
		markers = append(markers, marker(len(markers)))
		return ct.Code(markers[len(markers)-1], ct.Drop)
	}
	for i := range 200 {
		funcs = append(funcs, ct.Func{Type: ct.Sig(nil, nil), Code: ct.Code(
			mark(), ct.Loop, ct.Void, mark(), ct.Call, ct.U32(i), mark(),
			ct.Loop, ct.Void, mark(), ct.End, ct.End, mark())})
	}
	module := ct.Module{Funcs: funcs}.Bytes()
	rw, err := Rewrite(module, Options{Safepoint: &ImportName{"h", "s"}})
	if err != nil {
		t.Fatal(err)
	}
	before, after := codeOf(t, module), codeOf(t, rw.Wasm)
	for i, m := range markers {
		want, at := bytes.Index(before, m), bytes.Index(after, m)
		got, ok := rw.Offsets.Original(uint32(at))
		if !ok || int(got) != want {
			t.Fatalf("marker %d at %d: got %d (%t), want %d", i, at, got, ok, want)
		}
	}
}
