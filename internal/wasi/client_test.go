package wasi

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rawServer accepts one connection at a time and lets serve have it; it returns the address.
func rawServer(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c, bufio.NewReader(c))
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// readHead returns the lines of a request up to the empty one.
func readHead(r *bufio.Reader) []string {
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); err != nil || line == "" {
			return lines
		}
		lines = append(lines, line)
	}
}

// newRequest returns a request for http://authority/.
func newRequest(t *testing.T, st *State, authority string, kv ...string) *OutgoingRequest {
	t.Helper()
	r := st.NewOutgoingRequest(mustFields(t, st.FieldRules(), kv...))
	if !r.SetScheme("http") || !r.SetAuthority(authority) || !r.SetPathWithQuery("/") {
		t.Fatalf("authority %s", authority)
	}
	return r
}

// exchange sends a request and waits for what comes.
func exchange(
	t *testing.T,
	st *State,
	r *OutgoingRequest,
	opts RequestOptions,
) (*IncomingResponse, *ErrorCode) {
	t.Helper()
	e, code := st.Send(context.Background(), r, opts)
	if code != nil {
		return nil, code
	}
	if err := Await(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	res, code, ok := e.Take()
	if !ok {
		t.Fatal("no result")
	}
	if _, _, again := e.Take(); again {
		t.Error("the result comes twice")
	}
	return res, code
}

// bodyOf reads a response's body to its end.
func bodyOf(t *testing.T, res *IncomingResponse) (string, *Fields, *ErrorCode) {
	t.Helper()
	b, ok := res.Body()
	if !ok {
		t.Fatal("no body")
	}
	s, _ := b.Stream()
	text, err := readAll(t, s)
	if err != nil {
		return text, nil, AsErrorCode(err)
	}
	f := b.Finish()
	defer f.Close()
	trailers, code := f.Get()
	return text, trailers, code
}

func ns(d time.Duration) *uint64 {
	n := uint64(d)
	return &n
}

func TestRequestsGoOutByteForByte(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(r *OutgoingRequest)
		kv   []string
		body func(b *OutgoingBody)
		want []string
	}{
		"plain": {want: []string{"GET / HTTP/1.1", "Host: HOST", "Connection: close"}},
		"fields in the guest's order and spelling": {kv: []string{"X-zebra", "1", "accept-Encoding", "gzip", "X-Zebra", "2"},
			want: []string{"GET / HTTP/1.1", "Host: HOST", "X-zebra: 1", "accept-Encoding: gzip", "X-zebra: 2", "Connection: close"}},
		"target": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("//a/%2F/é/[x]?b=&a=1&a=2&c?") },
			want: []string{"GET //a/%2F/é/[x]?b=&a=1&a=2&c? HTTP/1.1", "Host: HOST", "Connection: close"}},
		"query alone":   {set: func(r *OutgoingRequest) { r.SetPathWithQuery("?q") }, want: []string{"GET /?q HTTP/1.1", "Host: HOST", "Connection: close"}},
		"relative path": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("a/b") }, want: []string{"GET /a/b HTTP/1.1", "Host: HOST", "Connection: close"}},
		// It must not address the request to another server than the one that gets it.
		"a URL for a path": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("http://evil.example/x") },
			want: []string{"GET /http://evil.example/x HTTP/1.1", "Host: HOST", "Connection: close"}},
		"asterisk of another method": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("*") },
			want: []string{"GET /* HTTP/1.1", "Host: HOST", "Connection: close"}},
		"trailers that belong before the body": {body: func(b *OutgoingBody) {
			writeBody(b, "hello")
			b.Finish(mustFields(t, &FieldRules{}, "content-length", "1", "x-t", "1", "authorization", "a", "trailer", "x"))
		}, want: []string{"GET / HTTP/1.1", "Host: HOST", "Transfer-Encoding: chunked", "Connection: close", "", "5", "hello", "0", "x-t: 1", "", ""}},
		"asterisk": {set: func(r *OutgoingRequest) { r.SetMethod("OPTIONS"); r.SetPathWithQuery("*") },
			want: []string{"OPTIONS * HTTP/1.1", "Host: HOST", "Connection: close"}},
		"userinfo": {set: func(r *OutgoingRequest) { r.SetAuthority("u:p@" + r.Authority) }, want: []string{"GET / HTTP/1.1", "Host: HOST", "Connection: close"}},
		"POST without a body": {set: func(r *OutgoingRequest) { r.SetMethod("POST") },
			want: []string{"POST / HTTP/1.1", "Host: HOST", "Content-Length: 0", "Connection: close"}},
		"GET with an empty body": {body: func(b *OutgoingBody) { b.Finish(nil) }, want: []string{"GET / HTTP/1.1", "Host: HOST", "Connection: close"}},
		"body that is complete": {set: func(r *OutgoingRequest) { r.SetMethod("PUT") }, body: func(b *OutgoingBody) { writeBody(b, "hello"); b.Finish(nil) },
			want: []string{"PUT / HTTP/1.1", "Host: HOST", "Content-Length: 5", "Connection: close", "", "hello"}},
		"declared length": {kv: []string{"content-length", "5"}, body: func(b *OutgoingBody) { writeBody(b, "hello"); b.Finish(nil) },
			want: []string{"GET / HTTP/1.1", "Host: HOST", "content-length: 5", "Connection: close", "", "hello"}},
		"trailers": {body: func(b *OutgoingBody) {
			writeBody(b, "hello")
			f := NewFields(&FieldRules{})
			f.Append("x-T", []byte("1"))
			b.Finish(f)
		}, want: []string{"GET / HTTP/1.1", "Host: HOST", "Transfer-Encoding: chunked", "Connection: close", "", "5", "hello", "0", "x-T: 1", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{Client: &Client{}})
			got := make(chan string, 1)
			size := make(chan int, 1)
			addr := rawServer(t, func(conn net.Conn, r *bufio.Reader) {
				b := make([]byte, <-size)
				n, _ := io.ReadFull(r, b)
				io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				rest, _ := io.ReadAll(r)
				got <- string(b[:n]) + string(rest)
			})
			want := strings.ReplaceAll(strings.Join(c.want, "\r\n"), "HOST", addr)
			if c.body == nil || !strings.Contains(want, "\r\n\r\n") {
				want += "\r\n\r\n"
			}
			size <- len(want)
			r := newRequest(t, st, addr, c.kv...)
			if c.set != nil {
				c.set(r)
			}
			if c.body != nil {
				b, _ := r.Body()
				c.body(b)
			}
			res, code := exchange(t, st, r, RequestOptions{})
			if code != nil {
				t.Fatal(code)
			}
			if text, _, code := bodyOf(t, res); text != "" || code != nil || res.Status != 204 {
				t.Errorf("%d %q %v", res.Status, text, code)
			}
			if diff := cmp.Diff(want, <-got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func writeBody(b *OutgoingBody, text string) {
	s, _ := b.Stream()
	s.Write([]byte(text))
}

func TestResponsesReachTheGuestUnchanged(t *testing.T) {
	type seen struct {
		Status  int
		Header  []string
		Body    string
		Trailer []string
	}
	for name, c := range map[string]struct {
		method, wire string
		want         seen
	}{
		"length": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\nURL: x\r\nConnection: close\r\n\r\nabc",
			seen{200, []string{"content-encoding: gzip", "content-length: 3", "url: x"}, "abc", nil}},
		"redirect": {"GET", "HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
			seen{302, []string{"content-length: 0", "location: /x", "set-cookie: a", "set-cookie: b"}, "", nil}},
		"until the end": {"GET", "HTTP/1.0 999 Odd\r\n\r\nabc", seen{999, []string{}, "abc", nil}},
		"trailers": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
			seen{200, []string{"trailer: x-t"}, "abc", []string{"x-t: 1"}}},
		"trailers that were not announced": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\nHost: x\r\n\r\n",
			seen{200, []string{}, "", []string{"x-t: 1"}}},
		"interim responses": {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx",
			seen{404, []string{"content-length: 1"}, "x", nil}},
		"HEAD": {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", seen{200, []string{"content-length: 30"}, "", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{Client: &Client{}})
			addr := rawServer(t, func(conn net.Conn, r *bufio.Reader) {
				readHead(r)
				io.WriteString(conn, c.wire)
			})
			r := newRequest(t, st, addr)
			r.SetMethod(c.method)
			res, code := exchange(t, st, r, RequestOptions{})
			if code != nil {
				t.Fatal(code)
			}
			got := seen{Status: res.Status, Header: pairs(res.Header)}
			var trailers *Fields
			if got.Body, trailers, code = bodyOf(t, res); code != nil {
				t.Error(code)
			}
			if trailers != nil {
				got.Trailer = pairs(trailers)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBothBodiesStreamAtOnce(t *testing.T) {
	st := newState(t, &Config{Client: &Client{}})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		c.EnableFullDuplex()
		w.Header().Set("Trailer", "X-Echo")
		c.Flush()
		buf := make([]byte, 1000)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			c.Flush()
			if err != nil {
				w.Header().Set("X-Echo", r.Trailer.Get("X-T"))
				return
			}
		}
	}))
	defer srv.Close()
	r := newRequest(t, st, srv.Listener.Addr().String(), "trailer", "x-t")
	r.SetMethod("POST")
	out, _ := r.Body()
	s, _ := out.Stream()
	res, code := exchange(t, st, r, RequestOptions{})
	if code != nil {
		t.Fatal(code)
	}
	in, _ := res.Body()
	back, _ := in.Stream()
	for i := range 10 {
		text := fmt.Sprint("message ", i)
		if err := s.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := Await(context.Background(), back); err != nil {
			t.Fatal(err)
		}
		if got, err := back.Read(100); string(got) != text || err != nil {
			t.Fatalf("got %q, want %q; %v", got, text, err)
		}
	}
	f := NewFields(st.FieldRules())
	f.Append("x-t", []byte("the end"))
	if code := out.Finish(f); code != nil {
		t.Fatal(code)
	}
	if got, err := readAll(t, back); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	trailers, code := in.Finish().Get()
	if code != nil || trailers == nil {
		t.Fatalf("%v, %v", trailers, code)
	}
	if diff := cmp.Diff([]string{"x-echo: the end"}, pairs(trailers)); diff != "" {
		t.Error(diff)
	}
}

