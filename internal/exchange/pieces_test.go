package exchange

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lentBody lends pieces, each of which waits if ready says so.
type lentBody struct {
	pieces [][]byte
	ready  bool
}

func (b *lentBody) Next() (p []byte, err error) {
	if len(b.pieces) == 0 {
		return nil, io.EOF
	}
	p, b.pieces = b.pieces[0], b.pieces[1:]
	return p, nil
}

func (b *lentBody) Read([]byte) (int, error) { panic("read") }
func (b *lentBody) Ready() bool              { return b.ready || len(b.pieces) == 0 }
func (b *lentBody) Close() error             { return nil }

// tracer is a writer and its connection, and remembers what was called.
type tracer struct {
	httptest.ResponseRecorder
	calls []string
	kept  map[*byte]bool // the beginnings of what was written
}

func (w *tracer) Write(p []byte) (int, error) {
	w.calls = append(w.calls, "write "+strings.Repeat("k", len(p)>>10))
	w.kept[&p[0]] = true
	return w.ResponseRecorder.Write(p)
}

func (w *tracer) Flush()                                             { w.calls = append(w.calls, "flush") }
func (w *tracer) Last() bool                                         { return false }
func (w *tracer) CloseAfterResponse()                                {}
func (w *tracer) Reset()                                             {}
func (w *tracer) AwaitReadable(context.Context, int64) (bool, error) { return false, nil }
func (w *tracer) Readable(int64) (readable, known bool)              { return false, false }
func (w *tracer) Gather(begin bool) {
	w.calls = append(w.calls, map[bool]string{true: "gather", false: "done"}[begin])
}

func TestLongPiecesOfABodyAreNotCopied(t *testing.T) {
	k := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, n<<10) }
	for _, tt := range []struct {
		name   string
		pieces [][]byte
		ready  bool
		length string
		want   []string
	}{
		{"a short one", [][]byte{k(1), k(2), k(3)}, true, "6144", []string{"write kkkkkk"}},
		{"one that fits", [][]byte{k(31), k(1)}, true, "32768",
			[]string{"gather", "write " + strings.Repeat("k", 32), "done"}},
		{"events", [][]byte{k(1), k(2)}, false, "", []string{"flush", "write k", "flush", "write kk"}},
		{"long ones", [][]byte{k(40), k(1), k(41)}, true, "", []string{
			"gather", "write " + strings.Repeat("k", 40), "done", "write k",
			"gather", "write " + strings.Repeat("k", 41), "done",
		}},
		{"short ones", [][]byte{k(15), k(15), k(15), k(15), k(1)}, true, "", []string{
			"gather", "write " + strings.Repeat("k", 30), "done",
			"gather", "write " + strings.Repeat("k", 31), "done",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &tracer{ResponseRecorder: *httptest.NewRecorder(), kept: map[*byte]bool{}}
			var x Exchange
			x.Begin(&Config{Conn: func(*http.Request) Conn { return w }}, w,
				httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
			resp := &http.Response{StatusCode: 200, Header: http.Header{}}
			resp.Body = &lentBody{tt.pieces, tt.ready}
			if err := x.Write(resp, func(error) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, w.calls); diff != "" {
				t.Error(diff)
			}
			if want := bytes.Join(tt.pieces, nil); !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("%d bytes, want %d, or others", w.Body.Len(), len(want))
			}
			if got := w.Header().Get("Content-Length"); got != tt.length {
				t.Errorf("content-length %q, want %q", got, tt.length)
			}
			for _, p := range tt.pieces {
				if len(p) > copyBuffer && !w.kept[&p[0]] {
					t.Errorf("a piece of %d bytes was copied", len(p))
				}
			}
		})
	}
}
