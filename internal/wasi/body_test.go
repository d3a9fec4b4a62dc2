package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newState returns a state that the test closes, after which no goroutine may be left.
func newState(t *testing.T, cfg *Config) *State {
	t.Helper()
	before := runtime.NumGoroutine()
	st := NewState(cfg)
	t.Cleanup(func() {
		st.Close()
		awaitGoroutines(t, before)
	})
	return st
}

// awaitGoroutines waits until there are no more goroutines than before: those of closed connections
// end on their own.
func awaitGoroutines(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf(
				"%d goroutines, %d before\n%s",
				runtime.NumGoroutine(),
				before,
				buf[:runtime.Stack(buf, true)],
			)
		}
	}
}

// newOutgoing returns the body of a response with these fields, its stream and its receiving end.
func newOutgoing(t *testing.T, st *State, kv ...string) (*OutgoingBody, OutputStream, *BodyReader) {
	t.Helper()
	b, ok := st.NewOutgoingResponse(mustFields(t, st.FieldRules(), kv...)).Body()
	if !ok {
		t.Fatal("no body")
	}
	s, ok := b.Stream()
	if !ok {
		t.Fatal("no stream")
	}
	return b, s, b.Reader()
}

func TestBodiesAndTheirStreamsAreReturnedOnce(t *testing.T) {
	st := newState(t, &Config{})
	res, req := st.NewOutgoingResponse(
		NewFields(st.FieldRules()),
	), st.NewOutgoingRequest(
		NewFields(st.FieldRules()),
	)
	b, _ := res.Body()
	_, again := res.Body()
	_, first := b.Stream()
	_, second := b.Stream()
	_, reqFirst := req.Body()
	_, reqSecond := req.Body()
	in := st.RequestBody(&Request{})
	_, inFirst := in.Stream()
	_, inSecond := in.Stream()
	if diff := cmp.Diff([]bool{false, true, false, true, false, true, false},
		[]bool{again, first, second, reqFirst, reqSecond, inFirst, inSecond}); diff != "" {
		t.Error(diff)
	}
}

func TestWritesComeOutInOrderWhateverTheirSizes(t *testing.T) {
	st := newState(t, &Config{})
	b, s, r := newOutgoing(t, st)
	var want []byte
	for i, n := range []int{1, 2, 511, 512, 513, 3, 4000, 90, 5000, 0, 7, 8192, 1, 1} {
		p := bytes.Repeat([]byte{byte('a' + i)}, n)
		want = append(want, p...)
		if err := s.Write(p); err != nil {
			t.Fatal(err)
		}
		clear(p) // not the stream's
	}
	if n := r.Buffered(); n != len(want) || r.Ended() || !r.Ready() {
		t.Errorf("buffered %d, ended %v, ready %v", n, r.Ended(), r.Ready())
	}
	if code := b.Finish(nil); code != nil || !r.Ended() {
		t.Fatal(code)
	}
	got, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(r, 600)))
	if err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(append(got, rest...), want) {
		t.Errorf("got %d+%d bytes, want %d; %v", len(got), len(rest), len(want), err)
	}
}

