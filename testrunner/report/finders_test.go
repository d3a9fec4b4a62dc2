package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
)

// foundRun is a run of a finder.
func foundRun() *Run {
	entry := &hurl.Entry{Index: 1, Request: &hurl.Request{Method: "GET"}}
	entry.Request.URL.Parts = []hurl.Part{{Text: "http://localhost/a|b"}}
	entry.Range.Start = hurl.Pos{Line: 3, Col: 1}
	before := &testrunner.Place{Path: "a.hurl", Pos: hurl.Pos{Line: 1}, Name: "GET http://localhost/"}
	f := &testrunner.FileResult{Path: "a.hurl", Results: []testrunner.Result{{
		Entry: entry, Outcome: testrunner.Fault, Attempts: 1,
		Problems: []testrunner.Problem{
			{Kind: testrunner.ProblemLeak, Title: "Leak", After: before},
			{Kind: testrunner.ProblemBody, Title: "Body moves", Ignore: []string{"jsonpath $.id"}},
		},
		Faults: []testrunner.FaultResult{
			{Upstream: "GET http://x.test/1", Place: "u:1", Fault: "refused", Survival: testrunner.Survived},
			{Upstream: "GET http://x.test/1", Place: "u:1", Fault: "tls", Survival: testrunner.NotTried},
			{Upstream: "GET http://x.test/2", Place: "u:5", Fault: "refused", Survival: testrunner.Failed},
		},
	}}}
	run := &Run{Started: time.Unix(1, 0).UTC(), Summary: &testrunner.Summary{},
		Files: []*testrunner.FileResult{f}}
	run.Summary.Count(f)
	return run
}

// The names in the JSON report are those of docs/test.md.
func TestWhatAFinderFoundIsInEachReport(t *testing.T) {
	run := foundRun()
	all := written(t, run)
	var parsed struct {
		Files []struct{ Entries []map[string]any }
	}
	if err := json.Unmarshal([]byte(all["JSON"]), &parsed); err != nil {
		t.Fatal(err)
	}
	entry := parsed.Files[0].Entries[0]
	fault := func(upstream, place, fault, result string) any {
		return map[string]any{
			"upstream": upstream, "place": place, "fault": fault, "result": result,
		}
	}
	want := map[string]any{
		"faults": []any{
			fault("GET http://x.test/1", "u:1", "refused", "survived"),
			fault("GET http://x.test/1", "u:1", "tls", "not-tried"),
			fault("GET http://x.test/2", "u:5", "refused", "failed"),
		},
		"problems": []any{
			map[string]any{"kind": "leak", "title": "Leak", "after": map[string]any{
				"path": "a.hurl", "line": 1.0, "name": "GET http://localhost/",
			}},
			map[string]any{"kind": "body", "title": "Body moves", "ignore": []any{"jsonpath $.id"}},
		},
	}
	for name := range want {
		if diff := cmp.Diff(want[name], entry[name]); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
	all["terminal"] = reportPretty(htmlStyles{}).Summary(run.Summary)
	for name, want := range map[string][]string{
		"HTML": {
			`<th scope="col">refused</th><th scope="col">tls</th>`,
			`<td class="good">ok</td><td class="dim">-</td>`,
			`<td class="bad">FAILS</td><td class="dim">-</td>`,
		},
		"Markdown": {
			"| request | upstream | refused | tls |\n| --- | --- | --- | --- |\n" +
				"| GET http://localhost/a&#124;b (a.hurl:3) | GET http://x.test/1 (u:1) | ok | - |\n" +
				"| GET http://localhost/a&#124;b (a.hurl:3) | GET http://x.test/2 (u:5) | FAILS | - |\n",
		},
		"JUnit":    {"Leak", "# @ignore jsonpath $.id"},
		"TAP":      {"Leak", "# @ignore jsonpath $.id"},
		"terminal": {"request", "FAILS"},
	} {
		for _, w := range want {
			if !strings.Contains(all[name], w) {
				t.Errorf("%s has no %s:\n%s", name, w, all[name])
			}
		}
	}
	again, err := Parse([]byte(all["JSON"]))
	if err != nil {
		t.Fatal(err)
	}
	again.Files[0].Started = run.Files[0].Started
	if diff := cmp.Diff(all["HTML"], written(t, again)["HTML"]); diff != "" {
		t.Errorf("read again: %s", diff)
	}
}
