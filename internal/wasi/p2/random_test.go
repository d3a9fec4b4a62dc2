package p2

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

func TestRandomBytesUpToTheLimit(t *testing.T) {
	tests := []struct {
		name  string
		len   uint64
		traps bool
	}{
		{"none", 0, false},
		{"some", 100, false},
		{"limit", wasi.MaxRandom, false},
		{"over the limit", wasi.MaxRandom + 1, true},
		{"beyond an int", math.MaxUint64, true},
	}
	for name, f := range map[string]hostFunc{"secure": named(t, "get-random-bytes"), "insecure": named(t, "get-insecure-random-bytes")} {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				v, err := f(
					call{t.Context(), wasi.NewState(&wasi.Config{})},
					[]component.Value{component.U64(tt.len)},
				)
				if traps := err != nil; traps != tt.traps {
					t.Fatalf("error %v", err)
				}
				if got := uint64(len(v.Bytes())); !tt.traps && got != tt.len {
					t.Errorf("%d bytes", got)
				}
			})
		}
	}
}

// TestDrawingRandomBytesEndsWithTheGuest asks for as many bytes as there may be when the guest's
// time is over.
func TestDrawingRandomBytesEndsWithTheGuest(t *testing.T) {
	why := errors.New("its time is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	for _, name := range []string{"get-random-bytes", "get-insecure-random-bytes"} {
		_, err := named(t, name)(
			call{ctx, wasi.NewState(&wasi.Config{})},
			[]component.Value{component.U64(wasi.MaxRandom)},
		)
		if !errors.Is(err, why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRandomDrawsDiffer(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	for name, f := range map[string]hostFunc{"secure": named(t, "get-random-u64"), "insecure": named(t, "get-insecure-random-u64")} {
		if a, b := do(t, f, st).U64(), do(t, f, st).U64(); a == b {
			t.Errorf("%s: %d twice", name, a)
		}
	}
	for name, f := range map[string]hostFunc{"secure": named(t, "get-random-bytes"), "insecure": named(t, "get-insecure-random-bytes")} {
		n := component.U64(32)
		if cmp.Equal(do(t, f, st, n).Bytes(), do(t, f, st, n).Bytes()) {
			t.Errorf("%s: the same bytes twice", name)
		}
	}
}

func TestInsecureSeedIsConstantPerStore(t *testing.T) {
	pair := func(st *wasi.State) [2]uint64 {
		items := do(t, named(t, "insecure-seed"), st).Items()
		return [2]uint64{items[0].U64(), items[1].U64()}
	}
	st := wasi.NewState(&wasi.Config{})
	first := pair(st)
	if diff := cmp.Diff(first, pair(st)); diff != "" {
		t.Error("it changes:", diff)
	}
	if pair(wasi.NewState(&wasi.Config{})) == first {
		t.Error("two stores have the same seed")
	}
}

func TestRandomTrapsWithoutEntropy(t *testing.T) {
	broken := errors.New("no entropy")
	for name, f := range map[string]hostFunc{"bytes": named(t, "get-random-bytes"),
		"u64": named(t, "get-random-u64"), "insecure bytes": named(t, "get-insecure-random-bytes"),
		"insecure u64": named(t, "get-insecure-random-u64"), "insecure seed": named(t, "insecure-seed")} {
		st := wasi.NewState(&wasi.Config{Random: iotest.ErrReader(broken)})
		if _, err := f(call{t.Context(), st}, []component.Value{component.U64(1)}); !errors.Is(
			err,
			broken,
		) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
