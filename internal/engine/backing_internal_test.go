package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Memory from the heap, which systems without images use, must behave as
// memory from an image does.
func TestBackings(t *testing.T) {
	segments := []corewasm.Segment{{Offset: 3, Bytes: []byte("abc")}, {Offset: 70000, Bytes: []byte("def")}}
	i, err := newImage(&Engine{}, segments)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]backing{
		"heap":  &heapBacking{segments: segments},
		"image": i.acquire(10 * pageSize),
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			want := make([]byte, 2*pageSize)
			apply(want, segments)
			for range 50 {
				buf := b.resize(2 * pageSize)
				if !bytes.Equal(buf, want) {
					t.Fatal("the memory does not begin as it should")
				}
				for range r.IntN(30) {
					buf[r.IntN(len(buf))]++
				}
				before := bytes.Clone(buf)
				size := (2 + r.IntN(8)) * pageSize
				buf = b.resize(uint64(size))
				if len(buf) != size || !bytes.Equal(buf[:len(before)], before) {
					t.Fatal("growing changed the contents")
				}
				if bytes.ContainsFunc(buf[len(before):], func(r rune) bool { return r != 0 }) {
					t.Fatal("the memory grew by bytes that are not zero")
				}
				buf[r.IntN(len(buf))]++
				buf[len(buf)-1] = 1
				if err := b.reset(); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.release(); err != nil {
				t.Error(err)
			}
		})
	}
	if err := i.free(); err != nil {
		t.Error(err)
	}
}
