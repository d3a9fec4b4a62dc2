package explorer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

// handlerFunc is a program.
type handlerFunc func(ctx context.Context, id string, r *http.Request) (*http.Response, error)

func (f handlerFunc) Handle(
	ctx context.Context, id string, r *http.Request,
) (*http.Response, error) {
	return f(ctx, id, r)
}

// reply returns a response.
func reply(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// running is a server with an explorer.
type running struct {
	*Explorer
	t      *testing.T
	base   string
	client *http.Client
	end    func()
}

// start serves a program until the test ends.
func start(t *testing.T, program handlerFunc, change func(*Options, *serve.Options)) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	o := Options{
		Address: base + "/", Record: record.Options{Dir: filepath.Join(t.TempDir(), "fixtures")},
		Compare: func(a, b Compared) Comparison { return Comparison{Same: bytes.Equal(a.Body, b.Body)} },
	}
	so := serve.Options{DrainTimeout: time.Minute}
	if change != nil {
		change(&o, &so)
	}
	e := New(t.Context(), o)
	so.Explorer = e
	s := serve.New(serve.Build{Handler: program, Digest: "first"}, so)
	e.Built(Build{Outcome: Ready, Digest: "first"})
	e.Attach(s, true)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	r := &running{Explorer: e, t: t, base: base, client: &http.Client{Transport: &http.Transport{}}}
	ended := false
	r.end = func() {
		if ended {
			return
		}
		ended = true
		r.client.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		e.Close()
		e.clear()
		if n := e.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are counted at the end", n)
		}
		if n := e.watching.Load(); n != 0 || e.readers != 0 {
			t.Errorf("%d watch and %d read at the end", n, e.readers)
		}
	}
	t.Cleanup(r.end)
	return r
}

// do sends a request to the program and reads the response.
func (r *running) do(method, target, body string, fields ...string) (int, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.base+target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		q.Header.Set(name, value)
	}
	resp, err := r.client.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// api sends a request to the API, checks its status, and decodes the response into v.
func (r *running) api(want int, method, path, body string, v any) string {
	r.t.Helper()
	status, text := r.do(method, apiPrefix+path, body, TokenHeader+": "+r.token)
	if status != want {
		r.t.Fatalf("%s %s: got %d, want %d: %s", method, path, status, want, text)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(text), v); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return text
}

// listed is what api/requests returns.
type listed struct {
	Requests []Summary
	Builds   []Build
	Seq      uint64
	Version  uint64
}

// await waits until a search has that many results, and returns them.
func (r *running) await(q string, count int) []Summary {
	r.t.Helper()
	changes, stop := r.watch()
	defer stop()
	for {
		var list listed
		r.api(200, "GET", "requests?limit=1000&q="+strings.ReplaceAll(q, " ", "+"), "", &list)
		if len(list.Requests) == count {
			return list.Requests
		}
		select {
		case <-changes:
		case <-r.t.Context().Done():
			r.t.Fatalf("%q finds %d requests, and not %d", q, len(list.Requests), count)
		}
	}
}

func echo(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	resp := reply(200, r.Header.Get("Content-Type"), string(body))
	if r.URL.Path == "/trap" {
		return nil, &serve.Failure{
			Outcome: serve.Trap, Message: "it fails", Cause: "wasm trap: unreachable", Hint: "do not",
			Frames: []serve.Frame{{Func: "inner"}, {Func: "outer", File: "a.rs", Line: 3}},
			Err:    errors.New("which must not be kept"),
		}
	}
	switch r.URL.Path {
	case "/missing":
		resp.StatusCode = 404
	case "/own":
		resp.StatusCode = 500
		resp.Body = explained{resp.Body}
	}
	resp.Header.Set("Set-Cookie", "session=abcdef0123456789; Path=/")
	return resp, nil
}

// explained is the body of a server error that the component has explained.
type explained struct{ io.ReadCloser }

func (explained) Message() string { return "Error: no database" }

func TestWhatTheComponentSaysAboutItsServerErrorIsShown(t *testing.T) {
	r := start(t, echo, nil)
	r.do("GET", "/own", "")
	r.do("GET", "/a", "")
	for seq, want := range map[string]string{"1": "Error: no database", "2": ""} {
		var d Detail
		r.api(200, "GET", "requests/"+seq, "", &d)
		if d.Message != want || d.Failure != nil {
			t.Errorf("request %s: got %q, %+v", seq, d.Message, d.Failure)
		}
	}
}

