package handler

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

func TestBodiesAreStreamedBothWays(t *testing.T) {
	p := New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	for _, target := range []string{"/echo", "/echo?splice=1"} {
		t.Run(target, func(t *testing.T) {
			r, w := io.Pipe()
			q := request(target)
			q.Method, q.Body = "POST", r
			res, err := p.Handle(t.Context(), nil, q)
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 5)
			for i := range 3 {
				piece := fmt.Sprintf("part%d", i)
				if _, err := io.WriteString(w, piece); err != nil {
					t.Fatal(err)
				}
				// The next piece is sent only when this one has come back.
				if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != piece {
					t.Fatalf("%q, %v", buf, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

func TestABodyBiggerThanTheGuestsMemoryPasses(t *testing.T) {
	h := kitchenP3(t)
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	const size = 300 << 20 // the guest may have 256 MiB
	q := request("/echo")
	q.Method, q.Body = "POST", &letters{size}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	res, err := p.Handle(t.Context(), nil, q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 64<<10)
	total, most := 0, uint64(0)
	for i := 0; ; i++ {
		n, err := res.Body.Read(buf)
		total += n
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%500 == 0 {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	if total != size {
		t.Errorf("%d bytes of %d", total, size)
	}
	if most > before.HeapAlloc+64<<20 {
		t.Errorf("the host's heap grew by %d MiB", (most-before.HeapAlloc)>>20)
	}
}

func TestAReaderThatPausesHoldsTheGuestBack(t *testing.T) {
	p := New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	const size = 200 << 20
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	res, err := p.Handle(t.Context(), nil, request(fmt.Sprintf("/big?n=%d", size)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	waitFree(t, p) // all that the guest does is wait
	runtime.GC()
	runtime.ReadMemStats(&now)
	if now.HeapAlloc > before.HeapAlloc+16<<20 {
		t.Errorf("the host keeps %d MiB for a reader that pauses", (now.HeapAlloc-before.HeapAlloc)>>20)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != size-1 || err != nil {
		t.Errorf("then %d bytes, %v", n, err)
	}
}

func TestTrailersPass(t *testing.T) {
	p := New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	for target, want := range map[string][]wasi.Field{
		"/echo":     {{Name: "x-sum", Value: []byte("7")}},
		"/trailers": {{Name: "x-body-bytes", Value: []byte("5")}, {Name: "echo-x-sum", Value: []byte("7")}},
	} {
		q := request(target)
		q.Method, q.Body = "POST", io.NopCloser(strings.NewReader("hello"))
		trailer, err := wasi.FieldsFromList(&wasi.FieldRules{},
			[]wasi.Field{{Name: "x-sum", Value: []byte("7")}})
		if err != nil {
			t.Fatal(err)
		}
		q.Trailer = trailer.Freeze
		res, err := p.Handle(t.Context(), nil, q)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(res); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if diff := cmp.Diff(want, res.Trailer().Entries()); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
}

func TestUpstreamBodiesStayWhole(t *testing.T) {
	const size = 1 << 20
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range size / (32 << 10) {
			_, _ = w.Write(make([]byte, 32<<10)) // the reader counts
			w.(http.Flusher).Flush()
		}
	}))
	defer upstream.Close()
	h := kitchenP3(t)
	h.config.Client = &wasi.Client{}
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	for _, keep := range []string{"0", "1"} {
		for range 20 {
			body, err := fetch(t.Context(), p, nil, "/fetch?url="+upstream.URL+"/&keep="+keep)
			if len(body) != size || err != nil {
				t.Fatalf("keep=%s: %d bytes, %v", keep, len(body), err)
			}
		}
	}
}
