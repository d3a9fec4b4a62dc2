package testrunner_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestCookiesAreKeptForAFile(t *testing.T) {
	var sent []string
	h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response {
		sent = append(sent, r.Headers.Get("Cookie"))
		switch r.Target {
		case "/set":
			return text(200, "", "Set-Cookie", "a=1; Path=/", "Set-Cookie", "long=2; Path=/deep", "Set-Cookie", "foreign=3; Domain=example.org")
		case "/gone":
			return text(200, "", "Set-Cookie", "a=; Path=/; Max-Age=0")
		}
		return text(200, "")
	}}
	entry := func(path string) string { return "GET http://localhost" + path + "\n" }
	run(t, h, testrunner.Options{}, parse(t,
		entry("/set")+entry("/x")+entry("/deep/x")+entry("/deeper")+"GET http://localhost/x\n[Cookies]\nc: d\n"+entry("/gone")+entry("/x")+
			"# @cookie_storage_set: localhost\tFALSE\t/\tFALSE\t0\tn\tv\n"+entry("/x")+"# @cookie_storage_clear\n"+entry("/deep/x"),
		entry("/x")))
	want := []string{"", "a=1", "long=2; a=1", "a=1", "a=1; c=d", "a=1", "", "n=v", "", ""}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
}

func TestRedirectsAreFollowedOnlyWhenAsked(t *testing.T) {
	var sent []string
	h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response {
		sent = append(sent, fmt.Sprintf("%s %s %q", r.Method, r.Target, r.Body))
		switch r.Target {
		case "/303":
			return text(303, "", "Location", "/end?a")
		case "/307":
			return text(307, "", "Location", "end")
		case "/loop":
			return text(302, "", "Location", "/loop")
		case "/away":
			return text(302, "", "Location", "https://example.org/")
		}
		return text(200, "end")
	}}
	files, _ := run(t, h, testrunner.Options{}, parse(t, strings.Join([]string{
		"POST http://localhost/303\n`x`\nHTTP 303\n[Asserts]\nredirects count == 0\n",
		"POST http://localhost/303\n[Options]\nlocation: true\n`x`\nHTTP 200\n[Asserts]\n" +
			"redirects count == 1\nredirects nth 0 location == \"http://localhost/end?a\"\n" +
			"url == \"http://localhost/end?a\"\n",
		"POST http://localhost/307\n[Options]\nlocation: true\n`x`\nHTTP 200\n",
		"GET http://localhost/loop\n[Options]\nlocation: true\nmax-redirs: 2\nHTTP 200\n",
		"GET http://localhost/away\n[Options]\nlocation: true\nHTTP 200\n",
	}, "\n")))
	if got, want := outcomes(files), "pass pass pass error error"; got != want {
		t.Errorf("outcomes %s, want %s: %+v", got, want, files[0].Results)
	}
	want := []string{`POST /303 "x"`, `POST /303 "x"`, `GET /end?a ""`, `POST /307 "x"`, `POST /end "x"`,
		`GET /loop ""`, `GET /loop ""`, `GET /loop ""`, `GET /away ""`}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
}

