package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/host"
)

// kitchen and kitchenP3 are the Rust guests of 0.2 and 0.3 that can fail in every way.
func kitchen() string {
	return filepath.Join("..", "testdata", "guests", "rust-kitchen", "rust-kitchen.wasm")
}

func kitchenP3() string {
	return filepath.Join("..", "testdata", "guests", "rust-kitchen-p3", "rust-kitchen-p3.wasm")
}

// startGuest runs "serve GUEST args…" in this process; the engine is the test's, so that it can be
// asked what is in use.
func startGuest(t *testing.T, eng *host.Engine, guest string, args ...string) *session {
	t.Helper()
	s := newSession()
	st := s.state(append([]string{programName, "serve", guest, "--addr", "127.0.0.1:0"}, args...)...)
	d := doors{
		load: func(ctx context.Context, path string, cfg loader.Config) (*loader.App, error) {
			cfg.Engine = eng
			return loader.Load(ctx, path, cfg)
		},
	}
	go func() { s.code <- st.main(context.Background(), d) }()
	t.Cleanup(func() {
		s.signals <- os.Interrupt
		s.exit(t)
	})
	return s
}

// held is what a test finds in use.
type held struct {
	Goroutines, Files int
	Engine            host.EngineStats
}

func measureHeld(t *testing.T, eng *host.Engine) held {
	t.Helper()
	h := held{Goroutines: runtime.NumGoroutine(), Engine: eng.Stats()}
	if runtime.GOOS == "linux" {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		h.Files = len(files)
	}
	return h
}

// measureServing measures what servers hold once they have begun to serve: what they start after
// they have named their addresses counts, too.
func measureServing(t *testing.T, eng *host.Engine, urls ...string) held {
	t.Helper()
	for _, url := range urls {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if _, _, _, err := fetch(client, url); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
	}
	return measureHeld(t, eng)
}

// requestsVariable is how many requests each failing route gets; without it, few.
const requestsVariable = "WASIHTTP_E2E_REQUESTS"

func requestsOfEach(t *testing.T) int {
	t.Helper()
	text := os.Getenv(requestsVariable)
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", requestsVariable, err)
	}
	return n
}

