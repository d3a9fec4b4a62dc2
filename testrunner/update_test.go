package testrunner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
)

// updated runs a fixture, applies all updates and returns what it has become.
func updated(t *testing.T, text string, h *fakeHost) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.hurl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	files, _ := run(t, h, testrunner.Options{All: true}, []*testrunner.Source{testrunner.Read(path)})
	out, err := testrunner.Apply(path, files[0].File.Source, testrunner.Updates(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != string(out) {
		t.Errorf("the file holds %q, error %v", content, err)
	}
	return string(out)
}

func TestUpdateChangesWhatFailedAndNothingElse(t *testing.T) {
	tests := map[string]struct{ text, body, want string }{
		"status":  {"GET http://localhost/\n  HTTP   404   # c\n", "", "GET http://localhost/\n  HTTP   200   # c\n"},
		"version": {"GET http://localhost/\nHTTP/2 200\n", "", "GET http://localhost/\nHTTP/1.1 200\n"},
		"header":  {"GET http://localhost/\nHTTP 200\nA: x # c\nX-Is: here\n", "", "GET http://localhost/\nHTTP 200\nA: b\\#c # c\nX-Is: here\n"},
		"missing header": {"GET http://localhost/\nHTTP 200\nGone: x\nX-Is: here\n", "",
			"GET http://localhost/\nHTTP 200\nX-Is: here\n"},
		"trailer":     {"# @trailer T: x\nGET http://localhost/\nHTTP 200\n", "", "# @trailer T: y z\nGET http://localhost/\nHTTP 200\n"},
		"all at once": {"GET http://localhost/\nHTTP 404\nA: x\n[Asserts]\nbody == \"b\"\n`y`\n", "n", "GET http://localhost/\nHTTP 200\nA: b\\#c\n[Asserts]\nbody == \"n\"\n`n`\n"},
		"crlf": {"\ufeff# c\r\nGET http://localhost/\r\nHTTP 404 # d\r\n```\r\na\r\nb\r\n```\r\n# end", "a\r\nc\r\n",
			"\ufeff# c\r\nGET http://localhost/\r\nHTTP 200 # d\r\n```\r\na\r\nc\r\n```\r\n# end"},
		"notation":       {"GET http://localhost/\nHTTP 200\n```xml\n1\n```\n", "2\n", "GET http://localhost/\nHTTP 200\n```xml\n2\n```\n"},
		"other notation": {"GET http://localhost/\nHTTP 200\n```xml\n1\n```\n", "2", "GET http://localhost/\nHTTP 200\n`2`\n"},
		"text":           {"GET http://localhost/\nHTTP 200\n`old`\n# tail\n", "new", "GET http://localhost/\nHTTP 200\n`new`\n# tail\n"},
		"hex":            {"GET http://localhost/\nHTTP 200\nhex,00;\n", "\x01\x02", "GET http://localhost/\nHTTP 200\nhex,0102;\n"},
		"assert":         {"GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"a\" # c\nbody count == 1\n", "n\"{{x", "GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"n\\\"\\u{7b}{x\" # c\nbody count == 1\n"},
		"later entries": {"GET http://localhost/\nHTTP 404\n\nGET http://localhost/\nHTTP 500\n`a`\n", "b",
			"GET http://localhost/\nHTTP 200\n\nGET http://localhost/\nHTTP 200\n`b`\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := &fakeHost{answer: func(int, *testrunner.Request) *testrunner.Answer {
				a := text(200, tt.body, "a", "b#c", "x-is", "here")
				a.Trailers = fixture.Fields{{Name: "t", Value: "y z"}}
				return a
			}}
			if diff := cmp.Diff(tt.want, updated(t, tt.text, h)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTrapsAndSecretsAreNotMadeExpectations(t *testing.T) {
	h := &fakeHost{answer: func(int, *testrunner.Request) *testrunner.Answer { return failure(testrunner.Trap, "") }}
	files, _ := run(t, h, testrunner.Options{}, parse(t, get))
	if u := testrunner.Updates(files[0]); len(u) != 0 {
		t.Errorf("a trap allows %v", u)
	}
	h.answer = func(int, *testrunner.Request) *testrunner.Answer { return text(200, "hunter2") }
	files, _ = run(t, h, testrunner.Options{Secrets: []testrunner.Variable{{Name: "p", Value: "hunter2"}}}, parse(t, "GET http://localhost/\nHTTP 200\n`x`\n"))
	if u := testrunner.Updates(files[0]); len(u) != 0 {
		t.Errorf("a secret allows %+v", u[0].Problem.Edits)
	}
}

func TestUpdateRefusesAFileThatHasChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.hurl")
	if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := testrunner.Update{Problem: &testrunner.Problem{Edits: []hurl.Edit{{Text: "x"}}}}
	if _, err := testrunner.Apply(path, []byte("source"), []testrunner.Update{u}); err == nil {
		t.Error("no error")
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "other" {
		t.Errorf("the file holds %q, error %v", content, err)
	}
}
