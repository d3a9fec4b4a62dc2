package testrunner_test

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
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
		return &fakeHost{reusable: true, answer: func(_ int, r *testrunner.Request) *testrunner.Answer {
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
