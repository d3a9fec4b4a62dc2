package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is a run in which everything happens.
func sample() *Run {
	f, _ := hurl.Parse("dir/all.hurl", []byte(strings.Repeat("GET http://localhost/a?b=c\nHTTP 200\n\n", 7)))
	_, errs := hurl.Parse("dir/bad.hurl", []byte("GET http://localhost/\nHTTP x\n"))
	e := func(i int) *hurl.Entry { return f.Entries[i] }
	status := testrunner.Problem{Kind: testrunner.ProblemStatus, Range: e(1).Response.StatusRange,
		Title: "Status", Expected: "200 OK", Actual: "404 Not Found"}
	body := func(want, got string) testrunner.Problem {
		return testrunner.Problem{Kind: testrunner.ProblemBody, Range: e(1).Response.Range, Title: "Body",
			Diff: diff.Bodies(nil, []byte(want), []byte(got))}
	}
	long := strings.Repeat("line\n", 60)
	file := &testrunner.FileResult{File: f, Path: "dir/all.hurl", Duration: 1500 * time.Millisecond, Results: []testrunner.Result{
		{Entry: e(0), Outcome: testrunner.Pass, Duration: time.Millisecond, Attempts: 1, Notes: []string{"without effect: proxy"}},
		{Entry: e(1), Outcome: testrunner.Mismatch, Duration: 2 * time.Millisecond, Attempts: 2, Problems: []testrunner.Problem{
			status, body(`{"a": 1, "l": [1, 2]}`, `{"a": "1", "l": [2, 1], "n": null}`), body("one two three\nsame\n", "one 2 three\nsame\nmore"),
			{Kind: testrunner.ProblemAssert, Range: e(1).Response.Range, Title: "Assert",
				Source: `jsonpath "$.a" == "<1>"`, Expected: "string <1>", Actual: "nothing"},
			body("\x00\x01binary", "\x00\x02binary!"), body(long, strings.ReplaceAll(long, "line", "other")),
		}, Request: &testrunner.Request{
			Method: "POST", Scheme: "http", Authority: "localhost", Target: "/a?b=c", Body: []byte("{\"it's\": 1}\nmore"),
			Headers: fixture.Fields{{Name: "X-A", Value: "1"}, {Name: "X-Empty", Value: ""}},
		}, Rerun: "wasihttp test dir/all.hurl:4 --full",
			Response: &testrunner.Response{Status: 404, Headers: fixture.Fields{{Name: "X", Value: "<1>"}}, Body: []byte("\x00\x02")}},
		{Entry: e(2), Outcome: testrunner.Trap, Attempts: 1,
			Problems: []testrunner.Problem{{Kind: testrunner.ProblemFailure, Range: e(2).Response.Range,
				Title: "The guest trapped", Actual: "wasm trap: unreachable"}},
			Request: &testrunner.Request{Method: "PUT", Scheme: "http", Authority: "a.test", Target: "/[x]",
				Body: []byte("\x00\x01"), Size: 300 << 10},
			Response: &testrunner.Response{Stderr: []string{"it said \x1b[31m]]>"},
				Failure: &testrunner.Failure{Outcome: testrunner.Trap, Cause: "wasm trap: unreachable",
					Frames: []testrunner.Frame{{Func: "guest::boom", Place: "src/lib.rs:3"},
						{Func: "guest::main"}}}}},
		{Entry: e(3), Outcome: testrunner.ErrorCode, Attempts: 1,
			Problems: []testrunner.Problem{{Kind: testrunner.ProblemFailure,
				Title: "The guest responded with the error-code DNS-timeout"}},
			Response: &testrunner.Response{Failure: &testrunner.Failure{Outcome: testrunner.ErrorCode, ErrorCode: "DNS-timeout"}}},
		{Entry: e(4), Outcome: testrunner.Skipped},
		{Entry: e(5), Outcome: testrunner.Pass, Attempts: 1, Captures: []testrunner.Capture{{Name: "id", Value: int64(7)}}},
		{Entry: e(6), Outcome: testrunner.Pass, Attempts: 3, Notes: []string{"it took 3 attempts"}, Earlier: []testrunner.Attempt{
			{Outcome: testrunner.Mismatch, Problems: []testrunner.Problem{status}},
			{Outcome: testrunner.Trap,
				Problems: []testrunner.Problem{{Kind: testrunner.ProblemFailure, Title: "The guest trapped",
					Actual: "wasm trap: unreachable"}}},
		}},
	}}
	run := &Run{Started: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Summary: &testrunner.Summary{Duration: 2 * time.Second}}
	run.Files = []*testrunner.FileResult{file, {Path: "dir/bad.hurl", ParseErrors: errs}}
	for _, f := range run.Files {
		run.Summary.Count(f)
	}
	return run
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func TestPretty(t *testing.T) {
	p := &Pretty{Styles: plain{}, Rerun: func(path string) string { return "wasihttp test " + path + " --full" }}
	var b strings.Builder
	run := sample()
	for _, f := range run.Files {
		b.WriteString(p.File(f))
	}
	b.WriteString(p.Summary(run.Summary))
	golden(t, "pretty.txt", []byte(b.String()))
	p.Full = true
	if full := p.File(run.Files[0]); strings.Contains(full, "more lines") || strings.Count(full, "+ other") != 60 {
		t.Error("differences are not shown in full")
	}
}

func TestReports(t *testing.T) {
	run := sample()
	var junit, tap, json, github, markdown bytes.Buffer
	for _, err := range []error{Markdown(&markdown, run), JUnit(&junit, run), TAP(&tap, run), JSON(&json, run),
		GitHub(&github, run.Files[0], run.Files[0].Path),
		GitHub(&github, run.Files[1], "sub/"+run.Files[1].Path)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "junit.xml", junit.Bytes())
	golden(t, "tap.txt", tap.Bytes())
	golden(t, "report.json", json.Bytes())
	golden(t, "github.txt", github.Bytes())
	golden(t, "summary.md", markdown.Bytes())
	var any struct{ XMLName xml.Name }
	if err := xml.Unmarshal(junit.Bytes(), &any); err != nil {
		t.Errorf("the JUnit report is not XML: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "html")
	if err := HTML(dir, run); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "index.html", page)
}
