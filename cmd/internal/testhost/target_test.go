package testhost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/timetest"
	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/testrunner"
	testreport "github.com/wasihttp/wasihttp/testrunner/report"
)

// newHost returns a Host of components that are loaded as host.New does.
func newHost(timeout time.Duration, concurrent int) *Host {
	return newHostWith(host.Config{Timeout: timeout}, concurrent)
}

func newHostWith(cfg host.Config, concurrent int) *Host {
	cfg.MaxMemory, cfg.Outbound = 1<<30, host.Outbound{AllowAll: true}
	return New(Config{
		Load: func(ctx context.Context, path string, counts bool) (*Component, error) {
			wasm, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			cfg := cfg
			var engine *host.Engine
			if counts {
				engine = host.NewEngine(host.EngineOptions{Instructions: true})
				cfg.Engine = engine
			}
			h, err := host.New(ctx, wasm, cfg)
			if err != nil {
				return nil, err
			}
			hint := func(f *host.Failure) string { return f.Hint }
			end := func(ctx context.Context) error {
				err := h.Close(ctx)
				if engine != nil {
					err = errors.Join(err, engine.Close())
				}
				return err
			}
			return &Component{Host: h, Hint: hint, Close: end}, nil
		},
		Concurrent: concurrent,
	})
}

// root is the folder of the repository.
const root = "../../.."

func kitchenPath(name string) string {
	if strings.Contains(name, "/") {
		return filepath.Join(root, "testdata", "guests", name+".wasm")
	}
	return filepath.Join(root, "testdata", "guests", name, name+".wasm")
}

// runFixture runs a fixture against a guest that this repository ships.
func runFixture(t testing.TB, guest, text string, options testrunner.Options) *testrunner.FileResult {
	t.Helper()
	return runOn(t, newHost(time.Minute, options.Concurrent), guest, text, options)
}

// runOn is runFixture for a host, which it drops.
func runOn(
	t testing.TB, host *Host, guest, text string, options testrunner.Options,
) *testrunner.FileResult {
	t.Helper()
	path := writeFile(t, "f.hurl", text)
	options.Component = kitchenPath(guest)
	var result *testrunner.FileResult
	if _, err := testrunner.Run(t.Context(), host, testrunner.ReadAll([]string{path}, nil), &options,
		func(f *testrunner.FileResult) { result = f }); err != nil {
		t.Fatal(err)
	}
	if err := host.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, e := range result.ParseErrors {
		t.Fatal(e.Render())
	}
	return result
}

// writeFile writes a file into a folder of its own.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExpirationsSayWhatTheGuestWasDoing(t *testing.T) {
	tests := []struct{ guest, path, want string }{
		{"rust-kitchen", "/spin", ": the guest was busy in its own code, in wasi:http/incoming-handler@"},
		{"rust-kitchen", "/sleep?ms=60000", "the guest was waiting in wasi:io/poll@0.2.12#[method]pollable.block"},
		{"rust-kitchen", "/sse?n=100&ms=60000",
			"the response had begun but was not complete within LIMIT: the guest was waiting in " +
				"wasi:io/poll@0.2.12#[method]pollable.block"},
		{"rust-kitchen-p3", "/spin", "the guest's task 1 was busy in its own code, in "},
		{"rust-kitchen-p3", "/sleep?ms=60000", "the guest's task 1 was waiting for wasi:clocks/monotonic-clock@0.3."},
		{"rust-kitchen-p3", "/sse?n=100&ms=60000",
			"the response had begun but was not complete within LIMIT: the guest's task 1 was waiting for " +
				"wasi:clocks/monotonic-clock@0.3."},
	}
	for _, tt := range tests {
		t.Run(tt.guest+tt.path, func(t *testing.T) {
			fixture := "GET http://localhost" + tt.path + "\nHTTP 200\n\n" +
				"GET http://localhost/counter\nHTTP 200\n[Asserts]\nbody == \"1\\n\"\n"
			timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
				limit := scale * 200 * time.Millisecond
				r := runFixture(t, tt.guest, fixture, testrunner.Options{Timeout: limit}).Results
				text, want := testreport.Text("f.hurl", &r[0]), strings.ReplaceAll(tt.want, "LIMIT", units.Duration(limit))
				if r[0].Outcome != testrunner.Expired || !strings.Contains(text, want) || !strings.Contains(text, moreTime) {
					t.Errorf("outcome %s, want expired with %q\n%s", r[0].Outcome, want, text)
				}
				if text := testreport.Text("f.hurl", &r[1]); !strings.Contains(text, "a new instance") {
					t.Errorf("the next entry is not told of its new instance:\n%s", text)
				}
			})
		})
	}
}

// What nobody can go on with fails at once, as in serve, and not when the time of the entry is
// over.
func TestABodyThatCannotEndFailsAtOnce(t *testing.T) {
	hour := testrunner.Options{Timeout: time.Hour}
	r := runFixture(t, "lab/lab-p2", "GET http://localhost/stream-undropped\nHTTP 200\n\n"+
		"GET http://localhost/body-undropped\nHTTP 200\n\nGET http://localhost/finish-with-stream\nHTTP 200\n", hour).Results
	for i, want := range []string{"error-code HTTP-response-incomplete", "error-code HTTP-response-incomplete", "trap"} {
		got := string(r[i].Outcome)
		if f := r[i].Response.Failure; f != nil && f.ErrorCode != "" {
			got += " " + f.ErrorCode
		}
		if text := testreport.Text("f.hurl", &r[i]); got != want || i < 2 && !strings.Contains(text, "outgoing-body.finish") ||
			i == 2 && !strings.Contains(text, "resource has children that are alive") {
			t.Errorf("outcome %s, want %s\n%s", got, want, text)
		}
	}
}