func TestFailuresHaveTheirErrorCode(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	picky := httptest.NewUnstartedServer(http.NotFoundHandler())
	picky.Config.ErrorLog = log.New(io.Discard, "", 0)
	picky.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	picky.StartTLS()
	defer picky.Close()
	roots := x509.NewCertPool()
	roots.AddCert(picky.Certificate())
	answer := func(wire string) string {
		return rawServer(t, func(c net.Conn, r *bufio.Reader) {
			readHead(r)
			io.WriteString(c, wire)
		})
	}
	eager := func(wire string) string {
		return rawServer(t, func(c net.Conn, r *bufio.Reader) {
			io.WriteString(c, wire)
			io.Copy(io.Discard, r)
		})
	}
	silent := func() string {
		return rawServer(t, func(_ net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	}
	noName := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{
			Op:  "dial",
			Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true},
		}
	}
	never := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	soon := RequestOptions{Connect: ns(time.Millisecond)}
	for name, c := range map[string]struct {
		scheme, authority string
		client            *Client
		opts              RequestOptions
		want              ErrorCase
	}{
		"no client":         {"http", "h", nil, RequestOptions{}, HTTPRequestDenied},
		"not allowed":       {"http", "h", &Client{Allow: func(string) error { return errors.New("no") }}, RequestOptions{}, HTTPRequestDenied},
		"refused":           {"http", refused.Addr().String(), &Client{}, RequestOptions{}, ConnectionRefused},
		"no such name":      {"http", "h", &Client{Dial: noName}, RequestOptions{}, DNSError},
		"no connection":     {"http", "h", &Client{Dial: never}, soon, ConnectionTimeout},
		"no handshake":      {"https", silent(), &Client{}, soon, ConnectionTimeout},
		"no answer":         {"http", silent(), &Client{}, RequestOptions{FirstByte: ns(time.Millisecond)}, ConnectionReadTimeout},
		"unknown authority": {"https", secure.Listener.Addr().String(), &Client{}, RequestOptions{}, TLSCertificateError},
		"no TLS there":      {"https", eager("HTTP/1.1 400 Bad Request\r\n\r\n"), &Client{}, RequestOptions{}, TLSProtocolError},
		"TLS too old": {"https", picky.Listener.Addr().String(), &Client{TLS: &tls.Config{MaxVersion: tls.VersionTLS12, RootCAs: roots}}, RequestOptions{},
			TLSAlertReceived},
		"not HTTP":           {"http", answer("\x00\x00\x12\x04"), &Client{}, RequestOptions{}, HTTPProtocolError},
		"closed":             {"http", answer(""), &Client{}, RequestOptions{}, HTTPProtocolError},
		"half a head":        {"http", answer("HTTP/1.1 200 OK\r\nA: b"), &Client{}, RequestOptions{}, HTTPProtocolError},
		"switched protocols": {"http", answer("HTTP/1.1 101 Switching Protocols\r\n\r\n"), &Client{}, RequestOptions{}, HTTPUpgradeFailed},
		"head too big": {"http", answer("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 5000) + "\r\n\r\n"), &Client{MaxHeaderBytes: 1000}, RequestOptions{},
			HTTPResponseHeaderSectionSize},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{Client: c.client})
			r := newRequest(t, st, c.authority)
			r.SetScheme(c.scheme)
			res, code := exchange(t, st, r, c.opts)
			if code == nil || code.Case != c.want || res != nil {
				t.Errorf("%v, want %v", code, c.want)
			}
		})
	}
}

