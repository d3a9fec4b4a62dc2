package report

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// mismatch is an entry with one body that differs.
func mismatch(want, got string) *testrunner.Result {
	f, _ := hurl.Parse("f.hurl", []byte("GET http://localhost/"+strings.Repeat("long/", 60)+"\nHTTP 200\n"))
	return &testrunner.Result{Entry: f.Entries[0], Outcome: testrunner.Mismatch, Attempts: 1, Notes: []string{strings.Repeat("a note of words ", 20)},
		Problems: []testrunner.Problem{
			{Kind: testrunner.ProblemBody, Range: f.Entries[0].Response.Range, Title: "Body", Diff: diff.Bodies(nil, []byte(want), []byte(got))},
			{Kind: testrunner.ProblemAssert, Range: f.Entries[0].Response.Range, Title: "Assert", Expected: want, Actual: got},
		},
		Response: &testrunner.Response{Body: []byte(got)}}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	long := strings.Repeat("word ", 400)
	pairs := map[string][2]string{
		"json":   {`{"a":"` + long + `x` + long + `"}`, `{"a":"` + long + `y` + long + `"}`},
		"text":   {long + "one " + long, long + "two " + long},
		"wide":   {strings.Repeat("漢字", 300), strings.Repeat("漢字", 200) + "!" + strings.Repeat("漢字", 100)},
		"binary": {strings.Repeat("\x00\x01", 100), strings.Repeat("\x00\x02", 100)},
	}
	for name, pair := range pairs {
		for _, width := range []int{60, 80, 200} {
			p := &Pretty{Styles: plain{}, Width: width}
			for _, l := range strings.Split(p.Entry("f.hurl", mismatch(pair[0], pair[1])), "\n") {
				if n := term.Width(l); n > width {
					t.Errorf("%s, %d columns: a line has %d: %s", name, width, n, l)
				}
			}
		}
	}
}

func TestALongLineIsShortenedAroundTheChange(t *testing.T) {
	side := strings.Repeat("x", 3000)
	p := &Pretty{Styles: plain{}, Rerun: func(path string) string { return "again " + path }}
	got := p.Entry("f.hurl", mismatch(side+"A"+side, side+"B"+side))
	for _, want := range []string{"- …xxx", "x[A]x", "+ …xxx", "x[B]x", "more characters: again f.hurl\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	p.Full = true
	if got := p.Entry("f.hurl", mismatch(side+"A"+side, side+"B"+side)); strings.Contains(got,
		"more characters") || !strings.Contains(got, side+"[A]"+side) {
		t.Error("it is not shown whole though that was asked for")
	}
}

func TestMarksAreNoneThatTheTextHas(t *testing.T) {
	for _, tt := range []struct{ want, got, more string }{
		{"one two three", "one 2 three", "+ one [2] three"},
		{"list = [1, 2]", "list = [1, 3]", "+ list = [1, «3»]"},
		{"«a» [b] c", "«a» [b] d", "+ «a» [b] ‹d›"},
		{`{"a": "x [y] z"}`, `{"a": "x [y] w"}`, `+ "x [y] «w»"`},
	} {
		got := (&Pretty{Styles: plain{}}).Diff(diff.Bodies(nil, []byte(tt.want), []byte(tt.got)), "")
		if !strings.Contains(got, tt.more) {
			t.Errorf("%q is missing in\n%s", tt.more, got)
		}
	}
}

func TestHiddenLinesAreCounted(t *testing.T) {
	p := &Pretty{Styles: plain{}, Rerun: func(path string) string { return "again " + path }}
	got := p.Entry("f.hurl", mismatch(strings.Repeat("a\n", 100), strings.Repeat("b\n", 100)))
	if want := "… 180 more lines: again f.hurl\n"; !strings.Contains(got, want) {
		t.Errorf("%q is missing in\n%s", want, got)
	}
}

func TestInvisibleCharactersAreMadeVisible(t *testing.T) {
	tests := []struct{ want, got, less, more string }{
		{"a\n", "a\r\n", "- a\n", `+ a[\r]`},
		{"a b", "a\tb", "- a[·]b", `+ a[\t]b`},
		{"end\n", "end  \n", "- end\n", "+ end[··]"},
		{"ab", "a\u200bb", "- ab", `\u200b`},
		{"a", "a\x1b[31m", "- a", `\x1b[31m`},
	}
	for _, tt := range tests {
		got := (&Pretty{Styles: plain{}}).Diff(diff.Bodies(nil, []byte(tt.want), []byte(tt.got)), "")
		if !strings.Contains(got, tt.less) || !strings.Contains(got, tt.more) {
			t.Errorf("%q → %q: want %q and %q in\n%s", tt.want, tt.got, tt.less, tt.more, got)
		}
	}
}

func TestTheBodyOfAnUnexpectedAnswerIsShown(t *testing.T) {
	f, _ := hurl.Parse("f.hurl", []byte("GET http://localhost/\nHTTP 200\n"))
	r := &testrunner.Result{Entry: f.Entries[0], Outcome: testrunner.Mismatch, Attempts: 1,
		Problems: []testrunner.Problem{{Kind: testrunner.ProblemStatus, Title: "Status", Expected: "200 OK", Actual: "500 Internal Server Error"}},
		Response: &testrunner.Response{Status: 500, Body: []byte("no database\n")}}
	if got := (&Pretty{Styles: plain{}}).Entry("f.hurl", r); !strings.Contains(got, "body of the response:\n      │ no database\n") {
		t.Errorf("got\n%s", got)
	}
	r.Response.Body = []byte{0, 1, 2}
	if got := (&Pretty{Styles: plain{}}).Entry("f.hurl", r); !strings.Contains(got, "body of the response: 3 bytes that are not text\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestLinesOfABodyThatLookLikeADifferenceAreNotTakenForOne(t *testing.T) {
	r := mismatch("- item\n+ more\nx\n", "- item\n+ more\ny\n")
	r.Problems = r.Problems[:1]
	e := htmlOfEntry("f.hurl", r)
	for _, s := range e.Text {
		if (s.Class == "bad" || s.Class == "good") && strings.Contains(s.Text, "item") {
			t.Errorf("%q is shown as a difference", s.Text)
		}
	}
}

func TestANoteOfManyEntriesIsPrintedOnce(t *testing.T) {
	f, _ := hurl.Parse("f.hurl", []byte(strings.Repeat("GET http://localhost/\n\n", 3)))
	result := &testrunner.FileResult{File: f, Path: "f.hurl"}
	for _, e := range f.Entries {
		result.Results = append(result.Results,
			testrunner.Result{Entry: e, Outcome: testrunner.Skipped,
				Notes: []string{"an entry before it failed"}})
	}
	got := (&Pretty{Styles: plain{}}).File(result)
	if want := "note: f.hurl:1:1 and 2 more: an entry before it failed\n"; strings.Count(got, "note:") != 1 || !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %q", got, want)
	}
}

func TestTheCountOfHiddenCharactersIsRight(t *testing.T) {
	for _, n := range []int{200, 2000, 100_000} {
		for _, char := range []string{"x", "é", "漢"} {
			side := strings.Repeat(char, n)
			spans := []diff.Span{{Text: side}, {Text: "A", Changed: true}, {Text: side}}
			line, hidden := fit(spans, 80)
			shown := 0
			for _, c := range line {
				if c.text != "…" {
					shown++
				}
			}
			if shown+hidden != 2*n+1 || shown < 20 {
				t.Errorf("%d times %s: %d shown and %d hidden are not all %d", n, char, shown, hidden, 2*n+1)
			}
		}
	}
}
