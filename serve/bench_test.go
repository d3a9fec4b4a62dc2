package serve

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/serve/listen"
)

// greet reads the request and says hello.
func greet(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"content-type": {"text/plain"}},
		Body: io.NopCloser(strings.NewReader("hello")),
	}, nil
}

// BenchmarkRequest is one request after the other on one connection, whose handler does nothing:
// what the server itself costs.
func BenchmarkRequest(b *testing.B) {
	head := "Host: localhost:8080\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
	body := strings.Repeat("x", 1000)
	for name, request := range map[string]string{
		"get":  "GET /path?query HTTP/1.1\r\n" + head + "\r\n",
		"post": "POST / HTTP/1.1\r\n" + head + "Content-Length: 1000\r\n\r\n" + body,
		"chunked": "POST / HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n" +
			"3e8\r\n" + body + "\r\n0\r\n\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			l, err := listen.Listen(b.Context(), "127.0.0.1:0", false)
			if err != nil {
				b.Fatal(err)
			}
			s := New(Build{Handler: handlerFunc(greet)}, Options{})
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- s.Serve(ctx, l) }()
			defer func() {
				cancel()
				if err := <-done; err != nil {
					b.Error(err)
				}
			}()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			in := bufio.NewReader(c)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.WriteString(c, request); err != nil {
					b.Fatal(err)
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
					b.Fatal(resp.Status, err)
				}
			}
		})
	}
}
