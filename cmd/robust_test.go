package cmd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/engine"
	"github.com/wasihttp/wasihttp/term"
)

// kitchen is the Rust guest that can fail in every way.
func kitchen() string {
	return filepath.Join("..", "testdata", "guests", "rust-kitchen", "rust-kitchen.wasm")
}

// startKitchen runs "serve KITCHEN args…" in this process; the engine is the test's, so that it can be asked what is in use.
func startKitchen(t *testing.T, eng *engine.Engine, args ...string) *session {
	t.Helper()
	s := &session{out: newBuffer(), err: newBuffer(), signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	tl := &tool{
		stdout: term.New(s.out, nil), stderr: term.New(s.err, nil),
		environ: func() []string { return nil },
		signals: s.signals,
		load: func(ctx context.Context, path string, cfg loadConfig) (*app, error) {
			linker := newLinker()
			x := examine(path, linker)
			if x.Problem != nil {
				return nil, x.Problem.err()
			}
			linked, err := x.Component.Link(ctx, eng, linker, component.LinkOptions{})
			if err != nil {
				return nil, err
			}
			h, err := newHost(ctx, linked, x.Component.ExportNames(), path, cfg)
			if err != nil {
				return nil, errors.Join(err, linked.Close(ctx))
			}
			return &app{Handler: h, Close: func(ctx context.Context) error {
				h.proxy.Close(ctx)
				return linked.Close(ctx)
			}}, nil
		},
	}
	go func() {
		s.code <- tl.main(context.Background(), append([]string{programName, "serve", kitchen(), "--addr", "127.0.0.1:0"}, args...))
	}()
	t.Cleanup(func() {
		s.signals <- os.Interrupt
		s.exit(t)
	})
	return s
}

// held is what a test finds in use.
type held struct {
	Goroutines, Files int
	Engine            engine.Stats
}

func measureHeld(t *testing.T, eng *engine.Engine) held {
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

// TestFailingRequestsLeaveNothingBehind sends many requests to each route that fails, and a good one beside each of them.
func TestFailingRequestsLeaveNothingBehind(t *testing.T) {
	eng, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	patient := startKitchen(t, eng, "--max-memory", "16MiB", "--quiet").url(t)
	hasty := startKitchen(t, eng, "--timeout", "20ms", "--quiet").url(t)
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
					if status, outcome, body, err := fetch(client, route.url); err != nil || status != route.status || outcome != route.outcome {
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
		transport.CloseIdleConnections()
	}
	before := measureHeld(t, eng)
	send(5 * workers)
	before.Engine = eng.Stats() // mappings and a few instances are kept for the next requests
	send(requestsOfEach(t))
	// The last instances and connections end shortly after their answers.
	deadline := time.Now().Add(patience)
	for after := before; ; {
		runtime.GC()
		after = measureHeld(t, eng)
		if after.Goroutines <= before.Goroutines+2 && after.Files <= before.Files+2 && after.Engine.Groups <= before.Engine.Groups+4 &&
			after.Engine.Mappings <= before.Engine.Mappings+32 {
			t.Logf("before %+v, after %+v", before, after)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("before %+v, after %+v", before, after)
		}
		runtime.Gosched()
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
