package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// wires are the ways to speak to a server, with the protocol that is spoken then.
var wires = map[string]string{
	"http": "HTTP/1.1", "https": "HTTP/1.1", "h2c": "HTTP/2.0", "h2": "HTTP/2.0",
}

// localCertificate returns a certificate for 127.0.0.1 and the roots that trust it.
func localCertificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates[0], roots
}

// startWire is start for one of wires, with a client that keeps its connections until the test
// ends.
func startWire(t testing.TB, wire string, h Handler, o Options) (*running, *http.Client) {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!strings.HasPrefix(wire, "h2"))
	protocols.SetHTTP2(wire == "h2")
	protocols.SetUnencryptedHTTP2(wire == "h2c")
	transport := &http.Transport{Protocols: protocols, DisableCompression: true}
	secure := wire == "https" || wire == "h2"
	if secure {
		cert, roots := localCertificate(t)
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	s := start(t, h, o)
	if secure {
		s.url = "https" + strings.TrimPrefix(s.url, "http")
	}
	t.Cleanup(transport.CloseIdleConnections)
	return s, &http.Client{Transport: transport}
}

// fetch returns a response with its body.
func fetch(t testing.TB, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func newRequest(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARequestIsTheSameOnEachWire(t *testing.T) {
	for wire, proto := range wires {
		for _, body := range []string{"", "hello"} {
			s, c := startWire(t, wire, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
				got, err := io.ReadAll(r.Body)
				resp := answer(200, fmt.Sprintf("%s %s %s %v %q %v %v %q %v", r.Method, r.Host,
					r.RequestURI, r.TLS != nil, got, err, r.Header["Cookie"], r.Header["Te"],
					r.Header["X-Forwarded-For"]), "x-a", "1", "x-a", "2", "connection", "x", "te", "trailers",
					"transfer-encoding", "gzip", "upgrade", "y")
				resp.Trailer.Set("X-End", "t")
				return resp, err
			}), Options{})
			r := newRequest(t, "PUT", s.url+"/a%20b/?q=%41&", strings.NewReader(body))
			r.Header["Cookie"] = []string{"a=1; b=2; c=3"}
			r.Header["Te"] = []string{"trailers"}
			r.Header["X-Forwarded-For"] = []string{"203.0.113.7"}
			resp, text := fetch(t, c, r)
			want := fmt.Sprintf(`PUT %s /a%%20b/?q=%%41& %v %q <nil> [a=1; b=2; c=3] ["trailers"] [203.0.113.7]`,
				s.addr, wire == "https" || wire == "h2", body)
			if text != want || resp.Proto != proto {
				t.Errorf("%s: got %s %s, want %s", wire, resp.Proto, text, want)
			}
			if !slices.Equal(resp.Header["X-A"], []string{"1", "2"}) || resp.Trailer.Get("X-End") != "t" ||
				resp.Header["Upgrade"] != nil || resp.Header["Connection"] != nil {
				t.Errorf("%s: got %v and trailers %v", wire, resp.Header, resp.Trailer)
			}
		}
	}
}

func TestFailuresAreExplainedAndCutOffOnEachWire(t *testing.T) {
	for wire := range wires {
		h := handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
			switch r.URL.Path {
			case "/early":
				return nil, &Failure{Outcome: Trap, Cause: "out of bounds"}
			case "/slow":
				<-ctx.Done()
				return nil, &Failure{Outcome: Expired, Cause: "slow"}
			}
			return answerBody(200, newChunkBody(ctx, chunks("part"), &Failure{Outcome: Trap, Cause: "late"})), nil
		})
		s, c := startWire(t, wire, h, Options{Grace: 20 * time.Millisecond})
		resp, text := fetch(t, c, newRequest(t, "GET", s.url+"/early", nil))
		if resp.StatusCode != 500 || resp.Header.Get("X-Wasihttp-Outcome") != "trap" ||
			!strings.Contains(text, "out of bounds") {
			t.Errorf("%s: got %v %s", wire, resp, text)
		}
		resp, err := c.Do(newRequest(t, "GET", s.url+"/late", nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err == nil || string(body) != "part" {
			t.Errorf("%s: got %q, %v as a whole response", wire, body, err)
		}
		if strings.HasPrefix(wire, "h2") && !strings.Contains(fmt.Sprint(err), "INTERNAL_ERROR") {
			t.Errorf("%s: got %v", wire, err)
		}
		resp.Body.Close()
		s.record(t)
		if record := s.record(t); record.Outcome != Trap || !record.Aborted {
			t.Errorf("%s: got %+v", wire, record)
		}
		s, c = startWire(t, wire, h, Options{Timeout: 50 * time.Millisecond})
		resp, _ = fetch(t, c, newRequest(t, "GET", s.url+"/slow", nil))
		if resp.StatusCode != 504 {
			t.Errorf("%s: got %v", wire, resp)
		}
	}
}

