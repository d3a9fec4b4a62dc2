package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

func TestRequestReachesTheHandlerAsItWasSent(t *testing.T) {
	type seen struct {
		Method, URI, Host string
		Header            http.Header
	}
	tests := map[string]struct {
		send string
		want seen
	}{
		"path is not cleaned": {
			"GET //a//b/../c?x=%41 HTTP/1.1\r\nHost: h\r\n\r\n",
			seen{"GET", "//a//b/../c?x=%41", "h", http.Header{}},
		},
		"OPTIONS *": {
			"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
			seen{"OPTIONS", "*", "h", http.Header{}},
		},
		"any method": {
			"brew /pot HTTP/1.1\r\nHost: h\r\n\r\n",
			seen{"brew", "/pot", "h", http.Header{}},
		},
		"absolute form": {
			"GET http://other/p?q HTTP/1.1\r\nHost: h\r\n\r\n",
			seen{"GET", "http://other/p?q", "other", http.Header{}},
		},
		"CONNECT": {
			"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
			seen{"CONNECT", "other:443", "other:443", http.Header{}},
		},
		"CONNECT in absolute form": {
			"CONNECT http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
			seen{"CONNECT", "http://localhost/", "localhost", http.Header{}},
		},
		"HTTP/1.0 without a host gets the server's": {
			"GET / HTTP/1.0\r\n\r\n",
			seen{"GET", "/", "ADDR", http.Header{}},
		},
		"headers of the connection are taken out": {
			"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nUpgrade: websocket\r\nX-End: 2\r\n\r\n",
			seen{"GET", "/", "h", http.Header{"X-End": {"2"}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := make(chan seen, 1)
			s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
				got <- seen{r.Method, r.RequestURI, r.Host, r.Header}
				return answer(200, ""), nil
			}), Options{})
			send := tt.send
			if !strings.Contains(send, "Connection:") {
				send = strings.Replace(send, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
			}
			text, err := raw(t, s.addr, send)
			if err != nil || !strings.Contains(text, " 200 ") {
				t.Fatalf("got %q, %v", text, err)
			}
			want := tt.want
			want.Host = strings.Replace(want.Host, "ADDR", s.addr, 1)
			if diff := cmp.Diff(want, <-got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeadersAreLimited(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "") }), Options{MaxHeaderBytes: 1000})
	text, err := raw(t, s.addr, "GET / HTTP/1.1\r\nHost: h\r\nX-Big: "+strings.Repeat("x", 8000)+"\r\n\r\n")
	if err != nil || !strings.Contains(text, " 431 ") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestSampleRemembersShortBodiesOnly(t *testing.T) {
	tests := map[string]struct {
		body  string
		read  int64
		whole bool
	}{
		"all of it":         {"hello", 100, true},
		"not read to end":   {"hello", 3, false},
		"exactly the limit": {strings.Repeat("x", maxSample), maxSample + 1, true},
		"one byte too many": {strings.Repeat("x", maxSample+1), maxSample + 2, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sample := &sample{}
			body := &exchange.Body{ReadCloser: io.NopCloser(strings.NewReader(tt.body)), Observe: sample.add}
			_, _ = io.CopyN(io.Discard, body, tt.read)
			text, whole := sample.whole()
			if whole != tt.whole || whole && string(text) != tt.body {
				t.Errorf("got %d bytes, %v", len(text), whole)
			}
		})
	}
}

func TestCurlCommand(t *testing.T) {
	tests := map[string]struct {
		send   string
		sample *sample
		want   string
		note   bool
	}{
		"plain":      {"GET /a?b=c&d HTTP/1.1\r\nHost: h:80\r\n\r\n", nil, "curl -i 'http://h:80/a?b=c&d'", false},
		"HEAD":       {"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", nil, "curl -i --head http://h/", false},
		"dots":       {"GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n", nil, "curl -i --path-as-is http://h/a/../b", false},
		"brackets":   {"GET /a?b[0]=1 HTTP/1.1\r\nHost: h\r\n\r\n", nil, "curl -i --globoff 'http://h/a?b[0]=1'", false},
		"not a path": {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", nil, "curl -i --request-target '*' -X OPTIONS http://h/", false},
		"quotes": {"GET / HTTP/1.1\r\nHost: h\r\nX-A: it's $HOME `x`\r\n\r\n", nil,
			`curl -i http://h/ -H 'x-a: it'\''s $HOME ` + "`x`'", false},
		"empty header": {"GET / HTTP/1.1\r\nHost: h\r\nX-A:\r\n\r\n", nil, `curl -i http://h/ -H 'x-a;'`, false},
		"headers are sorted, the length is left out": {
			"POST / HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi", &sample{head: []byte("hi"), end: true},
			"curl -i -X POST http://h/ -H 'x-a: 2' -H 'x-b: 1' --data-binary hi", false},
		"bytes that are no text": {
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nhi", &sample{head: []byte("a\n\xff'"), end: true},
			`printf 'a\n\377\047' | curl -i -X POST http://h/ --data-binary @-`, false},
		"unknown body": {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", &sample{head: []byte("h")},
			"curl -i -X PUT http://h/ --data-binary @request-body", true},
		"body with a sign of its own": {
			"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n@x", &sample{head: []byte("@x"), end: true},
			"printf '@x' | curl -i -X PUT http://h/ --data-binary @-", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, note := curlCommand(parseRequest(t, tt.send), tt.sample)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (note != "") != tt.note {
				t.Errorf("got note %q", note)
			}
		})
	}
}