func TestRequestsAreListedAndFound(t *testing.T) {
	r := start(t, echo, nil)
	r.do("GET", "/a?x=1", "")
	r.do("POST", "/b", `{"name": "Ada"}`, "Content-Type: application/json")
	r.do("GET", "/missing/../a", "")
	r.do("GET", "/missing", "")
	r.do("GET", "/trap", "")
	var list listed
	r.api(200, "GET", "requests", "", &list)
	if len(list.Requests) != 5 || list.Requests[0].Target != "/trap" || list.Requests[4].Target != "/a?x=1" ||
		list.Seq != 5 || list.Version == 0 || len(list.Builds) != 1 || list.Builds[0].Number != 1 {
		t.Errorf("got %+v", list)
	}
	for i, s := range list.Requests {
		if s.Seq != uint64(5-i) || s.MS == nil || *s.MS < 0 || s.Build != 1 || s.ID == "" ||
			!strings.HasPrefix("http://"+s.Host, r.base) || len(s.Phases) == 0 || s.Phases[0].Name != "waiting" {
			t.Errorf("got %+v", s)
		}
	}
	for q, want := range map[string][]uint64{
		"": {5, 4, 3, 2, 1}, "post": {2}, "method:post": {2}, "path:/missing": {4, 3}, "path:*ap": {5},
		"status:200": {3, 2, 1}, "status:4xx": {4}, "status:5xx": {5}, "outcome:trap": {5}, "is:failed": {5},
		"-outcome:trap -method:POST": {4, 3, 1}, "build:1 id:2": {2}, "build:2": {}, "body:ada": {2},
		"header:content-type: body:ada": {2}, `header:"set-cookie: session"`: {4, 3, 2, 1}, "is:slow": {},
		"is:running": {}, "127.0.0.1": {5, 4, 3, 2, 1}, "x=1": {1}, "-x=1 /a": {3}, "host:127.": {5, 4, 3, 2, 1},
		strings.TrimPrefix(r.base, "http://"): {5, 4, 3, 2, 1}, "nothing": {}, "output:x": {}, "upstream:x": {},
	} {
		var got listed
		r.api(200, "GET", "requests?q="+strings.NewReplacer(" ", "%20", `"`, "%22").Replace(q), "", &got)
		seqs := []uint64{}
		for _, s := range got.Requests {
			seqs = append(seqs, s.Seq)
		}
		if !slices.Equal(seqs, want) {
			t.Errorf("%q: got %v, want %v", q, seqs, want)
		}
	}
	r.api(200, "GET", "requests?after=1&before=5&limit=2", "", &list)
	if len(list.Requests) != 2 || list.Requests[0].Seq != 4 || list.Requests[1].Seq != 3 {
		t.Errorf("between 1 and 5: %+v", list.Requests)
	}
	for _, bad := range []string{"requests?after=x", "requests?limit=-1", "requests?q=is:odd", "events?after=x"} {
		r.api(400, "GET", bad, "", nil)
	}
	for _, bad := range []string{"status:abc", "status:20", "status:4044", "status:", "build:x", "build:-1", "build:",
		"outcome:trapped", "outcome:panic", "outcome:"} {
		for _, q := range []string{bad, "-" + bad, "/a%20" + bad} {
			var failed struct{ Error, Hint string }
			if r.api(400, "GET", "requests?q="+q, "", &failed); failed.Error != "q: there is no "+bad || failed.Hint == "" {
				t.Errorf("%s: %+v", q, failed)
			}
		}
	}
	good := []string{"status:0", "status:xxx", "status:40X", "build:0", "outcome:Trap"}
	var failed struct{ Hint string }
	r.api(400, "GET", "requests?q=outcome:x", "", &failed)
	for _, outcome := range serve.Outcomes() {
		word := "outcome:" + string(outcome)
		if good = append(good, word); !strings.Contains(failed.Hint, word) {
			t.Errorf("the hint %q lacks %s", failed.Hint, word)
		}
	}
	for _, q := range good {
		r.api(200, "GET", "requests?q="+q, "", nil)
	}
}

func TestPathsThatTheAPIDoesNotHaveAreErrorsInJSON(t *testing.T) {
	r := start(t, echo, nil)
	for _, path := range []string{"", "/", "/nothing", "/requests/1/nothing", "/state/x", "/requests/"} {
		var failed struct{ Error, Hint string }
		status, text := r.do("GET", Prefix+"api"+path, "", TokenHeader+": "+r.token)
		if err := json.Unmarshal([]byte(text), &failed); err != nil || status != 404 || failed.Hint == "" {
			t.Errorf("api%s: %d, %v: %s", path, status, err, text)
		}
	}
}

