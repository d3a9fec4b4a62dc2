package host

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// profiledHost returns a host of a committed guest whose engine has a profile, nil for none.
func profiledHost(tb testing.TB, guest string, p *Profile) *Host {
	tb.Helper()
	e := NewEngine(EngineOptions{Profile: p})
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
	h := profiledHost(t, "rust-kitchen", p)
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
