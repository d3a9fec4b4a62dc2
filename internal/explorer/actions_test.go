package explorer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/timeline"
)

func TestRequestsAreSentAgain(t *testing.T) {
	r := start(t, echo, nil)
	r.do("POST", "/a?token=abcDEF0123456789", "the body", "Content-Type: text/plain", "Authorization: Bearer abcDEF0123456789", "X-A: 1")
	send := func(body string) *Detail {
		t.Helper()
		var sent struct{ Seq uint64 }
		r.api(200, "POST", "requests/1/send", body, &sent)
		r.await(fmt.Sprintf("-is:running id:%d", sent.Seq), 1)
		var d Detail
		r.api(200, "GET", fmt.Sprintf("requests/%d?reveal=1", sent.Seq), "", &d)
		if d.SentAgainFrom != 1 || d.Outcome != "ok" {
			t.Errorf("%s: got %+v", body, d)
		}
		return &d
	}
	if d := send(""); d.Method != "POST" || d.Target != "/a?token=abcDEF0123456789" || d.Request.Body.Text != "the body" ||
		d.Response.Body.Text != "the body" || !slices.Contains(d.Request.Headers, Header{"X-A", "1", false}) {
		t.Errorf("as it was: %+v", d)
	}
	d := send(`{"method": "PUT", "target": "/b", "body": "new", "headers": [
		{"name": "x-b", "value": "2"}, {"name": "Authorization", "value": "", "secret": true}]}`)
	if d.Method != "PUT" || d.Target != "/b" || d.Request.Body.Text != "new" ||
		!slices.Contains(d.Request.Headers, Header{"Authorization", "Bearer abcDEF0123456789", true}) ||
		!slices.Contains(d.Request.Headers, Header{"X-B", "2", false}) ||
		slices.ContainsFunc(d.Request.Headers, func(h Header) bool { return h.Name == "X-A" }) {
		t.Errorf("changed: %+v", d)
	}
	if d := send(`{"bodyBase64": "AAEC"}`); d.Request.Body.Size != 3 || d.Request.Body.Kind != "text" && d.Request.Body.Kind != "binary" {
		t.Errorf("with bytes: %+v", d.Request.Body)
	}
	if d := send(`{"method": "GET", "body": ""}`); d.Request.Body.Size != 0 {
		t.Errorf("without a body: %+v", d.Request.Body)
	}
	for _, bad := range []string{
		"{", "[]", `{"unknown": 1}`, `{} {}`, `{"target": "no path"}`, `{"target": "/a#b"}`, `{"target": ""}`, `{"method": "A B"}`, `{"method": ""}`,
		`{"headers": [{"name": "a b", "value": ""}]}`, `{"headers": [{"name": "a", "value": "x\r\ny: z"}]}`, `{"bodyBase64": "?"}`,
		`{"body": "a", "bodyBase64": "YQ=="}`, `{"method": 1}`, `{"headers": {"a": "b"}}`,
	} {
		// A message names the member, and nothing of this program's.
		for _, own := range []string{"Go ", "explorer.", "json:"} {
			if text := r.api(400, "POST", "requests/1/send", bad, nil); strings.Contains(text, own) {
				t.Errorf("%s: %s has %q", bad, text, own)
			}
		}
	}
	r.api(404, "POST", "requests/99/send", "", nil)
	r.do("POST", "/long", strings.Repeat("x", maxBody+1))
	long := r.await("path:/long", 1)[0].Seq
	r.api(409, "POST", fmt.Sprintf("requests/%d/send", long), "", nil)
	r.api(200, "POST", fmt.Sprintf("requests/%d/send", long), `{"body": "short"}`, nil)
}

// TestRequestsWithoutABodyAreWhole sends one over HTTP/2, whose body the program does not read.
func TestRequestsWithoutABodyAreWhole(t *testing.T) {
	r := start(t, func(context.Context, string, *http.Request) (*http.Response, error) {
		return reply(200, "text/plain", "here"), nil
	}, nil)
	over := &http.Transport{Protocols: new(http.Protocols)}
	over.Protocols.SetUnencryptedHTTP2(true)
	defer over.CloseIdleConnections()
	q, err := http.NewRequestWithContext(t.Context(), "GET", r.base+"/two", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := over.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, resp.Body) // to the end, or it counts as left
	resp.Body.Close()
	if err != nil || resp.ProtoMajor != 2 {
		t.Fatalf("got %s, %v", resp.Proto, err)
	}
	r.await("path:/two -is:running", 1)
	var command struct{ Curl, Note string }
	r.api(200, "GET", "requests/1/curl", "", &command)
	if strings.Contains(command.Curl, "--data") || command.Note != "" {
		t.Errorf("got %+v", command)
	}
	r.api(200, "POST", "requests/1/send", "", nil)
	r.api(200, "POST", "requests/1/fixture", "", nil)
}

