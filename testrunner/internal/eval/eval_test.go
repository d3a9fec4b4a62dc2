package eval

import (
	"testing"
	"time"
)

func TestVariablesFromOutsideHaveTheKindTheyLookLike(t *testing.T) {
	tests := []struct{ in, kind, text string }{
		{"true", "boolean", "true"}, {"null", "null", "null"}, {"007", "integer", "7"}, {"-3", "integer", "-3"},
		{"123456789012345678901", "integer", "123456789012345678901"}, {"1.50", "float", "1.5"}, {"1e3", "float", "1000.0"},
		{"-1.5", "float", "-1.5"}, {`"12"`, "string", "12"}, {"abc", "string", "abc"}, {"", "string", ""}, {"0x10", "string", "0x10"},
		{"+1", "integer", "1"}, {"1e400", "float", "inf"}, {" 1", "string", " 1"}, {"1 ", "string", "1 "}, {"1_0", "string", "1_0"},
	}
	for _, tt := range tests {
		v := Infer(tt.in)
		if s, ok := v.Render(); v.Kind.String() != tt.kind || s != tt.text || !ok {
			t.Errorf("%q: %s %q, want %s %q", tt.in, v.Kind, s, tt.kind, tt.text)
		}
	}
}

func TestDates(t *testing.T) {
	tests := []struct{ in, format, out string }{
		{"2024-02-29", "%Y-%m-%d", "2024-02-29T00:00:00.000000Z"},
		{"2024-02-30", "%Y-%m-%d", ""},
		{"2024-01-02 03:04:05", "%F %T", "2024-01-02T03:04:05.000000Z"},
		{"2024-01-02T03:04:05.5+01:00", "%+", "2024-01-02T02:04:05.500000Z"},
		{"Tue, 02 Jan 2024 03:04:05 +0100", "%a, %d %b %Y %H:%M:%S %z", "2024-01-02T02:04:05.000000Z"},
		{"January 2, 24 11 PM", "%B %d, %y %I %p", "2024-01-02T00:00:00.000000Z"}, // no minutes, no time
		{"January 2, 24 11:30 PM", "%B %d, %y %I:%M %p", "2024-01-02T23:30:00.000000Z"},
		{"Wed, 02 Jan 2024", "%a, %d %b %Y", ""},
		{"2024-W01-2", "%G-W%V-%u", "2024-01-02T00:00:00.000000Z"},
		{"2024-01-02T03:04:05Z", "%FT%T%z", ""},
		{"2024-01-02T03:04:05Z", "%FT%T%#z", "2024-01-02T03:04:05.000000Z"},
		{"2024-01-02T03:04:05+0230", "%FT%T%:z", "2024-01-02T00:34:05.000000Z"},
		{"2024-01-02 03:04:05 utc", "%+", "2024-01-02T03:04:05.000000Z"},
		{"2024-01-02", "%-D", ""},
		{"1700000000", "%s", "2023-11-14T22:13:20.000000Z"},
		{"2024 060", "%Y %j", "2024-02-29T00:00:00.000000Z"},
		{"2024-01-02 rest", "%Y-%m-%d", ""},
		{"2024", "%Q", ""},
	}
	for _, tt := range tests {
		got := ""
		if d, err := parseDate(tt.in, tt.format); err == nil {
			got, _ = date(d).Render()
		}
		if got != tt.out {
			t.Errorf("%q as %q: %q, want %q", tt.in, tt.format, got, tt.out)
		}
	}
	at := time.Date(2024, 1, 2, 15, 4, 5, 6000000, time.UTC)
	formats := map[string]string{
		"%Y-%m-%d %H:%M:%S": "2024-01-02 15:04:05", "%-d/%-m/%y": "2/1/24", "%e|%k|%l": " 2|15| 3", "%a %A %b %B": "Tue Tuesday Jan January",
		"%j %U %W %V %u %w": "002 00 01 01 2 2", "%I:%M %p %P": "03:04 PM pm",
		"%s %f %.3f %3f": "1704207845 006000000 .006 006", "%z %:z %Z": "+0000 +00:00 UTC",
		"%D %R %r %c": "01/02/24 15:04 03:04:05 PM Tue Jan  2 15:04:05 2024", "%+": "2024-01-02T15:04:05.006+00:00", "%%%n%t": "%\n\t",
	}
	for format, want := range formats {
		if got, err := formatDate(at, format); got != want || err != nil {
			t.Errorf("%q: %q (%v), want %q", format, got, err, want)
		}
	}
	if _, err := formatDate(at, "%E"); err == nil {
		t.Error("an unknown specifier is accepted")
	}
}

func TestNumbersAreComparedByValue(t *testing.T) {
	huge := Value{Kind: BigInteger, Text: "12345678901234567890"}
	tests := []struct {
		a, b Value
		want int
	}{
		{integer(2), float(2), 0}, {integer(1), float(1.5), -1}, {huge, integer(5), 1}, {float(1e30), huge, 1}, {huge, huge, 0},
	}
	for _, tt := range tests {
		if got := compareNumbers(tt.a, tt.b); got != tt.want {
			t.Errorf("%s and %s: %d, want %d", tt.a.Describe(), tt.b.Describe(), got, tt.want)
		}
	}
}

func TestCharacterReferencesAreResolved(t *testing.T) {
	tests := []struct{ in, out string }{
		{"&lt;b&gt; &eacute;&#8364;&#x41; &amp;amp;", "<b> é€A &amp;"},
		{"&notit; &copy &nGt; &unknown; &", "¬it; © \u226b\u20d2 &unknown; &"},
		{"&#150;&#x80;", "\u2013\u20ac"},
		{"[&#0;&#xD800;&#1114112;]", "[\ufffd\ufffd\ufffd]"},
		{"[&#1;&#xFFFE;&#11;]", "[]"},
		{"&#38;lt;", "&lt;"},
		{"&#x;&#;", "&#x;&#;"},
	}
	for _, tt := range tests {
		if got := htmlUnescape(tt.in); got != tt.out {
			t.Errorf("%s: %q, want %q", tt.in, got, tt.out)
		}
	}
}

func TestCharsetsAreThoseOfTheWHATWG(t *testing.T) {
	tests := []struct{ label, in, out string }{
		{"latin1", "\x80\x81\xe9", "\u20ac\u0081é"},
		{" UTF-8 ", "é", "é"},
		{"utf-8", "\xe9", "error"},
		{"iso-8859-8-i", "\xe0", "\u05d0"},
		{"windows-1253", "\xaa", "error"},
		{"shift_jis", "\x82\xa0", "\u3042"},
		{"utf-16le", "a\x00", "a"},
		{"nothing", "", "error"},
	}
	for _, tt := range tests {
		got, err := decodeCharset([]byte(tt.in), tt.label)
		if err != nil {
			got = "error"
		}
		if got != tt.out {
			t.Errorf("%q in %s: %q, want %q", tt.in, tt.label, got, tt.out)
		}
	}
}
