package serve

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve/listen"
)

func parseRequest(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNegotiate(t *testing.T) {
	tests := []struct {
		accept []string
		want   format
	}{
		{nil, formatText},
		{[]string{"*/*"}, formatText},
		{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, formatHTML},
		{[]string{"application/json"}, formatJSON},
		{[]string{"application/json, text/plain, */*"}, formatJSON},
		{[]string{"application/problem+json"}, formatJSON},
		{[]string{"text/html;q=0.5, application/json;q=0.9"}, formatJSON},
		{[]string{"text/html;q=0.5", "text/plain"}, formatText},
		{[]string{"text/html;q=0"}, formatText},
		{[]string{"text/html;q=nonsense, application/json"}, formatJSON},
		{[]string{"text/*"}, formatText},
		{[]string{"TEXT/HTML"}, formatHTML},
		{[]string{"nonsense,,;"}, formatText},
	}
	for _, tt := range tests {
		if got := negotiate(tt.accept); got != tt.want {
			t.Errorf("negotiate(%q) = %d, want %d", tt.accept, got, tt.want)
		}
	}
}

// sample is a failure with something in every field.
func sampleFailure() *Failure {
	return &Failure{
		Outcome: Trap,
		Message: "index <7> out of bounds\x1b[2J",
		Cause:   "unreachable <script>",
		Frames: []Frame{
			{Func: "app::fail<T>", File: "src/lib.rs", Line: 42},
			{Func: "memcpy", Module: "libc.so"},
		},
		Stderr: []string{"\x1b[31mthread panicked\x1b[0m & more"},
		Hint:   "build with debug information",
	}
}

func TestPageTellsEverythingOnThisMachine(t *testing.T) {
	tests := map[string]struct {
		accept, contentType string
		has, hasNot         []string
	}{
		"HTML": {"text/html", "text/html; charset=utf-8", []string{
			"<!DOCTYPE html>", "<h1>index &lt;7&gt; out of bounds",
			"The program trapped: unreachable &lt;script&gt;", "app::fail&lt;T&gt;", "src/lib.rs:42", "libc.so",
			"thread panicked &amp; more", "build with debug information", "curl -i", "0123abcd",
		}, []string{"<script", "\x1b", "src=", "href="}},
		"text": {"*/*", "text/plain; charset=utf-8", []string{
			"index <7> out of bounds\\x1b[2J\n\nThe program trapped (500, outcome trap)",
			"unreachable <script>", "app::fail<T> (src/lib.rs:42)", "memcpy in libc.so",
			"  thread panicked & more\n", "hint: build with", "curl -i", "request: 1\n", "build:   0123abcd\n",
		}, []string{"\x1b"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, failing(sampleFailure()), Options{})
			resp, body := do(t, "GET", s.url+"/?a=b", "Accept", tt.accept)
			if got := resp.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("got content type %q", got)
			}
			for _, want := range tt.has {
				if !strings.Contains(body, want) {
					t.Errorf("%q is missing", want)
				}
			}
			for _, bad := range tt.hasNot {
				if strings.Contains(body, bad) {
					t.Errorf("%q is in it", bad)
				}
			}
			if t.Failed() {
				t.Log(body)
			}
		})
	}
}

