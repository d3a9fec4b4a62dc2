package words

import (
	"strings"
	"testing"
)

func TestCountAgreesWithItsNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0 entries", 1: "1 entry", 2: "2 entries", 21: "21 entries"} {
		if got := Count(n, "entry", "entries"); got != want {
			t.Errorf("Count(%d): %q, want %q", n, got, want)
		}
	}
}

func TestShortenKeepsWhatFits(t *testing.T) {
	for text, want := range map[string]string{"": "", "häuser": "häuser", "häuserei": "häuse…"} {
		if got := Shorten(text, 6); got != want {
			t.Errorf("Shorten(%q): %q, want %q", text, got, want)
		}
	}
}

// TestDistanceIsThatOfTheFewestChanges also exchanges the words.
func TestDistanceIsThatOfTheFewestChanges(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"serve", "serve", 0},
		{"serv", "serve", 1},
		{"sevre", "serve", 1},
		{"xerve", "serve", 1},
		{"jsonpth", "jsonpath", 1},
		{"héllo", "hello", 1},
		{"kitten", "sitting", 3},
		{strings.Repeat("a", 41), "a", 40},
	}
	for _, c := range tests {
		if got, back := Distance(c.a, c.b), Distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("from %q to %q: %d and back %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}
