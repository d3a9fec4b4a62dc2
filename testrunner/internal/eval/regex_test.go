package eval

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

func TestTextIsReplacedAsByTheLibrary(t *testing.T) {
	texts := []string{"", "a", "aaa", "abc abc", "éaéa\nab\n", "a-b_c a", "xx\nxx", "日本 a日"}
	for _, expr := range []string{
		"", "a", "a*", "^a", "(?m)^a", "(?m)a$", `\b`, `\Ba`, `\ba(b?)`, "a|ab", "(a)(b)?", "x*?", `\A.`, `.\z`,
		"(?i)A", "[^a]+", "(?P<n>b)c", "(?m)^", "(?m)$",
	} {
		re := regexp.MustCompile(expr)
		for _, in := range texts {
			for _, with := range []string{"-", "[$0]", "$1.${n}", ""} {
				want := re.ReplaceAllString(in, with)
				if got := (&Scope{}).replaceSlowly(re, in, with); got != want {
					t.Errorf("%q in %q by %q: %q, want %q", expr, in, with, got, want)
				}
			}
		}
	}
}

func TestSearchesEndWithTheirContext(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	re := regexp.MustCompile("(?:a{0,30}){0,30}b")
	in := strings.Repeat("a", quickSearch>>10)
	for name, search := range map[string]func(s *Scope){
		"find":    func(s *Scope) { s.find(re, in) },
		"matches": func(s *Scope) { s.matches(re, in) },
		"replace": func(s *Scope) { s.replaceAll(re, in, "") },
	} {
		err := interrupt.Do(ended, func(w *interrupt.Work) { search(&Scope{Work: w}) })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v after the context ended", name, err)
		}
	}
}
