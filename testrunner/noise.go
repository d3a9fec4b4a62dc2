package testrunner

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// noise returns regular expressions for what moves between two texts, as @ignore text takes them;
// nil if none can tell exactly that. Each has some of the text around it that stays.
func noise(a, b string) []string {
	if !diff.IsText([]byte(a)) || !diff.IsText([]byte(b)) {
		return nil
	}
	linesA, linesB := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(linesA) != len(linesB) {
		return nil
	}
	var list []string
	for i := range linesA {
		if linesA[i] == linesB[i] {
			continue
		}
		for _, expr := range lineNoise(linesA[i], linesB[i]) {
			if !slices.Contains(list, expr) {
				list = append(list, expr)
			}
		}
		if len(list) > manyPaths {
			return nil
		}
	}
	return list
}

// moved is a part of a line that moves, or one that stays, which is the same on both sides.
type moved struct {
	a, b  string
	stays bool
}

// lineNoise returns regular expressions for what moves within a line.
func lineNoise(a, b string) []string {
	parts := aligned(wordsOf(a), wordsOf(b))
	var list []string
	for i, p := range parts {
		if p.stays {
			continue
		}
		before, after := "^", "$"
		if i > 0 {
			before = tail(parts[i-1].a)
			if i == 1 && before == parts[0].a {
				before = "^" + regexp.QuoteMeta(before)
			} else {
				before = regexp.QuoteMeta(before)
			}
		}
		if i+1 < len(parts) {
			after = regexp.QuoteMeta(head(parts[i+1].a))
		}
		expr := before + anyOf(p.a, p.b) + after
		if strings.HasPrefix(expr, "^") || strings.HasSuffix(expr, "$") {
			expr = "(?m)" + expr
		}
		list = append(list, strings.ReplaceAll(expr, "/", `\/`))
	}
	return list
}

// around is how many bytes of the text around a moving part are kept, at most.
const around = 24

// tail returns the end of a text, and head its beginning.
func tail(s string) string {
	if len(s) > around {
		s = s[len(s)-around:]
		for !utf8.RuneStart(s[0]) {
			s = s[1:]
		}
	}
	return s
}

func head(s string) string {
	if len(s) <= around {
		return s
	}
	n := around
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// wordsOf splits a line into words of letters and digits, and single other characters.
func wordsOf(line string) []string {
	var list []string
	start := 0
	for i, c := range line {
		letter := isLetter(c)
		if i > start && (!letter || !isLetter(lastRune(line[:i]))) {
			list = append(list, line[start:i])
			start = i
		}
	}
	if start < len(line) {
		list = append(list, line[start:])
	}
	return list
}

func isLetter(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' ||
		c >= utf8.RuneSelf
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// manyWords bounds the words of a line that are compared one by one.
const manyWords = 1000

// aligned returns the parts of two lines, moving ones and ones that stay in turn.
func aligned(a, b []string) []moved {
	same := func(i, j int) bool { return a[i] == b[j] }
	first, last := 0, 0
	for first < min(len(a), len(b)) && same(first, first) {
		first++
	}
	for last < min(len(a), len(b))-first && same(len(a)-1-last, len(b)-1-last) {
		last++
	}
	var parts []moved
	if first > 0 {
		parts = append(parts, staying(a[:first]))
	}
	parts = append(parts, middle(a[first:len(a)-last], b[first:len(b)-last])...)
	if last > 0 {
		parts = append(parts, staying(a[len(a)-last:]))
	}
	return joined(parts)
}

func staying(list []string) moved {
	text := strings.Join(list, "")
	return moved{text, text, true}
}

// middle aligns words by their longest common sequence.
func middle(a, b []string) []moved {
	if len(a) > manyWords || len(b) > manyWords {
		return []moved{{a: strings.Join(a, ""), b: strings.Join(b, "")}}
	}
	// longest[i][j] is the length of that of a[i:] and b[j:].
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var parts []moved
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			parts = append(parts, moved{a[i], b[j], true})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			parts = append(parts, moved{a: a[i]})
			i++
		default:
			parts = append(parts, moved{b: b[j]})
			j++
		}
	}
	return parts
}

// joined joins neighbours of the same kind. What stands between moving parts moves with these if it
// belongs to the same value, such as a time or a UUID.
func joined(parts []moved) []moved {
	var out []moved
	add := func(p moved) {
		if n := len(out) - 1; n >= 0 && out[n].stays == p.stays {
			out[n].a, out[n].b = out[n].a+p.a, out[n].b+p.b
			return
		}
		out = append(out, p)
	}
	for _, p := range parts {
		add(p)
	}
	parts, out = out, nil
	for i, p := range parts {
		if p.stays && i > 0 && i < len(parts)-1 && !strings.ContainsAny(p.a, betweenValues) {
			p.stays = false
		}
		add(p)
	}
	return out
}

// betweenValues are characters that stand between values, and not in them.
const betweenValues = " \t,;=&<>\"'(){}[]/|"

// anyOf returns a regular expression for texts like two others.
func anyOf(a, b string) string {
	var lower, upper, digits, hex, other bool
	hex = true
	var class, marks string
	for _, c := range a + b {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c >= 'a' && c <= 'z':
			lower = true
			hex = hex && c <= 'f'
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= utf8.RuneSelf:
			other = true
		case !strings.ContainsRune(marks, c):
			marks += string(c)
		}
	}
	repeat := "+"
	if a == "" || b == "" {
		repeat = "*"
	}
	if other {
		return "[^\\n]" + repeat + "?"
	}
	if digits || lower || upper {
		class = "0-9"
	}
	const manyHex = 8 // fewer may be letters by chance
	switch {
	case lower && hex && !upper && digits && min(len(a), len(b)) >= manyHex:
		class += "a-f"
	case lower || upper:
		class += "A-Za-z"
	}
	for _, c := range marks {
		if strings.ContainsRune(`\]^[-&~#`, c) {
			class += `\`
		}
		class += string(c)
	}
	return "[" + class + "]" + repeat
}
