package explorer

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/serve"
)

// The explorer follows requests, and is there, on whatever a server listens on.
func TestTheExplorerIsThereOnAllKindsOfConnections(t *testing.T) {
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS() // for its certificate
	certificate, trusted := certified.TLS, certified.Client().Transport.(*http.Transport).TLSClientConfig
	certified.Close()
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	socket := filepath.Join(t.TempDir(), "s.sock")
	for name, tt := range map[string]struct {
		network, address, scheme string
		tls                      *tls.Config
		transport                *http.Transport
		protocol                 string
	}{
		"IPv4":   {"tcp", "127.0.0.1:0", "http", nil, &http.Transport{}, "HTTP/1.1"},
		"IPv6":   {"tcp", "[::1]:0", "http", nil, &http.Transport{}, "HTTP/1.1"},
		"HTTP/2": {"tcp", "127.0.0.1:0", "http", nil, &http.Transport{Protocols: h2c}, "HTTP/2.0"},
		"TLS": {"tcp", "127.0.0.1:0", "https", certificate,
			&http.Transport{TLSClientConfig: trusted.Clone()}, "HTTP/1.1"},
		"TLS and HTTP/2": {"tcp", "127.0.0.1:0", "https", certificate,
			&http.Transport{TLSClientConfig: trusted.Clone(), ForceAttemptHTTP2: true}, "HTTP/2.0"},
		"a socket": {"unix", socket, "http", nil, &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		}, "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen(tt.network, tt.address)
			if err != nil {
				t.Fatal(err)
			}
			host := "localhost"
			if tt.network == "tcp" {
				host = l.Addr().String()
			}
			e := New(t.Context(), Options{Address: tt.scheme + "://" + host + "/"})
			defer e.Close()
			s := serve.New(serve.Build{Handler: handlerFunc(echo)}, serve.Options{
				Explorer: e, TLS: tt.tls, DrainTimeout: time.Minute,
			})
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- s.Serve(ctx, l) }()
			r := &running{Explorer: e, t: t, base: tt.scheme + "://" + host, client: &http.Client{Transport: tt.transport}}
			if status, text := r.do("POST", "/a", "the body"); status != 200 || text != "the body" {
				t.Errorf("got %d %q", status, text)
			}
			r.await("path:/a -is:running", 1)
			var d Detail
			r.api(200, "GET", "requests/1", "", &d)
			if d.Protocol != tt.protocol || d.Request.Body.Text != "the body" || d.Response.Body.Text != "the body" || d.Bytes != 8 {
				t.Errorf("got %+v", d)
			}
			if status, text := r.do("GET", Prefix, ""); status != 200 || !strings.Contains(text, "<html") {
				t.Errorf("the page: %d %q", status, text)
			}
			if status, _ := r.do("GET", apiPrefix+"state", ""); status != 401 {
				t.Errorf("without a token: %d", status)
			}
			tt.transport.CloseIdleConnections()
			stop()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

// A page of the program cannot read what the explorer shows, though its origin is the same: there
// is no token in anything that it can ask for, and none is taken from a cookie or a query.
func TestPagesOfTheProgramFindNoToken(t *testing.T) {
	r := start(t, func(ctx context.Context, id string, q *http.Request) (*http.Response, error) {
		// The program sees all that the browser sends.
		var seen strings.Builder
		if err := q.Write(&seen); err != nil {
			return nil, err
		}
		return reply(200, "text/html", seen.String()), nil
	}, nil)
	for _, path := range []string{Prefix, Prefix + "app.js", Prefix + "app.css", apiPrefix + "state", "/any", Prefix + "nothing"} {
		q, err := http.NewRequestWithContext(t.Context(), "GET", r.base+path+"#token="+r.token, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Cookie", "token=wrong; wasihttp-token="+r.token[:5])
		resp, err := r.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || strings.Contains(string(body), r.token) {
			t.Errorf("%s: %v, %s", path, err, body)
		}
		for name, values := range resp.Header {
			if strings.Contains(strings.Join(values, " "), r.token) || name == "Set-Cookie" {
				t.Errorf("%s: %s: %s", path, name, values)
			}
		}
	}
	for _, fields := range [][]string{
		{"Cookie: token=" + r.token}, {"Authorization: Bearer " + r.token}, {"X-Wasihttp-Token: " + r.token},
	} {
		if status, _ := r.do("GET", apiPrefix+"requests", "", fields...); status != 401 {
			t.Errorf("%v: got %d", fields, status)
		}
	}
}

// Without an explorer, its paths are the program's.
func TestWithoutAnExplorerItsPathsAreThePrograms(t *testing.T) {
	s := serve.New(serve.Build{Handler: handlerFunc(echo)}, serve.Options{})
	for _, path := range []string{Prefix, apiPrefix + "state"} {
		q := httptest.NewRequest("POST", path, strings.NewReader("for the program"))
		q.RemoteAddr = "127.0.0.1:1"
		q.Host = "localhost"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		if w.Code != 200 || w.Body.String() != "for the program" {
			t.Errorf("%s: got %d %q", path, w.Code, w.Body)
		}
	}
}

// A build that takes the place of another one leaves the requests that are kept, and the token.
func TestRequestsOutliveTheirBuild(t *testing.T) {
	r := start(t, echo, nil)
	r.do("GET", "/before", "")
	s := r.server.(*serve.Server)
	old := s.Swap(serve.Build{Handler: handlerFunc(echo), Digest: "second"})
	if err := old.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Built(Build{Outcome: Ready, Digest: "second"})
	r.do("GET", "/after", "")
	list := r.await("", 2)
	if list[0].Build != 2 || list[1].Build != 1 {
		t.Errorf("got %+v", list)
	}
	r.await("build:1", 1)
	var state struct{ Build Build }
	if r.api(200, "GET", "state", "", &state); state.Build.Number != 2 || state.Build.Digest != "second" {
		t.Errorf("got %+v", state)
	}
	r.Built(Build{Outcome: Fail, Message: "no"})
	if r.api(200, "GET", "state", "", &state); state.Build.Number != 2 || state.Build.Outcome != Ready {
		t.Errorf("got %+v", state)
	}
}
