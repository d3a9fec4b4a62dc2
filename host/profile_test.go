package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/wasi"
)

// profiledHost returns a host of a committed guest, whose engine has these options.
func profiledHost(tb testing.TB, guest string, o EngineOptions) *Host {
	tb.Helper()
	e := NewEngine(o)
	wasm, err := os.ReadFile(filepath.Join("..", "testdata", "guests", guest, guest+".wasm"))
	if err != nil {
		tb.Fatal(err)
	}
	h, err := New(tb.Context(), wasm, Config{Engine: e})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return h
}

// ask requests a path and reads the response, if there is one: a guest may trap.
func ask(tb testing.TB, h *Host, path string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.RequestURI = path
	if resp, err := h.Handle(tb.Context(), "1", r); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// everything returns a profile that takes a sample whenever it can.
func everything() *Profile { return &Profile{engine.NewProfile(1)} }

// names returns the functions of a sample, innermost first.
func names(s Sample) string {
	var all []string
	for _, f := range s.Frames {
		all = append(all, f.Func)
	}
	return strings.Join(all, " < ")
}

func TestAProfileGoesOnAfterTraps(t *testing.T) {
	p := everything()
	h := profiledHost(t, "rust-kitchen", EngineOptions{Profile: p})
	for range 20 {
		ask(t, h, "/trap")
		ask(t, h, "/sleep?ms=1")
	}
	for _, s := range p.Samples() {
		if strings.Contains(names(s), "trap") && strings.Contains(names(s), "sleep") {
			t.Errorf("one stack of two requests: %s", names(s))
		}
	}
}

// waits returns how many waits have that stack.
func waits(p *Profile, stack string) (n int64) {
	for _, s := range p.Samples() {
		if names(s) == stack && s.Wait > 0 {
			n += s.Count
		}
	}
	return n
}

// untilWaits has a guest sleep until there is a wait with that stack. On a busy machine the time
// may be over before the guest comes to wait.
func untilWaits(t *testing.T, h *Host, p *Profile, stack string) {
	t.Helper()
	for waits(p, stack) == 0 {
		ask(t, h, "/sleep?ms=10")
		if t.Context().Err() != nil {
			t.Fatal("no wait")
		}
	}
}

const handleP3 = "wasi:http/handler@0.3.0#handle"

func TestAWaitWithoutCodeOnTheStackNamesWhatItIsFor(t *testing.T) {
	p := everything()
	h := profiledHost(t, "rust-kitchen-p3", EngineOptions{Profile: p})
	const stack = "wasi:clocks/monotonic-clock@0.3.2#wait-for < " + handleP3
	untilWaits(t, h, p, stack)
	const read = "stream.read of wasi:http/types@0.3.2#[static]request.consume-body < " + handleP3
	for waits(p, read) == 0 && t.Context().Err() == nil {
		r, w := io.Pipe()
		time.AfterFunc(5*time.Millisecond, func() {
			_, _ = io.WriteString(w, "hello")
			_ = w.Close()
		})
		req := httptest.NewRequest(http.MethodPost, "http://localhost/echo", r)
		if body, err := text(h.Handle(t.Context(), "1", req)); body != "hello" || err != nil {
			t.Fatalf("%q, %v", body, err)
		}
	}
}

func TestAWaitThatTheEndOfTheInstanceEndsCounts(t *testing.T) {
	p, sleeps := everything(), make(chan struct{}, 2)
	e := NewEngine(EngineOptions{Profile: p})
	h, err := New(t.Context(), guestBytes(t, "rust-kitchen-p3", "rust-kitchen-p3.wasm"), Config{
		Engine: e, MaxInstances: 1,
		Used: func(u wasi.Use) {
			if strings.HasPrefix(u.Name, "wasi:clocks/monotonic-clock") {
				sleeps <- struct{}{}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan error)
	go func() {
		_, err := h.Handle(t.Context(), "1", request(t, "/sleep?ms=3600000"))
		end <- err
	}()
	<-sleeps
	ask(t, h, "/") // when it has come, the other one waits
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Close(ended); err != nil {
		t.Error(err)
	}
	<-end
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	const stack = "wasi:clocks/monotonic-clock@0.3.2#wait-for < " + handleP3
	if got := waits(p, stack); got != 1 {
		t.Errorf("%d waits", got)
	}
}

func TestAWaitInAComponentBehindAnotherCountsOnceBelowBoth(t *testing.T) {
	p := everything()
	e := NewEngine(EngineOptions{Profile: p})
	h, err := New(t.Context(), guestBytes(t, "rust-kitchen-p3", "rust-kitchen-p3.wasm"), Config{
		Engine: e,
		Chain: []Part{{Name: "middleware",
			Wasm: guestBytes(t, "rust-middleware-p3", "rust-middleware-p3.wasm")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const stack = "wasi:clocks/monotonic-clock@0.3.2#wait-for < " + handleP3 + " < " + handleP3
	untilWaits(t, h, p, stack)
	if err := errors.Join(h.Close(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
	for _, s := range p.Samples() {
		if s.Wait > 0 && strings.Contains(names(s), "call of another component") {
			t.Errorf("%v in %s", s.Wait, names(s))
		}
	}
}
