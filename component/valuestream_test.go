package component

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numbers is a ValueSource of numbers, of which those up to there are there now.
type numbers struct {
	next, there, end uint32
	wake             func()
	closed           int
}

func (s *numbers) Read(n int) (vs []Value, end bool) {
	for len(vs) < n && s.next < s.there {
		vs = append(vs, U32(s.next))
		s.next++
	}
	return vs, s.next == s.end
}

func (s *numbers) Ready() bool { return s.next < s.there || s.next == s.end }

func (s *numbers) Wait(wake func()) func() {
	s.wake = wake
	return func() { s.wake = nil }
}

func (s *numbers) Close() { s.closed++ }

// copies notes how copies ended.
type copies struct{ results []copyResult }

func (c *copies) onCopy() {}

func (c *copies) onDone(r copyResult) { c.results = append(c.results, r) }

// A stream of values has the element type that its first receiver expects, hands out what is there,
// waits when nothing is, and reports its end with the last values.
func TestAStreamOfValues(t *testing.T) {
	b := newABIBed(t)
	s := b.th.store
	src := &numbers{there: 2, end: 5}
	v := s.NewStream(src)
	c := b.cx(0)
	elem := parsePayload(t, "stream", "u32")
	for i, as := range []string{"stream", "future", "stream"} {
		payload := []string{"u32", "u32", "string"}[i]
		trap := trapped(func() { c.lowerEnd(v, parsePayload(t, as, payload)) })
		if (trap == nil) != (i == 0) {
			t.Errorf("given as %s<%s>: %v", as, payload, trap)
		}
	}
	sh := v.ref.(*shared)
	done := &copies{}
	const at = 1024
	var got []string
	read := func(n uint32) {
		buf := newGuestBuffer(c, elem.Elem, at, n)
		sh.read(b.inst, buf, done)
		for src.wake != nil {
			src.there = min(src.there+1, src.end)
			src.wake()
			turn(t, s)
		}
		for i := range buf.progress {
			got = append(got, fmt.Sprint(c.load(elem.Elem, at+4*uint32(i)).U32()))
		}
	}
	read(0)
	read(4)
	read(1)
	read(0)
	src.there = 5
	read(8)
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, got); diff != "" {
		t.Error(diff)
	}
	want := []copyResult{copyCompleted, copyCompleted, copyCompleted, copyCompleted, copyDropped}
	if diff := cmp.Diff(want, done.results); diff != "" || src.closed != 1 {
		t.Errorf("closed %d times; %s", src.closed, diff)
	}
}

// A source of values is closed when its reader or its store goes.
func TestAStreamOfValuesEndsWithItsReader(t *testing.T) {
	s := newABIBed(t).th.store
	dropped, left := &numbers{end: 1}, &numbers{end: 1}
	s.DropStream(s.NewStream(dropped))
	s.NewStream(left)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if dropped.closed != 1 || left.closed != 1 {
		t.Errorf("closed %d and %d times", dropped.closed, left.closed)
	}
}