func TestFailuresWithinABodyHaveTheirErrorCode(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		hold bool
		opts RequestOptions
		body string
		want ErrorCase
	}{
		"cut":       {wire: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", body: "abc", want: HTTPResponseIncomplete},
		"cut chunk": {wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc", body: "abc", want: HTTPResponseIncomplete},
		"bad chunk": {wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n", body: "abc", want: HTTPProtocolError},
		"a gap": {wire: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hold: true, opts: RequestOptions{BetweenBytes: ns(time.Millisecond)}, body: "abc",
			want: ConnectionReadTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{Client: &Client{}})
			addr := rawServer(t, func(conn net.Conn, r *bufio.Reader) {
				readHead(r)
				io.WriteString(conn, c.wire)
				if c.hold {
					io.Copy(io.Discard, r)
				}
			})
			res, code := exchange(t, st, newRequest(t, st, addr), c.opts)
			if code != nil {
				t.Fatal(code)
			}
			if text, _, code := bodyOf(t, res); text != c.body || code == nil ||
				code.Case != c.want {
				t.Errorf("%q, %v, want %v", text, code, c.want)
			}
		})
	}
}

func TestRequestsThatCannotBeSentFailAtOnce(t *testing.T) {
	st := newState(t, &Config{Client: &Client{}})
	for name, c := range map[string]struct {
		spoil func(r *OutgoingRequest)
		want  string
	}{
		"scheme":       {func(r *OutgoingRequest) { r.SetScheme("ftp") }, "HTTP-protocol-error"},
		"no authority": {func(r *OutgoingRequest) { r.Authority = "" }, "HTTP-request-URI-invalid"},
		"no path":      {func(r *OutgoingRequest) { r.PathWithQuery = "" }, "HTTP-request-URI-invalid"},
		"length without a body": {func(r *OutgoingRequest) {
			*r = *newRequest(t, st, "h", "content-length", "3")
		}, "HTTP-request-body-size(0)"},
	} {
		r := newRequest(t, st, "h")
		c.spoil(r)
		if _, code := st.Send(context.Background(), r, RequestOptions{}); code == nil ||
			code.String() != c.want {
			t.Errorf("%s: %v, want %s", name, code, c.want)
		}
	}
	r := newRequest(t, st, "h")
	r.SetMethod("CONNECT")
	if _, code := exchange(t, st, r, RequestOptions{}); code == nil ||
		code.Case != HTTPProtocolError {
		t.Errorf("CONNECT: %v", code)
	}
}

