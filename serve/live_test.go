package serve

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// page is what a browser sends when it asks for a page.
func page() []string { return []string{"Accept", "text/html,*/*;q=0.8", "Sec-Fetch-Dest", "document"} }

const script = `<script src="/__wasihttp/live-reload.js?build=0123abcd-1" async></script>`

func zip(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPagesGetTheScript(t *testing.T) {
	const html = "Content-Type"
	tests := map[string]struct {
		ask    []string // more headers of the request
		status int
		header []string
		body   string
		want   string
	}{
		"behind the document type": {header: []string{html, "text/html; charset=utf-8"},
			body: "<!DOCTYPE html><p>hi", want: "<!DOCTYPE html>" + script + "<p>hi"},
		"behind comments too": {header: []string{html, "text/html"},
			body: "\n<!-- > --> <!doctype html ><p>",
			want: "\n<!-- > --> <!doctype html >" + script + "<p>"},
		"behind a byte order mark": {header: []string{html, "text/html"},
			body: "\ufeff<!doctype html>x", want: "\ufeff<!doctype html>" + script + "x"},
		"first without a type": {header: []string{html, "text/html"}, body: "<p>hi",
			want: script + "<p>hi"},
		"in an empty page": {header: []string{html, "text/html"}, body: "", want: script},
		"with a false length": {header: []string{html, "text/html", "Content-Length", "5"},
			body: "<p>hi", want: script + "<p>hi"},
		"in a page of an error": {status: 404, header: []string{html, "text/html"}, body: "<p>no",
			want: script + "<p>no"},
		"unpacked": {header: []string{html, "text/html", "Content-Encoding", "gzip"},
			body: zip(t, "<!doctype html><p>hi"), want: "<!doctype html>" + script + "<p>hi"},
		"not in other encodings": {header: []string{html, "text/html", "Content-Encoding", "br"},
			body: "\x0b\x02\x80hi\x03", want: "\x0b\x02\x80hi\x03"},
		"not in other types": {header: []string{html, "application/json"}, body: "{}", want: "{}"},
		"not without a type": {body: "<!doctype html>", want: "<!doctype html>"},
		"not in UTF-16": {header: []string{html, "text/html; charset=UTF-16LE"}, body: "<\x00p\x00",
			want: "<\x00p\x00"},
		"not in marked UTF-16": {header: []string{html, "text/html"}, body: "\xff\xfe<\x00",
			want: "\xff\xfe<\x00"},
		"not in a part of a page": {status: 206,
			header: []string{html, "text/html", "Content-Range", "bytes 0-1/9"},
			body:   "<p", want: "<p"},
		"for programs": {ask: []string{"Sec-Fetch-Dest", "", "Accept", ""},
			header: []string{html, "text/html"}, body: "<p>hi", want: script + "<p>hi"},
		"not in what scripts fetch elsewhere": {ask: []string{"Sec-Fetch-Dest", "", "Accept", "*/*",
			"User-Agent", "Mozilla/5.0"}, header: []string{html, "text/html"}, body: "<p>hi",
			want: "<p>hi"},
		"not in what scripts fetch": {ask: []string{"Sec-Fetch-Dest", "empty"},
			header: []string{html, "text/html"}, body: "<p>hi", want: "<p>hi"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.status == 0 {
				tt.status = 200
			}
			var encodings []string
			s := start(t,
				handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
					encodings = r.Header["Accept-Encoding"]
					return answer(tt.status, tt.body, tt.header...), nil
				}), Options{LiveReload: true})
			ask := append(page(), "Accept-Encoding", "gzip, br")
			resp, got := do(t, "GET", s.url, append(ask, tt.ask...)...)
			if got != tt.want || resp.StatusCode != tt.status {
				t.Errorf("got %d %q, want %q", resp.StatusCode, got, tt.want)
			}
			if len(tt.ask) == 0 && encodings != nil {
				t.Errorf("the program was offered %q", encodings)
			}
			if r := s.record(t); r.Outcome != OK || r.Bytes != int64(len(tt.want)) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestPagesStayAsTheyAreWithoutLiveReload(t *testing.T) {
	s := start(t, always(func() *http.Response {
		return answer(200, "<p>hi", "Content-Type", "text/html", "Etag", `"a"`)
	}), Options{})
	resp, got := do(t, "GET", s.url, page()...)
	if got != "<p>hi" || resp.Header.Get("Etag") != `"a"` {
		t.Errorf("got %q, etag %s", got, resp.Header.Get("Etag"))
	}
	if resp, _ := do(t, "GET", s.url+scriptPath); resp.Header.Get("Content-Type") != "text/html" {
		t.Errorf("a reserved path was answered: %v", resp.Header)
	}
}

func TestHeadersOfALivePageAreTrue(t *testing.T) {
	s := start(t, always(func() *http.Response {
		return answer(200, "<p>hi", "Content-Type", "text/html", "Content-Length", "5", "Etag",
			`"a"`, "Content-Digest", "sha-256=:x:")
	}), Options{LiveReload: true})
	for _, method := range []string{"GET", "HEAD"} {
		resp, _ := do(t, method, s.url, page()...)
		if resp.Header.Get("Etag") != `W/"a"` || resp.Header.Get("Content-Digest") != "" ||
			method == "HEAD" && resp.ContentLength == 5 {
			t.Errorf("%s: got %v", method, resp.Header)
		}
	}
}

// TestLivePagesStream sends a page in pieces; each must arrive before the next
// is made.
func TestLivePagesStream(t *testing.T) {
	pieces := make(chan string)
	s := start(t, handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		return answerBody(200, newChunkBody(ctx, pieces, io.EOF), "Content-Type", "text/html"), nil
	}), Options{LiveReload: true})
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	answers := make(chan *http.Response, 1)
	go func() {
		resp, err := client().Do(req)
		if err != nil {
			t.Error(err)
			close(answers)
			return
		}
		answers <- resp
	}()
	for _, piece := range []string{"<!doc", "type html><p>one"} {
		pieces <- piece
	}
	resp := receive(t, answers, "head")
	defer resp.Body.Close()
	for i, want := range []string{"<!doctype html>" + script + "<p>one", "<p>two", "<p>three"} {
		if i > 0 {
			pieces <- want
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	close(pieces)
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestFalseGzipIsAFailure(t *testing.T) {
	s := start(t, always(func() *http.Response {
		return answer(200, "not gzip at all", "Content-Type", "text/html", "Content-Encoding", "gzip")
	}), Options{LiveReload: true})
	got, err := raw(t, s.addr,
		"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
	if err == nil && strings.HasSuffix(got, "0\r\n\r\n") {
		t.Errorf("the answer ended as if it were whole: %q", got)
	}
	if r := s.record(t); r.Outcome != ErrorCode || r.Failure.ErrorCode != "HTTP-response-content-coding" {
		t.Errorf("got %+v", r)
	}
}

func TestPagesOfFailuresAreLive(t *testing.T) {
	s := start(t, failing(&Failure{Outcome: Trap, Cause: "unreachable"}), Options{LiveReload: true})
	resp, body := do(t, "GET", s.url, page()...)
	if !strings.Contains(body, `src="/__wasihttp/live-reload.js?build=0123abcd-1"`) ||
		!strings.Contains(resp.Header.Get("Content-Security-Policy"),
			"script-src 'self'; connect-src 'self'") {
		t.Errorf("got %v %s", resp.Header, body)
	}
}

func TestEventsTellOfSwapsAndEndWithTheServer(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "") }), Options{LiveReload: true})
	resp, err := client().Get(s.url + livePath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("got %s", got)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
	if got := next(); got != "0123abcd-1" {
		t.Errorf("got %q", got)
	}
	old := s.Swap(Build{Handler: always(func() *http.Response { return answer(200, "") }), Digest: "89abcdef"})
	if err := old.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if got := next(); got != "89abcdef-2" {
		t.Errorf("got %q", got)
	}
	begin := time.Now()
	s.stop()
	if got := next(); got != "" {
		t.Errorf("got %q", got)
	}
	if err := receive(t, s.ended, "end of Serve"); err != nil || time.Since(begin) > patience/2 {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
	s.ended <- nil
}

func TestReservedPaths(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "program") }), Options{LiveReload: true})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", scriptPath, 200}, {"HEAD", scriptPath, 200}, {"HEAD", livePath, 200},
		{"POST", livePath, 405}, {"GET", reservedPath + "other", 404}, {"GET", "/__wasihttp", 200},
	} {
		if resp, _ := do(t, tt.method, s.url+tt.path); resp.StatusCode != tt.status ||
			resp.Header.Get(BuildHeader) != "0123abcd" {
			t.Errorf("%s %s: got %d, build %q", tt.method, tt.path, resp.StatusCode,
				resp.Header.Get(BuildHeader))
		}
	}
}

