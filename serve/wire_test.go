package serve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// echoHandler says what it was asked: method, host, target, body and trailers.
func echoHandler(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Leave-Body") != "" {
		return answer(200, "left"), nil
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return answer(400, "body: "+err.Error()), nil
		}
	}
	text := fmt.Sprintf("%s %s %s %q", r.Method, r.Host, r.RequestURI, body)
	for name, values := range r.Trailer {
		text += fmt.Sprintf(" %s=%v", name, values)
	}
	return answer(200, text), nil
}

// responses returns what comes on a connection for requests that are written at once: of each
// response its status, its body if the handler made it, and "close" if that was announced, and then
// "next" if the connection went on to the last request. A connection whose end is announced must
// end.
func responses(t *testing.T, addr, requests string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, requests+"GET /end HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(requests, " ")
	var got []string
	for in := bufio.NewReader(c); ; {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return strings.Join(append(got, "closed"), "; ")
		}
		body, err := io.ReadAll(resp.Body)
		text := fmt.Sprint(resp.StatusCode)
		switch {
		case err != nil:
			text += " cut"
		case strings.HasPrefix(string(body), "body: "):
			text += " body"
		case resp.StatusCode == 200:
			text += " " + string(body)
		}
		if text == `200 GET h /end ""` {
			return strings.Join(append(got, "next"), "; ")
		}
		if !resp.Close || resp.StatusCode < 200 {
			got = append(got, text)
			continue
		}
		if _, err := in.ReadByte(); err != io.EOF {
			text += " or not"
		}
		return strings.Join(append(got, text+" close"), "; ")
	}
}