func TestTheEmbedderDecidesAndIsTold(t *testing.T) {
	var asked []string
	told := make(chan Outbound, 10)
	stop := errors.New("stop")
	c := &Client{
		Allow: func(a string) error { asked = append(asked, a); return stop },
		Log:   func(o Outbound) { told <- o },
	}
	st := newState(t, &Config{Client: c})
	for _, q := range []struct{ scheme, authority string }{{"http", "h"}, {"https", "u@h"}, {"", "[::1]"}, {"http", "[::1]:81"}, {"http", "h:82"}} {
		r := newRequest(t, st, q.authority)
		r.Scheme = q.scheme
		if q.scheme != "" {
			r.SetScheme(q.scheme)
		}
		if _, code := exchange(t, st, r, RequestOptions{}); !errors.Is(code, stop) {
			t.Errorf("%v: %v", q, code)
		}
	}
	if diff := cmp.Diff([]string{"h:80", "h:443", "[::1]:443", "[::1]:81", "h:82"}, asked); diff != "" {
		t.Error(diff)
	}
	o := <-told
	if o.Method != "GET" || o.URL != "http://h/" || o.Err == nil || o.Status != 0 {
		t.Errorf("%+v", o)
	}
	addr := rawServer(t, func(c net.Conn, r *bufio.Reader) {
		readHead(r)
		io.WriteString(c, "HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n")
	})
	for range 4 {
		<-told
	}
	st2 := newState(t, &Config{Client: &Client{Log: c.Log}})
	if _, code := exchange(t, st2, newRequest(t, st2, addr), RequestOptions{}); code != nil {
		t.Fatal(code)
	}
	if o := <-told; o.Status != 418 || o.Err != nil || o.URL != "http://"+addr+"/" {
		t.Errorf("%+v", o)
	}
}

