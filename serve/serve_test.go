package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/serve/listen"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// handlerFunc is a Handler in a test.
type handlerFunc func(ctx context.Context, id string, r *http.Request) (*http.Response, error)

func (f handlerFunc) Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	return f(ctx, id, r)
}

// answer is a response with a body that knows its end.
func answer(status int, body string, header ...string) *http.Response {
	return answerBody(status, &readyBody{Reader: strings.NewReader(body)}, header...)
}

func answerBody(status int, body io.ReadCloser, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: body, Trailer: make(http.Header)}
}

// always answers each request with what make returns.
func always(make func() *http.Response) handlerFunc {
	return func(context.Context, string, *http.Request) (*http.Response, error) { return make(), nil }
}

// failing fails each request with f.
func failing(f *Failure) handlerFunc {
	return func(context.Context, string, *http.Request) (*http.Response, error) { return nil, f }
}

// readyBody never waits.
type readyBody struct {
	io.Reader
	closed atomic.Bool
}

func (b *readyBody) Ready() bool  { return true }
func (b *readyBody) Close() error { b.closed.Store(true); return nil }

// chunkBody makes each Read wait for the next chunk; err ends it once the
// channel is closed.
type chunkBody struct {
	chunks <-chan string
	ctx    context.Context
	err    error
	closed chan struct{}
}

func newChunkBody(ctx context.Context, chunks <-chan string, err error) *chunkBody {
	return &chunkBody{chunks: chunks, ctx: ctx, err: err, closed: make(chan struct{})}
}

func (b *chunkBody) Read(p []byte) (int, error) {
	select {
	case chunk, ok := <-b.chunks:
		if !ok {
			return 0, b.err
		}
		return copy(p, chunk), nil
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

func (b *chunkBody) Close() error { close(b.closed); return nil }

// chunks returns a closed channel of chunks.
func chunks(all ...string) <-chan string {
	c := make(chan string, len(all))
	for _, chunk := range all {
		c <- chunk
	}
	close(c)
	return c
}

// running is a Server that serves.
type running struct {
	*Server
	url     string
	addr    string
	records chan Record
	stop    context.CancelFunc
	ended   chan error
}

// start serves h on a free port until the test ends.
func start(t testing.TB, h Handler, o Options) *running {
	t.Helper()
	l, err := listen.Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, l, Build{Handler: h, Digest: "0123abcd"}, o)
}

func startOn(t testing.TB, l net.Listener, b Build, o Options) *running {
	t.Helper()
	r := &running{
		addr:    l.Addr().String(),
		url:     "http://" + l.Addr().String(),
		records: make(chan Record, 100),
		ended:   make(chan error, 1),
	}
	o.Log = func(record Record) { r.records <- record }
	if o.DrainTimeout == 0 {
		o.DrainTimeout = patience
	}
	r.Server = New(b, o)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.ended <- r.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-r.ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
			r.ended <- nil
		case <-time.After(patience):
			t.Error("Serve did not return")
		}
	})
	return r
}

// record waits for the next record.
func (r *running) record(t testing.TB) Record {
	t.Helper()
	return receive(t, r.records, "a record")
}

func receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %s", what, patience)
		panic("unreachable")
	}
}

// client never uses a connection twice.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// do sends a request and returns the answer with its body read.
func do(t testing.TB, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client().Do(req)
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

// raw sends bytes on a connection of their own and returns all that comes back.
func raw(t testing.TB, addr, text string) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(bufio.NewReader(c))
	return string(got), err
}

var errFake = errors.New("fake")
