package handler

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// TestMiddlewarePassesOn lets a component that imports the handler that it exports stand between a client and a server. The bodies go from
// one connection to the other without the guest.
func TestMiddlewarePassesOn(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "not all of it") // the reader notices
		default:
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("X-Method", r.Method)
			w.Header().Set("X-Target", r.RequestURI)
			w.WriteHeader(http.StatusCreated)
			_, _ = io.Copy(w, r.Body) // the reader compares
			w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
		}
	}))
	defer upstream.Close()
	h := &guestHost{loaded: load(t, "rust-middleware-p3/rust-middleware-p3.wasm"), reuse: Reuse{Max: 100, Concurrent: 16}}
	h.config.Client = &wasi.Client{DefaultScheme: "HTTP"}
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	send := func(path, body string, header ...wasi.Field) (*Response, error) {
		q := request(path)
		q.Method, q.Body = "POST", io.NopCloser(strings.NewReader(body))
		fields, err := wasi.FieldsFromList(&wasi.FieldRules{}, header)
		if err != nil {
			t.Fatal(err)
		}
		q.Header = fields.Freeze()
		q.Trailer = func() *wasi.Fields {
			f, err := wasi.FieldsFromList(&wasi.FieldRules{}, []wasi.Field{{Name: "x-sum", Value: []byte("7")}})
			if err != nil {
				t.Error(err)
			}
			return f.Freeze()
		}
		return p.Handle(t.Context(), nil, q)
	}
	to := wasi.Field{Name: "x-upstream", Value: []byte(strings.TrimPrefix(upstream.URL, "http://"))}
	wrap := wasi.Field{Name: "x-wrap", Value: []byte("1")}
	for name, tc := range map[string]struct {
		header  []wasi.Field
		wrapped bool
	}{
		"as it is": {[]wasi.Field{to}, false},
		"wrapped":  {[]wasi.Field{to, wrap}, true},
	} {
		t.Run(name, func(t *testing.T) {
			sent := strings.Repeat("0123456789abcdef", 1<<16)
			res, err := send("/echo", sent, tc.header...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(res)
			if got != sent || err != nil || res.Status != http.StatusCreated {
				t.Errorf("status %d, %d bytes of %d, %v", res.Status, len(got), len(sent), err)
			}
			if res.Header.Has("x-wrapped") != tc.wrapped || string(res.Header.Get("x-method")[0]) != "POST" {
				t.Errorf("headers %v", res.Header.Entries())
			}
			if tr := res.Trailer(); tr == nil || string(tr.Get("x-sum")[0]) != "7" {
				t.Errorf("trailers %v", tr)
			}
		})
	}
	t.Run("a cut answer is cut", func(t *testing.T) {
		res, err := send("/cut", "", to)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(res); got != "not all of it" || err == nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("without a path", func(t *testing.T) {
		res, err := send("", "", to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(res); err != nil || string(res.Header.Get("x-target")[0]) != "/" {
			t.Errorf("headers %v, %v", res.Header.Entries(), err)
		}
	})
	t.Run("back to where it came from", func(t *testing.T) {
		_, err := send("/", "")
		var code *ErrorCode
		if !errors.As(err, &code) || code.Case != wasi.LoopDetected {
			t.Errorf("got %v", err)
		}
	})
}
