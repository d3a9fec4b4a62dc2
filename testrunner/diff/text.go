package diff

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// Op is the side on which a line is.
type Op string

// The sides.
const (
	Same Op = " "
	Less Op = "-" // expected, but missing
	More Op = "+" // not expected
)

// Line is a line of either side or of both.
type Line struct {
	Op Op `json:"op"`
	// Spans are the line's text without its end. Changed spans differ from the
	// line's counterpart; an empty one marks where only the counterpart has
	// text.
	Spans []Span `json:"spans"`
	// Number is the line's number, from 1: for Less in the expected text,
	// otherwise in the actual one.
	Number int `json:"number"`
	// NoEnd reports whether the text ends here without a line end.
	NoEnd bool `json:"no_end,omitempty"`
	// Omitted, if not 0, is the number of lines, the same on both sides, that this Line replaces;
	// Number is that of the first.
	Omitted int `json:"omitted,omitempty"`
}

// Span is a part of a line.
type Span struct {
	Text    string `json:"text"`
	Changed bool   `json:"changed,omitempty"`
}

// Text returns the line without marks.
func (l Line) Text() string {
	var b strings.Builder
	for _, s := range l.Spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Context is how many equal lines are kept around differences in long texts.
const Context = 3

// maxLines is how many equal lines a Diff keeps.
const maxLines = 10_000

// texts compares two texts line by line. They must not be changed meanwhile.
func texts(w *interrupt.Work, want, got []byte) *Diff {
	a := splitLines(w, unsafe.String(unsafe.SliceData(want), len(want)))
	b := splitLines(w, unsafe.String(unsafe.SliceData(got), len(got)))
	classes := number(w, a, b)
	pairs := lcs(w, classes[:len(a)], classes[len(a):])
	t := &textDiff{work: w, a: a, b: b, diff: &Diff{Kind: Text}, whole: len(pairs) <= maxLines}
	i, j := 0, 0
	for n := 0; n <= len(pairs); {
		p, run := [2]int{len(a), len(b)}, 1
		if n < len(pairs) {
			p = pairs[n]
			for n+run < len(pairs) && pairs[n+run] == [2]int{p[0] + run, p[1] + run} {
				run++
			}
		}
		t.replace(i, p[0], j, p[1])
		if n < len(pairs) {
			t.same(p[1], run)
		}
		i, j = p[0]+run, p[1]+run
		n += run
	}
	if t.more > 0 {
		t.diff.note(fmt.Sprintf("%d more lines differ", t.more))
	}
	for _, l := range t.diff.Lines {
		for k := range l.Spans {
			l.Spans[k].Text = strings.Clone(l.Spans[k].Text) // the bodies need not stay
		}
	}
	return t.diff
}

// textDiff builds the difference between two texts.
type textDiff struct {
	work      *interrupt.Work
	a, b      []string
	diff      *Diff
	whole     bool // the lines that are the same are all kept
	different int
	more      int // lines that differ and are not listed
}

// same adds equal lines; it replaces the middle of many by one Line.
func (t *textDiff) same(first, n int) {
	before, after := Context, Context
	if first == 0 {
		before = 0
	}
	if first+n == len(t.b) {
		after = 0
	}
	for i := first; i < first+n; i++ {
		if rest := n - before - after; !t.whole && i == first+before && rest > 1 {
			t.diff.Lines = append(t.diff.Lines, Line{Op: Same, Number: i + 1, Omitted: rest})
			i += rest - 1
			continue
		}
		t.work.Step()
		t.diff.Lines = append(t.diff.Lines, line(Same, t.b[i], i))
	}
}

// splitLines splits after line ends, which stay.
func splitLines(w *interrupt.Work, s string) []string {
	var lines []string
	for l := range strings.Lines(s) {
		w.Step()
		lines = append(lines, l)
	}
	return lines
}

func number(w *interrupt.Work, a, b []string) []int {
	known := make(map[string]int)
	classes := make([]int, 0, len(a)+len(b))
	for _, list := range [][]string{a, b} {
		for _, l := range list {
			w.Step()
			class, ok := known[l]
			if !ok {
				class = len(known)
				known[l] = class
			}
			classes = append(classes, class)
		}
	}
	return classes
}

func line(op Op, text string, index int, spans ...Span) Line {
	content, ended := strings.CutSuffix(text, "\n")
	if spans == nil {
		spans = []Span{{Text: content}}
	}
	return Line{Op: op, Spans: spans, Number: index + 1, NoEnd: !ended}
}

// replace adds lines of a as missing and lines of b as new, and marks the words
// that differ between counterparts.
func (t *textDiff) replace(i, endA, j, endB int) {
	room := max(0, maxDifferences-t.different)
	n, m := min(endA-i, room), min(endB-j, room)
	t.different += max(n, m)
	t.more += endA - i - n + endB - j - m
	less, more := make([]Line, n), make([]Line, m)
	for k := range less {
		less[k] = line(Less, t.a[i+k], i+k)
	}
	for k := range more {
		more[k] = line(More, t.b[j+k], j+k)
	}
	if endA-i == endB-j {
		for k := range less {
			x, y := words(t.work, strings.TrimSuffix(t.a[i+k], "\n"),
				strings.TrimSuffix(t.b[j+k], "\n"))
			if x != nil {
				less[k].Spans, more[k].Spans = x, y
			}
		}
	}
	t.diff.Lines = append(append(t.diff.Lines, less...), more...)
}

// maxWords is how long two lines may be, together and in bytes, that are compared
// word by word.
const maxWords = 64 << 10

// Words marks the words that differ between two lines; it returns nil if the lines have hardly
// anything in common.
func Words(a, b string) (x, y []Span) { return words(nil, a, b) }

func words(w *interrupt.Work, a, b string) (x, y []Span) {
	if len(a)+len(b) > maxWords {
		return middles(a, b)
	}
	partsA, partsB := splitWords(a), splitWords(b)
	classes := number(w, partsA, partsB)
	pairs := lcs(w, classes[:len(partsA)], classes[len(partsA):])
	common := 0
	for _, p := range pairs {
		common += len(partsA[p[0]])
	}
	if common*3 < max(len(a), len(b)) {
		return middles(a, b)
	}
	inA, inB := make([]bool, len(partsA)), make([]bool, len(partsB))
	for _, p := range pairs {
		inA[p[0]], inB[p[1]] = true, true
	}
	return spans(partsA, inA, firstChange(inB)), spans(partsB, inB, firstChange(inA))
}

// firstChange returns how many parts of a line are common before the first that
// is not; -1 if all are.
func firstChange(common []bool) int { return slices.Index(common, false) }

// middles marks the text between the common beginning and the common end of two
// lines; it returns nil if those are hardly anything.
func middles(a, b string) (x, y []Span) {
	short := min(len(a), len(b))
	start, end := 0, 0
	for start < short && a[start] == b[start] {
		start++
	}
	for start > 0 && start < short && !(utf8.RuneStart(a[start]) && utf8.RuneStart(b[start])) {
		start-- // not within a character
	}
	for end < short-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	for end > 0 && !utf8.RuneStart(a[len(a)-end]) {
		end--
	}
	if (start+end)*3 < max(len(a), len(b)) {
		return nil, nil
	}
	mark := func(s string) []Span {
		out := []Span{}
		for i, part := range []string{s[:start], s[start : len(s)-end], s[len(s)-end:]} {
			if part != "" || i == 1 {
				out = append(out, Span{part, i == 1})
			}
		}
		return out
	}
	return mark(a), mark(b)
}

// spans joins parts. In a line that lacks what its counterpart has, and nothing
// else, an empty span marks where that is: behind as many parts as missing says.
func spans(parts []string, common []bool, missing int) []Span {
	out := []Span{}
	whole := !slices.Contains(common, false)
	for i, p := range parts {
		if whole && i == missing {
			out = append(out, Span{"", true})
		}
		if n := len(out); n > 0 && out[n-1].Changed != common[i] {
			out[n-1].Text += p
			continue
		}
		out = append(out, Span{p, !common[i]})
	}
	if whole && missing == len(parts) {
		out = append(out, Span{"", true})
	}
	return out
}

// splitWords splits into words, runs of blanks, and single other characters.
func splitWords(s string) []string {
	var parts []string
	class := func(r rune) int {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			return 1
		case r == ' ' || r == '\t':
			return 2
		}
		return 0
	}
	start, previous := 0, -1
	for i, r := range s {
		c := class(r)
		if i > 0 && (c != previous || c == 0) {
			parts = append(parts, s[start:i])
			start = i
		}
		previous = c
	}
	if s != "" {
		parts = append(parts, s[start:])
	}
	return parts
}
