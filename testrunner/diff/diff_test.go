package diff

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

func TestJSONIsComparedByPath(t *testing.T) {
	tests := map[string]struct {
		want, got string
		changes   []Change
	}{
		"changed":         {`{"a":1}`, `{"a":2}`, []Change{{Kind: Changed, Path: "$.a", Want: "1", Got: "2"}}},
		"type changed":    {`{"a":1}`, `{"a":"1"}`, []Change{{Kind: TypeChanged, Path: "$.a", Want: "1", Got: `"1"`}}},
		"added":           {`{}`, `{"b c":[]}`, []Change{{Kind: Added, Path: "$['b c']", Got: "[]"}}},
		"removed":         {`{"a":{"b":null}}`, `{"a":{}}`, []Change{{Kind: Removed, Path: "$.a.b", Want: "null"}}},
		"number by value": {`[1.0,2]`, `[1,3]`, []Change{{Kind: Changed, Path: "$[1]", Want: "2", Got: "3"}}},
		"element added":   {`[1,2,3]`, `[1,9,2,3]`, []Change{{Kind: Added, Path: "$[1]", Got: "9"}}},
		"element removed": {`[1,2,3]`, `[1,3]`, []Change{{Kind: Removed, Path: "$[1]", Want: "2"}}},
		"element changed": {`[{"i":1},{"i":2}]`, `[{"i":1},{"i":7}]`, []Change{{Kind: Changed, Path: "$[1].i", Want: "2", Got: "7"}}},
		"known by its id": {`[{"id":1,"a":1},{"id":2,"a":2}]`, `[{"id":2,"a":2},{"id":1,"a":3}]`, []Change{
			{Kind: Moved, Path: "$[1]", From: "$[0]", Want: `{"id":1,"a":1}`, Got: `{"id":1,"a":3}`},
			{Kind: Changed, Path: "$[1].a", Want: "1", Got: "3"},
		}},
		"moved and changed": {`[{"id":1,"a":1},5,6]`, `[5,6,{"id":1,"a":3}]`, []Change{
			{Kind: Moved, Path: "$[2]", From: "$[0]", Want: `{"id":1,"a":1}`, Got: `{"id":1,"a":3}`},
			{Kind: Changed, Path: "$[2].a", Want: "1", Got: "3"},
		}},
		"same place, changed": {`[{"id":1,"a":1},{"id":2}]`, `[{"id":1,"a":3},{"id":2}]`,
			[]Change{{Kind: Changed, Path: "$[0].a", Want: "1", Got: "3"}}},
		"element moved": {`["a","b","c"]`, `["c","a","b"]`, []Change{{Kind: Moved, Path: "$[0]", From: "$[2]", Want: `"c"`, Got: `"c"`}}},
		"moved whole object": {`[{"a":1,"b":2},7]`, `[7,{"b":2,"a":1}]`,
			[]Change{{Kind: Moved, Path: "$[1]", From: "$[0]", Want: `{"a":1,"b":2}`, Got: `{"b":2,"a":1}`}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := Bodies(nil, []byte(tt.want), []byte(tt.got))
			if diff := cmp.Diff(&Diff{Kind: JSON, Changes: tt.changes}, d); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheSameJSONIsComparedAsText(t *testing.T) {
	d := Bodies(nil, []byte(`{"a":1}`), []byte(`{"a": 1}`))
	if d.Kind != Text || d.Note == "" || d.Size() != 2 {
		t.Errorf("got %+v", d)
	}
}

func TestLineEndsAreNamedWhenNothingElseDiffers(t *testing.T) {
	tests := []struct{ want, got, note string }{
		{"a\nb\n", "a\r\nb\r\n", "LF expected, CRLF came"},
		{"a\r\nb\r\n", "a\r\nb\n", "CRLF expected, both LF and CRLF came"},
		{"a\nb\n", "a\r\nc\r\n", ""},
		{"a\n", "a", ""},
	}
	for _, tt := range tests {
		if d := Bodies(nil, []byte(tt.want), []byte(tt.got)); !strings.HasSuffix(d.Note, tt.note) || (d.Note == "") != (tt.note == "") {
			t.Errorf("%q → %q: note %q, want %q", tt.want, tt.got, d.Note, tt.note)
		}
	}
}

func render(d *Diff) string {
	var b strings.Builder
	for _, l := range d.Lines {
		b.WriteString(string(l.Op))
		for _, s := range l.Spans {
			if s.Changed {
				b.WriteString("[" + s.Text + "]")
			} else {
				b.WriteString(s.Text)
			}
		}
		if l.NoEnd {
			b.WriteString("$")
		}
		b.WriteString("|")
	}
	return b.String()
}

func TestTextIsComparedByLineAndWord(t *testing.T) {
	tests := []struct{ want, got, diff string }{
		{"a\nb\nc\n", "a\nc\n", " a|-b| c|"},
		{"a\n", "a\nb", " a|+b$|"},
		{"one two three\n", "one 2 three\n", "-one [two] three|+one [2] three|"},
		{"x", "y", "-x$|+y$|"},
		{"abcdefé", "abcdefè", "-abcdef[é]$|+abcdef[è]$|"},
		{"éabcdef", "\u0169abcdef", "-[é]abcdef$|+[\u0169]abcdef$|"}, // the last bytes are the same
		{"one two three", "one three", "-one [two ]three$|+one []three$|"},
		{"abcdefXghi", "abcdefYZghi", "-abcdef[X]ghi$|+abcdef[YZ]ghi$|"},
		{"", "new\n", "+new|"},
		{"end", "end\n", "-end$|+end|"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.diff, render(Bodies(nil, []byte(tt.want), []byte(tt.got)))); diff != "" {
			t.Errorf("%q → %q: %s", tt.want, tt.got, diff)
		}
	}
}

func TestLinesOfBothSidesAreAllThere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(string(rune('a'+random.IntN(4))) + "\n")
		}
		return b.String()
	}
	for range 2000 {
		want, got := text(), text()
		var a, b strings.Builder
		for _, l := range texts(nil, []byte(want), []byte(got)).Lines {
			if l.Op != More {
				a.WriteString(l.Text() + "\n")
			}
			if l.Op != Less {
				b.WriteString(l.Text() + "\n")
			}
		}
		if a.String() != want || b.String() != got {
			t.Fatalf("%q → %q: sides %q and %q", want, got, a.String(), b.String())
		}
	}
}

func TestLongListsAreCompared(t *testing.T) {
	const n = 20_000
	list := func(f func(i int) int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ",{\"v\":%d}", f(i))
		}
		return []byte("[" + b.String()[1:] + "]")
	}
	want := list(func(i int) int { return i })
	every := Bodies(nil, want, list(func(i int) int { return -i - 1 }))
	if len(every.Changes) != n || every.Changes[n-1].Path != fmt.Sprintf("$[%d].v", n-1) {
		t.Errorf("%d changes, want one of each element", len(every.Changes))
	}
	second := Bodies(nil, want, list(func(i int) int { return i + i%2*n }))
	for _, c := range second.Changes {
		if c.Kind != Changed {
			t.Fatalf("%+v, though nothing has moved", c)
		}
	}
	if len(second.Changes) != n/2 {
		t.Errorf("%d changes, want %d", len(second.Changes), n/2)
	}
}