func TestWaitingForABodyEndsWithTheContext(t *testing.T) {
	st := newState(t, &Config{BodyBuffer: 1})
	_, s, _ := newOutgoing(t, st)
	if err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("time is over")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if err := Await(ctx, s); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

func TestAGoneReaderClosesTheGuestsStream(t *testing.T) {
	st := newState(t, &Config{BodyBuffer: 1})
	b, s, r := newOutgoing(t, st)
	if err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- r.Close() }()
	if err := Await(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	<-closed
	_, check := s.CheckWrite()
	for what, err := range map[string]error{"check-write": check, "write": s.Write([]byte("y")), "flush": s.Flush()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if code := b.Finish(nil); code != nil {
		t.Errorf("finish: %v", code)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read after close: %v", err)
	}
}

func TestContentLengthIsHeldTo(t *testing.T) {
	for name, c := range map[string]struct {
		length string
		writes []string
		failed int // index of the write that fails, -1 for none
		code   string
		body   string
	}{
		"exact":             {"11", []string{"hello ", "world"}, -1, "", "hello world"},
		"short":             {"11", []string{"abc"}, -1, "HTTP-response-body-size(3)", "abc"},
		"nothing":           {"11", nil, -1, "HTTP-response-body-size(0)", ""},
		"long at once":      {"11", []string{"012345678901234567"}, 0, "HTTP-response-body-size(18)", ""},
		"long in the end":   {"11", []string{"01234567890", "1234567"}, 1, "HTTP-response-body-size(18)", "01234567890"},
		"empty":             {"0", nil, -1, "", ""},
		"empty, but a byte": {"0", []string{"x"}, 0, "HTTP-response-body-size(1)", ""},
		"too big to count":  {"18446744073709551615", []string{"x"}, -1, "HTTP-response-body-size(1)", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{})
			b, s, r := newOutgoing(t, st, "Content-Length", c.length)
			for i, w := range c.writes {
				err := s.Write([]byte(w))
				if i != c.failed {
					if err != nil {
						t.Fatalf("write %d: %v", i, err)
					}
					continue
				}
				if code := AsErrorCode(err); code == nil || code.String() != c.code {
					t.Errorf("write %d: %v, want %s", i, err, c.code)
				}
				if _, err := s.CheckWrite(); !errors.Is(err, ErrClosed) {
					t.Errorf("afterwards: %v", err)
				}
			}
			got := ""
			if code := b.Finish(nil); code != nil {
				got = code.String()
			}
			if got != c.code {
				t.Errorf("finish: %q, want %q", got, c.code)
			}
			body, err := io.ReadAll(r)
			if string(body) != c.body || (err == nil) != (c.code == "") {
				t.Errorf("received %q, %v", body, err)
			}
		})
	}
}

func TestADroppedBodyCutsTheMessage(t *testing.T) {
	st := newState(t, &Config{})
	b, s, r := newOutgoing(t, st)
	if err := s.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	b.Abort(ErrBodyDropped)
	body, err := io.ReadAll(r)
	if string(body) != "abc" || !errors.Is(err, ErrBodyDropped) {
		t.Errorf("%q, %v", body, err)
	}
}