func TestEveryAnswerNamesItsBuild(t *testing.T) {
	s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/trap" {
			return nil, &Failure{Outcome: Trap, Cause: "unreachable"}
		}
		return answer(200, "ok", "x-wasihttp-build", "forged", "X-Wasihttp-Stale", "forged"), nil
	}), Options{})
	for _, path := range []string{"/", "/trap"} {
		for _, stale := range []string{"", "bad\r\nnews: \u2603"} {
			s.SetStale(Stale{Reason: stale})
			resp, _ := do(t, "GET", s.url+path)
			want := strings.NewReplacer("\r\n", "  ", "\u2603", "?").Replace(stale)
			if got := resp.Header.Values(BuildHeader); len(got) != 1 || got[0] != "0123abcd" {
				t.Errorf("%s: build %q", path, got)
			}
			if got := resp.Header.Get(StaleHeader); got != want {
				t.Errorf("%s: stale %q, want %q", path, got, want)
			}
		}
	}
	s.SetStale(Stale{Reason: "old"})
	old := s.Swap(Build{Handler: always(func() *http.Response { return answer(200, "new") }),
		Digest: "89abcdef"})
	if n := old.Requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
	if err := old.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if resp, _ := do(t, "GET", s.url); resp.Header.Get(BuildHeader) != "89abcdef" ||
		resp.Header.Get(StaleHeader) != "" {
		t.Errorf("got %v", resp.Header)
	}
}

