package eval

import (
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// Package regexp cannot stop a search, except that it reads text character by character from a
// reader, which takes longer. Only searches that may take long use a reader.

// quickSearch is the product of the number of characters and that of a pattern's instructions up to
// which a search takes a fraction of a second.
const quickSearch = 1 << 26

// isQuick reports whether a search in a text of the given length is quick enough not to be
// interrupted.
func isQuick(re *regexp.Regexp, length int) bool {
	if length < quickSearch>>16 {
		return true // no pattern has that many instructions
	}
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return true // not reached: re was compiled
	}
	program, err := syntax.Compile(parsed.Simplify())
	return err != nil || length < quickSearch/len(program.Inst)
}

// find returns the indexes of the first match and its groups, or nil if there is none.
func (s *Scope) find(re *regexp.Regexp, text string) []int {
	if isQuick(re, len(text)) {
		return re.FindStringSubmatchIndex(text)
	}
	if prefix, _ := re.LiteralPrefix(); !strings.Contains(text, prefix) {
		return nil
	}
	return re.FindReaderSubmatchIndex(&runes{scope: s, rest: text})
}

// matches reports whether re matches text.
func (s *Scope) matches(re *regexp.Regexp, text string) bool {
	if isQuick(re, len(text)) {
		return re.MatchString(text)
	}
	return s.find(re, text) != nil
}

// runes reads a text character by character, with a step of the work for each.
type runes struct {
	scope *Scope
	rest  string
}

// ReadRune returns the next character.
func (r *runes) ReadRune() (char rune, size int, err error) {
	r.scope.Work.Step()
	if r.rest == "" {
		return 0, 0, io.EOF
	}
	char, size = utf8.DecodeRuneInString(r.rest)
	r.rest = r.rest[size:]
	return char, size, nil
}

// firstGroup returns the first group of the first match, or nil if there is none.
func (s *Scope) firstGroup(re *regexp.Regexp, in string) *Value {
	m := s.find(re, in)
	if len(m) < 4 || m[2] < 0 {
		return nil
	}
	v := text(in[m[2]:m[3]])
	return &v
}

// replaceAll replaces all matches, as regexp's method of that name does.
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
	end := 0 // the end of the last match
	for at := 0; at <= len(in); {
		// Later matches are searched from the character before, which may matter to them: for \b.
		search, from := first, 0
		if at > 0 {
			_, size := utf8.DecodeLastRuneInString(in[:at])
			search, from = later, at-size
		}
		m := search.FindReaderSubmatchIndex(&runes{scope: s, rest: in[from:]})
		if m == nil {
			break
		}
		m = m[2:] // without the match of that character
		for i := range m {
			if m[i] >= 0 {
				m[i] += from
			}
		}
		out = append(out, in[end:m[0]]...)
		if m[1] > end || m[0] == 0 { // no empty match directly behind another one
			out = re.ExpandString(out, with, in, m)
		}
		end = m[1]
		_, size := utf8.DecodeRuneInString(in[at:])
		at = max(m[1], at+max(size, 1))
	}
	return string(append(out, in[end:]...))
}
