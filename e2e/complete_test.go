package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStreaming asks the Rust kitchen for bodies in every shape.
func TestStreaming(t *testing.T) {
	server := serve(t, rustKitchen().path)
	c := client(t)
	t.Run("echo by splice", func(t *testing.T) {
		sent := strings.Repeat("0123456789abcdef", 1<<16)
		got := ask(t, c, http.MethodPost, server.URL+"/echo?splice=1", strings.NewReader(sent))
		sameText(t, "echo", sent, got.body)
	})
	t.Run("a slow reader", func(t *testing.T) {
		sent := strings.Repeat("x", 300_000)
		got := ask(t, c, http.MethodPost, server.URL+"/read-slow?chunk=30000&ms=1", strings.NewReader(sent))
		sameText(t, "read-slow", "read 300000 bytes\n", got.body)
	})
	t.Run("events come one by one", func(t *testing.T) { testEvents(t, server.URL, c) })
	t.Run("an endless stream ends with its reader", func(t *testing.T) {
		request, err := http.NewRequestWithContext(limited(t), http.MethodGet, server.URL+"/sse?n=0&ms=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(response.Body, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err := server.WaitOutput(limited(t), "sse: client gone after"); err != nil {
			t.Error(err)
		}
	})
	t.Run("trailers both ways", func(t *testing.T) {
		request, err := http.NewRequestWithContext(limited(t), http.MethodPost, server.URL+"/trailers",
			io.MultiReader(strings.NewReader("some body"))) // of unknown length, so that it is sent in chunks
		if err != nil {
			t.Fatal(err)
		}
		request.Trailer = http.Header{"X-Asked": {"yes"}}
		response, err := c.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		sameText(t, "trailers seen", "x-asked: yes\n", string(text))
		want := http.Header{"X-Body-Bytes": {"9"}, "Echo-X-Asked": {"yes"}}
		if !ours() {
			want = response.Trailer // wasmtime passes on only trailers that are announced
		}
		if diff := cmp.Diff(want, response.Trailer); diff != "" {
			t.Errorf("trailers answered (-want +got):\n%s", diff)
		}
	})
	t.Run("no trailers", func(t *testing.T) {
		got := ask(t, c, http.MethodPost, server.URL+"/trailers", strings.NewReader("some body"))
		sameText(t, "trailers", "no trailers\n", got.body)
	})
	t.Run("work after the answer", func(t *testing.T) {
		sameText(t, "after", "answered\n", get(t, c, server.URL+"/after?ms=50"))
		if err := server.WaitOutput(limited(t), "after: done"); err != nil {
			t.Error(err)
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		got := ask(t, c, http.MethodHead, server.URL+"/big?n=100000", nil)
		if got.status != http.StatusOK || got.body != "" || got.cut != nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("an incomplete request", func(t *testing.T) { testIncomplete(t, server.URL) })
	for _, status := range []int{200, 201, 204, 304, 404, 418, 503, 599} {
		t.Run(fmt.Sprint("status ", status), func(t *testing.T) {
			got := ask(t, c, http.MethodGet, fmt.Sprintf("%s/status?code=%d", server.URL, status), nil)
			if got.status != status || got.cut != nil || got.body != "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// testEvents reads the first event well before the last one is sent.
func testEvents(t *testing.T, base string, c *http.Client) {
	request, err := http.NewRequestWithContext(limited(t), http.MethodGet, base+"/sse?n=3&ms=300", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %q", kind)
	}
	reader := bufio.NewReader(response.Body)
	if line, err := reader.ReadString('\n'); err != nil || line != "id: 1\n" {
		t.Fatalf("first line %q, %v", line, err)
	}
	first := time.Now()
	rest, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	sameText(t, "rest", "data: event 1\n\nid: 2\ndata: event 2\n\nid: 3\ndata: event 3\n\n", string(rest))
	if took := time.Since(first); took < 100*time.Millisecond { // this side may have been late, too
		t.Errorf("all events came within %v of the first", took)
	}
}

// testIncomplete sends less of a body than it declared and closes: the guest must see that as an
// error.
func testIncomplete(t *testing.T, base string) {
	connection, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(connection, "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nnot a hundred")
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return // cut before the head: no complete answer either
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode == http.StatusOK {
		t.Errorf("the echo of an incomplete request is complete: %q", text)
	}
}

// TestOutbound asks the Rust kitchen to send requests of its own.
func TestOutbound(t *testing.T) {
	server := serve(t, rustKitchen().path)
	c := client(t)
	upstreamURL := upstream(t)
	route := func(path, target string) string { return server.URL + path + "url=" + url.QueryEscape(target) }

	t.Run("status and type are passed on", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, route("/fetch?", upstreamURL+"/hello"), nil)
		if got.status != 200 || got.header.Get("X-Upstream-Status") != "203" || got.header.Get("Content-Type") != "text/plain" {
			t.Errorf("got %+v", got)
		}
		sameText(t, "body", "upstream saw GET /hello from rust-kitchen\n", got.body)
	})
	t.Run("another method", func(t *testing.T) {
		sameText(t, "body", "upstream saw DELETE /hello from rust-kitchen\n", get(t, c, route("/fetch?method=DELETE&", upstreamURL+"/hello")))
	})
	t.Run("a redirect is an answer", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, route("/fetch?", upstreamURL+"/redirect"), nil)
		if got.header.Get("X-Upstream-Status") != "302" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("post of a stream", func(t *testing.T) {
		sent := strings.Repeat("0123456789abcdef", 1<<16)
		got := ask(t, c, http.MethodPost, route("/post?", upstreamURL+"/echo"), strings.NewReader(sent))
		sameText(t, "post", sent, got.body)
	})
	t.Run("post by splice", func(t *testing.T) {
		sent := strings.Repeat("0123456789abcdef", 1<<10)
		got := ask(t, c, http.MethodPost, route("/post?splice=1&", upstreamURL+"/echo"), strings.NewReader(sent))
		sameText(t, "post", sent, got.body)
	})
	t.Run("trailers", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, route("/fetch?", upstreamURL+"/trailers"), nil)
		sameText(t, "body", "followed by a trailer\n", got.body)
		if diff := cmp.Diff(http.Header{"X-Upstream": {"the end"}}, got.trailer); ours() && diff != "" { // wasmtime passes on only announced ones
			t.Errorf("trailers (-want +got):\n%s", diff)
		}
	})
	t.Run("to itself", func(t *testing.T) {
		sameText(t, "body", "hello from rust\n", get(t, c, route("/fetch?", server.URL+"/")))
	})
	t.Run("a broken answer", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, route("/fetch?", upstreamURL+"/broken"), nil)
		if got.status == http.StatusOK && got.cut == nil {
			t.Errorf("the part of an answer looks complete: %q", got.body)
		}
	})

	nobody := closedPort(t)
	for _, failure := range []struct {
		name, target, code string
		lax                bool // wasmtime names another code
	}{
		{"nobody listens", nobody + "/", "ConnectionRefused", false},
		{"too slow", upstreamURL + "/silent&first=100", "ConnectionReadTimeout", false},
		{"no such scheme", "gopher" + strings.TrimPrefix(upstreamURL, "http"), "HttpProtocolError", false},
		{"no such host", "http://no-such-host.invalid/", "DnsError", false},
	} {
		t.Run(failure.name, func(t *testing.T) {
			target, options, _ := strings.Cut(failure.target, "&")
			got := ask(t, c, http.MethodGet, route("/fetch?"+options+"&", target), nil)
			if got.status != http.StatusBadGateway || !strings.HasPrefix(got.body, "fetch: ErrorCode::"+failure.code) {
				t.Errorf("status %d, body %q, want %s", got.status, got.body, failure.code)
			}
		})
	}
}

// closedPort is the URL of a port on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}