// TestFailingRequestsLeaveNothingBehind sends many requests to each route that fails, and a good
// one beside each of them.
func TestFailingRequestsLeaveNothingBehind(t *testing.T) {
	eng := newEngine(t)
	patient := startGuest(t, eng, kitchen(), "--max-memory", "16MiB", "--quiet").url(t)
	hasty := startGuest(t, eng, kitchen(), "--timeout", "20ms", "--quiet").url(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	client := &http.Client{Transport: transport}
	routes := []struct {
		url     string
		status  int
		outcome string
	}{
		{patient + "trap", 500, "trap"},
		{patient + "alloc?mib=100", 500, "trap"},
		{patient + "none", 500, "no-response"},
		{patient + "abort", 500, "trap"},
		{patient + "drop-body", 500, "error-code"},
		{hasty + "spin", 504, "expired"},
		{hasty + "sleep?ms=60000", 504, "expired"},
	}
	const workers = 4 // for each route
	send := func(requests int) {
		var group sync.WaitGroup
		for i := range workers * len(routes) {
			route := routes[i/workers]
			group.Go(func() {
				for range requests / workers {
					status, outcome, body, err := fetch(client, route.url)
					cut := route.outcome == "error-code" && errors.Is(err, io.ErrUnexpectedEOF) // a guest that took its time
					if !cut && (err != nil || status != route.status || outcome != route.outcome) {
						t.Errorf("%s: %d %q, %v: %.200s", route.url, status, outcome, err, body)
						return
					}
					if status, _, body, err := fetch(client, patient); err != nil || status != 200 || body != "hello from rust\n" {
						t.Errorf("a good request beside %s: %d, %v: %.200s", route.url, status, err, body)
						return
					}
				}
			})
		}
		group.Wait()
	}
	before := measureServing(t, eng, patient, hasty)
	send(5 * workers)
	send(requestsOfEach(t))
	awaitHeld(t, eng, transport, before)
}

func newEngine(t *testing.T) *host.Engine {
	t.Helper()
	eng := host.NewEngine(host.EngineOptions{})
	t.Cleanup(func() {
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	return eng
}

// awaitHeld waits until no more is in use than before: the last instances and connections end
// shortly after their responses, and a connection that no request needed any more may be made later
// still. What is kept for the next requests does not count: as much as has been in use at once.
func awaitHeld(t *testing.T, eng *host.Engine, transport *http.Transport, before held) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for after := before; ; {
		transport.CloseIdleConnections()
		runtime.GC()
		after = measureHeld(t, eng)
		instances := after.Engine.Instances - after.Engine.IdleInstances
		mappings := after.Engine.Mappings - after.Engine.IdleMappings // one for each instance
		idle := int(after.Engine.IdleInstances)                       // each may keep a coroutine for its next call
		const resting = 2 * 16                                        // of two servers: goroutines that wait for the next instance
		if after.Goroutines <= before.Goroutines+2+idle+resting && after.Files <= before.Files+2 &&
			instances == 0 && mappings <= after.Engine.Instances {
			t.Logf("before %+v, after %+v", before, after)
			return
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("before %+v, after %+v\n%s", before, after, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

// TestExchangesThatAreGivenUpLeaveNothingBehind has clients, servers and time limits end exchanges
// in the middle.
func TestExchangesThatAreGivenUpLeaveNothingBehind(t *testing.T) {
	for name, guest := range map[string]string{"0.2": kitchen(), "0.3": kitchenP3()} {
		t.Run(name, func(t *testing.T) {
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/hang" {
					<-r.Context().Done()
					return
				}
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, "not all of it")
				panic(http.ErrAbortHandler)
			}))
			defer upstream.Close() // which waits for the guest to hang up
			eng := newEngine(t)
			patient := startGuest(t, eng, guest, "--quiet").url(t)
			hasty := startGuest(t, eng, guest, "--quiet", "--timeout", "20ms").url(t)
			transport := &http.Transport{}
			client := &http.Client{Transport: transport}
			leave := func(url string, body io.Reader) error {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
				if err != nil {
					return err
				}
				resp, err := client.Do(req)
				if err != nil {
					return err
				}
				_, err = io.ReadFull(resp.Body, make([]byte, 10))
				return errors.Join(err, resp.Body.Close())
			}
			ways := map[string]func() error{
				"a server that hangs": func() error {
					status, _, _, err := fetch(client, hasty+"fetch?url="+upstream.URL+"/hang")
					if err == nil && status != http.StatusGatewayTimeout {
						err = fmt.Errorf("status %d", status)
					}
					return err
				},
				"a server that hangs up": func() error {
					if status, _, body, err := fetch(client, patient+"fetch?url="+upstream.URL+"/cut"); err == nil && status == http.StatusOK {
						return fmt.Errorf("a whole answer: %q", body)
					}
					return nil
				},
				"a download": func() error { return leave(patient+"big?n=100000000", nil) },
				"events":     func() error { return leave(patient+"sse?n=0&ms=1", nil) },
				"an upload": func() error {
					r, w := io.Pipe()
					defer w.Close()
					go func() { _, _ = w.Write(make([]byte, 100)) }() // the rest never comes
					return leave(patient+"echo", r)
				},
			}
			send := func(requests int) {
				var group sync.WaitGroup
				for what, way := range ways {
					group.Go(func() {
						for range requests {
							if err := way(); err != nil {
								t.Errorf("%s: %v", what, err)
								return
							}
						}
					})
				}
				group.Wait()
			}
			before := measureServing(t, eng, patient, hasty)
			send(4)
			send(requestsOfEach(t) / 2)
			awaitHeld(t, eng, transport, before)
		})
	}
}

func fetch(client *http.Client, url string) (status int, outcome, body string, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("X-Wasihttp-Outcome"), string(b), err
}
