package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// keepAll keeps everything.
type keepAll struct{}

func (keepAll) Charge(int) {}

// following serves a guest, and returns what passes a request to it and returns what its Trace says
// when the response has ended, and the response's body.
func following(
	t *testing.T, path string, keeper timeline.Keeper,
) func(*http.Request) (*timeline.Trace, string, error) {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join("..", "testdata", "guests", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(t.Context(), wasm, Config{Outbound: Outbound{AllowAll: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return func(r *http.Request) (*timeline.Trace, string, error) {
		tr := &timeline.Trace{}
		tr.Begin(time.Now(), keeper, 1<<10)
		body, err := text(h.Handle(timeline.With(t.Context(), tr), "1", r))
		tr.End()
		return tr, body, err
	}
}

// kitchens calls f for a guest of each version.
func kitchens(t *testing.T, f func(t *testing.T, name, path string)) {
	for _, name := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(name, func(t *testing.T) { f(t, name, name+"/"+name+".wasm") })
	}
}

// kinds returns the kinds of the phases, in their order, each once.
func kinds(tr *timeline.Trace) (list []timeline.Kind) {
	phases, _ := tr.Phases()
	for _, p := range phases {
		if !slices.Contains(list, p.Kind) {
			list = append(list, p.Kind)
		}
	}
	return list
}

func TestTheTimelineShowsWhatAGuestWaitsFor(t *testing.T) {
	const pause = 30 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// In pieces, so that the guest waits for the head and within the body.
		for range 2 {
			timer := time.NewTimer(pause)
			<-timer.C
			_, _ = io.WriteString(w, "part ")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer server.Close()
	kitchens(t, func(t *testing.T, _, path string) {
		passed := following(t, path, nil)
		follow := func(target string) (*timeline.Trace, string) {
			tr, body, err := passed(request(t, target))
			if err != nil {
				t.Fatalf("%s: %v", target, err)
			}
			return tr, body
		}
		tr, _ := follow("/sleep?ms=30")
		want := []timeline.Kind{timeline.Instance, timeline.Computing, timeline.Host}
		got := slices.DeleteFunc(kinds(tr), func(k timeline.Kind) bool {
			return k == timeline.Waiting || k == timeline.Streaming
		})
		if !slices.Equal(got, want) {
			t.Errorf("/sleep: got %v", got)
		}
		// The time begins before the guest waits: on a busy machine, some while before.
		if d := tr.Totals()[timeline.Host]; d < pause/10 {
			t.Errorf("/sleep: it waited for %s", d)
		}

		tr, body := follow("/fetch?keep=1&url=" + server.URL + "/path")
		if body != "part part " {
			t.Errorf("got %q", body)
		}
		if d := tr.Totals()[timeline.Upstream]; d < pause {
			t.Errorf("/fetch: it waited for %s", d)
		}
		list, sent := tr.Exchanges()
		if sent != 1 || len(list) != 0 {
			t.Errorf("/fetch: %d exchanges, and %d are kept", sent, len(list))
		}

		tr, _ = follow("/sse?n=3&ms=20")
		if d := tr.Totals()[timeline.Streaming]; d < 2*20*time.Millisecond {
			t.Errorf("/sse: it streamed for %s", d)
		}
		tr, _ = follow("/big?n=100000")
		totals, sum := tr.Totals(), time.Duration(0)
		for _, d := range totals {
			sum += d
		}
		if phases, _ := tr.Phases(); sum < phases[len(phases)-1].End-phases[0].Start {
			t.Errorf("/big: the phases do not add up: %v of %v", totals, phases)
		}
	})
}

func TestTheTimelineHasOutputAndUpstreamExchanges(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Reply", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(append([]byte("got "), body...))
	}))
	defer server.Close()
	kitchens(t, func(t *testing.T, name, path string) {
		passed := following(t, path, keepAll{})
		follow := func(r *http.Request) *timeline.Trace {
			tr, _, err := passed(r)
			if err != nil {
				t.Fatal(err)
			}
			return tr
		}
		tr := follow(request(t, "/fetch?keep=1&url="+server.URL+"/path?q=1"))
		list, _ := tr.Exchanges()
		if len(list) != 1 {
			t.Fatalf("%d exchanges", len(list))
		}
		x := list[0]
		if x.Method != "GET" || !strings.HasPrefix(x.URL, server.URL+"/path") || x.Status != 202 ||
			string(x.ResponseBody.Bytes) != "got " || x.Error != "" || x.Head < x.Start ||
			x.End < x.Head || !slices.ContainsFunc(x.ResponseHeader, func(f timeline.Field) bool {
			return strings.EqualFold(f.Name, "x-reply") && f.Value == "yes"
		}) {
			t.Errorf("got %+v", x)
		}
		tr = follow(request(t, "/fetch?keep=1&url=http://127.0.0.1:1/"))
		if list, _ := tr.Exchanges(); len(list) != 1 || !strings.Contains(list[0].Error, "refused") {
			t.Errorf("got %+v", list)
		}
		if name == "rust-kitchen-p3" {
			return // it has no such routes
		}
		r := request(t, "/post?url="+server.URL+"/&n=5")
		r.Method = http.MethodPost
		if list, _ := follow(r).Exchanges(); len(list) != 1 || list[0].Body.Size != 5 ||
			len(list[0].Body.Bytes) != 5 || list[0].ResponseBody.Size != 9 {
			t.Errorf("got %+v", list)
		}
		tr = follow(request(t, "/log?n=2"))
		if out, err := tr.Body(timeline.Stdout), tr.Body(timeline.Stderr); out.Size == 0 ||
			err.Size == 0 || !out.Whole() {
			t.Errorf("stdout %q, stderr %q", out.Bytes, err.Bytes)
		}
		if tr.Drew() || !follow(request(t, "/random?n=5")).Drew() {
			t.Error("it is not known which request draws random numbers")
		}
	})
}

// What an instance writes while it is made belongs to the request that it is made for, and to no
// other.
func TestTheTimelineHasOutputOfAnInstanceThatIsMade(t *testing.T) {
	follow := following(t, "bad/said-at-start.wasm", keepAll{})
	for range 2 {
		tr, _, err := follow(request(t, "/"))
		var failure *Failure
		if !errors.As(err, &failure) || failure.Outcome != NoResponse {
			t.Fatalf("got %v", err)
		}
		out, said := tr.Body(timeline.Stdout), tr.Body(timeline.Stderr)
		if string(out.Bytes) != "stdout at start\n" || string(said.Bytes) != "stderr at start\n" {
			t.Errorf("stdout %q, stderr %q", out.Bytes, said.Bytes)
		}
		if !slices.Contains(kinds(tr), timeline.Instance) {
			t.Errorf("the phases are %v", kinds(tr))
		}
	}
}
