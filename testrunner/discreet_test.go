package testrunner_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

// The server gets the tokens that it has given, the secrets that were given for it, and none of
// those that stand in the fixture or come from the component.
func TestAServerGetsTheTokensThatItHasGiven(t *testing.T) {
	const login = "POST http://localhost/login\n[Form]\nuser: ada\npassword: {{password}}\nHTTP 200\n[Captures]\n" +
		"token: jsonpath \"$.token\" redact\n\n" +
		"GET http://localhost/me?access_token={{token}}\nAuthorization: Bearer {{token}}\nHTTP 200\n\n" +
		"GET http://localhost/other?api_key=l1teral0l1teral0l1teral0&a=b\nAuthorization: Bearer l1teral1l1teral1l1teral1\n" +
		"X-Api-Key: {{key}}\nCookie: session=l1teral2l1teral2l1teral2; theme=dark\nHTTP 200\n"
	respond := func(side string) (token, cookie string) {
		return side + "t0kent0kent0ken/+", "session=" + side + "c00kiec00kiec00kie"
	}
	for _, all := range []bool{false, true} {
		var got []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = append(got, fmt.Sprintf("%s %s|%s|%s|%s|%s", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"),
				r.Header.Get("X-Api-Key"), r.Header.Get("Cookie"), body))
			if r.URL.Path == "/login" {
				token, cookie := respond("server")
				w.Header().Set("Set-Cookie", cookie)
				_, _ = io.WriteString(w, `{"token": "`+strings.ReplaceAll(token, "/", `\/`)+`"}`)
			}
		}))
		base, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
			token, cookie := respond("component")
			return text(200, `{"token": "`+token+`"}`, "Set-Cookie", cookie)
		}}
		var files []*testrunner.FileResult
		against := testrunner.Against(testrunner.Other{Server: testrunner.NewServer(base, nil), AllMethods: all})
		_, err = against(t.Context(), h, parse(t, login), &testrunner.Options{
			Secrets: []testrunner.Variable{{Name: "key", Value: "k3yk3yk3yk3yk3yk3y"}, {Name: "password", Value: "hunter2"}},
		}, func(f *testrunner.FileResult) { files = append(files, f) })
		server.Close()
		if err != nil {
			t.Fatal(err)
		}
		want, wantOutcomes := []string{
			"GET /other?api_key=REDACTED&a=b||k3yk3yk3yk3yk3yk3y||",
		}, "skipped skipped mismatch"
		if all {
			want, wantOutcomes = []string{
				"POST /login||||user=ada&password=hunter2",
				"GET /me?access_token=servert0kent0kent0ken/+|Bearer servert0kent0kent0ken/+||session=serverc00kiec00kiec00kie|",
				"GET /other?api_key=REDACTED&a=b||k3yk3yk3yk3yk3yk3y|session=serverc00kiec00kiec00kie|",
			}, "mismatch mismatch mismatch"
		}
		if !slices.Equal(got, want) || outcomes(files) != wantOutcomes {
			t.Errorf("all methods %v: outcomes %s, sent\n%s\nwant\n%s", all, outcomes(files), strings.Join(got, "\n"), strings.Join(want, "\n"))
			for _, r := range files[0].Results {
				t.Log(r.Problems, r.Notes)
			}
		}
		last := files[0].Results[2]
		if notes := strings.Join(last.Notes, "; "); !strings.Contains(notes, "not sent to the server: a secret in the URL, authorization, cookie") {
			t.Errorf("the notes are %s", notes)
		}
	}
}