// TestBothBodiesStreamAtOnce has each side send only after it has got what the other sent last.
func TestBothBodiesStreamAtOnce(t *testing.T) {
	for wire := range wires {
		s, c := startWire(t, wire, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
			resp := answerBody(200, struct {
				io.Reader
				io.Closer
			}{r.Body, io.NopCloser(nil)})
			return resp, nil
		}), Options{})
		out, in := io.Pipe()
		resp, err := c.Do(newRequest(t, "POST", s.url, out))
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 5)
		for i := range 3 {
			want := fmt.Sprintf("ball%d", i)
			if _, err := io.WriteString(in, want); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != want {
				t.Errorf("%s: got %q, %v, want %s", wire, buf, err, want)
			}
		}
		in.Close()
		if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
			t.Errorf("%s: got %q, %v behind the end", wire, rest, err)
		}
		resp.Body.Close()
	}
}

func TestARequestEndsWithItsClientOnEachWire(t *testing.T) {
	for wire := range wires {
		left := make(chan error, 1)
		entered := make(chan struct{})
		s, c := startWire(t, wire, handlerFunc(func(ctx context.Context, _ string, r *http.Request) (*http.Response, error) {
			close(entered)
			<-ctx.Done()
			left <- ctx.Err()
			return nil, ctx.Err()
		}), Options{Grace: 20 * time.Millisecond})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			receive(t, entered, "request")
			cancel()
		}()
		if _, err := c.Do(newRequest(t, "GET", s.url, nil).WithContext(ctx)); err == nil {
			t.Errorf("%s: there was a response", wire)
		}
		receive(t, left, "end of the request")
		if record := s.record(t); record.Outcome != ClientGone {
			t.Errorf("%s: got %+v", wire, record)
		}
	}
}

func TestLargeHeadsAreRefusedOnEachWire(t *testing.T) {
	for wire := range wires {
		s, c := startWire(t, wire, always(func() *http.Response { return answer(200, "") }), Options{MaxHeaderBytes: 8 << 10})
		r := newRequest(t, "GET", s.url, nil)
		for i := range 16 {
			r.Header.Set(fmt.Sprint("X-Long-", i), strings.Repeat("x", 1<<10))
		}
		resp, err := c.Do(r)
		switch {
		case err == nil:
			resp.Body.Close()
			if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%s: got %d", wire, resp.StatusCode)
			}
		case !strings.Contains(err.Error(), "larger than peer's advertised limit"):
			t.Errorf("%s: %v", wire, err)
		}
	}
}

func TestASwapKeepsConnectionsOfHTTP2(t *testing.T) {
	for _, wire := range []string{"h2c", "h2"} {
		s, c := startWire(t, wire, always(func() *http.Response { return answer(200, "old") }), Options{})
		var reused atomic.Int64
		get := func() string {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(i httptrace.GotConnInfo) {
					if i.Reused {
						reused.Add(1)
					}
				},
			})
			_, text := fetch(t, c, newRequest(t, "GET", s.url, nil).WithContext(ctx))
			return text
		}
		old := get()
		retired := s.Swap(Build{Handler: always(func() *http.Response { return answer(200, "new") })})
		if err := retired.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if next := get(); old != "old" || next != "new" || reused.Load() != 1 {
			t.Errorf("%s: got %s, then %s, and the connection was used again %d times", wire, old, next, reused.Load())
		}
	}
}

func TestRequestsOfHTTP2EndBeforeTheServerDoes(t *testing.T) {
	for _, wire := range []string{"h2c", "h2"} {
		entered, release := make(chan struct{}), make(chan struct{})
		draining := make(chan int, 1)
		s, c := startWire(t, wire, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/slow" {
				close(entered)
				<-release
			}
			return answer(200, "done"), nil
		}), Options{Draining: func(n int) { draining <- n }})
		fetch(t, c, newRequest(t, "GET", s.url, nil))
		bodies := make(chan string, 1)
		go func() {
			_, body := fetch(t, c, newRequest(t, "GET", s.url+"/slow", nil))
			bodies <- body
		}()
		receive(t, entered, "request")
		s.stop()
		if n := receive(t, draining, "call of Draining"); n != 1 {
			t.Errorf("%s: %d requests are running", wire, n)
		}
		close(release)
		if body := receive(t, bodies, "response"); body != "done" {
			t.Errorf("%s: got %q", wire, body)
		}
		if err := receive(t, s.ended, "end of Serve"); err != nil {
			t.Error(err)
		}
		s.ended <- nil
	}
}

