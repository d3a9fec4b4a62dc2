package scaffold

import (
	"strings"
	"testing"
)

func TestALanguageIsAskedForUntilThereIsOne(t *testing.T) {
	for in, want := range map[string]struct {
		name  string
		asked int
	}{
		"1\n":                     {Names()[0], 1},
		" rs \n":                  {"rust", 1},
		"0\n99\ncobol\n\ngo\n1\n": {"go", 5},
		"js":                      {"js", 1},
		"":                        {"", 1},
		"none\n":                  {"", 2},
	} {
		var out strings.Builder
		l, ok := Ask(strings.NewReader(in), &out, "prog", "Which? ")
		if ok != (want.name != "") || ok && l.Name != want.name {
			t.Errorf("%q: %v, %v, want %q", in, l, ok, want.name)
		}
		if n := strings.Count(out.String(), "Which? "); n != want.asked {
			t.Errorf("%q: asked %d times, want %d:\n%s", in, n, want.asked, out.String())
		}
	}
}
