package testrunner

import (
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// What two texts show as moving is ignored in a third one, and nothing else is.
func TestRegularExpressionsCoverExactlyWhatMoves(t *testing.T) {
	for name, c := range map[string]struct {
		a, b, third, other string // other differs in what does not move
		want               []string
	}{
		"a number": {
			"took 17 ms\n", "took 3 ms\n", "took 12345 ms\n", "took 17 s\n",
			[]string{`(?m)^took [0-9]+ ms`},
		},
		"a whole line": {"1767225600", "1801744496", "1", "x", []string{`(?m)^[0-9]+$`}},
		"a time and a UUID": {
			"id=6ba7b810-9dad-11d1-80b4-00c04fd430c8 at 2026-01-01T00:00:00Z.",
			"id=7ba7b810-9dad-41d1-80b4-10c04fd430c8 at 2027-02-04T12:34:56.789Z.",
			"id=00000000-0000-0000-0000-000000000000 at 1999-12-31T23:59:59Z.",
			"id=6ba7b810-9dad-11d1-80b4-00c04fd430c8 by 2026-01-01T00:00:00Z.", nil,
		},
		"events": {
			"event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\n",
			"event: tick\ndata: 55\n\nevent: tick\ndata: 66\n\n",
			"event: tick\ndata: 7\n\nevent: tick\ndata: 8\n\n",
			"event: tock\ndata: 1\n\nevent: tick\ndata: 2\n\n", []string{`(?m)^data: [0-9]+$`},
		},
		"HTML": {
			`<a href="/x/12?n=1">12</a>`, `<a href="/x/907?n=1">907</a>`,
			`<a href="/x/3?n=1">3</a>`, `<a href="/x/12?n=2">12</a>`, nil,
		},
		"a letter":      {"<p>a</p>", "<p>Z</p>", "<p>m</p>", "<b>a</b>", nil},
		"signs":         {"[a-b]^\\#~&1", "[a-b]^\\#~&2", "[a-b]^\\#~&3", "[a-c]^\\#~&1", nil},
		"other scripts": {"größe: ä1.", "größe: ö2.", "größe: ü3.", "grösse: ä1.", nil},
	} {
		list := noise(c.a, c.b)
		check := &checker{}
		for _, expr := range list {
			f, errs := hurl.Parse("", []byte("# @ignore text /"+expr+"/\nGET http://a.test/\n"))
			if len(errs) > 0 {
				t.Fatalf("%s: %v", name, errs)
			}
			check.settings.Ignore = append(check.settings.Ignore, f.Entries[0].Settings.Ignore...)
		}
		if c.want != nil && !slices.Equal(list, c.want) {
			t.Errorf("%s: got %q, want %q", name, list, c.want)
		}
		for _, text := range []string{c.b, c.third} {
			if got := check.keepIgnored([]byte(c.a), []byte(text)); string(got) != c.a {
				t.Errorf("%s: %q do not cover %q: %q", name, list, text, got)
			}
		}
		if got := check.keepIgnored([]byte(c.a), []byte(c.other)); string(got) == c.a {
			t.Errorf("%s: %q cover %q", name, list, c.other)
		}
	}
	for _, pair := range [][2]string{{"a\nb", "a"}, {"\x00", "\x01"}} {
		if list := noise(pair[0], pair[1]); list != nil {
			t.Errorf("%q: %q", pair, list)
		}
	}
}