func TestABodyCutByTheGuestCutsTheRequest(t *testing.T) {
	for name, c := range map[string]struct {
		kv   []string
		cut  func(b *OutgoingBody)
		want string
	}{
		"dropped": {nil, func(b *OutgoingBody) { b.Abort(ErrBodyDropped) }, "HTTP-protocol-error"},
		"short":   {[]string{"content-length", "10"}, func(b *OutgoingBody) { b.Finish(nil) }, "HTTP-request-body-size(3)"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{Client: &Client{}})
			began, ended := make(chan struct{}, 1), make(chan error, 1)
			addr := rawServer(t, func(_ net.Conn, r *bufio.Reader) {
				req, err := http.ReadRequest(r)
				if err == nil {
					began <- struct{}{}
					_, err = io.ReadAll(req.Body)
				}
				ended <- err
			})
			r := newRequest(t, st, addr, c.kv...)
			b, _ := r.Body()
			writeBody(b, "abc")
			e, code := st.Send(context.Background(), r, RequestOptions{})
			if code != nil {
				t.Fatal(code)
			}
			<-began
			c.cut(b)
			if err := <-ended; err == nil {
				t.Error("the server takes the request for whole")
			}
			if err := Await(context.Background(), e); err != nil {
				t.Fatal(err)
			}
			if _, code, _ := e.Take(); code == nil || code.String() != c.want {
				t.Errorf("%v, want %s", code, c.want)
			}
		})
	}
}

func TestGivingUpClosesTheConnection(t *testing.T) {
	for name, giveUp := range map[string]func(t *testing.T, st *State, e *Exchange){
		"the future": func(_ *testing.T, _ *State, e *Exchange) { e.Drop() },
		"the state":  func(_ *testing.T, st *State, _ *Exchange) { st.Close() },
		"the response": func(t *testing.T, _ *State, e *Exchange) {
			if err := Await(context.Background(), e); err != nil {
				t.Fatal(err)
			}
			res, _, _ := e.Take()
			e.Drop()
			res.Close()
		},
		"the body": func(t *testing.T, _ *State, e *Exchange) {
			if err := Await(context.Background(), e); err != nil {
				t.Fatal(err)
			}
			res, _, _ := e.Take()
			b, _ := res.Body()
			res.Close()
			e.Drop()
			s, _ := b.Stream()
			if s.Ready() {
				t.Error("there is nothing to read")
			}
			b.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{Client: &Client{}})
			began, closed := make(chan struct{}, 1), make(chan struct{}, 1)
			addr := rawServer(t, func(c net.Conn, r *bufio.Reader) {
				readHead(r)
				if strings.HasPrefix(name, "the response") || name == "the body" {
					io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				}
				began <- struct{}{}
				io.Copy(io.Discard, r)
				closed <- struct{}{}
			})
			r := newRequest(t, st, addr)
			b, _ := r.Body()
			s, _ := b.Stream()
			e, code := st.Send(context.Background(), r, RequestOptions{})
			if code != nil {
				t.Fatal(code)
			}
			<-began
			giveUp(t, st, e)
			<-closed
			for {
				if _, err := s.CheckWrite(); err != nil {
					break // once the sender has noticed
				}
				if err := Await(context.Background(), s); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestARequestOutlivesItsCall(t *testing.T) {
	st := newState(t, &Config{Client: &Client{}})
	ctx, cancel := context.WithCancel(context.Background())
	addr := rawServer(t, func(c net.Conn, r *bufio.Reader) {
		readHead(r)
		<-ctx.Done()
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	e, code := st.Send(ctx, newRequest(t, st, addr), RequestOptions{})
	if code != nil {
		t.Fatal(code)
	}
	cancel()
	if err := Await(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	res, code, _ := e.Take()
	if code != nil {
		t.Fatal(code)
	}
	if text, _, code := bodyOf(t, res); text != "ok" || code != nil {
		t.Errorf("%q, %v", text, code)
	}
}

func TestTimeoutsBeyondTheClockNeverCome(t *testing.T) {
	huge := ^uint64(0)
	if d := timeout(&huge); d < 99*365*24*time.Hour || time.Now().Add(d).Before(time.Now()) {
		t.Errorf("%v", d)
	}
	if d := timeout(nil); d != DefaultTimeout {
		t.Errorf("%v", d)
	}
	if d := timeout(ns(3)); d != 3 {
		t.Errorf("%v", d)
	}
}
