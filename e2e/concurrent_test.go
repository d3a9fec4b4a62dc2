package e2e

import (
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

// rustKitchenP3 is the kitchen of WASI 0.3.
func rustKitchenP3(t testing.TB) guest {
	t.Helper()
	for _, g := range committed() {
		if g.name == "rust-kitchen-p3" {
			return g
		}
	}
	t.Fatal("there is no rust-kitchen-p3")
	return guest{}
}

// TestRequestsShareAnInstance sends requests that wait for a time into one instance, whose output
// names for which of them it is.
func TestRequestsShareAnInstance(t *testing.T) {
	server := serve(t, rustKitchenP3(t).path)
	c := client(t)
	get(t, c, server.URL+"/")
	const requests = 16
	var group sync.WaitGroup
	started := time.Now()
	for range requests {
		group.Go(func() { get(t, c, server.URL+"/sleep?ms=1000") })
		group.Go(func() { get(t, c, server.URL+"/after?ms=1000") })
	}
	group.Wait()
	if took := time.Since(started); took >= requests*time.Second { // as one after the other
		t.Errorf("%d requests that sleep a second took %v", requests, took)
	}
	if !ours() {
		return
	}
	if runtime.GOOS == "windows" { // where Stop does not wait for what comes after the responses
		if err := server.WaitOutputs(limited(t), "] after: done", requests); err != nil {
			t.Error(err)
		}
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^\[\d+/(\d+)\] after: done$`).FindAllStringSubmatch(server.Output(), -1) {
		seen[line[1]] = true
	}
	if len(seen) != requests {
		t.Errorf("%d requests have left a line, want %d", len(seen), requests)
	}
	for id := range seen {
		if !strings.Contains(server.Output(), "["+id+"] GET /after") {
			t.Errorf("a line is attributed to request %s, which did not write one", id)
		}
	}
}

// TestAnExpiredRequestNamesItsTask looks at the response to a request that a guest of WASI 0.3
// waits in.
func TestAnExpiredRequestNamesItsTask(t *testing.T) {
	if !ours() {
		return // another server's limits are set in its own ways
	}
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		limit := scale * 300 * time.Millisecond
		server := serve(t, rustKitchenP3(t).path, "--timeout", limit.String())
		got := ask(t, client(t), http.MethodGet, server.URL+"/sleep?ms=60000", nil)
		if got.status != http.StatusGatewayTimeout ||
			!strings.Contains(got.body, "the guest's task 1 was waiting for wasi:clocks/monotonic-clock@0.3.") {
			t.Errorf("status %d, body %q", got.status, got.body)
		}
	})
}

// TestWorkAfterTheResponseThatTakesTooLongIsReported has a guest of WASI 0.3 wait
// for longer than it may.
func TestWorkAfterTheResponseThatTakesTooLongIsReported(t *testing.T) {
	if !ours() {
		return // another server's limits are set in its own ways
	}
	server := serve(t, rustKitchenP3(t).path, "--post-return-timeout", "50ms")
	sameText(t, "answer", "more to come\n", get(t, client(t), server.URL+"/after?ms=60000"))
	if err := server.WaitOutput(limited(t), "after its response: the guest was still working"); err != nil {
		t.Error(err)
	}
}