func TestRequestsAreSavedAsFixtures(t *testing.T) {
	r := start(t, func(ctx context.Context, id string, q *http.Request) (*http.Response, error) {
		if q.URL.Path == "/upstream" {
			line := timeline.From(ctx)
			x := line.Send("GET", "http://a.example/data", func() []timeline.Field { return nil })
			x.Responded(200, func() []timeline.Field { return nil })
			x.Received([]byte("from there"))
			x.Over("")
			line.Send("GET", "http://b.example/", func() []timeline.Field { return nil }).Over("DNS-error: no such host")
		}
		if q.URL.Path == "/random" {
			timeline.From(ctx).Draw()
		}
		return echo(ctx, id, q)
	}, nil)
	r.do("POST", "/upstream", "text", "Content-Type: text/plain", "Authorization: Bearer abcDEF0123456789")
	var saved record.Saved
	r.api(200, "POST", "requests/1/fixture", "", &saved)
	b, err := os.ReadFile(saved.File)
	text := string(b)
	if err != nil || saved.Entries != 1 || strings.Contains(text, "abcDEF") || !strings.Contains(text, "# @clock ") ||
		!strings.Contains(text, "POST "+r.base+"/upstream") || !strings.Contains(text, "HTTP 200") {
		t.Errorf("got %+v, %v:\n%s", saved, err, text)
	}
	b, err = os.ReadFile(saved.Upstream)
	if text = string(b); err != nil || !strings.Contains(text, "GET http://a.example/data") ||
		!strings.Contains(text, "from there") || !strings.Contains(text, "@fail dns") {
		t.Errorf("%v:\n%s", err, text)
	}
	var again record.Saved
	if r.api(200, "POST", "requests/1/fixture", "{}", &again); again.File == saved.File {
		t.Errorf("%s is replaced", saved.File)
	}
	if r.api(200, "POST", "requests/1/fixture", `{"file": "mine.hurl"}`, &again); filepath.Base(again.File) != "mine.hurl" {
		t.Errorf("got %+v", again)
	}
	r.api(409, "POST", "requests/1/fixture", `{"file": "mine.hurl"}`, nil)
	for _, name := range []string{"../a.hurl", "/tmp/a.hurl", "a", "a/b.hurl", ".hurl", "a.upstream.hurl", `a\b.hurl`, "a:b.hurl", "..hurl"} {
		body, err := json.Marshal(map[string]string{"file": name})
		if err != nil {
			t.Fatal(err)
		}
		r.api(400, "POST", "requests/1/fixture", string(body), nil)
	}
	r.do("POST", "/long", strings.Repeat("x", maxBody+1))
	r.api(409, "POST", "requests/2/fixture", "", nil)
	r.do("GET", "/trap", "")
	r.api(200, "POST", "requests/3/fixture", "", &saved)
	if b, err := os.ReadFile(saved.File); err != nil || !strings.Contains(string(b), "@expect trap") {
		t.Errorf("%v:\n%s", err, b)
	}
	if len(saved.Warnings) != 0 {
		t.Errorf("the warnings are %q", saved.Warnings)
	}
	r.do("GET", "/random", "")
	r.api(200, "POST", "requests/4/fixture", "", &saved)
	if !slices.ContainsFunc(saved.Warnings, func(w string) bool { return strings.Contains(w, "--record") }) {
		t.Errorf("random numbers are not mentioned: %q", saved.Warnings)
	}
}

func TestOnlyTheSameOriginChangesSomething(t *testing.T) {
	r := start(t, echo, nil)
	r.do("GET", "/a", "")
	for _, request := range []string{"POST requests/1/send", "POST requests/1/fixture", "POST clear", "DELETE requests"} {
		method, path, _ := strings.Cut(request, " ")
		for _, fields := range [][]string{
			{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: http://evil.example"}, {"Origin: null"},
		} {
			status, text := r.do(method, apiPrefix+path, "", append(fields, TokenHeader+": "+r.token)...)
			if status != 403 || !strings.Contains(text, `"error"`) {
				t.Errorf("%s with %v: got %d %s", request, fields, status, text)
			}
		}
		if status, _ := r.do(method, apiPrefix+path, ""); status != 401 {
			t.Errorf("%s without a token: got %d", request, status)
		}
	}
	r.await("path:/a", 1)
	status, _ := r.do("POST", apiPrefix+"clear", "", TokenHeader+": "+r.token, "Sec-Fetch-Site: same-origin", "Origin: "+r.base)
	if status != 204 {
		t.Errorf("from the page: got %d", status)
	}
	// A preflight is granted nothing.
	q, err := http.NewRequestWithContext(t.Context(), "OPTIONS", r.base+apiPrefix+"clear", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Origin", "http://evil.example")
	resp, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("a preflight gets %s", name)
		}
	}
}

func TestResponsesAreCompared(t *testing.T) {
	r := start(t, echo, nil)
	r.do("POST", "/a", "one")
	r.do("POST", "/a", "one")
	r.do("POST", "/a", "two")
	for query, want := range map[string]bool{"a=1&b=2": true, "a=1&b=3": false, "a=2&b=2": true} {
		var c Comparison
		if text := r.api(200, "GET", "compare?"+query, "", &c); c.Same != want || !strings.Contains(text, `"differences":[]`) {
			t.Errorf("%s: got %s", query, text)
		}
	}
	r.api(404, "GET", "compare?a=1&b=99", "", nil)
	for _, missing := range []string{"compare", "compare?a=1", "compare?b=1"} {
		r.api(400, "GET", missing, "", nil)
	}
}
