package eval

import (
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// The library does not end a search early, except that it reads text from a reader, character by
// character, which takes longer. So that is for searches that may take long.

// quickSearch is how many characters times instructions of an expression are searched in a
// fraction of a second.
const quickSearch = 1 << 26

// isQuick reports whether a search in a text of a length can be waited for.
func isQuick(re *regexp.Regexp, length int) bool {
	if length < quickSearch>>16 {
		return true // no expression has so many instructions
	}
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return true // it compiled, so that does not happen
	}
	program, err := syntax.Compile(parsed.Simplify())
	return err != nil || length < quickSearch/len(program.Inst)
}

// find returns the indexes of the first match and its groups, nil if there is none.
func (s *Scope) find(re *regexp.Regexp, text string) []int {
	if isQuick(re, len(text)) {
		return re.FindStringSubmatchIndex(text)
	}
	if prefix, _ := re.LiteralPrefix(); !strings.Contains(text, prefix) {
		return nil
	}
	return re.FindReaderSubmatchIndex(&runes{scope: s, rest: text})
}

// matches reports whether there is a match.
func (s *Scope) matches(re *regexp.Regexp, text string) bool {
	if isQuick(re, len(text)) {
		return re.MatchString(text)
	}
	return s.find(re, text) != nil
}

// runes reads a text.
type runes struct {
	scope *Scope
	rest  string
}

// ReadRune reads a character.
func (r *runes) ReadRune() (char rune, size int, err error) {
	r.scope.Work.Step()
	if r.rest == "" {
		return 0, 0, io.EOF
	}
	char, size = utf8.DecodeRuneInString(r.rest)
	r.rest = r.rest[size:]
	return char, size, nil
}

// firstGroup returns what the first group of the first match is, nil if there
// is none.
func (s *Scope) firstGroup(re *regexp.Regexp, in string) *Value {
	m := s.find(re, in)
	if len(m) < 4 || m[2] < 0 {
		return nil
	}
	v := text(in[m[2]:m[3]])
	return &v
}

// replaceAll replaces all matches, as the library does.
func (s *Scope) replaceAll(re *regexp.Regexp, in, with string) string {
	if isQuick(re, len(in)) {
		return re.ReplaceAllString(in, with)
	}
	return s.replaceSlowly(re, in, with)
}

func (s *Scope) replaceSlowly(re *regexp.Regexp, in, with string) string {
	first := regexp.MustCompile(`\A(?s:.*?)(` + re.String() + `)`)
	later := regexp.MustCompile(`\A(?s:.)(?s:.*?)(` + re.String() + `)`)
	var out []byte
	end := 0 // of the last match
	for at := 0; at <= len(in); {
		// What follows on another match is read from the character before: it may matter, for \b.
		search, from := first, 0
		if at > 0 {
			_, size := utf8.DecodeLastRuneInString(in[:at])
			search, from = later, at-size
		}
		m := search.FindReaderSubmatchIndex(&runes{scope: s, rest: in[from:]})
		if m == nil {
			break
		}
		m = m[2:] // without the match of the characters before
		for i := range m {
			if m[i] >= 0 {
				m[i] += from
			}
		}
		out = append(out, in[end:m[0]]...)
		if m[1] > end || m[0] == 0 { // no empty match right behind another
			out = re.ExpandString(out, with, in, m)
		}
		end = m[1]
		_, size := utf8.DecodeRuneInString(in[at:])
		at = max(m[1], at+max(size, 1))
	}
	return string(append(out, in[end:]...))
}
