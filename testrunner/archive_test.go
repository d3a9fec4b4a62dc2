package testrunner_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/report"
)

// archive wraps entries into an HTTP Archive.
func archive(entries string) []byte {
	return []byte(`{"log": {"version": "1.2", "entries": [` + entries + `]}}`)
}

func TestArchivesSendWhatWasRecordedAndExpectNoOldSecrets(t *testing.T) {
	s := testrunner.Parse("a.har", archive(`{
		"request": {"method": "POST", "url": "http://h/a?token=secret1", "headers": [
			{"name": "Authorization", "value": "Bearer tok_0123456789abcdef"},
			{"name": "Cookie", "value": "sid=abc12345"},
			{"name": "Content-Type", "value": "application/json"}],
			"postData": {"mimeType": "application/json", "text": "{\"password\": \"swordfish\"}"}},
		"response": {"status": 200, "headers": [
			{"name": "Set-Cookie", "value": "sid=old"},
			{"name": "Content-Type", "value": "application/json"}],
			"content": {"text": "{\"access_token\": \"old\", \"n\": 1}"}}}`))
	var sent []string
	respond := func(body string) *fakeHost {
		return &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
			sent = append(sent, r.Target, string(r.Body))
			for _, f := range r.Headers {
				sent = append(sent, f.Value)
			}
			return text(200, body, "content-type", "application/json", "set-cookie", "sid=new")
		}}
	}
	sources := []*testrunner.Source{s}
	files, _ := run(t, respond(`{"access_token": "new", "n": 1}`), testrunner.Options{}, sources)
	if got := outcomes(files); got != "pass" {
		t.Errorf("outcomes %s: %+v", got, files[0].Results[0].Problems)
	}
	all := strings.Join(sent, "\n")
	for _, want := range []string{
		"token=secret1", "Bearer tok_0123456789abcdef", "sid=abc12345", `{"password": "swordfish"}`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q was not sent, but\n%s", want, all)
		}
	}
	files, _ = run(t, respond(`{"access_token": "new", "n": 2}`), testrunner.Options{}, sources)
	if got := outcomes(files); got != "mismatch" {
		t.Errorf("outcomes %s, want mismatch", got)
	}
}

func TestUnsteadyPathsAreUnderstood(t *testing.T) {
	body := func(token string) string {
		return strings.ReplaceAll(`{"it's": [{"a \"b\\": {"token": "$", "é.[0]": {"id_token": "$"}}}]}`,
			"$", token)
	}
	s := testrunner.Parse("a.har", archive(fmt.Sprintf(`{
		"request": {"method": "GET", "url": "http://h/"},
		"response": {"status": 200, "content": {"text": %q}}}`, body("old"))))
	for _, err := range s.Errors {
		t.Fatal(err.Render())
	}
	h := &fakeHost{reusable: true, response: func(int, *testrunner.Request) *testrunner.Response {
		return text(200, body("new"))
	}}
	files, _ := run(t, h, testrunner.Options{}, []*testrunner.Source{s})
	if got := outcomes(files); got != "pass" {
		t.Errorf("outcomes %s: %+v", got, files[0].Results[0].Problems)
	}
}

// unanswered is an entry without a response.
const unanswered = `{"request": {"method": "GET", "url": "http://h/x"}}, `

func TestPlacesInArchivesAreNumbersOfEntries(t *testing.T) {
	const entry = `{"request": {"method": "GET", "url": "http://h/a"},
		"response": {"status": 200, "headers": [{"name": "X-A", "value": "b"}],
		"content": {"text": "b"}}}`
	s := testrunner.Parse(filepath.Join("d", "a.har"), archive(unanswered+entry+", "+unanswered+entry))
	h := &fakeHost{reusable: true, response: func(n int, _ *testrunner.Request) *testrunner.Response {
		if n == 1 {
			return text(404, "c")
		}
		return text(200, "c")
	}}
	files, summary := run(t, h, testrunner.Options{}, []*testrunner.Source{s})
	var at []string
	for i := range files[0].Results {
		r := &files[0].Results[i]
		at = append(at, fmt.Sprint(r.Entry.Index, " ", r.Entry.Range.Start.In(s.Path)))
		for _, p := range r.Problems {
			if p.Range != (hurl.Range{Start: r.Entry.Range.Start, End: r.Entry.Range.End}) {
				t.Errorf("%s is at %+v", p.Title, p.Range)
			}
		}
	}
	path := filepath.Join("d", "a.har")
	want := []string{"2 " + path + " entry 2", "4 " + path + " entry 4"}
	if fmt.Sprint(at) != fmt.Sprint(want) {
		t.Errorf("entries %q, want %q", at, want)
	}
	var all strings.Builder
	r := &report.Run{Files: files, Summary: summary}
	all.WriteString(report.Text(s.Path, &files[0].Results[1]))
	if err := report.GitHub(&all, files[0], s.Path); err != nil {
		t.Fatal(err)
	}
	if err := report.TAP(&all, r); err != nil {
		t.Fatal(err)
	}
	if text := all.String(); strings.Contains(text, "a.har:") || strings.Contains(text, "line=") ||
		strings.Count(text, "entry 4") < 3 {
		t.Errorf("reports\n%s", text)
	}
}

func TestNotesAboutArchivesAreFew(t *testing.T) {
	s := testrunner.Parse("a.har", archive(strings.Repeat(unanswered, 90)+`{
		"request": {"method": "GET", "url": "http://h/a"},
		"response": {"status": 200, "content": {"size": 0}}}`))
	want := "left out 90 of 91 entries: it has no response (90: entry 1 GET http://h/x, " +
		"entry 2 GET http://h/x, entry 3 GET http://h/x, …)"
	if len(s.Notes) != 1 || s.Notes[0] != want || s.Err != nil {
		t.Errorf("error %v, notes %q, want %q", s.Err, s.Notes, want)
	}
	s = testrunner.Parse("a.har", archive(strings.TrimSuffix(strings.Repeat(unanswered, 2), ", ")))
	want = "a.har: no entry can be run: left out 2 of 2 entries: "
	if len(s.Errors) != 1 || !strings.HasPrefix(s.Errors[0].Render(), want) || len(s.Notes) > 0 {
		t.Errorf("errors %v, want %q; notes %q", s.Errors, want, s.Notes)
	}
}

func TestBrokenArchivesAreUnreadable(t *testing.T) {
	for in, want := range map[string]string{
		"{\n]": "a.har:2:1: expected JSON: invalid character ']' looking for beginning of " +
			"object key string\n",
		"{}":         "a.har: expected an HTTP Archive: an object with the member \"log\"\n",
		"PK\x03\x04": "a.har: is not a readable zip file: zip: not a valid zip file\n",
	} {
		s := testrunner.Parse("a.har", []byte(in))
		files, summary := run(t, &fakeHost{}, testrunner.Options{}, []*testrunner.Source{s})
		if len(files[0].ParseErrors) != 1 || files[0].ParseErrors[0].Render() != want {
			t.Errorf("%q: errors %v, want %q", in, files[0].ParseErrors, want)
		}
		if summary.Verdict() != testrunner.Unreadable {
			t.Errorf("%q: verdict %v", in, summary.Verdict())
		}
	}
}
