package wasi

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettersTakeWhatIsValidAndKeepTheRest(t *testing.T) {
	type set = func(*OutgoingRequest, string) bool
	get := map[string]func(*OutgoingRequest) string{
		"method":    func(r *OutgoingRequest) string { return r.Method },
		"scheme":    func(r *OutgoingRequest) string { return r.Scheme },
		"path":      func(r *OutgoingRequest) string { return r.PathWithQuery },
		"authority": func(r *OutgoingRequest) string { return r.Authority },
	}
	for _, c := range []struct {
		what    string
		set     set
		valid   map[string]string // and what is read back
		invalid []string
	}{
		{"method", (*OutgoingRequest).SetMethod,
			map[string]string{"GET": "GET", "get": "get", "coucou": "coucou", "#$%&'": "#$%&'", "PATCH": "PATCH"},
			[]string{"", " ", "A B", "GET\r\n", "é", "a/b"}},
		{"scheme", (*OutgoingRequest).SetScheme,
			map[string]string{"HTTP": "HTTP", "http": "HTTP", "https": "HTTPS", "HtTpS": "HTTPS", "wss": "wss", "a+b-c.1": "a+b-c.1", "z": "z"},
			[]string{"", "1", "+a", " ", "é", "a_b", "a:", "\x00"}},
		{"path", (*OutgoingRequest).SetPathWithQuery,
			map[string]string{"/": "/", "": "/", "/a/b/c": "/a/b/c", "/a/../../bar": "/a/../../bar", "/?foo": "/?foo", "a/b": "a/b", "../..": "../..",
				"?q": "?q", "/é": "/é", "/%": "/%", "/%2F?b=&a=1&a=2?": "/%2F?b=&a=1&a=2?", "/^|": "/^|", "//x": "//x", "*": "*"},
			[]string{"/ ", "/\x00", "/\t", "/\r\nX: y", "/<", "/>", "/`", "/a#b", "/\x7f"}},
		{"authority", (*OutgoingRequest).SetAuthority,
			map[string]string{"localhost": "localhost", "a.b:80": "a.b:80", "h:0": "h:0", "h:65535": "h:65535", "1.2.3.4": "1.2.3.4",
				"[::1]": "[::1]", "[2001:db8::1]:8080": "[2001:db8::1]:8080", "u@h": "u@h", "u:p%20@h:1": "u:p%20@h:1"},
			[]string{"", ":", "::", ":@", "@:", "@@", "#", " ", "[", "[::1", "[x]", "[::1]x", "[1.2.3.4]", "h:",
				"h:x", "h:99999", "h:65536", "h:1:2", "h:+1",
				"a b", "a/b", "é", "u@", "[::1%eth0]"}},
	} {
		r := (&State{cfg: &Config{}}).NewOutgoingRequest(NewFields(&FieldRules{}))
		for in, want := range c.valid {
			if !c.set(r, in) {
				t.Errorf("%s %q refused", c.what, in)
			}
			if got := get[c.what](r); got != want {
				t.Errorf("%s %q reads back %q, want %q", c.what, in, got, want)
			}
		}
		before := get[c.what](r)
		for _, in := range c.invalid {
			if c.set(r, in) {
				t.Errorf("%s %q accepted", c.what, in)
			}
			if got := get[c.what](r); got != before {
				t.Errorf("%s %q left %q", c.what, in, got)
			}
		}
	}
}

func TestStatusMustHaveThreeDigits(t *testing.T) {
	r := NewState(&Config{}).NewOutgoingResponse(NewFields(&FieldRules{}))
	if r.Status != 200 {
		t.Errorf("default %d", r.Status)
	}
	for status, valid := range map[int]bool{0: false, 42: false, 99: false, 100: true, 204: true, 599: true, 999: true, 1000: false, 65535: false} {
		if r.SetStatus(status) != valid {
			t.Errorf("%d: not %v", status, valid)
		}
	}
}

// view is what a guest sees of a request.
type view struct {
	Method, Scheme, Authority, Path string
	Header                          []string
}

func viewOf(q *Request) view {
	return view{q.Method, q.Scheme, q.Authority, q.PathWithQuery, pairs(q.Header)}
}

