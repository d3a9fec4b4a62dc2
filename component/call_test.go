package component

import "testing"

// TestBytesOfAListAreUsedAgain has a host function give back what it was called with.
func TestBytesOfAListAreUsedAgain(t *testing.T) {
	s := &Store{}
	c := &Call{store: s}
	first := s.bytes(100)
	c.Recycle(first)
	if again := s.bytes(60); len(again) != 60 || &again[0] != &first[0] {
		t.Error("a list that fits does not take their place")
	}
	if other := s.bytes(60); &other[0] == &first[0] {
		t.Error("they are given twice")
	}
	c.Recycle(first)
	if larger := s.bytes(101); len(larger) != 101 {
		t.Errorf("%d bytes of 101", len(larger))
	}
	c.Recycle(make([]byte, maxSpare+1))
	if s.bytes(0); cap(s.spare) > maxSpare {
		t.Errorf("%d bytes are kept", cap(s.spare))
	}
}
