package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

const outcomeHeader = "X-Wasihttp-Outcome"

// TestFaults asks the Rust kitchen for every way to fail before the head of the response. After
// each the server must be as good as new.
func TestFaults(t *testing.T) {
	server := serve(t, rustKitchen().path)
	c := client(t)
	for _, fault := range []struct {
		target  string
		outcome string // empty: any
		stderr  string // a text that the guest wrote
	}{
		{"/trap", "trap", "this guest was asked to trap"},
		{"/trap?kind=unreachable", "trap", ""},
		{"/trap?kind=divide", "trap", ""},
		{"/trap?kind=bounds", "trap", ""},
		{"/trap?kind=indirect", "trap", ""},
		{"/abort", "trap", ""},
		{"/recurse", "trap", ""},
		{"/recurse?stack=1", "trap", ""},
		{"/none", "no-response", ""},
		{"/error?code=internal-error", "error-code", ""},
		{"/error?code=DNS-error", "error-code", ""},
		{"/error?code=HTTP-response-body-size", "error-code", ""},
		{"/misuse?what=poll-nothing", "trap", ""},
		{"/misuse?what=drop-parent", "trap", ""},
		{"/exit", "", ""},
		{"/exit?code=1", "", ""},
		{"/exit?code=7", "", ""},
	} {
		t.Run(fault.target, func(t *testing.T) {
			got := ask(t, c, http.MethodGet, server.URL+fault.target, nil)
			if got.status != http.StatusInternalServerError || got.cut != nil {
				t.Errorf("status %d, cut %v", got.status, got.cut)
			}
			if outcome := got.header.Get(outcomeHeader); ours() && fault.outcome != "" && outcome != fault.outcome {
				t.Errorf("outcome %q, want %q", outcome, fault.outcome)
			}
			if ours() && !strings.Contains(got.body, fault.stderr) {
				t.Errorf("the page does not hold what the guest wrote to stderr:\n%s", got.body)
			}
			if err := server.WaitOutput(limited(t), fault.stderr); err != nil {
				t.Error(err)
			}
			sameText(t, "the next request", "hello from rust\n", get(t, c, server.URL+"/"))
		})
	}
	if !ours() {
		return
	}
	t.Run("the page has the backtrace's function names", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, server.URL+"/trap", nil)
		for _, function := range []string{"rust_kitchen::faults::inner", "rust_kitchen::faults::outer", "rust_kitchen::faults::trap"} {
			if !strings.Contains(got.body, function) {
				t.Errorf("no %s in:\n%s", function, got.body)
			}
		}
	})
	t.Run("the page names the error-code", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, server.URL+"/error?code=DNS-error", nil)
		for _, part := range []string{"DNS-error", "NXDOMAIN"} {
			if !strings.Contains(got.body, part) {
				t.Errorf("no %s in:\n%s", part, got.body)
			}
		}
	})
}

// TestFaultsAfterHead asks for responses that end wrongly. No client may take a part for the whole:
// it gets a cut, or an error when the server has not yet sent the head.
func TestFaultsAfterHead(t *testing.T) {
	server := serve(t, rustKitchen().path)
	c := client(t)
	for _, fault := range []struct {
		target string
		part   string // what comes before the cut
		hidden bool   // wasmtime ends these as if they were complete
	}{
		{target: "/trap-after-head", part: "the first part\n", hidden: true},
		{target: "/drop-body", part: "the first part\n"},
		{target: "/short", part: "xxxxxxxxxx"},
		{target: "/long", part: "xxxxxxxxxx", hidden: true},
	} {
		t.Run(fault.target, func(t *testing.T) {
			got := ask(t, c, http.MethodGet, server.URL+fault.target, nil)
			switch {
			case got.status >= http.StatusInternalServerError:
			case got.cut == nil && (ours() || !fault.hidden):
				t.Errorf("the answer looks complete: %d %q", got.status, got.body)
			case !strings.HasPrefix(fault.part, got.body): // how much comes before the cut is up to the network
				t.Errorf("body %q, want a part of %q", got.body, fault.part)
			}
			sameText(t, "the next request", "hello from rust\n", get(t, c, server.URL+"/"))
		})
	}
}

// TestExpiry asks for what never ends, of a server with a short patience. Others are served
// meanwhile.
func TestExpiry(t *testing.T) {
	if !ours() {
		return // another server's limits are set in its own ways
	}
	for _, target := range []string{"/spin", "/sleep?ms=3600000"} {
		t.Run(target, func(t *testing.T) {
			timetest.Scaled(t, func(t testing.TB, scale time.Duration) { expires(t, scale, target) })
		})
	}
}

func expires(t testing.TB, scale time.Duration, target string) {
	t.Helper()
	limit := scale * 500 * time.Millisecond
	server := serve(t, rustKitchen().path, "--timeout", limit.String())
	c := client(t)
	ended := make(chan answer, 1)
	started := time.Now()
	go func() { ended <- ask(t, c, http.MethodGet, server.URL+target, nil) }()
	for served := 0; ; served++ {
		select {
		case got := <-ended:
			took := time.Since(started)
			if outcome := got.header.Get(outcomeHeader); got.status != http.StatusGatewayTimeout || outcome != "expired" {
				t.Errorf("status %d, outcome %q, cut %v", got.status, outcome, got.cut)
			}
			if took < limit*4/5 {
				t.Errorf("expired after %v", took)
			}
			if served == 0 {
				t.Error("nobody else was served meanwhile")
			}
			return
		default:
			sameText(t, "another request", "hello from rust\n", get(t, c, server.URL+"/"))
		}
	}
}

// TestMemoryLimit grows past the limit that the user set.
func TestMemoryLimit(t *testing.T) {
	if !ours() {
		return
	}
	server := serve(t, rustKitchen().path, "--max-memory", "64MiB")
	c := client(t)
	text := get(t, c, server.URL+"/grow?mib=4096")
	if !strings.HasPrefix(text, "grew 6") && !strings.HasPrefix(text, "grew 5") || !strings.Contains(text, "then refused") {
		t.Errorf("with 64 MiB: %q", text)
	}
	sameText(t, "alloc within", "allocated 16 MiB\n", get(t, c, server.URL+"/alloc?mib=16"))
	got := ask(t, c, http.MethodGet, server.URL+"/alloc?mib=256", nil)
	if got.status != http.StatusInternalServerError || got.header.Get(outcomeHeader) != "trap" {
		t.Errorf("alloc beyond: status %d, outcome %q", got.status, got.header.Get(outcomeHeader))
	}
}

// TestBacktraceHasLines serves a guest with line tables: the page must name the lines that its
// source marks.
func TestBacktraceHasLines(t *testing.T) {
	if !ours() {
		return
	}
	folder := filepath.Join("..", "testdata", "guests", "rust-trap")
	source, err := os.ReadFile(filepath.Join(folder, "src", "depth.rs"))
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, filepath.Join(folder, "rust-trap.wasm"))
	page := ask(t, client(t), http.MethodGet, server.URL+"/", nil).body
	marks := 0
	for i, line := range strings.Split(string(source), "\n") {
		_, function, marked := strings.Cut(line, "// line: ")
		if !marked {
			continue
		}
		marks++
		place := fmt.Sprintf("depth.rs:%d", i+1)
		for _, part := range []string{"rust_trap::depth::" + function, place} {
			if !strings.Contains(page, part) {
				t.Errorf("no %s in:\n%s", part, page)
			}
		}
	}
	if marks != 3 {
		t.Errorf("%d marked lines in the source, want 3", marks)
	}
}
