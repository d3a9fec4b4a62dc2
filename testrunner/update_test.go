package testrunner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
		"status": {"GET http://localhost/\n  HTTP   404   # c\n", "",
			"GET http://localhost/\n  HTTP   200   # c\n"},
		"version": {"GET http://localhost/\nHTTP/2 200\n", "", "GET http://localhost/\nHTTP/1.1 200\n"},
		"header": {"GET http://localhost/\nHTTP 200\nA: x # c\nX-Is: here\n", "",
			"GET http://localhost/\nHTTP 200\nA: b\\#c # c\nX-Is: here\n"},
		"missing header": {"GET http://localhost/\nHTTP 200\nGone: x\nX-Is: here\n", "",
			"GET http://localhost/\nHTTP 200\nX-Is: here\n"},
		"trailer": {"# @trailer T: x\nGET http://localhost/\nHTTP 200\n", "",
			"# @trailer T: y z\nGET http://localhost/\nHTTP 200\n"},
		"all at once": {"GET http://localhost/\nHTTP 404\nA: x\n[Asserts]\nbody == \"b\"\n`y`\n",
			"n", "GET http://localhost/\nHTTP 200\nA: b\\#c\n[Asserts]\nbody == \"n\"\n`n`\n"},
		"crlf": {"\ufeff# c\r\nGET http://localhost/\r\nHTTP 404 # d\r\n```\r\na\r\nb\r\n```\r\n" +
			"# end", "a\r\nc\r\n",
			"\ufeff# c\r\nGET http://localhost/\r\nHTTP 200 # d\r\n```\r\na\r\nc\r\n```\r\n# end"},
		"notation": {"GET http://localhost/\nHTTP 200\n```xml\n1\n```\n", "2\n",
			"GET http://localhost/\nHTTP 200\n```xml\n2\n```\n"},
		"other notation": {"GET http://localhost/\nHTTP 200\n```xml\n1\n```\n", "2",
			"GET http://localhost/\nHTTP 200\n`2`\n"},
		"text": {"GET http://localhost/\nHTTP 200\n`old`\n# tail\n", "new",
			"GET http://localhost/\nHTTP 200\n`new`\n# tail\n"},
		"hex": {"GET http://localhost/\nHTTP 200\nhex,00;\n", "\x01\x02",
			"GET http://localhost/\nHTTP 200\nhex,0102;\n"},
		"assert": {"GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"a\" # c\n" +
			"body count == 1\n", "n\"{{x",
			"GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"n\\\"\\u{7b}{x\" # c\n" +
				"body count == 1\n"},
		"later entries": {"GET http://localhost/\nHTTP 404\n\nGET http://localhost/\nHTTP 500\n`a`\n", "b",
			"GET http://localhost/\nHTTP 200\n\nGET http://localhost/\nHTTP 200\n`b`\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
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

func TestUpdateKeepsPlaceholdersWhenWhiteSpaceDiffers(t *testing.T) {
	const head = "GET http://localhost/\n[Options]\nvariable: n=7\nvariable: s=x\nHTTP 200\n"
	for body, want := range map[string]string{
		"{\"a\": {{n}}, \"b\": \"{{s}}\"}\n":               "{\"a\":{{n}},\"b\":\"{{s}}\"}\n",
		"{\"a\": {{n}}, \"b\": \"y\"}\n":                   "{\"a\":{{n}},\"b\":\"x\"}\n",
		"```json\n{\"a\": {{n}}, \"b\": \"{{s}}\"}\n```\n": "```json\n{\"a\":{{n}},\"b\":\"{{s}}\"}```\n",
	} {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
			return text(200, `{"a":7,"b":"x"}`)
		}}
		if diff := cmp.Diff(head+want, updated(t, head+body, h)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTrapsAndSecretsAreNotMadeExpectations(t *testing.T) {
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return failure(testrunner.Trap, "") }}
	files, _ := run(t, h, testrunner.Options{}, parse(t, get))
	if u := testrunner.Updates(files[0]); len(u) != 0 {
		t.Errorf("a trap allows %v", u)
	}
	h.response = func(int, *testrunner.Request) *testrunner.Response { return text(200, "hunter2") }
	files, _ = run(t, h,
		testrunner.Options{All: true,
			Secrets: []testrunner.Variable{{Name: "p", Value: "hunter2"}}},
		parse(t, "GET http://localhost/\nHTTP 200\n`x`\n"))
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

func TestAnEntryThatExpectsNothingGetsWhatCame(t *testing.T) {
	secret := 0
	h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
		secret++
		switch r.Target {
		case "/token":
			return text(200, fmt.Sprintf(`{"access_token":"abcdef0123456789%08d", "n": 1}`, secret),
				"content-type", "application/json",
				"set-cookie", fmt.Sprintf("sid=abcdef0123456789%08d", secret), "date", "now")
		case "/empty":
			return text(204, "")
		case "/binary":
			return text(200, "\x00\x01\xff", "content-type", "image/png")
		case "/lines":
			return text(200, "a\nb\n", "x-a", "1 # 2")
		case "/trailers":
			a := text(200, "x")
			a.Trailers = fixture.Fields{{Name: "sum", Value: "1"}}
			return a
		}
		return text(200, "x", "content-type", "text/plain", "content-length", "1")
	}}
	tests := map[string]string{
		"GET http://localhost/": "GET http://localhost/\nHTTP 200\ncontent-type: text/plain\n`x`",
		"GET http://localhost/\r\n\r\n# end\r\n": "GET http://localhost/\r\nHTTP 200\r\n" +
			"content-type: text/plain\r\n`x`\r\n\r\n# end\r\n",
		"GET http://localhost/empty\n\nGET http://localhost/ # c\nHTTP 200\n": "GET http://localhost/empty\n" +
			"HTTP 204\n``\n\nGET http://localhost/ # c\nHTTP 200\n",
		"GET http://localhost/binary\n": "GET http://localhost/binary\nHTTP 200\n" +
			"content-type: image/png\nbase64,AAH/;\n",
		"GET http://localhost/lines\n": "GET http://localhost/lines\nHTTP 200\nx-a: 1 \\# 2\n" +
			"```\na\nb\n```\n",
		"HEAD http://localhost/\n": "HEAD http://localhost/\nHTTP 200\ncontent-type: text/plain\n",
		"# @ignore body\n# @ignore header content-type\nGET http://localhost/\n": "# @ignore body\n" +
			"# @ignore header content-type\nGET http://localhost/\nHTTP 200\n",
		"# c\nGET http://localhost/trailers\n": "# c\n# @trailer sum: 1\n" +
			"GET http://localhost/trailers\nHTTP 200\n`x`\n",
		"# @expect trap\nGET http://localhost/trap\n": "# @expect trap\nGET http://localhost/trap\n",
		"GET http://localhost/token\n": "# @ignore jsonpath $.access_token\n" +
			"GET http://localhost/token\nHTTP 200\ncontent-type: application/json\n" +
			"[Asserts]\nheader \"set-cookie\" exists\n{\"access_token\":\"REDACTED\", \"n\": 1}\n",
	}
	for source, want := range tests {
		got := updated(t, source, h)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", source, diff)
			continue
		}
		// It holds the next time, too, when secrets are others.
		files, _ := run(t, h, testrunner.Options{}, parse(t, got))
		if strings.Contains(outcomes(files), "mismatch") != strings.Contains(source, "@expect") {
			t.Errorf("%q becomes %q, which gives %s: %+v", source, got, outcomes(files),
				files[0].Results[0].Problems)
		}
	}
}

