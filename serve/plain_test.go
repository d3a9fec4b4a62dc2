package serve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/serve/listen"
)

// otherListener makes connections that are no *net.TCPConn, which net/http serves from the start.
type otherListener struct{ net.Listener }

func (l otherListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

// describe says all that a handler learns of a request.
func describe(r *http.Request) string {
	return fmt.Sprintf("%s %q %q %#v %q %s %d.%d %v %d %v %v %v %v", r.Method, r.RequestURI, r.Host,
		*r.URL, r.Header, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Body == http.NoBody,
		r.ContentLength, r.TransferEncoding, r.Close, r.Trailer, r.Form)
}

// reply is a response whose body comes in pieces, at once or one after the other.
func reply(status int, ready bool, pieces []string, header ...string) *http.Response {
	if ready {
		return answer(status, strings.Join(pieces, ""), header...)
	}
	body := newChunkBody(context.Background(), chunks(pieces...), io.EOF)
	return answerBody(status, body, header...)
}

func replying(status int, ready bool, pieces ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return reply(status, ready, pieces), nil }
}

var replies = map[string]func() (*http.Response, error){
	"/short":  replying(200, true, "hello"),
	"/none":   replying(200, true),
	"/slow":   replying(200, false, "a", "bc", "def"),
	"/silent": replying(200, false),
	"/2048":   replying(200, true, long(2048)),
	"/2049":   replying(200, true, long(2049)),
	"/long":   replying(200, true, long(100_000)),
	"/299":    replying(299, true, "x"),
	"/204": func() (*http.Response, error) {
		return reply(204, true, nil, "Content-Length", "0"), nil
	},
	"/304": func() (*http.Response, error) {
		return reply(304, true, nil, "Content-Length", "7", "Content-Type", "a/b", "Etag", `"x"`), nil
	},
	"/length": func() (*http.Response, error) {
		return reply(200, false, []string{"ab", "c"}, "Content-Length", "3"), nil
	},
	"/no-length": func() (*http.Response, error) {
		return reply(200, true, []string{"abc"}, "Content-Length", "three"), nil
	},
	"/less": func() (*http.Response, error) {
		return reply(200, false, []string{"ab"}, "Content-Length", "3"), nil
	},
	"/more": func() (*http.Response, error) {
		return reply(200, false, []string{"abcd"}, "Content-Length", "3"), nil
	},
	"/fields": func() (*http.Response, error) {
		return reply(200, true, []string{"x"}, "content-type", "text/plain", "b", "1", "b", " 2 ",
			"a", "x\r\ny", "bad name", "z", "Date", "Thu, 01 Jan 1970 00:00:00 GMT",
			"Connection", "close", "Keep-Alive", "x", "Content-Encoding", "gzip"), nil
	},
	"/trailers": func() (*http.Response, error) {
		r := reply(200, true, []string{"x"})
		r.Trailer.Set("X-Sum", "1")
		return r, nil
	},
	"/late-trailers": func() (*http.Response, error) {
		r := reply(200, false, []string{"x", "y"})
		r.Trailer.Set("x-sum", "1")
		r.Trailer.Set("Bad Name", "2")
		return r, nil
	},
	"/fail": func() (*http.Response, error) { return nil, &Failure{Outcome: Trap, Cause: "x"} },
	"/cut": func() (*http.Response, error) {
		return answerBody(200, newChunkBody(context.Background(), chunks("x"), errFake)), nil
	},
	"/cut-early": func() (*http.Response, error) {
		return answerBody(200, newChunkBody(context.Background(), chunks(), errFake)), nil
	},
	"/panic": func() (*http.Response, error) { panic("boom") },
}

func long(n int) string { return strings.Repeat("x", n) }

// varying is what differs between two responses to the same request.
var varying = regexp.MustCompile(`Date: .*? GMT|127\.0\.0\.1:\d+|request \d+|\[\d+\]|` +
	`\d\d:\d\d:\d\d[^<"]*|(?i)"?time"?[^\n]*`)