func TestCurlCommandReachesThisServer(t *testing.T) {
	for host, want := range map[string]string{
		"localhost:8080":    "curl -i http://localhost:8080/",
		"127.0.0.1:8080":    "curl -i http://127.0.0.1:8080/",
		"[::1]:8080":        "curl -i 'http://[::1]:8080/'",
		"localhost":         "curl -i http://127.0.0.1:8080/ -H 'host: localhost'",
		"localhost:3000":    "curl -i http://127.0.0.1:8080/ -H 'host: localhost:3000'",
		"shop.example":      "curl -i http://127.0.0.1:8080/ -H 'host: shop.example'",
		"shop.example:8080": "curl -i http://127.0.0.1:8080/ -H 'host: shop.example:8080'",
	} {
		r := parseRequest(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
		if got, _ := curlCommand(r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local)), nil); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

func TestConnectionGoesOnAfterABodyThatWasNotRead(t *testing.T) {
	body := strings.Repeat("x", 100<<10)
	for name, read := range map[string]int64{"not at all": 0, "in part": 10, "to its last byte": int64(len(body)), "whole": int64(len(body)) + 1} {
		for _, fails := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				var errorLog lockedBuffer
				s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
					if _, err := io.CopyN(io.Discard, r.Body, read); err != nil && err != io.EOF {
						return nil, err
					}
					if fails {
						return nil, &Failure{Outcome: Trap}
					}
					return answer(200, "hello"), nil
				}), Options{ErrorLog: &errorLog, Grace: patience})
				c := &http.Client{Transport: &http.Transport{}}
				defer c.CloseIdleConnections()
				remotes := make(map[string]bool)
				for range 5 {
					resp, err := c.Post(s.url, "text/plain", strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || !fails && string(got) != "hello" || resp.ContentLength != int64(len(got)) {
						t.Errorf("got %q, length %d, %v", got, resp.ContentLength, err)
					}
					remotes[s.record(t).Remote] = true
				}
				if len(remotes) != 1 {
					t.Errorf("%d connections were needed", len(remotes))
				}
				if log := errorLog.String(); log != "" {
					t.Errorf("got log:\n%s", log)
				}
			})
		}
	}
}

func TestEndlessUploadGetsItsAnswer(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "hello") }), Options{})
	in, out := io.Pipe()
	defer out.Close()
	resp, err := client().Post(s.url, "text/plain", in)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUploadThatStopsIsNotWaitedFor(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "hello") }), Options{Grace: time.Millisecond})
	text, err := raw(t, s.addr, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhal")
	if err != nil || !strings.HasSuffix(text, "\r\n\r\nhello") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestClientThatWaitsForContinueDoesNotHoldTheConnection(t *testing.T) {
	s := start(t, always(func() *http.Response { return answer(200, "hello") }), Options{Grace: time.Millisecond})
	text, err := raw(t, s.addr, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
	if err != nil || !strings.HasPrefix(text, "HTTP/1.1 200 OK") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestExpectedContinueIsSentWhenTheBodyIsRead(t *testing.T) {
	for name, reads := range map[string]bool{"read": true, "not read": false} {
		t.Run(name, func(t *testing.T) {
			s := start(t, handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
				if reads {
					if _, err := io.ReadAll(r.Body); err != nil {
						return nil, err
					}
				}
				return answer(200, "hello"), nil
			}), Options{})
			text, err := raw(t, s.addr, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")
			if err != nil || !strings.HasSuffix(text, "hello") || strings.Contains(text, " 100 Continue") != reads {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}
