package host

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// reported gathers the spans of guests, by request.
type reported struct {
	mu    sync.Mutex
	spans map[string][]wasi.Span
}

func (r *reported) add(request string, s wasi.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spans == nil {
		r.spans = map[string][]wasi.Span{}
	}
	r.spans[request] = append(r.spans[request], s)
}

// eachOtel calls f with the guests that use wasi:otel.
func eachOtel(t *testing.T, f func(t *testing.T, open func(Config) *Host)) {
	t.Helper()
	for _, name := range []string{"rust-otel", "rust-otel-p3"} {
		t.Run(name, func(t *testing.T) {
			f(t, func(cfg Config) *Host {
				cfg.Engine = engineOfAll
				h, err := New(t.Context(), guestBytes(t, "rust-otel", name+".wasm"), cfg)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := h.Close(context.Background()); err != nil {
						t.Error(err)
					}
				})
				return h
			})
		})
	}
}

func TestTelemetryIsWrittenToTheLog(t *testing.T) {
	eachOtel(t, func(t *testing.T, open func(Config) *Host) {
		var out strings.Builder
		h := open(Config{Stderr: Lines(&out)})
		for _, tt := range []struct{ path, want string }{
			{"/work", "SPAN query 3.25ms error=\"no connection\" db.system=\"postgres\" rows=3\n" +
				"SPAN order 1s\n"},
			{"/log", "INFO kitchen: all is well user=7\nERROR paid: {\"code\":5} user=7\nLOG\n"},
			{"/metrics", "METRIC requests 5 {request} route=\"/\"\nMETRIC load 0.25\n" +
				"METRIC size count=3 sum=60 min=-1 max=40 By route=\"/\"\n" +
				"METRIC latency count=2 sum=2 max=1.5 s route=\"/\"\n"},
		} {
			out.Reset()
			if _, err := text(h.Handle(t.Context(), "a", request(t, tt.path))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.path, diff)
			}
		}
	})
}

func TestSpansBelongToTheRequestsTrace(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	eachOtel(t, func(t *testing.T, open func(Config) *Host) {
		var got reported
		h := open(Config{Spans: got.add})
		r := request(t, "/work")
		r.Header.Set("traceparent", "00-"+trace+"-"+parent+"-01")
		r.Header.Set("tracestate", "vendor=1, other=2")
		body, err := text(h.Handle(t.Context(), "a", r))
		want := trace + " " + parent + " sampled=true remote=true vendor=1,other=2"
		if err != nil || body != want {
			t.Fatalf("%q, %v", body, err)
		}
		spans := got.spans["a"]
		if len(spans) != 2 {
			t.Fatalf("%+v", got.spans)
		}
		query, order := spans[0], spans[1]
		for _, s := range spans {
			if s.Context.TraceID != trace {
				t.Errorf("%s: trace %s", s.Name, s.Context.TraceID)
			}
		}
		if order.Parent != parent || query.Parent != order.Context.SpanID {
			t.Errorf("parents %s and %s", order.Parent, query.Parent)
		}
		about := fmt.Sprint(query.Kind, query.Status, query.Error, query.Scope, query.Attributes,
			query.Events[0].Name, query.Events[0].Attributes, query.Links[0].SpanID, order.Status)
		wanted := fmt.Sprint("client", "error", "no connection", "kitchen",
			[]wasi.Attribute{{Key: "db.system", Value: `"postgres"`}, {Key: "rows", Value: "3"}},
			"retried", []wasi.Attribute{{Key: "n", Value: "1"}}, parent, "ok")
		if about != wanted {
			t.Errorf("got  %s\nwant %s", about, wanted)
		}
	})
}

func TestARequestWithoutATraceBeginsOne(t *testing.T) {
	whole := regexp.MustCompile(`^[0-9a-f]{32} [0-9a-f]{16} sampled=true remote=false $`)
	eachOtel(t, func(t *testing.T, open func(Config) *Host) {
		h, seen := open(Config{}), map[string]bool{}
		for range 3 {
			r := request(t, "/")
			r.Header.Set("traceparent", "00-nothing") // is none
			body, err := text(h.Handle(t.Context(), "a", r))
			if err != nil || !whole.MatchString(body) || seen[body] {
				t.Errorf("%q, %v; before %v", body, err, seen)
			}
			seen[body] = true
		}
	})
}