func TestEventsTellWhyNoNewerBuildIsServed(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "") }), Options{LiveReload: true})
	resp, err := client().Get(s.url + livePath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() (events string) {
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			events += data
			if strings.HasPrefix(data, "0123abcd-") {
				return events
			}
		}
		return events
	}
	if got := next(); got != "0123abcd-1" {
		t.Errorf("at the beginning: got %q", got)
	}
	failed := Stale{Reason: "it failed", Output: []string{"\x1b[31merror\x1b[0m: <no>", "\x00"}}
	s.SetStale(failed)
	const want = `{"number":1,"reason":"it failed","lines":[[["c1","error"],["",": <no>"]],[["","\\x00"]]]}0123abcd-1`
	if got := next(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.SetStale(failed) // nothing new
	s.SetStale(Stale{})
	if got := next(); got != `{"number":0,"reason":"","lines":null}0123abcd-1` {
		t.Errorf("once it is good again: got %q", got)
	}
}

func TestWhatABuildHasWrittenStaysOnThisMachine(t *testing.T) {
	s := start(t, failing(sampleFailure()), Options{LiveReload: true, ErrorPages: PagesBrief})
	s.SetStale(Stale{Reason: "it failed", Output: []string{"a secret"}})
	_, text := do(t, "GET", s.url, page()...)
	resp, err := client().Get(s.url + livePath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		text += lines.Text()
		if strings.Contains(lines.Text(), "0123abcd-") {
			break
		}
	}
	if strings.Contains(text, "a secret") || !strings.Contains(text, "it failed") {
		t.Errorf("got %s", text)
	}
}

func TestPagesShowWhatAFailedBuildHasWritten(t *testing.T) {
	f := &Failure{Outcome: Instantiation, Title: "There is no build yet", Cause: "it failed"}
	s := start(t, failing(f), Options{LiveReload: true})
	s.SetStale(Stale{Reason: "it failed", Output: []string{"\x1b[1;31merror\x1b[0m: <script>", "last"}})
	for accept, wants := range map[string][]string{
		"text/html": {"<h1>There is no build yet</h1>",
			"<span class=\"b c1\">error</span>: &lt;script&gt;\nlast\n</pre>",
			"data-wasihttp-stale=\"1\"", "--c1: #"},
		"application/json": {`"stale": "it failed"`, `"build_output": [`,
			`"\u001b[1;31merror\u001b[0m: <script>"`},
		"text/plain": {"last lines of the build:\n  error: <script>\n  last\n"},
	} {
		_, body := do(t, "GET", s.url, "Accept", accept)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: without %q:\n%s", accept, want, body)
			}
		}
		if strings.Count(body, "it failed") > 2 {
			t.Errorf("%s: the reason is repeated:\n%s", accept, body)
		}
	}
}