func TestRequestsFromTheWireReachTheGuestUnchanged(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		tls  bool
		want view
	}{
		"origin form": {wire: "GET //a//b/../c?x&y=%2F HTTP/1.1\r\nHost: h:81\r\nURL: u\r\nConnection: keep-alive, x\r\nUpgrade: h2c\r\n\r\n",
			want: view{"GET", "HTTP", "h:81", "//a//b/../c?x&y=%2F", []string{"url: u"}}},
		"TLS": {wire: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", tls: true, want: view{"GET", "HTTPS", "h", "/", []string{}}},
		"absolute form": {wire: "GET http://other:8080/p?q HTTP/1.1\r\nHost: h\r\n\r\n",
			want: view{"GET", "HTTP", "other:8080", "/p?q", []string{}}},
		"absolute form, no path": {wire: "GET http://other?q HTTP/1.1\r\nHost: h\r\n\r\n", want: view{"GET", "HTTP", "other", "/?q", []string{}}},
		"asterisk form":          {wire: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", want: view{"OPTIONS", "HTTP", "h", "*", []string{}}},
		"authority form":         {wire: "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", want: view{"CONNECT", "HTTP", "h:443", "", []string{}}},
		"CONNECT to a URL": {wire: "CONNECT http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
			want: view{"CONNECT", "HTTP", "localhost", "/", []string{}}},
		"another method": {wire: "brew /pot HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n",
			want: view{"brew", "HTTP", "h", "/pot", []string{"x-a: 1", "x-a: 2"}}},
		"length": {wire: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
			want: view{"POST", "HTTP", "h", "/", []string{"content-length: 3"}}},
		"trailers announced": {wire: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n0\r\n\r\n",
			want: view{"POST", "HTTP", "h", "/", []string{"trailer: x-t"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(c.wire)))
			if err != nil {
				t.Fatal(err)
			}
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			q, err := RequestFromHTTP(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, viewOf(q)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequestsMadeInProcessLookLikeReceivedOnes(t *testing.T) {
	r, err := http.NewRequest("POST", "https://h:1/a%2Fb?c", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	q, err := RequestFromHTTP(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(view{"POST", "HTTPS", "h:1", "/a%2Fb?c", []string{"content-length: 3"}}, viewOf(q)); diff != "" {
		t.Error(diff)
	}
	if b, err := io.ReadAll(q.Body); string(b) != "abc" || err != nil {
		t.Errorf("body %q, %v", b, err)
	}
}

func TestARequestWithoutHostIsForTheListener(t *testing.T) {
	read := func(ctx context.Context, wire string) (*Request, error) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			t.Fatal(err)
		}
		return RequestFromHTTP(r.WithContext(ctx), nil)
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 99}
	ctx := context.WithValue(context.Background(), http.LocalAddrContextKey, addr)
	if q, err := read(ctx, "GET / HTTP/1.0\r\n\r\n"); err != nil || q.Authority != "127.0.0.1:99" {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := read(context.Background(), "GET / HTTP/1.0\r\n\r\n"); AsErrorCode(err) == nil {
		t.Errorf("no authority at all: %v", err)
	}
	if _, err := read(ctx, "GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n"); AsErrorCode(err) == nil {
		t.Errorf("a path that is no text: %v", err)
	}
}

func TestOutparamTakesOneResponse(t *testing.T) {
	type outcome struct {
		status int
		code   string
	}
	st := NewState(&Config{})
	for name, c := range map[string]struct {
		do   func(o *ResponseOutparam)
		want []outcome
	}{
		"response": {func(o *ResponseOutparam) { o.Set(st.NewOutgoingResponse(NewFields(&FieldRules{})), nil) }, []outcome{{200, ""}}},
		"code":     {func(o *ResponseOutparam) { o.Set(nil, NewErrorCode(LoopDetected, nil)) }, []outcome{{0, "loop-detected"}}},
		"drop":     {func(o *ResponseOutparam) { o.Drop(); o.Drop() }, []outcome{{0, "none"}}},
		"set and drop": {func(o *ResponseOutparam) {
			o.Set(st.NewOutgoingResponse(NewFields(&FieldRules{})), nil)
			o.Drop()
			o.Set(st.NewOutgoingResponse(NewFields(&FieldRules{})), nil)
		}, []outcome{{200, ""}}},
	} {
		var got []outcome
		o := NewResponseOutparam(func(r *Response, code *ErrorCode) {
			switch {
			case r != nil:
				got = append(got, outcome{status: r.Status})
			case code != nil:
				got = append(got, outcome{code: code.String()})
			default:
				got = append(got, outcome{code: "none"})
			}
		})
		c.do(o)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
