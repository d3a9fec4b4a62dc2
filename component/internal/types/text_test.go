package types

import (
	"strings"
	"testing"
)

// A type that nests itself many times is written up to a readable length.
func TestTheTextOfATypeIsBounded(t *testing.T) {
	typ := NewPrim(U8)
	for range 60 {
		typ = NewTuple([]Field{{Type: typ}, {Type: typ}})
	}
	wide := make([]string, 1_000_000)
	for i := range wide {
		wide[i] = "label"
	}
	for name, text := range map[string]string{
		"deep": typ.String(),
		"wide": NewEnum(wide).String(),
		"function": NewFunc(false, []Field{{Name: "a", Type: typ}, {Name: "b", Type: typ}},
			typ).String(),
	} {
		if len(text) > maxText+1000 || !strings.Contains(text, "…") {
			t.Errorf("%s: %d bytes", name, len(text))
		}
	}
	if got := NewTuple([]Field{{Type: NewPrim(U8)},
		{Type: NewFixedList(NewPrim(Char),
			4_000_000)}}).String(); got != "tuple<u8, list<char, 4000000>>" {
		t.Errorf("got %s", got)
	}
}
