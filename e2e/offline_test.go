package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestWhatIsRecordedReplaysOffline records requests that depend on another server, the clock and
// random numbers, into a folder and as a session, and replays them when that server has gone.
func TestWhatIsRecordedReplaysOffline(t *testing.T) {
	if !ours() {
		t.Log("only wasihttp records")
		return
	}
	for _, g := range guests(t) {
		if !g.kitchen {
			continue
		}
		for _, name := range []string{"fixtures", "session.hurl"} {
			t.Run(g.name+"/"+name, func(t *testing.T) {
				replayOffline(t, g, filepath.Join(t.TempDir(), name))
			})
		}
	}
}

// replayOffline records requests to a guest at a path, and replays them three times. The hours that
// the guest sleeps pass at once, or the test would not end.
func replayOffline(t *testing.T, g guest, path string) {
	t.Helper()
	var arrived atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s is request %d", r.URL.Path, arrived.Add(1))
	}))
	defer other.Close()
	server := serve(t, g.path, "--record", path)
	c := client(t)
	sent := 0
	const rounds = 17 // of six requests: a hundred
	for i := range rounds {
		targets := []string{"/", "/counter", "/clock", "/random", "/sleep?ms=3600000"}
		if !g.fetchless {
			targets = append(targets, fmt.Sprintf("/fetch?url=%s/%d", other.URL, i))
		}
		for _, target := range targets {
			sent++
			if got := ask(t, c, "GET", server.URL+target, nil, "Accept", "*/*"); got.cut != nil {
				t.Fatalf("%s: %v", target, got.cut)
			}
		}
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	other.Close()
	before := arrived.Load()
	if before < rounds && !g.fetchless { // a guest that cannot respond twice in one instance may get a request again
		t.Errorf("%d requests arrived at the other server", before)
	}
	cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
	for range 3 {
		output, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "test", path,
			"--component", g.path, "--cache-dir", cache).CombinedOutput()
		if want := fmt.Sprintf("%d passed", sent); err != nil ||
			!strings.Contains(string(output), want) {
			t.Errorf("the replay: %v\n%s", err, tail(string(output), 8000))
		}
	}
	if arrived.Load() != before {
		t.Error("a replay has sent requests")
	}
}

// TestOtherServersTakeNoTimeInAWorld lets each guest wait minutes for another server, which takes
// none, or the test would not end.
func TestOtherServersTakeNoTimeInAWorld(t *testing.T) {
	if !ours() {
		t.Log("only wasihttp has such worlds")
		return
	}
	for _, g := range guests(t) {
		if !g.kitchen && g.name != "rust-kitchen-p3" || g.fetchless {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"a.hurl": "# @clock 2026-01-02T03:04:05Z\n\n" +
					"GET {{base}}/fetch?url=http://a.test/\nHTTP 200\n[Asserts]\nbody contains \"from afar\"\n",
				"a.upstream.hurl": "GET http://a.test/\n[Options]\ndelay: 500s\nHTTP 200\n`from afar`\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
			output, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "test", dir,
				"--component", g.path, "--cache-dir", cache, "--timeout", "60s").CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, tail(string(output), 8000))
			}
		})
	}
}
