package handler

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// TestMiddlewarePassesOn lets a component that imports the handler that it exports stand between a
// client and a server. The bodies go from one connection to the other without the guest.
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
	h := &guestHost{
		loaded: load(t, "rust-middleware-p3/rust-middleware-p3.wasm"),
		reuse:  Reuse{Max: 100, Concurrent: 16},
	}
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
			f, err := wasi.FieldsFromList(
				&wasi.FieldRules{},
				[]wasi.Field{{Name: "x-sum", Value: []byte("7")}},
			)
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
			if res.Header.Has("x-wrapped") != tc.wrapped ||
				string(res.Header.Get("x-method")[0]) != "POST" {
				t.Errorf("headers %v", res.Header.Entries())
			}
			if tr := res.Trailer(); tr == nil || string(tr.Get("x-sum")[0]) != "7" {
				t.Errorf("trailers %v", tr)
			}
		})
	}
	t.Run("a cut response is cut", func(t *testing.T) {
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

// A body that a guest passes on without looking at it is held to the headers that go with it, and
// its trailers to those that may follow a body, like one that the guest writes.
func TestMiddlewareDoesNotSmuggle(t *testing.T) {
	const hello = "hello"
	type seen struct {
		Length  []string
		Body    string
		Trailer http.Header
		Broken  bool
	}
	var mu sync.Mutex
	got := make(map[string][]seen) // by path: a request that was cut may end after the next one
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		s := seen{r.Header["Content-Length"], string(body), r.Trailer, err != nil}
		got[r.URL.Path] = append(got[r.URL.Path], s)
		mu.Unlock()
		w.Header().Set(http.TrailerPrefix+"X-End", "1")
		w.Header().Set(http.TrailerPrefix+"Set-Cookie", "a=b")
		w.Header().Set(http.TrailerPrefix+"Content-Type", "text/html")
		_, _ = io.WriteString(w, hello)
		w.(http.Flusher).Flush() // or there is a length, and no trailers
	}))
	defer upstream.Close()
	h := &guestHost{
		loaded: load(t, "rust-middleware-p3/rust-middleware-p3.wasm"),
		reuse:  Reuse{Max: 100, Concurrent: 16},
	}
	h.config.Client = &wasi.Client{DefaultScheme: "HTTP"}
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	cases := map[string]struct {
		length   string // "" for none
		trailers []wasi.Field
		refused  bool
		want     *seen
	}{
		"no length":     {"", nil, false, &seen{nil, hello, nil, false}},
		"the length":    {"5", nil, false, &seen{[]string{"5"}, hello, nil, false}},
		"a shorter one": {"3", nil, true, nil},
		"a longer one":  {"8", nil, true, nil},
		"none at all":   {"0", nil, true, nil},
		"trailers": {"", []wasi.Field{
			{Name: "x-sum", Value: []byte("7")}, {Name: "content-length", Value: []byte("3")}, {Name: "content-type", Value: []byte("x")},
			{Name: "authorization", Value: []byte("a")}, {Name: "te", Value: []byte("x")}, {Name: "expect", Value: []byte("100-continue")},
		}, false, &seen{nil, hello, http.Header{"X-Sum": {"7"}}, false}},
	}
	path := func(name string) string { return "/" + strings.ReplaceAll(name, " ", "-") }
	for name, tc := range cases {
		q := request(path(name))
		q.Method, q.Body = "POST", io.NopCloser(strings.NewReader(hello))
		header := []wasi.Field{
			{Name: "x-upstream", Value: []byte(strings.TrimPrefix(upstream.URL, "http://"))},
		}
		if tc.length != "" {
			header = append(header, wasi.Field{Name: "content-length", Value: []byte(tc.length)})
		}
		fields := func(list []wasi.Field) *wasi.Fields {
			f, err := wasi.FieldsFromList(&wasi.FieldRules{}, list)
			if err != nil {
				t.Fatal(err)
			}
			return f.Freeze()
		}
		q.Header = fields(header)
		if tc.trailers != nil {
			q.Trailer = func() *wasi.Fields { return fields(tc.trailers) }
		}
		res, err := p.Handle(t.Context(), nil, q)
		if err == nil {
			if _, err = readAll(res); err == nil {
				if tr := res.Trailer(); tr == nil || tr.Len() != 1 || !tr.Has("x-end") {
					t.Errorf("%s: trailers %v", name, tr)
				}
			}
		}
		if tc.refused != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	upstream.Close() // waits for the server's side
	for name, tc := range cases {
		got := got[path(name)]
		for _, s := range got {
			if tc.want == nil && !s.Broken {
				t.Errorf("%s: the server took %+v for a whole request", name, s)
			}
			if tc.want != nil {
				if diff := cmp.Diff(*tc.want, s); diff != "" {
					t.Errorf("%s: the server got (-want +got):\n%s", name, diff)
				}
			}
		}
		if tc.want != nil && len(got) != 1 {
			t.Errorf("%s: %d requests", name, len(got))
		}
	}
}

// A response that declares no contents and passes on those of another message is not ready, and its
// head not sent, until these have ended.
func TestAPassedOnResponseWithoutContentsIsReadyAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := wasi.NewState(&wasi.Config{})
		defer st.Close()
		header, err := wasi.FieldsFromList(st.FieldRules(),
			[]wasi.Field{{Name: "content-length", Value: []byte("0")}})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := st.NewOutgoingResponse(header).Body()
		body.ComesWithoutGuest(embedded{}, true)
		b := &Body{pipe: body.Reader()}
		ready := make(chan bool, 1)
		go func() { ready <- b.Ready() }()
		synctest.Wait()
		if len(ready) != 0 {
			t.Error("not awaited")
		}
		body.Finish(nil)
		if !<-ready {
			t.Error("not ready at the end")
		}
	})
}
