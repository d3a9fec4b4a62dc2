package engine

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Whatever one user of a memory reads and writes, the next one finds the image: where the kernel
// says which pages were written to, and where it does not.
func TestAMemoryThatWasUsedIsANewOne(t *testing.T) {
	const size = 6 << 20
	page := os.Getpagesize()
	data := make([]byte, 3<<20+100)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	for _, absent := range []bool{false, true} {
		e := &Engine{}
		e.pages.absent.Store(absent)
		i, err := newImage(e, []corewasm.Segment{{Offset: 5000, Bytes: data}})
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, size)
		copy(want[5000:], data)
		m := i.acquire(size)
		var usual []int // the pages that all write to
		for range 100 {
			usual = append(usual, r.IntN(size/page))
		}
		for round := range 40 {
			buf := m.resize(size)
			if !bytes.Equal(buf, want) {
				t.Fatalf("absent %v, round %d: the memory differs from the image", absent, round)
			}
			pages := slices.Clone(usual)
			for range r.IntN(300) {
				pages = append(pages, r.IntN(size/page))
			}
			for _, n := range pages {
				at := n * page
				buf[at+r.IntN(page)] ^= 0xff
				if r.IntN(4) == 0 {
					clear(buf[at:min(at+3*page, size)])
				}
			}
			if round%10 == 9 {
				if err := m.release(); err != nil {
					t.Fatal(err)
				}
				m = i.acquire(size)
			} else if err := m.reset(); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.release(); err != nil {
			t.Error(err)
		}
		if err := i.free(); err != nil {
			t.Error(err)
		}
		e.pages.close()
	}
}

// Pages that were only read are none of those that were written to, so that they stay.
func TestAScanFindsWhatWasWritten(t *testing.T) {
	const size = 4 << 20
	page := os.Getpagesize()
	e := &Engine{}
	defer e.pages.close()
	i, err := newImage(e, []corewasm.Segment{{Bytes: bytes.Repeat([]byte{1}, size/2)}})
	if err != nil {
		t.Fatal(err)
	}
	m := i.acquire(size)
	buf := m.resize(size)
	var want []run
	sum := 0
	for n := range size / page {
		sum += int(buf[n*page]) // of the image or not
		if n%5 != 0 {
			continue
		}
		buf[n*page+1] = 2
		want = append(want, run{n * page, (n + 1) * page})
	}
	s := e.pages.scan(buf)
	known, got := s.known, slices.Clone(s.runs)
	s.free()
	if e.pages.absent.Load() == known {
		t.Errorf("known is %v where the kernel lacks the call: %v", known, !known)
	}
	if known && !slices.Equal(got, want) || sum == 0 {
		t.Errorf("%d runs, want %d", len(got), len(want))
	}
	if err := m.release(); err != nil {
		t.Error(err)
	}
	if err := i.free(); err != nil {
		t.Error(err)
	}
}
