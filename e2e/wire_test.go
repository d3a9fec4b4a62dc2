package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// dial opens a connection to the server for bytes as they are.
func dial(t *testing.T, base string) *net.TCPConn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return connection.(*net.TCPConn)
}

// raw sends bytes and returns all that comes back until the server closes.
func raw(t *testing.T, base, request string) string {
	t.Helper()
	connection := dial(t, base)
	// A server may respond and close before it has read all of a request that it refuses.
	_, writing := io.WriteString(connection, request)
	all, err := io.ReadAll(connection)
	if err != nil && len(all) == 0 {
		t.Fatal(errors.Join(writing, err))
	}
	return string(all)
}

// TestWire sends requests byte for byte and looks at what the guest makes of them, and at the bytes
// that come back.
func TestWire(t *testing.T) {
	if !ours() {
		return // what servers refuse by themselves differs
	}
	server := serve(t, rustKitchen().path)
	for name, tt := range map[string]struct {
		request string
		status  string
		want    []string // parts of the answer
		without []string
	}{
		"origin form": {"GET /headers?a=b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK",
			[]string{"GET /headers?a=b\n", "authority: here\n", "scheme: http\n"}, nil},
		"absolute form": {"GET http://there:81/headers?a HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK",
			[]string{"GET /headers?a\n", "authority: there:81\n"}, nil},
		"asterisk form":      {"OPTIONS * HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "HTTP/1.1 ", nil, nil},
		"authority form":     {"CONNECT there:443 HTTP/1.1\r\nHost: there:443\r\nConnection: close\r\n\r\n", "HTTP/1.1 ", nil, nil},
		"1.0 without a host": {"GET /headers HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", []string{"GET /headers\n"}, []string{"Transfer-Encoding"}},
		"1.1 without a host": {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400", nil, []string{"hello"}},
		"a target that is no text": {"GET /\xff HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 400", []string{"HTTP-request-URI-invalid"}, []string{"guest"}},
		"HEAD": {"HEAD /big?n=1000 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK", nil, nil},
		"204": {"GET /status?code=204 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "HTTP/1.1 204", nil,
			[]string{"Transfer-Encoding", "Content-Length"}},
		"304": {"GET /status?code=304 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "HTTP/1.1 304", nil,
			[]string{"Transfer-Encoding"}},
		"a final 1xx": {"GET /status?code=103 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 500", []string{"no-response"}, nil},
		"trailers in chunks": {"POST /trailers HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" +
			"TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Asked: yes\r\n\r\n",
			"HTTP/1.1 200 OK", []string{"x-asked: yes\n", "\r\n0\r\n", "X-Body-Bytes: 4\r\n"}, nil},
		"a declared length too long": {"GET /short HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 500", []string{"HTTP-response-body-size"}, nil},
		"a header beyond the limit": {"GET / HTTP/1.1\r\nHost: here\r\nX-Big: " + strings.Repeat("x", 4<<20) +
			"\r\n\r\n", "HTTP/1.1 431", nil, []string{"hello"}},
		"no HTTP": {"hello there\r\n\r\n", "HTTP/1.1 400", nil, nil},
		"two lengths": {"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n" +
			"body", "HTTP/1.1 400", nil, nil},
		"a space before the colon": {"GET / HTTP/1.1\r\nHost: here\r\nX-A : b\r\n\r\n", "HTTP/1.1 400", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := raw(t, server.URL, tt.request)
			if !strings.HasPrefix(got, tt.status) {
				t.Fatalf("want %s:\n%s", tt.status, tail(got, 500))
			}
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("no %q in:\n%s", part, tail(got, 2000))
				}
			}
			for _, part := range tt.without {
				if strings.Contains(got, part) {
					t.Errorf("%q in:\n%s", part, tail(got, 2000))
				}
			}
		})
	}
	t.Run("HEAD has no body", func(t *testing.T) {
		_, body, _ := strings.Cut(raw(t, server.URL, "HEAD /big?n=1000 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"), "\r\n\r\n")
		if body != "" {
			t.Errorf("body %q", tail(body, 100))
		}
	})
	t.Run("Expect: 100-continue", func(t *testing.T) {
		connection := dial(t, server.URL)
		fmt.Fprint(connection, "POST /echo HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n")
		reader := bufio.NewReader(connection)
		line, err := reader.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
			t.Fatalf("first line %q, %v", line, err)
		}
		fmt.Fprint(connection, "body")
		rest, err := io.ReadAll(reader)
		if err != nil || !strings.Contains(string(rest), "HTTP/1.1 200 OK") || !strings.Contains(string(rest), "body") {
			t.Errorf("then %q, %v", rest, err)
		}
	})
	t.Run("two requests on one connection", func(t *testing.T) {
		got := raw(t, server.URL, "GET / HTTP/1.1\r\nHost: here\r\n\r\nGET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
		if n := strings.Count(got, "hello from rust\n"); n != 2 {
			t.Errorf("%d answers in:\n%s", n, got)
		}
	})
	sameText(t, "after all that", "hello from rust\n", get(t, client(t), server.URL+"/"))
}

// TestEventsOutliveTheTimeout streams for longer than --timeout allows for the head.
func TestEventsOutliveTheTimeout(t *testing.T) {
	if !ours() {
		return
	}
	server := serve(t, rustKitchen().path, "--timeout", "1s")
	started := time.Now()
	text := get(t, client(t), server.URL+"/sse?n=8&ms=200")
	if !strings.HasSuffix(text, "data: event 8\n\n") {
		t.Errorf("got %q", text)
	}
	if took := time.Since(started); took < time.Second {
		t.Errorf("the stream took only %v", took)
	}
}

// TestEchoNeedsNoMemory sends 200 MB through guests of both versions; the server must not keep it.
func TestEchoNeedsNoMemory(t *testing.T) {
	for _, g := range []guest{rustKitchen(), rustKitchenP3(t)} {
		t.Run(g.name, func(t *testing.T) { testEchoNeedsNoMemory(t, g.path) })
	}
}

func testEchoNeedsNoMemory(t *testing.T, path string) {
	server := serve(t, path)
	c := client(t)
	echo := func(size int64) {
		t.Helper()
		request, err := http.NewRequestWithContext(limited(t), http.MethodPost, server.URL+"/echo", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if n, err := io.Copy(io.Discard, response.Body); n != size || err != nil {
			t.Fatalf("%d of %d bytes, %v", n, size, err)
		}
	}
	echo(10 << 20)
	before := peakMemory(t, server.Pid())
	echo(200_000_000)
	limit := int64(40 << 20)
	if strings.Contains(os.Getenv(buildFlagsVariable), "-race") {
		limit *= 10 // the detector remembers what was touched
	}
	if grown := peakMemory(t, server.Pid()) - before; grown > limit {
		t.Errorf("the peak of the server's memory grew by %d MiB", grown>>20)
	}
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// peakMemory is the most memory that the process has had at a time, in bytes; 0 where the system
// does not tell.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// TestSlowHeadersAreCut sends a header line now and then, for ever: the server must hang up, and
// serve others meanwhile.
func TestSlowHeadersAreCut(t *testing.T) {
	if !ours() {
		return
	}
	t.Parallel() // nearly all of it is waiting
	server := serve(t, rustKitchen().path)
	connection := dial(t, server.URL)
	fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: here\r\n")
	sameText(t, "another", "hello from rust\n", get(t, client(t), server.URL+"/"))
	started := time.Now()
	all, err := io.ReadAll(connection)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("still connected after %v: %q", time.Since(started), all)
	}
	if strings.Contains(string(all), "200 OK") {
		t.Errorf("answered %q", all)
	}
}
