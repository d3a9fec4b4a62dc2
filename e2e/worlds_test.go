package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// The requests of a recorded world, a quarter of which sleep.
const (
	worldLength = 100
	worldSleep  = 100 * time.Millisecond
)

// TestARecordedWorldRepeatsItself records requests whose responses depend on the time, on random
// numbers and on another server, and replays them three times: with the same responses, without
// that server, and faster than they sleep.
func TestARecordedWorldRepeatsItself(t *testing.T) {
	if !ours() {
		t.Log("only wasihttp records")
		return
	}
	var asked atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path": %q, "number": %d, "at": %q}`, r.URL.Path, asked.Add(1),
			time.Now().Format(time.RFC3339Nano))
	}))
	defer upstream.Close()
	for _, g := range guests(t) {
		if !g.kitchen && !g.shared || g.fetchless || g.name == "c-kitchen" || g.name == "rust-hello-p3" {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "fixtures")
			server := serve(t, g.path, "--record", folder)
			c := client(t)
			for i := range worldLength {
				clock, random := "/clock", "/random"
				if g.name == "rust-kitchen-p3" { // it has neither
					clock, random = "/headers", "/counter"
				}
				path := []string{
					clock, random, "/fetch?url=" + upstream.URL + fmt.Sprintf("/%d", i%5),
					fmt.Sprintf("/sleep?ms=%d", worldSleep.Milliseconds()),
				}[i%4]
				if got := ask(t, c, "GET", server.URL+path, nil, "Accept", "*/*"); got.cut != nil || got.status != 200 {
					t.Fatalf("%s: %d, %v", path, got.status, got.cut)
				}
			}
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			before := asked.Load()
			fastest := min(replayWorld(t, g.path, folder), replayWorld(t, g.path, folder),
				replayWorld(t, g.path, folder)) // the machine may do other work
			if sleeps := worldLength / 4 * worldSleep; fastest >= sleeps {
				t.Errorf("the replay took %v, and the entries sleep %v", fastest, sleeps)
			}
			if n := asked.Load() - before; n > 0 {
				t.Errorf("the replays sent %d requests", n)
			}
		})
	}
}

// replayWorld replays fixtures, which must all pass, and returns how long that took.
func replayWorld(t *testing.T, component, folder string) time.Duration {
	t.Helper()
	cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
	path := filepath.Join(t.TempDir(), "report.json")
	output, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "test", folder, "--component",
		component, "--cache-dir", cache, "--report-json", path).CombinedOutput()
	if err != nil {
		t.Fatalf("the replay: %v\n%s", err, tail(string(output), 8000))
	}
	var report struct {
		TimeMS   float64        `json:"time_ms"`
		Loading  float64        `json:"loading_ms"`
		Outcomes map[string]int `json:"outcomes"`
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &report)
	}
	if err != nil || report.Outcomes["pass"] != worldLength {
		t.Errorf("got %v, %v", report.Outcomes, err)
	}
	return time.Duration((report.TimeMS - report.Loading) * float64(time.Millisecond))
}