// TestThePlainPathSendsWhatNetHTTPSends compares all bytes of a connection with those of one that
// net/http serves alone.
func TestThePlainPathSendsWhatNetHTTPSends(t *testing.T) {
	h := handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if make := replies[r.URL.Path]; make != nil {
			return make()
		}
		return answer(200, describe(r)), nil
	})
	o := Options{ErrorPages: PagesFull, LiveReload: true, Log: func(Record) {}}
	plain := start(t, h, o)
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	other := startOn(t, otherListener{l}, Build{Handler: h, Digest: "0123abcd"}, o)
	for _, s := range []*running{plain, other} {
		go func() {
			for {
				select {
				case <-s.records:
				case <-t.Context().Done():
					return
				}
			}
		}()
	}
	const host = " HTTP/1.1\r\nHost: localhost\r\n"
	heads := []string{
		"GET /__wasihttp/live-reload.js" + host, "HEAD /__wasihttp/live-reload" + host,
		"GET /__wasihttp/" + host, "GET /__wasihttp/ HTTP/1.1\r\nHost: elsewhere\r\n",
		"GET /a HTTP/1.1\r\nhost: Localhost:80\r\nx-a: 1\r\nX-A:\t2 \r\nX_b:\r\nACCEPT: */*\r\n",
		"GET /a?b=c&d" + host, "GET /a?" + host, "GET //a//b/../c;x=1?d?e" + host,
		"GET /%41%2f%zz" + host, "GET /%41%2f?%zz" + host, "GET /\xc3\xa9?\xff" + host,
		"GET /a#b" + host, "GET /a?b#c" + host, "GET /a b" + host, "GET /a\x01" + host,
		"GET /a" + host + "Connection: Keep-Alive\r\nKeep-Alive: 1\r\n",
		"GET /a" + host + "Connection: Close\r\n", "GET /short" + host + "Connection: close\r\n",
		"GET /slow" + host + "Connection: close\r\n",
		"GET /a" + host + "Connection: x-a, close\r\nX-A: 1\r\n",
		"GET /a" + host + "Connection: keep-alive\r\nConnection: close\r\n",
		"GET /a" + host + "Pragma: no-cache\r\n", "GET /a" + host + "Upgrade: x\r\n",
		"GET /a" + host + "Content-Length: 0\r\n", "GET /a" + host + "Content-Length: 2\r\n",
		"GET /a" + host + "X-Long: " + long(5000) + "\r\n", "GET /" + long(5000) + host,
		"GET /a" + host + "X: \x7f\r\n", "GET /a" + host + "X: \xff\r\n",
		"GET /a" + host + "X\r\n", "GET /a" + host + "X : 1\r\n", "GET /a" + host + ": 1\r\n",
		"GET /a" + host + " X: 1\r\n", "GET /a" + host + "X: 1\n", "GET /a" + host + "Host: h\r\n",
		"GET /a HTTP/1.1\r\n", "GET /a HTTP/1.1\r\nHost:\r\n", "GET /a HTTP/1.1\r\nHost: a b\r\n",
		"GET /a HTTP/1.0\r\n", "GET /a HTTP/1.2\r\nHost: h\r\n", "GET  /a" + host,
		"get /a" + host, "GETX /a" + host, "GET a" + host, "GET *" + host, "OPTIONS *" + host,
		"GET http://h/a" + host, "POST /short" + host, "DELETE /a" + host,
	}
	for path := range replies {
		get := "GET " + path + host
		heads = append(heads, get, "HEAD "+path+host, get+"Accept: text/html\r\n")
	}
	for _, head := range heads {
		got, gotEnd := twice(t, plain.addr, head+"\r\n")
		want, wantEnd := twice(t, other.addr, head+"\r\n")
		if got != want || gotEnd != wantEnd {
			t.Errorf("%.200q:\ngot  %.2000q %t\nwant %.2000q %t", head, got, gotEnd, want, wantEnd)
		}
	}
}

// twice sends a request and, when its response is there, another one that ends the connection. It
// returns all that comes back, without what varies, and whether the connection went on.
func twice(t *testing.T, addr, request string) (text string, more bool) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &all))
	method, _, _ := strings.Cut(request, " ")
	r, err := http.ReadResponse(in, &http.Request{Method: method})
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err == nil && !r.Close && !strings.Contains(request, "Content-Length: 2") {
		more = true
		const last = "GET /short HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
		if _, err := io.WriteString(c, last); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, in) // what came is compared
	}
	return varying.ReplaceAllString(all.String(), "…"), more
}

// FuzzPlain compares requests that are taken for plain with what net/http reads.
func FuzzPlain(f *testing.F) {
	f.Add([]byte("GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n"))
	f.Add([]byte("HEAD /%41;b HTTP/1.1\r\nhost:h:1\r\n" +
		"Connection: keep-alive\r\nAccept:\t*/* \r\n\r\n"))
	f.Add([]byte("GET //x/..?%zz HTTP/1.1\r\nConnection: close\r\nHost: [::1]\r\n_: \xff\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		head, ok := parsePlain(in, 1<<10)
		if !ok {
			return
		}
		rest := bufio.NewReader(bytes.NewReader(in))
		want, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("%q: net/http says %v", in, err)
		}
		if rest.Buffered() > 0 {
			t.Fatalf("%q is more than a request", in)
		}
		got := head.request(t.Context(), "")
		if describe(got) != describe(want) {
			t.Fatalf("%q:\ngot  %s\nwant %s", in, describe(got), describe(want))
		}
	})
}

