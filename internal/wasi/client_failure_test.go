package wasi

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
	reply := func(wire string) string {
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
	noName := func(context.Context, Destination) (net.Conn, error) {
		return nil, &net.OpError{
			Op:  "dial",
			Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true},
		}
	}
	never := func(ctx context.Context, _ Destination) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	fails := func(err error) *Client {
		return &Client{Connect: func(context.Context, Destination) (net.Conn, error) {
			return nil, err
		}}
	}
	alert := &net.OpError{Op: "remote error", Err: tls.AlertError(42)}
	barred := &net.OpError{Op: "dial", Err: fs.ErrPermission}
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
		"no such name":      {"http", "h", &Client{Connect: noName}, RequestOptions{}, DNSError},
		"the embedder's":    {"http", "h", fails(fs.ErrPermission), RequestOptions{}, HTTPRequestDenied},
		"the network's":     {"http", "h", fails(barred), RequestOptions{}, ConnectionRefused},
		"its certificate":   {"https", "h", fails(&tls.CertificateVerificationError{}), RequestOptions{}, TLSCertificateError},
		"its alert":         {"https", "h", fails(alert), RequestOptions{}, TLSAlertReceived},
		"its TLS":           {"https", "h", fails(tls.RecordHeaderError{}), RequestOptions{}, TLSProtocolError},
		"no connection":     {"http", "h", &Client{Connect: never}, soon, ConnectionTimeout},
		"no handshake":      {"https", silent(), &Client{}, soon, ConnectionTimeout},
		"no response":       {"http", silent(), &Client{}, RequestOptions{FirstByte: ns(time.Millisecond)}, ConnectionReadTimeout},
		"unknown authority": {"https", secure.Listener.Addr().String(), &Client{}, RequestOptions{}, TLSCertificateError},
		"no TLS there":      {"https", eager("HTTP/1.1 400 Bad Request\r\n\r\n"), &Client{}, RequestOptions{}, TLSProtocolError},
		"TLS too old": {"https", picky.Listener.Addr().String(),
			&Client{TLS: &tls.Config{MaxVersion: tls.VersionTLS12, RootCAs: roots}}, RequestOptions{},
			TLSAlertReceived},
		"not HTTP":           {"http", reply("\x00\x00\x12\x04"), &Client{}, RequestOptions{}, HTTPProtocolError},
		"closed":             {"http", reply(""), &Client{}, RequestOptions{}, HTTPProtocolError},
		"half a head":        {"http", reply("HTTP/1.1 200 OK\r\nA: b"), &Client{}, RequestOptions{}, HTTPProtocolError},
		"switched protocols": {"http", reply("HTTP/1.1 101 Switching Protocols\r\n\r\n"), &Client{}, RequestOptions{}, HTTPUpgradeFailed},
		"head too big": {"http", reply("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 5000) + "\r\n\r\n"),
			&Client{MaxHeaderBytes: 1000}, RequestOptions{},
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
		"a gap": {wire: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hold: true,
			opts: RequestOptions{BetweenBytes: ns(time.Millisecond)}, body: "abc",
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

func TestEveryRequestIsAllowedAndLogged(t *testing.T) {
	var asked []string
	logged := make(chan Outbound, 10)
	stop := errors.New("stop")
	c := &Client{
		Allow: func(a string) error { asked = append(asked, a); return stop },
		Log:   func(o Outbound) { logged <- o },
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
	o := <-logged
	if o.Method != "GET" || o.URL != "http://h/" || o.Err == nil || o.Status != 0 {
		t.Errorf("%+v", o)
	}
	addr := rawServer(t, func(c net.Conn, r *bufio.Reader) {
		readHead(r)
		io.WriteString(c, "HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n")
	})
	for range 4 {
		<-logged
	}
	st2 := newState(t, &Config{Client: &Client{Log: c.Log}})
	if _, code := exchange(t, st2, newRequest(t, st2, addr), RequestOptions{}); code != nil {
		t.Fatal(code)
	}
	if o := <-logged; o.Status != 418 || o.Err != nil || o.URL != "http://"+addr+"/" {
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

func TestDroppingAnyPartClosesTheConnection(t *testing.T) {
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