func TestThePageIsFoundWithoutItsSlash(t *testing.T) {
	r := start(t, echo, nil)
	without := strings.TrimSuffix(Prefix, "/")
	_, want := r.do("GET", Prefix, "")
	if status, got := r.do("GET", without, ""); status != 200 || got != want {
		t.Errorf("got %d: %s", status, got)
	}
	if status, _ := r.do("POST", without, ""); status != 405 {
		t.Errorf("POST: got %d", status)
	}
	if w := ask(r.Explorer, "GET", without, func(q *http.Request) { q.RemoteAddr = "192.0.2.1:1" }); w.Code != 403 {
		t.Errorf("from elsewhere: got %d", w.Code)
	}
	if status, _ := r.do("GET", without+"x", ""); status != 200 || len(r.await("path:"+without+"x", 1)) != 1 {
		t.Errorf("a path that only begins like it: got %d", status)
	}
}

func TestARequestShowsAllThatIsKnownOfIt(t *testing.T) {
	r := start(t, func(ctx context.Context, id string, q *http.Request) (*http.Response, error) {
		line := timeline.From(ctx)
		line.Write(timeline.Stdout, []byte("said \xff\n"))
		line.Write(timeline.Stderr, bytes.Repeat([]byte("x"), maxBody+1))
		x := line.Send("PUT", "https://a.example/?token=abcDEF0123456789", func() []timeline.Field {
			return []timeline.Field{{Name: "authorization", Value: "Bearer abcDEF0123456789"}}
		})
		x.Sent([]byte("sent"))
		x.Responded(201, func() []timeline.Field {
			return []timeline.Field{{Name: "content-type", Value: "text/plain"}}
		})
		x.Received([]byte("received"))
		x.Over("")
		line.Send("GET", "http://b.example/", func() []timeline.Field { return nil }).Over("DNS-error")
		line.Add(timeline.Span{Name: "work", ID: "1", Attributes: [][2]string{{"k", "v"}}})
		return echo(ctx, id, q)
	}, nil)
	r.do("POST", "/x?password=geheim12X&a=1", `{"api_key": "abcDEF0123456789", "n": 1}`,
		"Content-Type: application/json; charset=utf-8", "Authorization: Basic YTpi", "X-Bytes: \xe9")
	var d Detail
	text := r.api(200, "GET", "requests/1", "", &d)
	for _, secret := range []string{"geheim12X", "YTpi", "abcDEF0123456789", "abcdef0123456789"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	if d.Target != "/x?password=REDACTED&a=1" || d.Protocol != "HTTP/1.1" || d.Stdout != "said \ufffd\n" ||
		len(d.Stderr) != maxBody || !d.StderrCut || d.StdoutCut || len(d.Upstream) != 2 || len(d.Spans) != 1 ||
		d.Upstreams != 2 || d.Failure != nil {
		t.Errorf("got %s", text)
	}
	if b := d.Request.Body; b.Kind != "json" || b.Type != "application/json" || !b.Secret || b.Size != int64(b.Kept) ||
		b.Text != `{"api_key": "REDACTED", "n": 1}` {
		t.Errorf("the body is %+v", b)
	}
	if x := d.Upstream[0]; x.Method != "PUT" || x.Status != 201 || x.Request.Body.Text != "sent" ||
		x.Response.Body.Text != "received" || x.URL != "https://a.example/?token=REDACTED" ||
		!x.Request.Headers[0].Secret || x.Request.Headers[0].Value != "" {
		t.Errorf("the exchange is %+v", x)
	}
	if x := d.Upstream[1]; x.Status != 0 || x.Error != "DNS-error" || x.Response != nil {
		t.Errorf("the exchange is %+v", x)
	}
	r.api(200, "GET", "requests/1?reveal=1", "", &d)
	if d.Target != "/x?password=geheim12X&a=1" || !strings.Contains(d.Request.Body.Text, "abcDEF0123456789") ||
		!slices.Contains(d.Request.Headers, Header{"Authorization", "Basic YTpi", true}) ||
		!slices.Contains(d.Request.Headers, Header{"X-Bytes", "\ufffd", false}) {
		t.Errorf("revealed: %+v, %+v", d.Target, d.Request)
	}
	r.api(403, "GET", "requests/1/body?part=request", "", nil)
	for part, want := range map[string]string{
		"request": `{"api_key": "abcDEF0123456789", "n": 1}`, "upstream/0/request": "sent",
		"upstream/0/response": "received", "upstream/1/request": "",
	} {
		if got := r.api(200, "GET", "requests/1/body?reveal=1&part="+part, "", nil); got != want {
			t.Errorf("%s: got %q", part, got)
		}
	}
	for _, part := range []string{"", "upstream/1/response", "upstream/2/request", "upstream/-1/request", "upstream/x", "other"} {
		r.api(404, "GET", "requests/1/body?part="+part, "", nil)
	}
	for _, seq := range []string{"2", "0", "x", "18446744073709551615", "-1"} {
		r.api(404, "GET", "requests/"+seq, "", nil)
	}
	var c struct{ Curl, Note string }
	if r.api(200, "GET", "requests/1/curl", "", &c); strings.Contains(c.Curl, "YTpi") || c.Note == "" ||
		!strings.Contains(c.Curl, "authorization: REDACTED") || strings.Contains(c.Curl, "abcDEF") {
		t.Errorf("got %+v", c)
	}
	if r.api(200, "GET", "requests/1/curl?reveal=1", "", &c); !strings.Contains(c.Curl, "YTpi") || c.Note != "" ||
		!strings.Contains(c.Curl, r.base) {
		t.Errorf("got %+v", c)
	}
}

func TestFailuresShowTheirCause(t *testing.T) {
	r := start(t, func(ctx context.Context, id string, q *http.Request) (*http.Response, error) {
		if q.URL.Path == "/cut" {
			resp := reply(200, "text/plain", "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("begun"), failing{}))
			return resp, nil
		}
		return echo(ctx, id, q)
	}, nil)
	r.do("GET", "/trap", "")
	var d Detail
	r.api(200, "GET", "requests/1", "", &d)
	if d.Status != 500 || d.Outcome != "trap" || d.Response != nil || d.Failure == nil ||
		d.Failure.Headline != "it fails" || !strings.Contains(d.Failure.Message, "unreachable") || d.Failure.Hint != "do not" ||
		!slices.Equal(d.Failure.Backtrace, []string{"inner", "outer (a.rs:3)"}) {
		t.Errorf("got %+v, %+v", d, d.Failure)
	}
	if e := r.find(1); e.failure.Err != nil {
		t.Error("the error is kept, and all that belongs to it")
	}
	resp, err := r.client.Get(r.base + "/cut")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("the response is whole")
	}
	r.await("outcome:trap path:/cut", 1)
	if r.api(200, "GET", "requests/2", "", &d); d.Failure == nil || d.Response == nil || d.Response.Body.Text != "begun" ||
		!strings.Contains(d.Failure.Message, "had begun") {
		t.Errorf("got %+v, %+v", d, d.Failure)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) {
	return 0, &serve.Failure{Outcome: serve.Trap, Cause: "late"}
}

func TestEventsTellWhatChanges(t *testing.T) {
	release := make(chan struct{})
	r := start(t, func(ctx context.Context, id string, q *http.Request) (*http.Response, error) {
		if q.URL.Path == "/wait" {
			<-release
		}
		return echo(ctx, id, q)
	}, nil)
	r.do("GET", "/before", "")
	var list listed
	r.api(200, "GET", "requests", "", &list)
	r.do("GET", "/between", "")
	q, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("%s%sevents?after=%d", r.base, apiPrefix, list.Version), nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set(TokenHeader, r.token)
	resp, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("the type is %q", got)
	}
	lines := bufio.NewScanner(resp.Body)
	type event struct {
		Request *Summary
		Build   *Build
		Gone    uint64
		Cleared bool
	}
	next := func(what string, is func(event) bool) {
		t.Helper()
		for lines.Scan() {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatalf("%s: %v", lines.Text(), err)
			}
			if e.Request != nil && e.Request.Target == "/before" {
				t.Errorf("what was before is reported: %s", lines.Text())
			}
			if is(e) {
				return
			}
		}
		t.Fatalf("there is no event for %s: %v", what, lines.Err())
	}
	next("what was between", func(e event) bool { return e.Request != nil && e.Request.Target == "/between" && e.Request.MS != nil })
	done := make(chan struct{})
	go func() { defer close(done); r.do("GET", "/wait", "") }()
	next("a request that begins", func(e event) bool { return e.Request != nil && e.Request.Target == "/wait" && e.Request.MS == nil })
	close(release)
	next("its end", func(e event) bool { return e.Request != nil && e.Request.Target == "/wait" && e.Request.MS != nil })
	<-done
	r.Built(Build{Outcome: Fail, Message: "no"})
	next("a build", func(e event) bool { return e.Build != nil && e.Build.Outcome == Fail && e.Build.Number == 1 })
	r.api(204, "DELETE", "requests", "", nil)
	next("the removal", func(e event) bool { return e.Cleared })
	r.api(200, "GET", "requests", "", &list)
	if len(list.Requests) != 0 || len(list.Builds) != 2 {
		t.Errorf("after it: %+v", list)
	}
	r.do("GET", "/again", "")
	next("what came after it", func(e event) bool { return e.Request != nil && e.Request.Target == "/again" })
	r.api(204, "POST", "clear", "", nil)
	next("the next removal", func(e event) bool { return e.Cleared })
	go r.end() // the lines end with the server
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the lines end with %v", err)
	}
}