func TestPageAsJSON(t *testing.T) {
	s := start(t, failing(sampleFailure()), Options{})
	_, body := do(t, "GET", s.url+"/", "Accept", "application/json", "User-Agent", "test")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"outcome": "trap", "request_id": "1", "status": 500.0, "message": "index <7> out of bounds\x1b[2J", "cause": "unreachable <script>",
		"hint": "build with debug information", "build": "0123abcd",
		"stderr": []any{"\x1b[31mthread panicked\x1b[0m & more"},
		"curl":   "curl -i " + s.url + "/ -H 'accept: application/json'",
		"backtrace": []any{
			map[string]any{"func": "app::fail<T>", "file": "src/lib.rs", "line": 42.0},
			map[string]any{"func": "memcpy", "module": "libc.so"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// publicListener pretends that other machines can reach it.
type publicListener struct{ net.Listener }

func (l publicListener) Addr() net.Addr {
	addr := *l.Listener.Addr().(*net.TCPAddr)
	addr.IP = net.IPv4zero
	return &addr
}

func TestPageTellsLittleBeyondThisMachine(t *testing.T) {
	secrets := []string{"unreachable", "app::fail", "panicked", "debug", "curl", "0123abcd", "/secret"}
	for name, tt := range map[string]struct {
		public bool
		pages  ErrorPages
		full   bool
	}{
		"public":        {true, PagesAuto, false},
		"public, full":  {true, PagesFull, true},
		"local":         {false, PagesAuto, true},
		"local, brief":  {false, PagesBrief, false},
		"public, brief": {true, PagesBrief, false},
	} {
		for _, accept := range []string{"text/html", "application/json", "text/plain"} {
			t.Run(name+", "+accept, func(t *testing.T) {
				l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
				if err != nil {
					t.Fatal(err)
				}
				url := "http://" + l.Addr().String()
				if tt.public {
					l = publicListener{l}
				}
				startOn(t, l, Build{Handler: failing(sampleFailure()), Digest: "0123abcd"}, Options{ErrorPages: tt.pages})
				resp, body := do(t, "GET", url+"/secret", "Accept", accept)
				if resp.StatusCode != 500 || resp.Header.Get(OutcomeHeader) != "trap" || !strings.Contains(body, "trap") {
					t.Errorf("got %d, %v", resp.StatusCode, resp.Header)
				}
				for _, secret := range secrets[:2] {
					if strings.Contains(strings.ReplaceAll(body, "&lt;", "<"), secret) != tt.full {
						t.Errorf("%q: want in it %v\n%s", secret, tt.full, body)
					}
				}
				if tt.full {
					return
				}
				for _, secret := range secrets {
					if strings.Contains(body, secret) {
						t.Errorf("%q is in it", secret)
					}
				}
			})
		}
	}
}

func TestPageForHEADHasNoBody(t *testing.T) {
	s := start(t, failing(sampleFailure()), Options{})
	text, err := raw(t, s.addr, "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if err != nil || !strings.HasPrefix(text, "HTTP/1.1 500 ") || !strings.HasSuffix(text, "\r\n\r\n") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestLogs(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	ok := Record{ID: "7", Method: "GET", Target: "/a\x1b[31m", Remote: "127.0.0.1:9", Start: at,
		Duration: 1234567, Status: 200, Bytes: 12345, Outcome: OK}
	failed := ok
	failed.Status, failed.Bytes, failed.Outcome, failed.Failure = 500, 0, Trap, sampleFailure()
	aborted := failed
	aborted.Status, aborted.Bytes, aborted.Aborted = 200, 3, true
	coded := failed
	coded.Outcome, coded.Failure = ErrorCode, &Failure{Outcome: ErrorCode, ErrorCode: "DNS-timeout"}
	own := ok
	own.Status, own.Message = 500, "no such \x1buser"
	gone := ok
	gone.Status, gone.Bytes, gone.Outcome, gone.Failure = 0, 0, ClientGone, &Failure{Outcome: ClientGone}

	const trace = `  ✗ index <7> out of bounds\x1b[2J
    unreachable <script>
      at app::fail<T> src/lib.rs:42
      at memcpy in libc.so
`
	const failedText = "03:04:05 [7] GET /a\\x1b[31m 500 0B 1.23ms trap\n" + trace + "    hint: build with debug information\n"
	tests := map[string]struct {
		record Record
		text   string
		quiet  string
		json   string
	}{
		"ok": {
			ok, "03:04:05 [7] GET /a\\x1b[31m 200 12.3kB 1.23ms ok\n", "",
			`{"time":"2026-01-02T03:04:05.0000006Z","id":"7","remote":"127.0.0.1:9","method":"GET","path":"/a\u001b[31m","status":200,"bytes":12345,"duration_ms":1.234,"outcome":"ok"}`,
		},
		"a server error of its own": {
			own, "03:04:05 [7] GET /a\\x1b[31m 500 12.3kB 1.23ms ok\n  ✗ no such \\x1buser\n", "",
			`{"time":"2026-01-02T03:04:05.0000006Z","id":"7","remote":"127.0.0.1:9","method":"GET","path":"/a\u001b[31m","status":500,"bytes":12345,"duration_ms":1.234,"outcome":"ok","message":"no such \u001buser"}`,
		},
		"failed": {
			failed, failedText, failedText,
			`{"time":"2026-01-02T03:04:05.0000006Z","id":"7","remote":"127.0.0.1:9","method":"GET","path":"/a\u001b[31m","status":500,"bytes":0,"duration_ms":1.234,"outcome":"trap","message":"index <7> out of bounds\u001b[2J","cause":"unreachable <script>","backtrace":[{"func":"app::fail<T>","file":"src/lib.rs","line":42},{"func":"memcpy","module":"libc.so"}],"stderr":["\u001b[31mthread panicked\u001b[0m & more"],"hint":"build with debug information"}`,
		},
		"aborted": {
			aborted,
			"03:04:05 [7] GET /a\\x1b[31m 200 3B 1.23ms trap (aborted)\n" + trace +
				"    the response had begun: the connection was closed so that the client notices\n" +
				"    hint: build with debug information\n",
			"03:04:05 [7] GET /a\\x1b[31m 200 3B 1.23ms trap (aborted)\n" + trace +
				"    the response had begun: the connection was closed so that the client notices\n" +
				"    hint: build with debug information\n",
			"",
		},
		"error code": {
			coded, "03:04:05 [7] GET /a\\x1b[31m 500 0B 1.23ms error-code\n  ✗ DNS-timeout\n",
			"03:04:05 [7] GET /a\\x1b[31m 500 0B 1.23ms error-code\n  ✗ DNS-timeout\n", "",
		},
		"client gone": {
			gone, "03:04:05 [7] GET /a\\x1b[31m --- 0B 1.23ms client-gone\n", "",
			`{"time":"2026-01-02T03:04:05.0000006Z","id":"7","remote":"127.0.0.1:9","method":"GET","path":"/a\u001b[31m","status":0,"bytes":0,"duration_ms":1.234,"outcome":"client-gone"}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			check := func(what, want string, log func(*strings.Builder)) {
				t.Helper()
				var b strings.Builder
				log(&b)
				if diff := cmp.Diff(want, b.String()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			check("text", tt.text, func(b *strings.Builder) { TextLog(term.New(b, nil), false)(tt.record) })
			check("quiet", tt.quiet, func(b *strings.Builder) { TextLog(term.New(b, nil), true)(tt.record) })
			if tt.json != "" {
				check("JSON", tt.json+"\n", func(b *strings.Builder) { JSONLog(b, false)(tt.record) })
			}
		})
	}
}

func TestTextLogUsesColourWhereItIsWanted(t *testing.T) {
	var b strings.Builder
	out := term.New(&b, func(name string) string { return map[string]string{"CLICOLOR_FORCE": "1"}[name] })
	TextLog(out, false)(Record{ID: "1", Method: "GET", Target: "/", Status: 500, Outcome: Trap, Failure: sampleFailure()})
	if !strings.Contains(b.String(), "\x1b[") {
		t.Errorf("got %q", b.String())
	}
}

func TestBacktraceForPeople(t *testing.T) {
	for name, tt := range map[string]struct {
		frames []Frame
		want   []shownFrame
	}{
		"one module": {
			[]Frame{{Func: "a", Module: "m"}, {Func: "b", Module: "m", File: "f", Line: 1}},
			[]shownFrame{{Frame: Frame{Func: "a"}, Times: 1, Here: true}, {Frame: Frame{Func: "b", File: "f", Line: 1}, Times: 1}},
		},
		"several modules": {
			[]Frame{{Func: "a", Module: "m"}, {Func: "b", Module: "n"}},
			[]shownFrame{{Frame: Frame{Func: "a", Module: "m"}, Times: 1, Here: true}, {Frame: Frame{Func: "b", Module: "n"}, Times: 1}},
		},
		"a function that calls itself": {
			[]Frame{{Func: "a"}, {Func: "a"}, {Func: "a"}, {Func: "b"}, {Func: "a"}},
			[]shownFrame{{Frame: Frame{Func: "a"}, Times: 3, Here: true}, {Frame: Frame{Func: "b"}, Times: 1}, {Frame: Frame{Func: "a"}, Times: 1}},
		},
		"a language that reports": {
			[]Frame{{Func: "panic", Runtime: true}, {Func: "a"}},
			[]shownFrame{{Frame: Frame{Func: "panic", Runtime: true}, Times: 1}, {Frame: Frame{Func: "a"}, Times: 1, Here: true}},
		},
		"none": {},
	} {
		if diff := cmp.Diff(tt.want, shownFrames(tt.frames)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTerminalLeavesOutHowTheLanguageReports(t *testing.T) {
	f := &Failure{Outcome: Trap, Cause: "unreachable",
		Frames: []Frame{{Func: "panic", Runtime: true}, {Func: "deep"}, {Func: "deep"}, {Func: "handle"}}}
	var b strings.Builder
	TextLog(term.New(&b, nil), true)(Record{ID: "1", Method: "GET", Target: "/", Status: 500, Outcome: Trap, Failure: f})
	_, trace, _ := strings.Cut(b.String(), "\n")
	if want := "  ✗ unreachable\n      at deep ×2\n      at handle\n"; trace != want {
		t.Errorf("got\n%s\nwant\n%s", trace, want)
	}
	if text := string((report{Failure: f, detailed: true}).text()); !strings.Contains(text, "  panic\n  deep ×2\n  handle\n") {
		t.Errorf("the page has not all of it:\n%s", text)
	}
}

func TestPageHasTheBodyOfTheRequest(t *testing.T) {
	tests := map[string]struct{ send, want string }{
		"short":             {"Content-Length: 7\r\n\r\n{\"a\":1}", `--data-binary '{"a":1}'`},
		"not sent":          {"Content-Length: 7\r\n\r\n{", "--data-binary @request-body"},
		"too long":          {"Content-Length: 9999\r\n\r\n" + strings.Repeat("x", 9999), "--data-binary @request-body"},
		"of unknown length": {"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "--data-binary @request-body"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, failing(sampleFailure()), Options{Grace: 100 * time.Millisecond})
			text, err := raw(t, s.addr, "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+tt.send)
			if err != nil || !strings.Contains(text, tt.want) {
				t.Errorf("%q is missing in\n%s\n%v", tt.want, text, err)
			}
		})
	}
}

// sayingBody is the body of a program that says why it fails.
type sayingBody struct{ *readyBody }

func (sayingBody) Message() string { return "no such user" }

func TestTheLogSaysWhyAProgramRespondsWithAServerError(t *testing.T) {
	for status, want := range map[int]string{200: "", 404: "", 500: "no such user", 503: "no such user"} {
		s := start(t, always(func() *http.Response {
			return answerBody(status, sayingBody{&readyBody{Reader: strings.NewReader("x")}})
		}), Options{LiveReload: true})
		do(t, "GET", s.url+"/")
		if r := s.record(t); r.Message != want || r.Outcome != OK {
			t.Errorf("%d: got %q, outcome %s", status, r.Message, r.Outcome)
		}
	}
}