func TestWhatEndsAGuestAfterItsResponseIsANote(t *testing.T) {
	for guest, fixture := range map[string]string{
		"lab/lab-p2": "GET http://localhost/finish-exit1\nHTTP 200\n\nGET http://localhost/finish-panic\nHTTP 200\n",
		"lab/lab-p3": "GET http://localhost/exit0\nHTTP 200\n\nGET http://localhost/late-panic\nHTTP 200\n",
	} {
		r := runFixture(t, guest, fixture, testrunner.Options{Timeout: time.Minute}).Results
		for i, want := range []string{"the guest exited with status ", "wasm trap: unreachable"} {
			notes := strings.Join(r[i].Notes, "\n")
			if strings.Count(notes, "after its response: "+want) != 1 || r[i].Outcome != testrunner.Pass {
				t.Errorf("%s, entry %d: outcome %s, notes %q", guest, i, r[i].Outcome, notes)
			}
		}
	}
}

// The next request has to wait for a guest that works on, and the user hears why.
func TestWorkAfterAResponseIsTimedAndNamed(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		responses := 0
		h := newHostWith(host.Config{PostReturnTimeout: scale * 50 * time.Millisecond}, 1)
		r := runOn(t, h, "lab/lab-p2", "GET http://localhost/finish-spin\nHTTP 200\n\n"+
			"GET http://localhost/finish-spin\nHTTP 200\n\nGET http://localhost/finish-exit1\nHTTP 200\n",
			testrunner.Options{Timeout: time.Hour, Responded: func() { responses++ }}).Results
		for i, works := range []bool{true, true, false} {
			notes := strings.Join(r[i].Notes, "\n")
			if r[i].Outcome != testrunner.Pass || strings.Contains(notes, "the guest was still working") != works ||
				strings.Contains(notes, "--post-return-timeout") != works {
				t.Errorf("entry %d: outcome %s, notes %q", i, r[i].Outcome, notes)
			}
		}
		if responses != 3 {
			t.Errorf("%d responses were announced", responses)
		}
	})
}

func TestAnInstanceThatIsNotReadyInTimeSaysWhatItWasDoing(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		host := newHost(scale*100*time.Millisecond, 1)
		path := filepath.Join(root, "testdata", "guests", "bad", "spin-at-start.wasm")
		options := testrunner.Options{Component: path, Timeout: scale * 100 * time.Millisecond}
		_, err := testrunner.Run(t.Context(), host,
			testrunner.ReadAll([]string{writeFile(t, "f.hurl", "GET http://localhost/\n")}, nil), &options,
			func(f *testrunner.FileResult) {
				if text := testreport.Text("f.hurl", &f.Results[0]); f.Results[0].Outcome != testrunner.Expired ||
					!strings.Contains(text, "while the instance was made: ") ||
					!strings.Contains(text, "in at-start\n") {
					t.Errorf("outcome %s\n%s", f.Results[0].Outcome, text)
				}
			})
		if err != nil {
			t.Fatal(err)
		}
		if err := host.Drop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrentRequestsShareAnInstance(t *testing.T) {
	start := time.Now()
	f := runFixture(t, "rust-kitchen-p3",
		strings.Repeat("GET http://localhost/sleep?ms=1000\nHTTP 200\n\n", 16),
		testrunner.Options{Concurrent: 16, Timeout: time.Minute})
	// One after the other they would take 16 seconds.
	if took := time.Since(start); f.Failed() || took >= 16*time.Second {
		t.Errorf("failed %v, after %v", f.Failed(), took)
	}
}

func TestATrapNamesItsTaskAndWhatTheOthersWaitedFor(t *testing.T) {
	f := runFixture(t, "rust-kitchen-p3",
		"GET http://localhost/sleep?ms=60000\nHTTP 200\n\nGET http://localhost/trap?ms=10\nHTTP 200\n",
		testrunner.Options{Concurrent: 2, Timeout: time.Minute})
	for i, want := range []string{"; the guest's task 1 was waiting for wasi:clocks/monotonic-clock@0.3.",
		"wasm trap: unreachable, in the guest's task 2\n"} {
		if text := testreport.Text("f.hurl", &f.Results[i]); f.Results[i].Outcome != testrunner.Trap || !strings.Contains(text, want) {
			t.Errorf("outcome %s, want a trap with %q\n%s", f.Results[i].Outcome, want, text)
		}
	}
}

func TestErrorCodesAreNamedWithOrWithoutWhatTheyCarry(t *testing.T) {
	f := runFixture(t, "rust-kitchen",
		"# @expect error-code HTTP-response-body-size\nGET http://localhost/short\n\n"+
			"# @expect error-code HTTP-response-body-size(10)\nGET http://localhost/short\n", testrunner.Options{})
	for i := range f.Results {
		if f.Results[i].Outcome != testrunner.Pass {
			t.Error(testreport.Text("f.hurl", &f.Results[i]))
		}
	}
}

func TestAReportBeginsWithWhatTheGuestSaid(t *testing.T) {
	r := runFixture(t, "rust-kitchen", "GET http://localhost/trap\nHTTP 200\n", testrunner.Options{}).Results
	text := testreport.Text("f.hurl", &r[0])
	said, trapped := strings.Index(text, "this guest was asked to trap"), strings.Index(text, "The guest trapped: wasm trap: unreachable")
	if said < 0 || trapped < said || r[0].Response.Failure.Message == "" {
		t.Errorf("got\n%s", text)
	}
}