func TestTracesAreEqualForAnEqualSeed(t *testing.T) {
	eachOtel(t, func(t *testing.T, open func(Config) *Host) {
		h := open(Config{})
		var got [3][2]string
		for i, seed := range []uint64{7, 7, 8} {
			s := newSession(t, h, SessionOptions{World: World{Seed: &seed}})
			for k := range got[i] {
				body, err := text(s.Handle(t.Context(), &Call{ID: fmt.Sprint(k)}, request(t, "/")))
				if got[i][k] = body; err != nil {
					t.Fatal(err)
				}
				s.Wait(t.Context())
			}
		}
		if got[0] != got[1] || got[0] == got[2] || got[0][0] == got[0][1] {
			t.Errorf("%q", got)
		}
	})
}

// TestSpansOfRequestsInOneInstanceAreTheirOwn has two requests wait in an instance at once.
func TestSpansOfRequestsInOneInstanceAreTheirOwn(t *testing.T) {
	var got reported
	h, err := New(t.Context(), guestBytes(t, "rust-otel", "rust-otel-p3.wasm"),
		Config{Engine: engineOfAll, Spans: got.add, MaxInstances: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(t.Context())
	ids := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		all.Go(func() {
			id := fmt.Sprint(i)
			body, err := text(h.Handle(t.Context(), id, request(t, "/wait?ms=20")))
			errs[i] = err
			mu.Lock()
			defer mu.Unlock()
			ids[id], _, _ = strings.Cut(body, " ")
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for id, trace := range ids {
		if s := got.spans[id]; len(s) != 1 || s[0].Context.TraceID != trace {
			t.Errorf("request %s of trace %s has %+v", id, trace, s)
		}
	}
}

// keepsAll is a timeline.Keeper without a bound.
type keepsAll struct{}

func (keepsAll) Charge(int) {}

func TestSpansAreInTheTimeline(t *testing.T) {
	eachOtel(t, func(t *testing.T, open func(Config) *Host) {
		var tr timeline.Trace
		tr.Begin(time.Now(), keepsAll{}, 1<<20)
		h := open(Config{})
		if _, err := text(h.Handle(timeline.With(t.Context(), &tr), "a", request(t, "/work"))); err != nil {
			t.Fatal(err)
		}
		spans, told := tr.Spans()
		if told != 2 || len(spans) != 2 {
			t.Fatalf("%d spans of %d", len(spans), told)
		}
		query, order := spans[0], spans[1]
		if query.Name != "query" || query.Parent != order.ID || query.Status != "error: no connection" ||
			query.End.Sub(query.Start) != 3250*time.Microsecond || len(query.Attributes) != 2 {
			t.Errorf("%+v", query)
		}
	})
}

// TestCountingIsKeptApart has guests with and without counting in one folder of the cache.
func TestCountingIsKeptApart(t *testing.T) {
	dir := t.TempDir()
	for _, cached := range []bool{false, true} {
		for _, counts := range []bool{false, true} {
			e := NewEngine(EngineOptions{CacheDir: dir, Instructions: counts})
			h, err := New(t.Context(), guestBytes(t, "counted", "counted.wasm"), Config{Engine: e})
			if err != nil {
				t.Fatal(err)
			}
			if h.FromCache() != cached {
				t.Errorf("counting %t: from the cache: %t", counts, h.FromCache())
			}
			s, err := h.NewSession(t.Context(), SessionOptions{})
			if err != nil {
				t.Fatal(err)
			}
			c := &Call{ID: "1"}
			if _, err := text(s.Handle(t.Context(), c, request(t, "/"))); err != nil {
				t.Error(err)
			}
			s.Close(t.Context())
			n, ok := c.Instructions(t.Context())
			if ok != counts || counts && n != 5024 {
				t.Errorf("counting %t: %d, %t", counts, n, ok)
			}
			if err := errors.Join(h.Close(t.Context()), e.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}
