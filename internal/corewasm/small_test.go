package corewasm_test

import (
	"bytes"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// TestSmallFillsAndCopiesEqualOneInstruction goes through the sizes around which what stands for an
// instruction changes, with ranges that overlap, that end where the memory ends, and that do not
// fit: then nothing may be written.
func TestSmallFillsAndCopiesEqualOneInstruction(t *testing.T) {
	const size = 65536
	three := ct.Sig([]byte{ct.I32, ct.I32, ct.I32}, nil)
	m := compiled(t, ct.Module{
		Memory: &ct.Memory{Min: 1, Export: "memory"},
		Funcs: []ct.Func{
			{Type: three, Export: "fill", Code: ct.Code(ct.LocalGet, 0, ct.LocalGet, 1,
				ct.LocalGet, 2, ct.Misc, 11, 0)},
			{Type: three, Export: "copy", Code: ct.Code(ct.LocalGet, 0, ct.LocalGet, 1,
				ct.LocalGet, 2, ct.Misc, 10, 0, 0)},
		},
	}.Bytes(), func() {})
	memory, _ := m.Memory().Read(0, size)
	want := make([]byte, size)
	reset := func() {
		for i := range memory {
			memory[i] = byte(i * 7)
		}
		copy(want, memory)
	}
	var sizes []uint32
	for n := range uint32(70) {
		sizes = append(sizes, n)
	}
	sizes = append(sizes, 127, 128, 129, 130, 255, 256, 511, 512, 513, 514, 1000)
	check := func(name string, at, from, n uint32) {
		t.Helper()
		ok := within(at, n, size) && (name == "fill" || within(from, n, size))
		trap := "[]"
		switch {
		case !ok:
			trap = "wasm error: out of bounds memory access"
		case name == "copy":
			copy(want[at:][:n], want[from:][:n])
		default:
			copy(want[at:][:n], bytes.Repeat([]byte{byte(from)}, int(n)))
		}
		if got := call(t, m, name, uint64(at), uint64(from), uint64(n)); got != trap {
			t.Fatalf("%s %d %d %d: %s, want %s", name, at, from, n, got, trap)
		}
		if !bytes.Equal(memory, want) {
			reset()
			t.Fatalf("%s %d %d %d: the memory is not the same", name, at, from, n)
		}
	}
	for _, n := range sizes {
		reset()
		end := size - n
		check("fill", 1000, 0x1ab, n)
		check("fill", end, 0xcd, n)
		for _, at := range []uint32{end + 1, size + 1, 1<<32 - 1, -n, 1 - n, -(n / 2)} {
			check("fill", at, 3, n)
			check("copy", at, 100, n)
			check("copy", 100, at, n)
			check("copy", at, at, n)
		}
		check("copy", end, 0, n)
		check("copy", 0, end, n)
		for _, by := range []uint32{0, 1, n / 2, n - min(n, 1), n} {
			check("copy", 2000, 2000+by, n)
			check("copy", 3000+by, 3000, n)
		}
	}
}