func TestWhatIsIgnoredStaysInTheFixture(t *testing.T) {
	const got = `{"id":"new","created_at":"2026","title":"y","list":[{"id":7,"v":1},{"id":8,"v":2}]}`
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
		return text(201, got, "location", "/new")
	}}
	head := "# @ignore jsonpath $..id\n# @ignore jsonpath $.created_at\n" +
		"# @ignore header location\nPOST http://localhost/todos\n"
	for before, after := range map[string]string{
		"{\"title\": \"x\", \"id\": \"1\", \"created_at\": \"2020\"}": "{\"title\": \"y\", \"id\": \"1\", " +
			"\"created_at\": \"2020\", \"list\": [{\"id\": 7, \"v\": 1}, {\"id\": 8, \"v\": 2}]}",
		"```json\n{\n  \"title\": \"{{t}}\",\n  \"list\": [],\n  \"id\": \"1\",\n" +
			"  \"created_at\": 0\n}\n```": "```json\n{\n  \"title\": \"{{t}}\",\n  \"list\": [\n" +
			"    {\n      \"id\": 7,\n      \"v\": 1\n    },\n    {\n      \"id\": 8,\n" +
			"      \"v\": 2\n    }\n  ],\n  \"id\": \"1\",\n  \"created_at\": 0\n}\n```",
		"`{\"id\":1,\"created_at\":\"2020\"}`": "`{\"id\":1,\"created_at\":\"2020\"," +
			"\"title\":\"y\",\"list\":[{\"id\":7,\"v\":1},{\"id\":8,\"v\":2}]}`",
	} {
		set := ""
		if strings.Contains(before, "{{t}}") {
			set = "[Options]\nvariable: t=y\n"
		}
		source := head + set + "HTTP 404\nLocation: /1\n" + before + "\n"
		want := head + set + "HTTP 201\nLocation: /1\n" + after + "\n"
		result := updated(t, source, h)
		if diff := cmp.Diff(want, result); diff != "" {
			t.Error(diff)
		}
		if files, _ := run(t, h, testrunner.Options{}, parse(t, result)); outcomes(files) != "pass" {
			t.Errorf("the fixture that was updated gives %s: %+v", outcomes(files),
				files[0].Results[0].Problems)
		}
	}
}
