package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// readyBody never waits.
type readyBody struct{ io.Reader }

func (readyBody) Ready() bool  { return true }
func (readyBody) Close() error { return nil }

// respond is a response with a body that is there.
func respond(status int, body string, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}}
	resp.Body = readyBody{strings.NewReader(body)}
	for i := 0; i < len(header); i += 2 {
		resp.Header[header[i]] = append(resp.Header[header[i]], header[i+1])
	}
	return resp
}

// serve passes what make returns on through net/http's own server, which does not know the
// connection.
func serve(
	t *testing.T, config *Config, make func(r *http.Request) *http.Response,
) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler(config, make))
	t.Cleanup(s.Close)
	return s
}

func handler(config *Config, make func(r *http.Request) *http.Response) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var x Exchange
		x.Begin(config, w, r)
		err := x.Write(make(x.Request()), func(error) {})
		if err != nil && !x.Committed() {
			err = x.Respond(func(w http.ResponseWriter) error {
				w.WriteHeader(http.StatusInternalServerError)
				_, err := io.WriteString(w, err.Error())
				return err
			})
		}
		if err != nil {
			x.Abort()
		}
		x.End()
	}
}

// send writes bytes to a server and returns all that comes back until the server closes the
// connection.
func send(t *testing.T, s *httptest.Server, request string) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
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
	text, err := io.ReadAll(c)
	return string(text), err
}

func TestAResponseIsPassedOnWithoutAConn(t *testing.T) {
	s := serve(t, &Config{}, func(r *http.Request) *http.Response {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		resp := respond(201, "got "+string(body), "x-a", "1", "transfer-encoding", "gzip")
		resp.Trailer = http.Header{"x-end": {"t"}}
		return resp
	})
	text, err := send(t, s, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+
		"Content-Length: 2\r\n\r\nhi")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "got hi" || resp.StatusCode != 201 ||
		resp.Header.Get("X-A") != "1" || resp.Trailer.Get("X-End") != "t" || strings.Contains(text, "gzip") {
		t.Errorf("got %q, %v", text, err)
	}
}

// A client that gets a final status before 100 Continue need not send the body, which the program
// may only begin to read when its response has begun.
func TestAClientIsInvitedToSendItsBodyBeforeTheResponseBegins(t *testing.T) {
	for name, early := range map[string]bool{"read after the head": false, "read before it": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &Config{}, func(r *http.Request) *http.Response {
				resp := respond(200, "", "x-a", "b")
				resp.Body = io.NopCloser(r.Body) // not ready, as far as is known: the head leaves
				if early {
					first := make([]byte, 1)
					if _, err := io.ReadFull(r.Body, first); err != nil {
						t.Error(err)
					}
					resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(first), r.Body))
				}
				return resp
			})
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			const head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" +
				"Content-Length: 4\r\nConnection: close\r\n\r\n"
			if _, err := io.WriteString(c, head); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(c)
			const invitation = "HTTP/1.1 100 Continue\r\n\r\n"
			got := make([]byte, len(invitation))
			if _, err := io.ReadFull(in, got); err != nil || string(got) != invitation {
				t.Fatalf("got %q, %v", got, err)
			}
			if _, err := io.WriteString(c, "body"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(resp.Body)
			if err != nil || string(rest) != "body" || resp.StatusCode != 200 ||
				resp.Header.Get("X-A") != "b" {
				t.Errorf("got %v %q, %v", resp, rest, err)
			}
		})
	}
}