// readAll reads a guest's stream to its end.
func readAll(t *testing.T, s InputStream) (string, error) {
	t.Helper()
	var all []byte
	for {
		b, err := s.Read(1 << 20)
		all = append(all, b...)
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return string(all), err
		}
		if len(b) == 0 {
			if err := Await(context.Background(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestIncomingBodiesAreReadOnDemand(t *testing.T) {
	st := newState(t, &Config{})
	pr, pw := io.Pipe()
	b := st.RequestBody(&Request{Body: pr})
	s, _ := b.Stream()
	if got, err := s.Read(0); got != nil || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	b.mu.Lock()
	reading := b.reading
	b.mu.Unlock()
	if reading {
		t.Error("a read of nothing reads ahead")
	}
	if got, err := s.Read(10); got != nil || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	write := func(p string) {
		if _, err := pw.Write([]byte(p)); err != nil {
			t.Error(err)
		}
	}
	write("hello")
	if err := Await(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"he", "ll", "o", ""} {
		if got, err := s.Read(2); string(got) != want || err != nil {
			t.Errorf("got %q, want %q; %v", got, want, err)
		}
	}
	go pw.Close()
	if got, err := readAll(t, s); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for range 2 {
		if _, err := s.Read(0); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
	}
}

func TestABodysErrorIsReportedOnce(t *testing.T) {
	st := newState(t, &Config{})
	b := st.RequestBody(
		&Request{
			Body: io.NopCloser(
				io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)),
			),
		},
	)
	s, _ := b.Stream()
	got, err := readAll(t, s)
	if code := AsErrorCode(err); got != "abc" || code == nil || code.Case != HTTPProtocolError {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Read(1); err != io.EOF {
		t.Errorf("again: %v", err)
	}
	f := b.Finish()
	if _, code := f.Get(); !f.Ready() || code == nil || code.Case != HTTPProtocolError {
		t.Errorf("trailers: %v", code)
	}
}

func TestFinishingABodyReadsOnToItsTrailers(t *testing.T) {
	st := newState(t, &Config{})
	trailer := FieldsFromHTTP(st.FieldRules(), http.Header{"X-T": {"1"}, "X-Announced": nil})
	for name, c := range map[string]struct {
		req  *Request
		want []string
	}{
		"unread": {&Request{Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20))),
			Trailer: func() *Fields { return trailer }}, []string{"x-t: 1"}},
		"none sent": {&Request{Body: io.NopCloser(strings.NewReader("x")),
			Trailer: func() *Fields { return FieldsFromHTTP(st.FieldRules(), http.Header{"X-Announced": nil}) }}, nil},
		"no body": {&Request{}, nil},
	} {
		b := st.RequestBody(c.req)
		f := b.Finish()
		if err := Await(context.Background(), f); err != nil {
			t.Fatal(err)
		}
		got, code := f.Get()
		switch {
		case code != nil, (got != nil) != (c.want != nil):
			t.Errorf("%s: %v, %v", name, got, code)
		case got != nil:
			if diff := cmp.Diff(c.want, pairs(got)); diff != "" || !got.Frozen() {
				t.Errorf("%s: frozen %v, %s", name, got.Frozen(), diff)
			}
		}
		f.Close()
	}
}

// stuck is a body that returns nothing until it is closed or interrupted.
type stuck struct{ free chan struct{} }

func (s stuck) Read([]byte) (int, error) { <-s.free; return 0, io.ErrClosedPipe }
func (s stuck) Close() error             { close(s.free); return nil }
func (s stuck) Interrupt()               { close(s.free) }

func TestClosingAStateEndsReadsUnderWay(t *testing.T) {
	before := runtime.NumGoroutine()
	st := NewState(&Config{})
	s, _ := st.RequestBody(&Request{Body: stuck{make(chan struct{})}}).Stream()
	r, err := http.NewRequest("POST", "http://h/", stuck{make(chan struct{})})
	if err != nil {
		t.Fatal(err)
	}
	q, err := RequestFromHTTP(
		r.WithContext(
			context.WithValue(context.Background(), http.ServerContextKey, &http.Server{}),
		),
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	s2, _ := st.RequestBody(q).Stream()
	if s.Ready() || s2.Ready() {
		t.Fatal("there is nothing to read")
	}
	st.Close()
	st.Close()
	awaitGoroutines(t, before)
	if _, err := s.Read(1); err != io.EOF {
		t.Errorf("%v", err)
	}
	if in, _ := st.RequestBody(&Request{Body: stuck{}}).Stream(); !in.Ready() {
		t.Error("a body of a closed state blocks")
	}
}

func TestAGuestThatDoesNotReadHoldsTheSenderBack(t *testing.T) {
	st := newState(t, &Config{})
	pr, pw := io.Pipe()
	b := st.RequestBody(&Request{Body: pr})
	s, _ := b.Stream()
	const total = 4 << 20
	sent := make(chan error, 1)
	go func() {
		_, err := pw.Write(make([]byte, total))
		pw.Close()
		sent <- err
	}()
	if err := Await(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	idle := func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return !b.reading
	}
	for !idle() {
		runtime.Gosched()
	}
	if b.size > readAhead+largeRead {
		t.Errorf("%d bytes are kept for a guest that does not read", b.size)
	}
	got, err := readAll(t, s)
	if len(got) != total || err != nil || <-sent != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
