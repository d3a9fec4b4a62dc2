package testrunner_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestWhatMovesIsIgnoredFromThenOn(t *testing.T) {
	t.Chdir(t.TempDir())
	h := &memoryHost{handle: func(before []string, r *testrunner.Request) *testrunner.Response {
		n := strconv.Itoa(len(before))
		switch r.Target {
		case "/json":
			return text(200, `{"id": `+strconv.FormatUint(*r.Seed, 10)+`, "list": [{"at": "`+
				r.Clock.Format(time.RFC3339Nano)+`"}, {"at": "`+r.Clock.String()+`"}], "same": 1}`, "X-N", n, "X-Other", n)
		case "/text":
			return text(200, "the "+n+"th")
		}
		return text(200, "same")
	}}
	const fixtures = "GET http://localhost/json\nHTTP 200\nX-N: 0\n{\"id\": 1, \"list\": [{\"at\": \"\"}, {\"at\": \"\"}], \"same\": 1}\n\n" +
		"# about it\nGET http://localhost/text\nHTTP 200\n`the 1th`\n\nGET http://localhost/json\nHTTP 200\n\n" +
		"GET http://localhost/same\nHTTP 200\n`same`\n"
	if err := os.WriteFile("a.hurl", []byte(fixtures), 0o600); err != nil {
		t.Fatal(err)
	}
	learn := func() (said []string, f *testrunner.FileResult) {
		_, err := testrunner.Learn(t.Context(), h, []*testrunner.Source{testrunner.Read("a.hurl")},
			&testrunner.Options{}, func(r *testrunner.FileResult) { f = r })
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Results {
			for _, p := range r.Problems {
				said = append(said, p.Title)
			}
		}
		return said, f
	}
	said, f := learn()
	if got := strings.Join(said, ", "); got != "Header x-n moves, Body moves, Body moves" {
		t.Errorf("got %s", got)
	}
	out, err := testrunner.Apply("a.hurl", f.File.Source, testrunner.Updates(f))
	if err != nil {
		t.Fatal(err)
	}
	want := "# @ignore header x-n\n# @ignore jsonpath $.id\n# @ignore jsonpath $.list[*].at\n" +
		strings.Replace(fixtures, "# about it\n", "# about it\n# @ignore text /(?m)^the [0-9A-Za-z]+$/\n", 1)
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if said, _ := learn(); len(said) > 0 {
		t.Errorf("after that, %v", said)
	}
}

func TestOneComponentIsComparedWithAnother(t *testing.T) {
	h := &fakeHost{reusable: true}
	other := false
	h.response = func(_ int, r *testrunner.Request) *testrunner.Response {
		if r.Target == "/b" && h.opened[len(h.opened)-1].Component == "new.wasm" {
			other = true
			return text(404, "none")
		}
		return text(200, "same")
	}
	var files []*testrunner.FileResult
	against := testrunner.Against(testrunner.Other{Component: "new.wasm"})
	summary, err := against(t.Context(), h, parse(t, threePlain), &testrunner.Options{Component: "old.wasm"},
		func(f *testrunner.FileResult) { files = append(files, f) })
	if err != nil || !other || outcomes(files) != "pass mismatch pass" || summary.Verdict() != testrunner.Mismatches {
		t.Errorf("got %s, %v", outcomes(files), err)
	}
}

func TestAServerGetsOnlyWhatIsSafe(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+r.Header.Get("X-Api-Key")+string(body))
		w.Header().Set("X-Wasihttp-Build", "93fa5b38") // the server may be another one of ours
		_, _ = io.WriteString(w, "same")
	}))
	defer server.Close()
	base, err := url.Parse(server.URL + "/v1/")
	if err != nil {
		t.Fatal(err)
	}
	const texts = "GET http://localhost/a?b=c\nAuthorization: Bearer abc\n\nPOST http://localhost/b\n`x`\n\n" +
		"GET http://localhost/c\nX-Api-Key: {{key}}\n"
	for _, tt := range []struct {
		all                 bool
		sent, wantsOutcomes string
	}{
		{false, "GET /v1/a?b=c ; GET /v1/c k3y", "pass skipped pass"},
		{true, "GET /v1/a?b=c ; POST /v1/b x; GET /v1/c k3y", "pass pass pass"},
	} {
		got = nil
		h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
			return text(200, "same", "Content-Type", "text/plain; charset=utf-8")
		}}
		var files []*testrunner.FileResult
		against := testrunner.Against(testrunner.Other{Server: testrunner.NewServer(base, nil), AllMethods: tt.all})
		_, err := against(t.Context(), h, parse(t, texts), &testrunner.Options{
			Secrets: []testrunner.Variable{{Name: "key", Value: "k3y"}},
		}, func(f *testrunner.FileResult) { files = append(files, f) })
		if err != nil || strings.Join(got, "; ") != tt.sent || outcomes(files) != tt.wantsOutcomes {
			t.Errorf("sent %q, outcomes %s, %v", got, outcomes(files), err)
			for _, f := range files {
				for _, r := range f.Results {
					t.Log(r.Problems, r.Notes)
				}
			}
		}
	}
}
