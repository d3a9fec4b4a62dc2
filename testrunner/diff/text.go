package diff

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Op says on which side a line is.
type Op string

// The sides.
const (
	Same Op = " "
	Less Op = "-" // expected, did not come
	More Op = "+" // came, was not expected
)

// Line is a line of either side or of both.
type Line struct {
	Op Op `json:"op"`
	// Spans are the line's text without its end; those that are Changed differ
	// from the line's counterpart. An empty one is where that has more.
	Spans []Span `json:"spans"`
	// Number is the line's number, from 1: of Less in what was expected, else
	// in what came.
	Number int `json:"number"`
	// NoEnd says that the text ends here without a line end.
	NoEnd bool `json:"no_end,omitempty"`
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

// Texts compares two texts line by line.
func Texts(want, got string) *Diff {
	a, b := splitLines(want), splitLines(got)
	classes := number(a, b)
	pairs := append(lcs(classes[:len(a)], classes[len(a):]), [2]int{len(a), len(b)})
	d := &Diff{Kind: Text}
	i, j := 0, 0
	for _, p := range pairs {
		d.replace(a[i:p[0]], b[j:p[1]], i, j)
		i, j = p[0], p[1]
		if i < len(a) {
			d.Lines = append(d.Lines, line(Same, a[i], j))
		}
		i, j = i+1, j+1
	}
	return d
}

// splitLines splits after line ends, which stay.
func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func number(a, b []string) []int {
	known := make(map[string]int)
	classes := make([]int, 0, len(a)+len(b))
	for _, list := range [][]string{a, b} {
		for _, l := range list {
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

// replace adds the lines of a as missing and those of b as new, with the words
// marked that differ where lines stand for each other.
func (d *Diff) replace(a, b []string, i, j int) {
	less, more := make([]Line, len(a)), make([]Line, len(b))
	for n, l := range a {
		less[n] = line(Less, l, i+n)
	}
	for n, l := range b {
		more[n] = line(More, l, j+n)
	}
	if len(a) == len(b) {
		for n := range a {
			x, y := Words(strings.TrimSuffix(a[n], "\n"), strings.TrimSuffix(b[n], "\n"))
			if x != nil {
				less[n].Spans, more[n].Spans = x, y
			}
		}
	}
	d.Lines = append(append(d.Lines, less...), more...)
}

// maxWords is how long two lines may be, together and in bytes, that are compared
// word by word.
const maxWords = 64 << 10

// Words marks what differs between two lines; nil if hardly anything is common.
func Words(a, b string) (x, y []Span) {
	if len(a)+len(b) > maxWords {
		return middles(a, b)
	}
	partsA, partsB := splitWords(a), splitWords(b)
	classes := number(partsA, partsB)
	pairs := lcs(classes[:len(partsA)], classes[len(partsA):])
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

// middles marks what is between the beginning and the end that two lines have in
// common; nil if that is hardly anything.
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