// frontOf serves h by a front alone, and returns a connection to it.
func frontOf(t *testing.T, h handlerFunc) (*front, net.Conn) {
	t.Helper()
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	s, below := New(Build{Handler: h}, Options{}), wrapListener(l)
	below.maxLine = s.options.MaxHeaderBytes
	f := newFront(s, below, t.Context(), log.New(io.Discard, "", 0))
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.Close()
		f.stop()
		_ = c.Close()
		if err := f.wait(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return f, c
}

const plainGet = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

func TestWhatComesDuringAPlainRequestIsTheNextOne(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	f, c := frontOf(t, func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		entered <- struct{}{}
		<-release
		return answer(200, r.Method), nil
	})
	// The first two are plain, and the last one is net/http's.
	if _, err := io.WriteString(c, plainGet); err != nil {
		t.Fatal(err)
	}
	receive(t, entered, "request")
	in := bufio.NewReader(c)
	for _, next := range []string{strings.Replace(plainGet, "GET", "HEAD", 1), "POST /"} {
		await(t, "the client to be watched", func() bool {
			p := f.all()[0]
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.watched != nil
		})
		if _, err := io.WriteString(c, next); err != nil {
			t.Fatal(err)
		}
		release <- struct{}{}
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		if _, err := in.Discard(int(max(resp.ContentLength, 0)) % 4); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(next, "HEAD") {
			receive(t, entered, "the next request")
		}
	}
	other := receive(t, f.handed, "connection for net/http")
	defer other.Close()
	text := make([]byte, 6)
	if _, err := io.ReadFull(other, text); err != nil || string(text) != "POST /" {
		t.Errorf("got %q, %v", text, err)
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

func TestAPlainConnectionThatWaitsEndsWithTheServer(t *testing.T) {
	s := start(t, handlerFunc(greet), Options{})
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, plainGet); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.Close {
		t.Fatal(resp, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	s.stop()
	if err := receive(t, s.ended, "end of Serve"); err != nil {
		t.Error(err)
	}
	s.ended <- nil
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

// A client that has sent empty lines alone has sent no request, which would be waited for.
func TestEmptyLinesLeaveAConnectionPlain(t *testing.T) {
	f, c := frontOf(t, always(func() *http.Response { return answer(200, "hello") }))
	in := bufio.NewReader(c)
	for _, sent := range []string{"\r\n", "\n\r\n", plainGet} {
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	f.stop()
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the server has stopped: %v", err)
	}
}

// endingBody stops the server when its second piece is read, the head having left.
type endingBody struct {
	readyBody
	stop func()
}

func (b *endingBody) Ready() bool { return false }

func (b *endingBody) Read(p []byte) (int, error) {
	if b.stop == nil {
		return 0, io.EOF
	}
	if b.closed.Swap(true) {
		b.stop()
		b.stop = nil
		return 0, io.EOF
	}
	return copy(p, "x"), nil
}

func TestAPlainConnectionEndsWithTheResponseDuringWhichTheServerStops(t *testing.T) {
	draining := make(chan struct{})
	var s *running
	s = start(t, always(func() *http.Response {
		return answerBody(200, &endingBody{stop: func() {
			s.stop()
			<-draining
		}})
	}), Options{Draining: func(int) { close(draining) }, DrainTimeout: time.Hour})
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, plainGet); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil || !bytes.HasSuffix(text, []byte("\r\n0\r\n\r\n")) {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestAPlainConnectionEndsAfterItsIdleTime(t *testing.T) {
	hello := always(func() *http.Response { return answer(200, "hello") })
	s := start(t, hello, Options{IdleTimeout: 20 * time.Millisecond})
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, plainGet); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(c); err != nil || !bytes.HasSuffix(text, []byte("hello")) {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestAPlainRequestMakesFewObjects(t *testing.T) {
	_, c := frontOf(t, always(func() *http.Response { return answer(200, "hello") }))
	in := bufio.NewReader(c)
	var length int
	exchange := func() {
		if _, err := io.WriteString(c, plainGet); err != nil {
			t.Fatal(err)
		}
		if length == 0 {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			length = len(body)
			return
		}
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				t.Fatal(err)
			}
			if slices.Equal(line, lineEnd) {
				break
			}
		}
		if _, err := in.Discard(length); err != nil {
			t.Fatal(err)
		}
	}
	exchange()
	if n := testing.AllocsPerRun(100, exchange); n > 20 {
		t.Errorf("%.0f objects", n)
	}
}