// TestRequestsAreReadAsRFC9112Says is about bytes that a well-behaved client does not send, too.
func TestRequestsAreReadAsRFC9112Says(t *testing.T) {
	s := start(t, handlerFunc(echoHandler),
		Options{Grace: time.Second, MaxHeaderBytes: 16 << 10})
	go func() {
		for {
			select {
			case <-s.records:
			case <-t.Context().Done():
				return
			}
		}
	}()
	long := strings.Repeat("x", 20<<10)
	const (
		get    = "GET / HTTP/1.1\r\nHost: h\r\n"
		post   = "POST / HTTP/1.1\r\nHost: h\r\n"
		leave  = "X-Leave-Body: 1\r\n"
		chunks = "Transfer-Encoding: chunked\r\n\r\n"
	)
	for _, tt := range []struct{ name, requests, want string }{
		{"as it should be", get + "\r\n", `200 GET h / ""; next`},

		// Section 2.2.
		{"an empty line before", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", `200 GET h / ""; next`},
		{"several", "\r\n\r\n\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", `200 GET h / ""; next`},
		{"between requests", get + "\r\n\r\n\r\n", `200 GET h / ""; next`},
		{"behind a body", post + "Content-Length: 4\r\n\r\n\r\n\r\n\r\n",
			`200 POST h / "\r\n\r\n"; next`},
		{"behind chunks", post + chunks + "2\r\n\r\n\r\n0\r\n\r\n\r\n\n",
			`200 POST h / "\r\n"; next`},
		{"a CR alone", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a space before", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"LF as the end of lines", "GET / HTTP/1.1\nHost: h\n\n", `200 GET h / ""; next`},
		{"a CR in a value", get + "X: a\rb\r\n\r\n", "400 close"},
		{"a line that begins the head", "GET / HTTP/1.1\r\n X: a\r\nHost: h\r\n\r\n", "400 close"},
		{"a NUL in a value", get + "X: a\x00b\r\n\r\n", "400 close"},
		{"a NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"nothing that looks like HTTP", "hello\r\n\r\n", "400 close"},

		// Section 3.
		{"an unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", `200 BREW h / ""; next`},
		{"a method in lower case", "get / HTTP/1.1\r\nHost: h\r\n\r\n", `200 get h / ""; next`},
		{"a method that is no token", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a space at the end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", "400 close"},
		{"HTTP/0.9", "GET /\r\n\r\n", "400 close"},
		{"a later minor version", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", `200 GET h / ""; next`},
		{"HTTP/2 in words", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 close"},
		{"half a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n" + get + "\r\n", "400 close"},
		{"a version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a long target", "GET /" + long + " HTTP/1.1\r\nHost: h\r\n\r\n", "414 close"},
		{"a long method", long + " / HTTP/1.1\r\nHost: h\r\n\r\n", "414 close"},
		{"long headers", get + "X: " + long + "\r\n\r\n", "431 close"},
		{"many headers", get + strings.Repeat("X: y\r\n", 5000) + "\r\n", "431 close"},
		{"a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", `200 GET h /a ""; next`},
		{"a fragment behind a query", "GET /a?b#c?d#e HTTP/1.1\r\nHost: h\r\n\r\n",
			`200 GET h /a?b ""; next`},
		{"an empty fragment", "GET /# HTTP/1.1\r\nHost: h\r\n\r\n", `200 GET h / ""; next`},
		{"a fragment alone", "GET #a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"absolute form", "GET http://other/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
			`200 GET other http://other/a?b ""; next`},
		{"one with a fragment", "GET http://other/a#b HTTP/1.1\r\nHost: h\r\n\r\n",
			`200 GET other http://other/a ""; next`},
		{"one without a host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", `200 OPTIONS h * ""; next`},
		{"one for another method", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"authority form", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a path without a slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"a path of slashes", "GET //a//../b HTTP/1.1\r\nHost: h\r\n\r\n",
			`200 GET h //a//../b ""; next`},
		{"a path that has a scheme", "GET /http://x HTTP/1.1\r\nHost: h\r\n\r\n",
			`200 GET h /http://x ""; next`},
		{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", "200  close"},
		{"CONNECT without a port", "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"CONNECT to port 0", "CONNECT h:0 HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"CONNECT to a path", "CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
		{"CONNECT without a Host", "CONNECT h:80 HTTP/1.1\r\n\r\n", "400 close"},

		{"no Host", "GET / HTTP/1.1\r\n\r\n", "400 close"},
		{"two of them", get + "Host: h\r\n\r\n", "400 close"},
		{"one with a path", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", "400 close"},
		{"one with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "400 close"},
		{"one with two ports", "GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n", "400 close"},
		{"one whose port is none", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", "400 close"},
		{"one that is an address", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
			`200 GET [::1]:80 / ""; next`},
		{"an address no brackets", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "400 close"},
		{"a bracket without other", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 close"},

		// Section 5.
		{"a space before the colon", get + "X : a\r\n\r\n", "400 close"},
		{"a folded line", get + "X: a\r\n b\r\n\r\n", `200 GET h / ""; next`},
		{"a folded Transfer-Encoding", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
			`200 POST h / "" close`},
		{"a line without a colon", get + "X\r\n\r\n", "400 close"},
		{"a header without a name", get + ": a\r\n\r\n", "400 close"},

		// Section 6.
		{"two equal lengths", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
			`200 POST h / "hi"; next`},
		{"two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "400 close"},
		{"a list of lengths", post + "Content-Length: 2, 2\r\n\r\nhi", "400 close"},
		{"a length with a sign", post + "Content-Length: +2\r\n\r\nhi", "400 close"},
		{"a negative length", post + "Content-Length: -2\r\n\r\nhi", "400 close"},
		{"a length in hexadecimal", post + "Content-Length: 0x2\r\n\r\nhi", "400 close"},
		{"an empty length", post + "Content-Length: \r\n\r\nhi", "400 close"},
		{"a length beyond all", post + "Content-Length: 99999999999999999999\r\n\r\nhi",
			"400 close"},
		{"a GET with a body", get + "Content-Length: 2\r\n\r\nhi", `200 GET h / "hi"; next`},
		{"a length and chunks", post + "Content-Length: 5\r\n" + chunks + "2\r\nhi\r\n0\r\n\r\n",
			`200 POST h / "hi" close`},
		{"chunks and a length",
			post + "transfer-encoding: Chunked\r\ncontent-length: 5\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
			`200 POST h / "hi" close`},
		{"both, and a body left",
			post + leave + "Content-Length: 5\r\n" + chunks + "2\r\nhi\r\n0\r\n\r\n",
			"200 left close"},
		{"both, later",
			get + "\r\nPOST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n" + chunks +
				"2\r\nhi\r\n0\r\n\r\n",
			`200 GET h / ""; 200 POST h / "hi" close`},
		{"another coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501 close"},
		{"identity", post + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi",
			"501 close"},
		{"two codings", post + "Transfer-Encoding: chunked\r\n" + chunks + "0\r\n\r\n",
			"501 close"},
		{"a coding behind a control", post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
			"400 close"},
		{"chunks in HTTP/1.0",
			"POST / HTTP/1.0\r\nConnection: keep-alive\r\nHost: h\r\n" + chunks + "0\r\n\r\n",
			`200 POST h / "" close`},
		{"an old client", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", `200 GET h / "" close`},
		{"one that stays", "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
			`200 GET h / ""; next`},
		{"a client that says goodbye", get + "Connection: close\r\n\r\n", `200 GET h / "" close`},
		{"a length that does not come", post + leave + "Content-Length: 5000\r\n\r\nhi",
			"200 left close"},
		{"a long body left", post + leave + "Content-Length: 500000\r\n\r\nhi", "200 left close"},
		{"a short body left", post + leave + "Content-Length: 2\r\n\r\nhi", "200 left; next"},

		// Section 7.
		{"chunks", post + chunks + "2\r\nhi\r\n000A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
			`200 POST h / "hi0123456789"; next`},
		{"trailers", post + chunks + "2\r\nhi\r\n0\r\nX-End: t\r\n\r\n",
			`200 POST h / "hi" X-End=[t]; next`},
		{"trailers nobody reads", post + leave + chunks + "2\r\nhi\r\n0\r\nX-End: t\r\n\r\n",
			"200 left; next"},
		{"a huge chunk", post + chunks + "fffffffffffffffff\r\nhi\r\n0\r\n\r\n", "400 body close"},
		{"a chunk beyond all", post + leave + chunks + "ffffffffffffffff\r\nhi\r\n0\r\n\r\n",
			"200 left close"},
		{"a chunk with a sign", post + chunks + "+2\r\nhi\r\n0\r\n\r\n", "400 body close"},
		{"a chunk without its CRLF",
			post + chunks + "2\r\nhiGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
			"400 body close"},
		{"a chunk line ends in LF", post + chunks + "2\nhi\r\n0\r\n\r\n", "400 body close"},

		// RFC 9110, section 10.1.1.
		{"an expectation", post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
			`100; 200 POST h / "hi"; next`},
		{"one that is not met", post + leave + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
			"200 left close"},
		{"one that nobody knows", post + "Expect: miracles\r\nContent-Length: 2\r\n\r\nhi",
			"417 close"},
		{"one without a body", get + "Expect: 100-continue\r\n\r\n", `200 GET h / ""; next`},
		{"one of an old client",
			"POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
			`200 POST h / "hi" close`},
		{"a protocol to change to", get + "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
			`200 GET h / ""; next`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := responses(t, s.addr, tt.requests); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestFramerDoesNotDependOnHowBytesArrive cuts what a connection brings into two reads, everywhere,
// and into reads of single bytes.
func TestFramerDoesNotDependOnHowBytesArrive(t *testing.T) {
	const (
		chunked = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n" +
			"3\r\n\r\n\r\r\n0a;x\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
		both = "POST / HTTP/1.1\r\nContent-Length: 3\r\nHost: h\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
		old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	)
	for in, want := range map[string]struct {
		out  string
		last uint64
	}{
		"\r\n\nGET / HTTP/1.1\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n": {
			"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", 0},
		"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n\r\nX": {
			"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\nX", 0},
		chunked + "\r\n" + chunked:       {chunked + chunked, 0},
		chunked + "\r\n" + both + "\n":   {chunked + both + "\n", 2},
		old:                              {old, 1},
		"\rX / HTTP/1.1\r\n\r\n":         {"\r / HTTP/1.1\r\n\r\n", 1},
		"CONNECT h:1 HTTP/1.1\r\n\r\n\n": {"CONNECT h:1 HTTP/1.1\r\n\r\n\n", 1},
	} {
		feed := func(parts ...string) {
			t.Helper()
			f := framer{limit: 1000}
			var out []byte
			for _, part := range parts {
				p := []byte(part)
				out = append(out, p[:f.feed(p)]...)
			}
			if string(out) != want.out || f.last.Load() != want.last {
				t.Errorf("%q in %d parts: got %q, last %d; want %q, last %d",
					in, len(parts), out, f.last.Load(), want.out, want.last)
			}
		}
		for at := range len(in) {
			feed(in[:at], in[at:])
		}
		feed(strings.Split(in, "")...)
	}
}

// FuzzFramer compares with net/http: behind the framer, its parser sees the requests that it sees
// without, if empty lines before a request are left out there.
func FuzzFramer(f *testing.F) {
	for _, in := range []string{
		"\r\nGET / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\r\n\r\nGET /a HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" +
			"3;x\r\n\r\n\r\r\n0\r\nT: 1\r\n\r\n\nGET /a HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\nX: a\n b\nContent-length:\t1 \n\nxGET /a HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n\r\n",
	} {
		f.Add([]byte(in), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, at int) {
		at = min(max(at, 0), len(in))
		framer := framer{limit: 1 << 20}
		head, tail := append([]byte(nil), in[:at]...), append([]byte(nil), in[at:]...)
		out := append(head[:framer.feed(head)], tail[:framer.feed(tail)]...)
		got, want := parsed(out, false), parsed(in, true)
		if last := framer.last.Load(); last != 0 {
			// Nothing that comes later is served.
			got, want = got[:min(len(got), int(last))], want[:min(len(want), int(last))]
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%q became %q:\ngot  %q\nwant %q", in, out, got, want)
		}
	})
}

// parsed returns the requests that net/http finds, until one that it refuses or that is not whole.
func parsed(in []byte, skipEmpty bool) []string {
	var found []string
	for b := bufio.NewReader(bytes.NewReader(in)); ; {
		for skipEmpty {
			p, _ := b.Peek(2)
			switch {
			case bytes.HasPrefix(p, []byte("\n")):
				_, _ = b.Discard(1)
				continue
			case string(p) == "\r\n":
				_, _ = b.Discard(2)
				continue
			}
			break
		}
		r, err := http.ReadRequest(b)
		if err != nil {
			return found
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return found
		}
		found = append(found,
			fmt.Sprintf("%s %s %s %v %q", r.Method, r.RequestURI, r.Proto, r.Header, body))
	}
}