func TestBinaryShowsTheFirstDifference(t *testing.T) {
	want := append(make([]byte, 100), 1)
	got := append(make([]byte, 100), 2, 3)
	d := Bodies(nil, want, got).Bytes
	if d.Offset != 100 || d.Start != 80 || d.WantLen != 101 || d.GotLen != 102 || len(d.Want) != 21 || len(d.Got) != 22 {
		t.Errorf("got %+v", d)
	}
}

func TestOfLongTextsOnlyTheDifferencesAreKept(t *testing.T) {
	side := strings.Repeat("same\n", 2*maxLines)
	d := Bodies(nil, []byte(side+"a\n"+side), []byte(side+"b\n"+side))
	want := []Line{
		{Op: Same, Number: 1, Omitted: 2*maxLines - Context},
		{Op: Less, Number: 2*maxLines + 1, Spans: []Span{{Text: "a"}}},
		{Op: More, Number: 2*maxLines + 1, Spans: []Span{{Text: "b"}}},
		{Op: Same, Number: 2*maxLines + 2 + Context, Omitted: 2*maxLines - Context},
	}
	var got []Line
	for _, l := range d.Lines {
		if l.Omitted > 0 || l.Op != Same {
			got = append(got, l)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(d.Lines) != len(want)+2*Context {
		t.Errorf("%d lines: %s", len(d.Lines), diff)
	}
}

func TestDifferencesBeyondManyAreCounted(t *testing.T) {
	const more = 7
	var numbers []byte
	for i := range maxDifferences + more {
		numbers = fmt.Appendf(numbers, "%d.5, \n", i)
	}
	lines, list := string(numbers), "["+string(numbers)
	other := strings.NewReplacer("0", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6", "g", "7", "h", "8", "i", "9", "j")
	if d := Bodies(nil, []byte(lines), []byte(other.Replace(lines))); d.Size() != 2*maxDifferences || !strings.HasPrefix(d.Note, "14 more lines") {
		t.Errorf("of lines %d are listed, and the note is %q", d.Size(), d.Note)
	}
	d := Bodies(nil, []byte(list+"0]"), []byte(strings.ReplaceAll(list, ".5", ".6")+"0]"))
	if d.Size() != maxDifferences || !strings.HasPrefix(d.Note, "7 more differences") {
		t.Errorf("of elements %d are listed, and the note is %q", d.Size(), d.Note)
	}
}

func TestComparingEndsWithItsContext(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	random := rand.New(rand.NewPCG(1, 2))
	side := func(begin, separator string) []byte {
		b := []byte(begin)
		for range 20_000 {
			b = fmt.Appendf(b, "%d%s", random.IntN(100), separator)
		}
		return append(b, "0]"...)
	}
	for name, bodies := range map[string][2][]byte{
		"text": {side("", "\n"), side("", "\n")}, "JSON": {side("[", ","), side("[", ",")},
	} {
		if err := interrupt.Do(ended, func(w *interrupt.Work) { Bodies(w, bodies[0], bodies[1]) }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v after the context ended", name, err)
		}
	}
}
