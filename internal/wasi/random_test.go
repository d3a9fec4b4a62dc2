package wasi

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRandomBytesAreAsManyAsAskedForAndFresh(t *testing.T) {
	r := NewRandom(nil)
	for name, draw := range map[string]func(int) ([]byte, error){"secure": r.Bytes, "insecure": r.InsecureBytes} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1, 7, 100, 1 << 16} {
				b, err := draw(n)
				if err != nil || len(b) != n {
					t.Fatalf("asked for %d: %d bytes, %v", n, len(b), err)
				}
			}
			a, _ := draw(32)
			b, _ := draw(32)
			if bytes.Equal(a, b) {
				t.Error("two draws are equal")
			}
		})
	}
}

func TestRandomIntegersAreFresh(t *testing.T) {
	r := NewRandom(nil)
	for name, draw := range map[string]func() (uint64, error){"secure": r.Uint64, "insecure": r.InsecureUint64} {
		t.Run(name, func(t *testing.T) {
			a, err := draw()
			if err != nil {
				t.Fatal(err)
			}
			b, err := draw()
			if err != nil {
				t.Fatal(err)
			}
			if a == b {
				t.Errorf("two draws are both %d", a)
			}
		})
	}
}

func TestInsecureSeedIsConstantPerGuest(t *testing.T) {
	one, two := NewRandom(nil), NewRandom(nil)
	a, err := one.InsecureSeed()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.InsecureUint64(); err != nil {
		t.Fatal(err)
	}
	again, err := one.InsecureSeed()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, again); diff != "" {
		t.Error("the seed changes:", diff)
	}
	b, err := two.InsecureSeed()
	if err != nil {
		t.Fatal(err)
	}
	if a == b {
		t.Error("two guests have the same seed")
	}
}

func TestRandomIsRepeatableFromTheSameReader(t *testing.T) {
	draw := func() (out []any) {
		r := NewRandom(bytes.NewReader(bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 30)))
		keep := func(v any, err error) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		b, err := r.Bytes(10)
		keep(b, err)
		u, err := r.Uint64()
		keep(u, err)
		b, err = r.InsecureBytes(10)
		keep(b, err)
		u, err = r.InsecureUint64()
		keep(u, err)
		s, err := r.InsecureSeed()
		keep(s, err)
		return out
	}
	if diff := cmp.Diff(draw(), draw()); diff != "" {
		t.Error(diff)
	}
}

func TestRandomReportsAReaderThatFails(t *testing.T) {
	broken := errors.New("no entropy")
	r := NewRandom(io.MultiReader(bytes.NewReader([]byte{1, 2, 3}), failing{broken}))
	calls := map[string]func() error{
		"Bytes":          func() error { _, err := r.Bytes(8); return err },
		"Uint64":         func() error { _, err := r.Uint64(); return err },
		"InsecureBytes":  func() error { _, err := r.InsecureBytes(8); return err },
		"InsecureUint64": func() error { _, err := r.InsecureUint64(); return err },
		"InsecureSeed":   func() error { _, err := r.InsecureSeed(); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// failing is a reader and writer that always fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }
