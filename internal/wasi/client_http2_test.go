package wasi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Server starts a server of HTTP/2 and returns a client that speaks to it, and the server.
func http2Server(t *testing.T, secure bool, h http.HandlerFunc) (*Client, *httptest.Server) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.DisableGeneralOptionsHandler = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	if secure {
		s.EnableHTTP2 = true
		s.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		return &Client{TLS: &tls.Config{RootCAs: roots}}, s
	}
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	address := s.Listener.Addr().String()
	return &Client{H2C: func(a string) bool { return a == address }}, s
}

func eachHTTP2(t *testing.T, test func(t *testing.T, secure bool)) {
	for name, secure := range map[string]bool{"https": true, "h2c": false} {
		t.Run(name, func(t *testing.T) { test(t, secure) })
	}
}

// requestFor returns a request for the server.
func requestFor(t *testing.T, st *State, s *httptest.Server, kv ...string) *OutgoingRequest {
	t.Helper()
	scheme, authority, _ := strings.Cut(s.URL, "://")
	r := newRequest(t, st, authority, kv...)
	r.SetScheme(scheme)
	return r
}

func TestRequestsGoOutInHTTP2AsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(r *OutgoingRequest)
		kv     []string
		body   func(b *OutgoingBody)
		target string // "/" if ""
		want   []string
	}{
		"plain": {want: []string{"GET"}},
		"fields": {kv: []string{"X-zebra", "1", "x-Zebra", "2", "user-agent", "u", "cookie", "a=1; b=2"},
			want: []string{"GET", "Cookie: a=1; b=2", "User-Agent: u", "X-Zebra: 1", "X-Zebra: 2"}},
		"te":          {kv: []string{"te", "trailers"}, want: []string{"GET", "Te: trailers"}},
		"another te":  {kv: []string{"te", "gzip"}, want: []string{"GET"}},
		"two slashes": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("//a//b?c=//d&") }, target: "//a//b?c=//d&", want: []string{"GET"}},
		"odd characters": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("/%2F/é/[x]?b=&a=1&c?") },
			target: "/%2F/é/[x]?b=&a=1&c?", want: []string{"GET"}},
		"a URL as a path": {set: func(r *OutgoingRequest) { r.SetPathWithQuery("http://evil.example/x") },
			target: "/http://evil.example/x", want: []string{"GET"}},
		"an asterisk": {set: func(r *OutgoingRequest) { r.SetMethod("OPTIONS"); r.SetPathWithQuery("*") },
			target: "*", want: []string{"OPTIONS"}},
		"userinfo":      {set: func(r *OutgoingRequest) { r.SetAuthority("u:p@" + r.Authority) }, want: []string{"GET"}},
		"a method":      {set: func(r *OutgoingRequest) { r.SetMethod("BREW") }, want: []string{"BREW"}},
		"an empty POST": {set: func(r *OutgoingRequest) { r.SetMethod("POST") }, want: []string{"POST", "length 0"}},
		"a whole body":  {body: func(b *OutgoingBody) { writeBody(b, "hello"); b.Finish(nil) }, want: []string{"GET", "length 5", "hello"}},
		"a length": {kv: []string{"content-length", "5"}, body: func(b *OutgoingBody) { writeBody(b, "hello"); b.Finish(nil) },
			want: []string{"GET", "length 5", "hello"}},
		// net/http's server gives its handlers no others than those that were announced.
		"trailers": {kv: []string{"trailer", "x-t, x-u"}, body: func(b *OutgoingBody) {
			writeBody(b, "hello")
			b.Finish(mustFields(t, &FieldRules{}, "x-t", "1", "X-U", "2"))
		}, want: []string{"GET", "length -1", "hello", "X-T: 1", "X-U: 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHTTP2(t, func(t *testing.T, secure bool) {
				var got []string
				client, s := http2Server(t, secure, func(_ http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					got = append(got, r.Proto, r.Host, r.RequestURI, r.Method)
					lines := func(h http.Header) {
						for _, name := range slices.Sorted(maps.Keys(h)) {
							for _, value := range h[name] {
								if name != "Content-Length" {
									got = append(got, name+": "+value)
								}
							}
						}
					}
					lines(r.Header)
					if r.ContentLength != 0 || r.Header.Get("Content-Length") != "" {
						got = append(got, fmt.Sprint("length ", r.ContentLength))
					}
					if len(body) > 0 {
						got = append(got, string(body))
					}
					lines(r.Trailer)
				})
				st := newState(t, &Config{Client: client})
				r := requestFor(t, st, s, c.kv...)
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
				if text, _, code := bodyOf(t, res); text != "" || code != nil || res.Status != 200 {
					t.Errorf("%d %q %v", res.Status, text, code)
				}
				target := c.target
				if target == "" {
					target = "/"
				}
				want := append([]string{"HTTP/2.0", s.Listener.Addr().String(), target}, c.want...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestBothBodiesStreamAtOnceInHTTP2(t *testing.T) {
	eachHTTP2(t, func(t *testing.T, secure bool) {
		client, s := http2Server(t, secure, func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			c.Flush()
			buf := make([]byte, 1000)
			for {
				n, err := r.Body.Read(buf)
				w.Write(buf[:n])
				c.Flush()
				if err != nil {
					break
				}
			}
			w.Header().Set(http.TrailerPrefix+"X-End", r.Trailer.Get("X-Last"))
		})
		st := newState(t, &Config{Client: client})
		r := requestFor(t, st, s, "trailer", "x-last")
		r.SetMethod("POST")
		b, _ := r.Body()
		out, _ := b.Stream()
		res, code := exchange(t, st, r, RequestOptions{})
		if code != nil {
			t.Fatal(code)
		}
		body, _ := res.Body()
		in, _ := body.Stream()
		for i := range 3 {
			want := fmt.Sprint("ball ", i)
			out.Write([]byte(want))
			got := ""
			for got != want {
				if err := Await(context.Background(), in); err != nil {
					t.Fatal(err)
				}
				p, err := in.Read(100)
				if err != nil {
					t.Fatal(err)
				}
				got += string(p)
			}
		}
		b.Finish(mustFields(t, &FieldRules{}, "x-last", "done"))
		if rest, err := readAll(t, in); err != nil || rest != "" {
			t.Errorf("got %q, %v", rest, err)
		}
		f := body.Finish()
		defer f.Close()
		if trailers, code := f.Get(); code != nil || trailers == nil || cmp.Diff([]string{"x-end: done"}, pairs(trailers)) != "" {
			t.Errorf("got %v, %v", trailers, code)
		}
	})
}

// frames is a server of HTTP/2 that responds to the first request with frames by hand.
func frames(t *testing.T, respond func(f *http2.Framer, stream uint32)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(c, c)
		f.WriteSettings()
		for responded := false; ; {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			switch frame.(type) {
			case *http2.HeadersFrame:
				if !responded {
					responded = true
					respond(f, frame.Header().StreamID)
				}
			case *http2.SettingsFrame:
				if !frame.Header().Flags.Has(http2.FlagSettingsAck) {
					f.WriteSettingsAck()
				}
			}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// head writes the head of a response.
func head(f *http2.Framer, stream uint32, end bool, kv ...string) {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for i := 0; i < len(kv); i += 2 {
		e.WriteField(hpack.HeaderField{Name: kv[i], Value: kv[i+1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end,
	})
}

func TestFailuresOfHTTP2HaveTheirErrorCode(t *testing.T) {
	reset := func(code http2.ErrCode) func(f *http2.Framer, stream uint32) {
		return func(f *http2.Framer, stream uint32) { f.WriteRSTStream(stream, code) }
	}
	late := func(code http2.ErrCode) func(f *http2.Framer, stream uint32) {
		return func(f *http2.Framer, stream uint32) {
			head(f, stream, false, ":status", "200")
			f.WriteData(stream, false, []byte("abc"))
			f.WriteRSTStream(stream, code)
		}
	}
	soon := RequestOptions{FirstByte: ns(50 * time.Millisecond)}
	for name, c := range map[string]struct {
		respond func(f *http2.Framer, stream uint32)
		opts    RequestOptions
		body    string
		want    ErrorCase
	}{
		"refused":      {reset(http2.ErrCodeRefusedStream), RequestOptions{}, "", ConnectionRefused},
		"cancelled":    {reset(http2.ErrCodeCancel), RequestOptions{}, "", ConnectionTerminated},
		"failed":       {reset(http2.ErrCodeInternal), RequestOptions{}, "", HTTPProtocolError},
		"too fast":     {reset(http2.ErrCodeEnhanceYourCalm), RequestOptions{}, "", ConnectionLimitReached},
		"not safe":     {reset(http2.ErrCodeInadequateSecurity), RequestOptions{}, "", TLSProtocolError},
		"goes away":    {func(f *http2.Framer, _ uint32) { f.WriteGoAway(0, http2.ErrCodeNo, nil) }, RequestOptions{}, "", ConnectionTerminated},
		"fails at all": {func(f *http2.Framer, stream uint32) { f.WriteGoAway(stream, http2.ErrCodeProtocol, nil) }, soon, "", ConnectionReadTimeout},
		"no HTTP/2":    {func(f *http2.Framer, _ uint32) { f.WriteRawFrame(http2.FrameData, 0, 0, nil) }, RequestOptions{}, "", HTTPProtocolError},
		"no status":    {func(f *http2.Framer, stream uint32) { head(f, stream, true, "a", "b") }, RequestOptions{}, "", HTTPProtocolError},
		"a large head": {func(f *http2.Framer, stream uint32) {
			kv := []string{":status", "200"}
			for range 20 {
				kv = append(kv, "x", strings.Repeat("y", 100))
			}
			head(f, stream, true, kv...)
		}, RequestOptions{}, "", HTTPResponseHeaderSectionSize},
		"no head":           {func(*http2.Framer, uint32) {}, soon, "", ConnectionReadTimeout},
		"cut off":           {late(http2.ErrCodeInternal), RequestOptions{}, "abc", HTTPResponseIncomplete},
		"cancelled halfway": {late(http2.ErrCodeCancel), RequestOptions{}, "abc", HTTPResponseIncomplete},
		"no more": {func(f *http2.Framer, stream uint32) {
			head(f, stream, false, ":status", "200")
			f.WriteData(stream, false, []byte("abc"))
		}, RequestOptions{BetweenBytes: ns(time.Second)}, "abc", ConnectionReadTimeout},
		"too short": {func(f *http2.Framer, stream uint32) {
			head(f, stream, false, ":status", "200", "content-length", "5")
			f.WriteData(stream, true, []byte("abc"))
		}, RequestOptions{}, "abc", HTTPResponseIncomplete},
		"an interim response": {func(f *http2.Framer, stream uint32) {
			head(f, stream, false, ":status", "103", "link", "x")
			head(f, stream, false, ":status", "200")
			f.WriteData(stream, true, []byte("abc"))
		}, RequestOptions{}, "abc", noError},
		"trailers alone": {func(f *http2.Framer, stream uint32) {
			head(f, stream, true, ":status", "200", "grpc-status", "5")
		}, RequestOptions{}, "", noError},
	} {
		t.Run(name, func(t *testing.T) {
			addr := frames(t, c.respond)
			st := newState(t, &Config{Client: &Client{H2C: func(string) bool { return true }, MaxHeaderBytes: 1000}})
			res, code := exchange(t, st, newRequest(t, st, addr), c.opts)
			text := ""
			if code == nil {
				text, _, code = bodyOf(t, res)
				res.Close()
			}
			got := noError
			if code != nil {
				got = code.Case
			}
			if got != c.want || text != c.body {
				t.Errorf("got %q, %v, want %q, %v", text, code, c.body, c.want)
			}
		})
	}
}

// noError stands for no error-code in tables.
const noError = ErrorCase(1000)

func TestTheServerNoticesThatAGuestGivesUp(t *testing.T) {
	eachHTTP2(t, func(t *testing.T, secure bool) {
		left, entered := make(chan error, 2), make(chan struct{}, 2)
		client, s := http2Server(t, secure, func(w http.ResponseWriter, r *http.Request) {
			entered <- struct{}{}
			if r.URL.Path == "/later" {
				http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
			_, err := io.ReadAll(r.Body)
			left <- err
		})
		st := newState(t, &Config{Client: client})
		// One gives up the response, and the other one request and response.
		e, code := st.Send(context.Background(), requestFor(t, st, s), RequestOptions{})
		if code != nil {
			t.Fatal(code)
		}
		later := requestFor(t, st, s)
		later.SetPathWithQuery("/later")
		later.SetMethod("POST")
		b, _ := later.Body()
		res, code := exchange(t, st, later, RequestOptions{})
		if code != nil {
			t.Fatal(code)
		}
		<-entered
		<-entered
		e.Drop()
		b.Abort(NewErrorCode(InternalError, nil))
		res.Close()
		// One of them had no body.
		if first, second := <-left, <-left; first == nil && second == nil {
			t.Error("half a body was taken for a whole one")
		}
	})
}

// TestEachExchangeHasAConnectionOfItsOwn, so that what one guest may do says nothing of another.
func TestEachExchangeHasAConnectionOfItsOwnInHTTP2(t *testing.T) {
	eachHTTP2(t, func(t *testing.T, secure bool) {
		client, s := http2Server(t, secure, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hi") })
		var made atomic.Int32
		client.Connect = func(ctx context.Context, r Destination) (net.Conn, error) {
			made.Add(1)
			return r.Dial(ctx)
		}
		refusing := *client
		refusing.Allow = func(string) error { return io.EOF }
		for range 2 {
			st := newState(t, &Config{Client: client})
			for range 2 {
				res, code := exchange(t, st, requestFor(t, st, s), RequestOptions{})
				if code != nil {
					t.Fatal(code)
				}
				if text, _, code := bodyOf(t, res); text != "hi" || code != nil {
					t.Errorf("got %q, %v", text, code)
				}
			}
		}
		st := newState(t, &Config{Client: &refusing})
		if _, code := exchange(t, st, requestFor(t, st, s), RequestOptions{}); code == nil || code.Case != HTTPRequestDenied {
			t.Errorf("got %v", code)
		}
		if made.Load() != 5 {
			t.Errorf("%d connections", made.Load())
		}
	})
}

// TestAServerWithoutHTTP2IsSpokenToInHTTP1 has a server of https that knows nothing else.
func TestAServerWithoutHTTP2IsSpokenToInHTTP1(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	st := newState(t, &Config{Client: &Client{TLS: &tls.Config{RootCAs: roots}}})
	res, code := exchange(t, st, requestFor(t, st, s), RequestOptions{})
	if code != nil {
		t.Fatal(code)
	}
	if text, _, code := bodyOf(t, res); text != "HTTP/1.1" || code != nil {
		t.Errorf("got %q, %v", text, code)
	}
}
