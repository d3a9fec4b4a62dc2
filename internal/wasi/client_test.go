package wasi

import (
	"bufio"
	"context"
	"fmt"
	"io"
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
		"query alone": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("?q") },
			want: []string{"GET /?q HTTP/1.1", "Host: HOST", "Connection: close"}},
		"relative path": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("a/b") },
			want: []string{"GET /a/b HTTP/1.1", "Host: HOST", "Connection: close"}},
		// It must not address the request to another server than the one that gets it.
		"a URL for a path": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("http://evil.example/x") },
			want: []string{"GET /http://evil.example/x HTTP/1.1", "Host: HOST", "Connection: close"}},
		"asterisk of another method": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("*") },
			want: []string{"GET /* HTTP/1.1", "Host: HOST", "Connection: close"}},
		"trailers that belong before the body": {body: func(b *OutgoingBody) {
			writeBody(b, "hello")
			b.Finish(mustFields(t, &FieldRules{}, "content-length", "1", "x-t", "1", "authorization", "a", "trailer", "x"))
		}, want: []string{"GET / HTTP/1.1", "Host: HOST", "Transfer-Encoding: chunked", "Connection: close", "",
			"5", "hello", "0", "x-t: 1", "", ""}},
		"asterisk": {set: func(r *OutgoingRequest) { r.SetMethod("OPTIONS"); r.SetPathWithQuery("*") },
			want: []string{"OPTIONS * HTTP/1.1", "Host: HOST", "Connection: close"}},
		"userinfo": {set: func(r *OutgoingRequest) { r.SetAuthority("u:p@" + r.Authority) },
			want: []string{"GET / HTTP/1.1", "Host: HOST", "Connection: close"}},
		"POST without a body": {set: func(r *OutgoingRequest) { r.SetMethod("POST") },
			want: []string{"POST / HTTP/1.1", "Host: HOST", "Content-Length: 0", "Connection: close"}},
		"GET with an empty body": {body: func(b *OutgoingBody) { b.Finish(nil) },
			want: []string{"GET / HTTP/1.1", "Host: HOST", "Connection: close"}},
		"body that is complete": {set: func(r *OutgoingRequest) { r.SetMethod("PUT") },
			body: func(b *OutgoingBody) { writeBody(b, "hello"); b.Finish(nil) },
			want: []string{"PUT / HTTP/1.1", "Host: HOST", "Content-Length: 5", "Connection: close", "", "hello"}},
		"declared length": {kv: []string{"content-length", "5"}, body: func(b *OutgoingBody) { writeBody(b, "hello"); b.Finish(nil) },
			want: []string{"GET / HTTP/1.1", "Host: HOST", "content-length: 5", "Connection: close", "", "hello"}},
		"trailers": {body: func(b *OutgoingBody) {
			writeBody(b, "hello")
			f := NewFields(&FieldRules{})
			f.Append("x-T", []byte("1"))
			b.Finish(f)
		}, want: []string{"GET / HTTP/1.1", "Host: HOST", "Transfer-Encoding: chunked", "Connection: close", "",
			"5", "hello", "0", "x-T: 1", "", ""}},
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
		"interim responses": {"GET",
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\n" +
				"Content-Length: 1\r\n\r\nx",
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
