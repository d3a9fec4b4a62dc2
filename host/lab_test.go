package host

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// notices gathers lines of Config.Notice.
type notices struct {
	mu    sync.Mutex
	lines []string
}

func (n *notices) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// newLab returns a Host of testdata/guests/lab, whose guests end in all kinds of ways.
func newLab(t *testing.T, name string, cfg Config) (h *Host, end func()) {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "lab", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if h, err = New(t.Context(), wasm, cfg); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return h, end
}

// What ends a guest after its response leaves one line, whatever it is and whoever comes first: the
// end or the reader.
func TestEveryEndAfterAResponseIsNoticedOnce(t *testing.T) {
	for _, tc := range []struct {
		guest, target, want string
		requests            int
		slow                bool // works on
	}{
		{"lab-p2", "/finish-panic", "wasm trap: unreachable", 20, false},
		{"lab-p2", "/finish-panic-cl", "wasm trap: unreachable", 20, false},
		{"lab-p2", "/finish-exit1", "the guest exited with status 1", 20, false},
		{"lab-p2", "/finish-spin", "the guest was still working", 3, true},
		{"lab-p2", "/finish-sleep", "the guest was still working", 3, true},
		{"lab-p3", "/cl-panic", "wasm trap: unreachable", 20, false},
		{"lab-p3", "/late-panic", "wasm trap: unreachable", 20, false},
		{"lab-p3", "/sent-panic", "wasm trap: unreachable", 20, false},
		{"lab-p3", "/exit0", "the guest exited with status 0", 20, false},
	} {
		t.Run(tc.guest+tc.target, func(t *testing.T) {
			var said notices
			cfg := Config{Notice: said.add}
			if tc.slow {
				cfg.PostReturnTimeout = 20 * time.Millisecond
			}
			h, end := newLab(t, tc.guest, cfg)
			var want []string
			for i := range tc.requests {
				id := strconv.Itoa(100 + i)
				body, err := text(h.Handle(t.Context(), id, request(t, tc.target)))
				if body != "hello" && body != "xxxxx" || err != nil {
					t.Fatalf("got %q, %v", body, err)
				}
				want = append(want, "["+id+"] after its response: "+tc.want)
			}
			end() // all instances have ended
			slices.Sort(said.lines)
			got := []string{}
			for i, line := range said.lines {
				if i < len(want) && strings.HasPrefix(line, want[i]) {
					line = want[i] // the rest names times and tasks
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An end that the response tells of leaves no line.
func TestAFailureThatTheResponseReportsIsNotNoticed(t *testing.T) {
	for _, tc := range []struct {
		guest, target string
		want          Outcome
	}{
		{"lab-p2", "/finish-with-stream", Trap},
		{"lab-p2", "/stream-undropped", ErrorCode},
		{"lab-p2", "/cl-short", ErrorCode},
		{"lab-p3", "/mid-panic", Trap},
		{"lab-p3", "/trailers-err", ErrorCode},
		{"lab-p3", "/cl-short", ErrorCode},
	} {
		var said notices
		h, end := newLab(t, tc.guest, Config{Notice: said.add})
		_, err := text(h.Handle(t.Context(), "1", request(t, tc.target)))
		var f *Failure
		if !errors.As(err, &f) || f.Outcome != tc.want {
			t.Errorf("%s: %v, want %s", tc.target, err, tc.want)
		}
		if tc.want == Trap && len(f.Frames) == 0 {
			t.Errorf("%s: no backtrace", tc.target)
		}
		end()
		if len(said.lines) > 0 {
			t.Errorf("%s: %q", tc.target, said.lines)
		}
	}
}

// In a Session, too, which keeps its instance: a stuck body is no reason to wait.
func TestASessionFailsStuckRequestsAtOnce(t *testing.T) {
	h, _ := newLab(t, "leak-p3", Config{})
	s := newSession(t, h, SessionOptions{Concurrent: 2})
	for _, target := range []string{"/leak-stream", "/leak-trailers", "/leak-stream"} {
		_, err := text(s.Handle(t.Context(), &Call{}, request(t, target)))
		var f *Failure
		if !errors.As(err, &f) || f.ErrorCode != "HTTP-response-incomplete" || f.Hint == "" {
			t.Fatalf("%s: %v", target, err)
		}
	}
	for target, want := range map[string]string{"/leak-500": "own words", "/": "fine"} {
		if body, err := text(s.Handle(t.Context(), &Call{}, request(t, target))); body != want || err != nil {
			t.Errorf("%s: %q, %v", target, body, err)
		}
	}
	h, _ = newLab(t, "lab-p2", Config{})
	s = newSession(t, h, SessionOptions{})
	for _, target := range []string{"/stream-undropped", "/body-undropped", "/stream-undropped"} {
		_, err := text(s.Handle(t.Context(), &Call{}, request(t, target)))
		var f *Failure
		if !errors.As(err, &f) || f.Outcome != ErrorCode ||
			f.ErrorCode != "HTTP-response-incomplete" ||
			f.Hint == "" {
			t.Fatalf("%s: %v", target, err)
		}
		if !s.Wait(t.Context()) {
			t.Fatalf("%s ended the instance: %v", target, s.Err())
		}
	}
	_, err := text(s.Handle(t.Context(), &Call{}, request(t, "/finish-with-stream")))
	var f *Failure
	if !errors.As(err, &f) || f.Outcome != Trap ||
		!strings.Contains(f.Cause, "resource has children that are alive") ||
		len(f.Frames) == 0 {
		t.Errorf("got %v", err)
	}
}

func TestAResponseOfKnownLengthDeclaresIt(t *testing.T) {
	for _, tc := range []struct {
		guest, method, target string
		want                  []string
	}{
		{"lab-p2", "GET", "/set-nobody", []string{"0"}},
		{"lab-p2", "GET", "/cl-dup", []string{"5"}},
		{"lab-p2", "GET", "/empty-trailers", []string{"2"}},
		{"lab-p2", "GET", "/finish-sleep", []string{"5"}},
		{"lab-p2", "GET", "/bad-trailers", nil},
		{"lab-p2", "HEAD", "/finish-sleep", nil},
		{"lab-p3", "GET", "/none-body", []string{"0"}},
		{"lab-p3", "GET", "/sent-log", []string{"5"}},
		{"lab-p3", "GET", "/sent-log?0", []string{"0"}},
		{"lab-p3", "GET", "/sent-log?100000", []string{"100000"}},
		{"lab-p3", "GET", "/sent-log?1000000", []string{"1000000"}},
		{"lab-p3", "GET", "/sent-log?2000000", nil}, // more than is kept
		{"lab-p3", "GET", "/trailers", nil},
		{"lab-p3", "HEAD", "/none-body", nil},
	} {
		h, _ := newLab(t, tc.guest, Config{})
		// A head is not held back for a guest that computes for long, as one does on a machine that
		// is overloaded: then another request is to say it.
		for left := 5; ; left-- {
			r := request(t, tc.target)
			r.Method = tc.method
			resp, err := h.Handle(t.Context(), "1", r)
			if err != nil {
				t.Errorf("%s: %v", tc.target, err)
				break
			}
			body, err := text(resp, nil)
			if err != nil || tc.want != nil && strconv.Itoa(len(body)) != tc.want[0] {
				t.Errorf("%s: %d bytes, %v", tc.target, len(body), err)
			}
			got := resp.Header["Content-Length"]
			if left > 0 && got == nil && tc.want != nil {
				continue
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s %s: (-want +got):\n%s", tc.method, tc.target, diff)
			}
			break
		}
	}
}

// What the guest sets as trailers is sent as far as it may follow a body.
func TestForbiddenTrailersAreLeftOut(t *testing.T) {
	h, _ := newLab(t, "lab-p2", Config{})
	resp, err := h.Handle(t.Context(), "1", request(t, "/bad-trailers"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := text(resp, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.Header{"X-Ok": {"1"}}, resp.Trailer); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
