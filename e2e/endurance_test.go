package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
	"github.com/wasihttp/wasihttp/internal/timetest"
)

// requestsVariable is how many requests of each kind TestEndurance sends; without it, few.
const requestsVariable = "WASIHTTP_E2E_REQUESTS"

// TestSpinIsStoppedInTime lets a guest loop without calls and measures when it is stopped, and what
// others notice.
func TestSpinIsStoppedInTime(t *testing.T) {
	if !ours() {
		return // another server's limits are set in its own ways
	}
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		const limit = 500 * time.Millisecond
		late, slow := scale*100*time.Millisecond, scale*50*time.Millisecond
		if strings.Contains(os.Getenv(buildFlagsVariable), "-race") {
			late, slow = 10*late, 10*slow
		}
		server := serve(t, rustKitchen().path, "--timeout", limit.String(), "--quiet")
		c := client(t)
		get(t, c, server.URL+"/")
		var overruns, others []time.Duration
		for range 5 {
			spun := make(chan time.Duration, 1)
			go func() {
				started := time.Now()
				if got := ask(t, c, http.MethodGet, server.URL+"/spin", nil); got.status != http.StatusGatewayTimeout {
					t.Errorf("status %d, cut %v", got.status, got.cut)
				}
				spun <- time.Since(started)
			}()
			for ended := false; !ended; {
				select {
				case took := <-spun:
					overruns = append(overruns, took-limit)
					ended = true
				default:
					started := time.Now()
					get(t, c, server.URL+"/")
					others = append(others, time.Since(started))
				}
			}
		}
		slices.Sort(overruns)
		slices.Sort(others)
		median, p99 := overruns[len(overruns)/2], others[len(others)*99/100]
		t.Logf("stopped %v after the limit (median of %d); meanwhile %d other requests, p99 %v", median, len(overruns), len(others), p99)
		if median > late {
			t.Errorf("stopped %v after the limit, want at most %v", median, late)
		}
		if p99 > slow {
			t.Errorf("the p99 of others was %v while the guest looped, want at most %v", p99, slow)
		}
	})
}

// TestEndurance sends many requests to the routes that fail, with good ones between them, and then
// looks whether the server is as it was.
func TestEndurance(t *testing.T) {
	if !ours() {
		return
	}
	requests := 60
	if text := os.Getenv(requestsVariable); text != "" {
		var err error
		if requests, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", requestsVariable, err)
		}
	}
	server := serve(t, rustKitchen().path, "--timeout", "60ms", "--max-memory", "64MiB", "--quiet", "--post-return-timeout", "1s")
	patient := serve(t, rustKitchen().path, "--max-memory", "64MiB", "--quiet")
	c := client(t)

	// One round of each first: what is made on first use stays.
	routes := []struct {
		target  string
		server  *served.Server
		correct func(answer) bool
	}{
		{"/trap", patient, failed("trap")},
		{"/spin", server, failed("expired")},
		{"/sleep?ms=60000", server, failed("expired")},
		{"/alloc?mib=100", patient, failed("trap")},
		{"/none", patient, failed("no-response")},
		{"/trap-after-head", patient, func(a answer) bool { return a.cut != nil || a.status >= 500 }},
		{"/drop-body", patient, func(a answer) bool { return a.cut != nil || a.status >= 500 }},
		{"/recurse", patient, failed("trap")},
	}
	drive := func(requests int) {
		var group sync.WaitGroup
		for _, route := range routes {
			work := make(chan int, requests)
			for i := range requests {
				work <- i
			}
			close(work)
			for range 2 {
				group.Go(func() {
					for range work {
						if got := ask(t, c, http.MethodGet, route.server.URL+route.target, nil); !route.correct(got) {
							t.Errorf("%s: %d %s, cut %v, %q", route.target, got.status, got.header.Get(outcomeHeader), got.cut, tail(got.body, 200))
							return
						}
						if got := ask(t, c, http.MethodGet, patient.URL+"/", nil); got.body != "hello from rust\n" {
							t.Errorf("a good request beside %s: %d, cut %v, %q", route.target, got.status, got.cut, tail(got.body, 200))
							return
						}
					}
				})
			}
		}
		group.Wait()
	}
	drive(20)
	settle(t, c, server, patient)
	before := []usage{measure(t, server), measure(t, patient)}
	drive(requests)
	settle(t, c, server, patient)
	for i, s := range []*served.Server{server, patient} {
		after := measure(t, s)
		t.Logf("before %+v, after %+v", before[i], after)
		// A few more of each come with the connections and threads of the moment.
		if after.files > before[i].files+10 || after.mappings > before[i].mappings+60 {
			t.Errorf("before %+v, after %+v", before[i], after)
		}
	}
}

func failed(outcome string) func(answer) bool {
	return func(a answer) bool { return a.status >= 500 && a.cut == nil && a.header.Get(outcomeHeader) == outcome }
}

// settle waits until no connection of the client is left and the servers have responded
// after that.
func settle(t *testing.T, c *http.Client, servers ...*served.Server) {
	t.Helper()
	c.CloseIdleConnections()
	for _, s := range servers {
		get(t, c, s.URL+"/")
	}
	c.CloseIdleConnections()
}

// usage is what a process holds of the system.
type usage struct{ files, mappings int }

// measure counts what the server's process holds; where the system does not tell, nothing.
func measure(t *testing.T, s *served.Server) usage {
	t.Helper()
	if runtime.GOOS != "linux" {
		return usage{}
	}
	process := filepath.Join("/proc", fmt.Sprint(s.Pid()))
	files, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile(filepath.Join(process, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	return usage{len(files), strings.Count(string(maps), "\n")}
}