func TestIgnoredPartsAreNotCompared(t *testing.T) {
	const body = `{"id": 7, "list": [{"t": 1, "v": "a"}]}`
	tests := []struct {
		directives, expected string
		want                 testrunner.Outcome
	}{
		{"", "X: 1\n", testrunner.Mismatch},
		{"# @ignore header x\n", "X: 1\n", testrunner.Pass},
		{"# @ignore body\n", "`other`\n", testrunner.Pass},
		{"", "{\"id\": 7,  \"list\": [{\"t\": 1, \"v\": \"a\"}]}\n", testrunner.Mismatch},
		{"# @ignore jsonpath $.id\n", "{\"list\": [{\"v\": \"a\", \"t\": 1}], \"id\": 0}\n", testrunner.Pass},
		{"# @ignore jsonpath $.id\n", "{\"list\": [{\"v\": \"a\", \"t\": 1}]}\n", testrunner.Mismatch},
		{"# @ignore jsonpath $.id\n", "{\"id\": 1, \"list\": []}\n", testrunner.Mismatch},
		{"# @ignore jsonpath $.list[*].t\n# @ignore jsonpath $['id']\n", "{\"id\": 1, \"list\": [{\"t\": 9, \"v\": \"a\"}]}\n", testrunner.Pass},
		{"# @ignore jsonpath $.list[?@.v=='a']\n", "{\"id\": 7, \"list\": [{\"v\": \"a\"}]}\n", testrunner.Pass},
		{"# @ignore jsonpath $.list[*]\n", "{\"id\": 7, \"list\": [1, 2]}\n", testrunner.Mismatch},
		{"# @ignore jsonpath $\n", "[]\n", testrunner.Pass},
		{"# @ignore jsonpath $..*\n", "{\"id\": 0, \"list\": 0}\n", testrunner.Pass},
		{"# @ignore jsonpath $.a-b\n", "{\"id\": 7, \"list\": [{\"t\": 1, \"v\": \"a\"}]}\n", testrunner.Error},
		{"# @ignore jsonpath $..t\n# @ignore jsonpath $.id\n", "{\"id\": 1, \"list\": [{\"t\": 9, \"v\": \"a\"}]}\n", testrunner.Pass},
	}
	for _, tt := range tests {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(200, body, "x", "2") }}
		files, _ := run(t, h, testrunner.Options{}, parse(t, tt.directives+"GET http://localhost/\nHTTP 200\n"+tt.expected))
		if got := files[0].Results[0].Outcome; got != tt.want {
			t.Errorf("%q with %q: %s, want %s: %+v", tt.directives, tt.expected, got, tt.want, files[0].Results[0].Problems)
		}
	}
}

func TestRepeatedHeadersAreComparedInOrder(t *testing.T) {
	tests := []struct {
		expected string
		want     testrunner.Outcome
	}{
		{"V: 1\n", testrunner.Pass},
		{"V: 2\n", testrunner.Pass},
		{"V: 1\nv: 2\n", testrunner.Pass},
		{"V: 2\nv: 1\n", testrunner.Mismatch},
		{"V: 3\n", testrunner.Mismatch},
	}
	for _, tt := range tests {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(200, "", "V", "1", "V", "2") }}
		files, _ := run(t, h, testrunner.Options{}, parse(t, "GET http://localhost/\nHTTP 200\n"+tt.expected))
		if got := files[0].Results[0].Outcome; got != tt.want {
			t.Errorf("%q: %s, want %s", tt.expected, got, tt.want)
		}
	}
}

func TestCredentialsInAURLAreSentOrReported(t *testing.T) {
	const dropped = "user name and password of the URL are not sent"
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, tt := range map[string]struct{ entry, auth, note string }{
		"both":                  {"GET http://u:p@localhost/\n", basic("u:p"), ""},
		"encoded":               {"GET http://u%3A:p%40p@localhost/\n", basic("u::p@p"), ""},
		"a percent sign":        {"GET http://100%:%zz%@localhost/\n", basic("100%:%zz%"), ""},
		"a name alone":          {"GET http://u@localhost/\n", basic("u:"), ""},
		"the entry's own":       {"GET http://u:p@localhost/\nAuthorization: Bearer x\n", "Bearer x", dropped},
		"the section's":         {"GET http://u:p@localhost/\n[BasicAuth]\na: b\n", basic("a:b"), dropped},
		"the option's":          {"GET http://u:p@localhost/\n[Options]\nuser: a:b\n", basic("a:b"), dropped},
		"the option's, no name": {"GET http://localhost/\n[Options]\nuser: a\n", basic("a:"), ""},
		"none":                  {"GET http://localhost/\n", "", ""},
		"in Location": {"GET http://localhost/away\n[Options]\nlocation: true\n", "",
			"user name and password of the URL in Location are not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			auth := ""
			h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response {
				auth = r.Headers.Get("Authorization")
				if r.Target == "/away" {
					return text(302, "", "Location", "http://x:y@localhost/end")
				}
				return text(200, "")
			}}
			files, _ := run(t, h, testrunner.Options{}, parse(t, tt.entry+"HTTP *\n"))
			r := files[0].Results[0]
			if auth != tt.auth || r.Outcome != testrunner.Pass {
				t.Errorf("got %q, %s, want %q: %+v", auth, r.Outcome, tt.auth, r.Problems)
			}
			notes := strings.Join(r.Notes, "\n")
			if !strings.Contains(notes, tt.note) || (tt.note == "") != (notes == "") {
				t.Errorf("got notes %q, want %q", notes, tt.note)
			}
		})
	}
}