func TestAResponseThatIsCutIsNoticed(t *testing.T) {
	for proto, request := range map[string]string{
		"1.1": "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "1.0": "GET / HTTP/1.0\r\n\r\n",
	} {
		s := serve(t, &Config{}, func(*http.Request) *http.Response {
			resp := respond(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("part"), brokenReader{}))
			return resp
		})
		text, err := send(t, s, request)
		if err == nil && strings.HasSuffix(text, "0\r\n\r\n") || proto == "1.0" && err == nil {
			t.Errorf("%s: got %q as a whole response", proto, text)
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestABodyThatWasNotReadDoesNotMatterWithoutANetwork(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "http://h/", strings.NewReader("nobody reads this"))
	handler(&Config{}, func(*http.Request) *http.Response { return respond(200, "fine") })(w, r)
	if got := w.Body.String(); w.Code != 200 || got != "fine" {
		t.Errorf("got %d %q", w.Code, got)
	}
}

func TestConnectionsEndAfterABodyThatWasNotRead(t *testing.T) {
	for name, body := range map[string]string{
		"long":    "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000),
		"slow":    "Content-Length: 1000\r\n\r\nx",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"broken": "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n" +
			"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
		"expects": "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &Config{Grace: 40 * time.Millisecond}, func(r *http.Request) *http.Response {
				if r.URL.Path != "/" {
					t.Error("what is left of a body was taken for a request")
				}
				return respond(200, "fine")
			})
			text, err := send(t, s, "POST / HTTP/1.1\r\nHost: h\r\n"+body)
			if err != nil || !strings.Contains(text, "\r\nConnection: close\r\n") ||
				!strings.HasSuffix(text, "\r\n\r\nfine") {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func TestOneContentLengthIsSent(t *testing.T) {
	for name, tt := range map[string]struct {
		header []string
		body   string
		want   string // the header's value; "" if the response is refused
	}{
		"once":                 {[]string{"content-length", "4"}, "fine", "4"},
		"twice":                {[]string{"content-length", "4", "content-length", "4"}, "fine", "4"},
		"as a list":            {[]string{"content-length", "4, 4"}, "fine", "4"},
		"with zeros":           {[]string{"content-length", "0004"}, "fine", "4"},
		"in two spellings":     {[]string{"content-length", "4", "Content-Length", "4"}, "fine", "4"},
		"no length":            {[]string{"content-length", "four"}, "fine", "4"},
		"a sign":               {[]string{"content-length", "+4"}, "fine", "4"},
		"contradicting":        {[]string{"content-length", "4", "content-length", "5"}, "fine", ""},
		"the last one fits":    {[]string{"content-length", "5", "content-length", "4"}, "fine", ""},
		"the end of it fits":   {[]string{"content-length", "5, 4"}, "fine", ""},
		"contradicting list":   {[]string{"content-length", "4,5"}, "fine", ""},
		"contradicting spells": {[]string{"content-length", "4", "Content-Length", "5"}, "fine", ""},
		"too short":            {[]string{"content-length", "5"}, "fine", ""},
		"too long":             {[]string{"content-length", "3"}, "fine", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &Config{}, func(*http.Request) *http.Response {
				return respond(200, tt.body, tt.header...)
			})
			text, err := send(t, s, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			if err != nil || strings.Count(text, "\r\nContent-Length: ") != 1 {
				t.Fatalf("got %q, %v", text, err)
			}
			if tt.want == "" {
				if !strings.HasPrefix(text, "HTTP/1.1 500 ") {
					t.Errorf("got %q", text)
				}
			} else if !strings.Contains(text, "\r\nContent-Length: "+tt.want+"\r\n") {
				t.Errorf("got %q, want %s", text, tt.want)
			}
		})
	}
}

func TestAResponseThatGrantsATunnelHasNoBodyAndNoFraming(t *testing.T) {
	for name, header := range map[string][]string{
		"nothing": nil, "a length": {"content-length", "4"},
	} {
		s := serve(t, &Config{}, func(*http.Request) *http.Response {
			return respond(200, "fine", header...)
		})
		text, err := send(t, s, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n")
		lower := strings.ToLower(text)
		if err != nil || !strings.HasSuffix(text, "\r\n\r\n") ||
			strings.Contains(lower, "content-length") || strings.Contains(lower, "transfer-encoding") ||
			!strings.Contains(text, "Connection: close") {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
	}
	s := serve(t, &Config{}, func(*http.Request) *http.Response { return respond(403, "fine") })
	text, err := send(t, s, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n")
	if err != nil || !strings.HasSuffix(text, "\r\n\r\nfine") ||
		!strings.Contains(text, "Content-Length: 4\r\n") {
		t.Errorf("refused: got %q, %v", text, err)
	}
}

func TestResponsesToClientsBeforeHTTP11AnnounceTheEndOfTheConnection(t *testing.T) {
	s := serve(t, &Config{}, func(r *http.Request) *http.Response {
		resp := respond(200, "fine")
		if r.URL.Path == "/stream" {
			resp.Body = io.NopCloser(strings.NewReader("fine"))
		}
		resp.Trailer = http.Header{"X-End": {"no room"}}
		return resp
	})
	for request, closes := range map[string]bool{
		"GET / HTTP/1.0\r\n\r\n":                                 true,
		"GET /stream HTTP/1.0\r\n\r\n":                           true,
		"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n": true,
		// The second one ends the connection, for there is no other way to await the first one's
		// end.
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n": false,
	} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Close != closes || resp.Header.Get("Connection") == "close" != closes {
			t.Errorf("%q: got %v", request, resp.Header)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