func TestARequestOfHTTP2ThatGoesOnIsCutAtTheEnd(t *testing.T) {
	entered := make(chan struct{})
	s, c := startWire(t, "h2c", handlerFunc(func(ctx context.Context, _ string, _ *http.Request) (*http.Response, error) {
		close(entered)
		return answerBody(200, newChunkBody(ctx, nil, nil)), nil
	}), Options{DrainTimeout: time.Millisecond})
	resp, err := c.Do(newRequest(t, "GET", s.url, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	receive(t, entered, "request")
	s.stop()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the client took half a response for a whole one")
	}
	if record := s.record(t); record.Outcome != Stopped || !record.Aborted {
		t.Errorf("got %+v", record)
	}
}

func TestABodyOfKnownLengthHasTrailersInHTTP2(t *testing.T) {
	for wire, want := range map[string]string{"http": "", "h2c": "0", "h2": "0"} {
		s, c := startWire(t, wire, always(func() *http.Response {
			resp := answer(200, "hello", "content-length", "5")
			resp.Trailer.Set("Grpc-Status", "0")
			return resp
		}), Options{})
		resp, text := fetch(t, c, newRequest(t, "GET", s.url, nil))
		if text != "hello" || resp.ContentLength != 5 || resp.Trailer.Get("Grpc-Status") != want {
			t.Errorf("%s: got %q of %d, %v", wire, text, resp.ContentLength, resp.Trailer)
		}
	}
}

func TestAClientOfHTTP2IsInvitedToSendItsBody(t *testing.T) {
	s, c := startWire(t, "h2c", handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/no" {
			return answer(403, ""), nil
		}
		body, err := io.ReadAll(r.Body)
		return answer(200, string(body)), err
	}), Options{})
	c.Transport.(*http.Transport).ExpectContinueTimeout = patience
	for path, want := range map[string]string{"/": "200 body", "/no": "403 "} {
		r := newRequest(t, "POST", s.url+path, strings.NewReader("body"))
		r.Header.Set("Expect", "100-continue")
		resp, text := fetch(t, c, r)
		if got := fmt.Sprint(resp.StatusCode, " ", text); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestThePrefaceOfHTTP2MayComeInPieces(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "") }), Options{})
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for at := 1; at < len(preface); at++ {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{preface[:at], preface[at:]} {
			if _, err := io.WriteString(c, part); err != nil {
				t.Fatal(err)
			}
		}
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil || head[3] != 4 {
			t.Errorf("cut after %d bytes: got %v, %v, no settings", at, head, err)
		}
		c.Close()
	}
}

func TestClientsWithoutTLSLearnThatThisIsHTTPS(t *testing.T) {
	var log lockedBuffer
	s, c := startWire(t, "h2", always(func() *http.Response { return answer(200, "hello") }), Options{ErrorLog: &log})
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000),
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		text, err := raw(t, s.addr, request)
		if err != nil || !strings.HasPrefix(text, "HTTP/1.1 400 ") || !strings.Contains(text, "this is https://") {
			t.Errorf("%.20q: got %q, %v", request, text, err)
		}
	}
	if !strings.Contains(log.String(), "tried http://, but this server speaks https://") {
		t.Errorf("got log %q", log.String())
	}
	if _, body := fetch(t, c, newRequest(t, "GET", s.url, nil)); body != "hello" {
		t.Errorf("then got %q", body)
	}
}

func TestTheReasonWhyThereIsNoTLSIsSaidOnce(t *testing.T) {
	var log lockedBuffer
	s, _ := startWire(t, "h2", always(func() *http.Response { return answer(200, "") }), Options{ErrorLog: &log})
	for range 3 {
		_, err := client().Get(s.url)
		if certificate := new(tls.CertificateVerificationError); !errors.As(err, &certificate) {
			t.Fatalf("got %v", err)
		}
	}
	s.stop() // its end awaits the connections
	if err := receive(t, s.ended, "end of Serve"); err != nil {
		t.Error(err)
	}
	s.ended <- nil
	if n := strings.Count(log.String(), "does not trust the certificate"); n != 1 {
		t.Errorf("said %d times in %q", n, log.String())
	}
}

func TestConnectionsWithoutATLSHandshakeDoNotHoldUpTheDrain(t *testing.T) {
	s, c := startWire(t, "https", always(func() *http.Response { return answer(200, "") }), Options{ReadHeaderTimeout: time.Hour})
	unused, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	fetch(t, c, newRequest(t, "GET", s.url, nil)) // accepted later than the other
	s.stop()
	if err := receive(t, s.ended, "end of Serve"); err != nil {
		t.Error(err)
	}
	s.ended <- nil
}

// TestLongBodiesGoThroughTLS covers pieces that are gathered, which TLS cuts into records.
func TestLongBodiesGoThroughTLS(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	for wire := range wires {
		s, c := startWire(t, wire, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
			if r.Method == "GET" {
				return answer(200, string(long)), nil
			}
			return answerBody(200, r.Body), nil
		}), Options{})
		for range 2 {
			if _, text := fetch(t, c, newRequest(t, "GET", s.url, nil)); text != string(long) {
				t.Errorf("%s: got %d bytes", wire, len(text))
			}
			if _, text := fetch(t, c, newRequest(t, "POST", s.url, bytes.NewReader(long))); text != string(long) {
				t.Errorf("%s: got %d bytes back", wire, len(text))
			}
		}
	}
}
