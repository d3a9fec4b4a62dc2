package cmd

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/load"
)

const sayHello = "GET {{base}}/\nHTTP 200\n[Asserts]\nbody contains \"hello\"\n"

// bench runs the command with few requests, and returns what it prints.
func bench(t *testing.T, cache string, args ...string) (code int, out, errs string) {
	t.Helper()
	s := newSession()
	args = append([]string{programName, "bench", "--cache-dir=" + cache, "--warm-up", "0", "--requests", "40"}, args...)
	st := s.state(args...)
	code = st.main(t.Context(), engineDoors(st))
	return code, s.out.String(), s.err.String()
}

func TestBenchMeasuresFixtures(t *testing.T) {
	cache := t.TempDir()
	fixtures := filepath.Dir(writeFixture(t, "hello.hurl", sayHello))
	folder := t.TempDir()
	page, result := filepath.Join(folder, "bench.html"), filepath.Join(folder, "bench.json")
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		component := filepath.Join(guests, guest, guest+".wasm")
		code, out, errs := bench(t, cache, fixtures, "--component", component, "--report-html", page, "--report-json", result)
		for _, want := range []string{"requests     40 in", "latency ", "computing", "per instance", "40 entries checked: 40 passed"} {
			if code != exit.OK || !strings.Contains(out, want) {
				t.Errorf("%s: exit code %d, no %q: %s%s", guest, code, want, out, errs)
			}
		}
		r := readResult(t, result)
		if r.Requests != 40 || r.Spent == nil || r.Memory.Max == 0 || r.Settings.Component != component {
			t.Errorf("%s: %+v", guest, r)
		}
		if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "40 passed") {
			t.Errorf("%s: the page: %v", guest, err)
		}
		// The result of a run is a baseline, the same component one in turns.
		code, out, errs = bench(t, cache, fixtures, "--component", component, "--baseline", result, "--max-regression", "100000%")
		if code != exit.OK || !strings.Contains(out, "other run:") || !strings.Contains(out, "no regression:") {
			t.Errorf("%s: another run: exit code %d: %s%s", guest, code, out, errs)
		}
		code, out, errs = bench(t, cache, fixtures, "--component", component, "--baseline", component, "--max-regression", "100000%", "--json")
		r = &load.Result{}
		if err := json.Unmarshal([]byte(out), r); err != nil || code != exit.OK || errs != "" {
			t.Fatalf("%s: exit code %d: %v, %s", guest, code, err, errs)
		}
		if c := r.Comparison; c == nil || !c.InTurns || c.Verdict != load.Same || r.Baseline.Requests != 40 {
			t.Errorf("%s: in turns: %+v", guest, c)
		}
	}
}

func readResult(t *testing.T, path string) *load.Result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := load.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The component of the tests responds a thousand times later than another one.
func TestASlowBuildHasAnExitCodeOfItsOwn(t *testing.T) {
	cache := t.TempDir()
	fixtures := filepath.Dir(writeFixture(t, "sleep.hurl", "GET {{base}}/sleep?ms={{ms}}\nHTTP 200\n"))
	kitchen := filepath.Join(guests, "rust-kitchen", "rust-kitchen.wasm")
	result := filepath.Join(t.TempDir(), "fast.json")
	args := []string{fixtures, "--component", kitchen, "--variable", "ms=0"}
	if code, out, errs := bench(t, cache, append(args, "--report-json", result)...); code != exit.OK {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	// Variables are part of the settings: this is another run with another load.
	args[4] = "ms=30"
	code, out, errs := bench(t, cache, append(args, "--baseline", result)...)
	if code != exit.OK || !strings.Contains(out, "slower:") || !strings.Contains(out, "digest:") {
		t.Errorf("other settings: exit code %d: %s%s", code, out, errs)
	}
	// With the same digest, nothing is different but the build.
	r := readResult(t, result)
	slow := filepath.Join(t.TempDir(), "slow.json")
	if code, out, errs := bench(t, cache, append(args, "--report-json", slow)...); code != exit.OK {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	r.Settings.Digest = readResult(t, slow).Settings.Digest
	file, err := os.Create(result)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := bench(t, cache, append(args, "--baseline", result)...); code != exit.Slower {
		t.Errorf("the same settings: exit code %d: %s%s", code, out, errs)
	}
	// What is wrong comes before what is slow.
	wrong := writeFixture(t, "wrong.hurl", "GET {{base}}/\nHTTP 404\n")
	if code, _, _ := bench(t, cache, append(args, wrong, "--baseline", result)...); code != exit.Mismatch {
		t.Errorf("a wrong response: exit code %d", code)
	}
}

// One component responds when 5 ms are over, the other one to everything at once.
func TestInTurnsASlowBuildHasTheSameExitCode(t *testing.T) {
	cache := t.TempDir()
	fixture := writeFixture(t, "sleep.hurl", "GET {{base}}/sleep?ms=5\nHTTP 200\n")
	for _, kind := range []string{"", "-p3"} {
		fast, slow := guestPath("rust-hello"+kind), guestPath("rust-kitchen"+kind)
		for _, tt := range []struct {
			component, baseline string
			code                int
			says                string
		}{{slow, fast, exit.Slower, "slower:"}, {fast, slow, exit.OK, "no regression:"}} {
			code, out, errs := bench(t, cache, fixture, "--component", tt.component, "--baseline", tt.baseline)
			if code != tt.code || !strings.Contains(out, tt.says) || strings.Contains(out, "other run:") {
				t.Errorf("%s after %s: exit code %d: %s%s", tt.component, tt.baseline, code, out, errs)
			}
		}
	}
}

// Over the wire, connections are used again (a few more may be dialed than are needed), and what
// fails can be sent again to that server.
func TestBenchSendsOverTheWire(t *testing.T) {
	cache := t.TempDir()
	var connections, requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, "hello "+r.URL.Path)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	fixture := writeFixture(t, "hello.hurl", sayHello+"\nGET {{base}}/other\nHTTP 404\n")
	code, out, errs := bench(t, cache, fixture, "--url", server.URL+"/below", "--concurrency", "3", "--rate", "2000")
	for _, want := range []string{
		server.URL + "/below, 1 fixture, 3 users", "40 entries checked: ", " passed, ", "once sent", "curl -i " + server.URL + "/below/other\n",
		"known without --url only",
	} {
		if code != exit.Mismatch || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in %s%s", code, want, out, errs)
		}
	}
	if n := connections.Load(); n > 9 || requests.Load() != 40 {
		t.Errorf("%d requests over %d connections", requests.Load(), n)
	}
	server.Close()
	code, out, _ = bench(t, cache, fixture, "--url", server.URL)
	if code != exit.Load || !strings.Contains(out, "no response was measured") || !strings.Contains(out, "40 entries checked: 40 no-response") {
		t.Errorf("without a server: exit code %d: %s", code, out)
	}
}

func TestABenchOfMoreUsersThanAProcessCanHaveIsRefused(t *testing.T) {
	fixture := writeFixture(t, "hello.hurl", sayHello)
	code, _, errs := bench(t, t.TempDir(), fixture, "--concurrency", "1000000000")
	if code != exit.Usage || !strings.Contains(errs, "at most 10000 users") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestAnInterruptedBenchPrintsWhatItHas(t *testing.T) {
	fixture := writeFixture(t, "hello.hurl", sayHello+"\nGET {{base}}/sleep?ms=600000\nHTTP 200\n")
	s := newSession()
	sent := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sleep" {
			sent <- struct{}{}
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer server.Close()
	st := s.state(programName, "bench", fixture, "--url", server.URL, "--timeout", "0", "--warm-up", "0", "--concurrency", "1", "--for", "1h")
	go func() { s.code <- st.main(context.Background(), engineDoors(st)) }()
	<-sent
	s.signals <- os.Interrupt
	if got := s.exit(t); got != 130 ||
		!strings.Contains(s.out.String(), "interrupted: the run is not complete") ||
		!strings.Contains(s.out.String(), "1 entry checked: 1 passed") {
		t.Errorf("code %d, output\n%s%s", got, s.out, s.err)
	}
}

func TestBenchSaysWhatIsWrong(t *testing.T) {
	cache := t.TempDir()
	fixture := writeFixture(t, "hello.hurl", sayHello)
	kitchen := filepath.Join(guests, "rust-kitchen", "rust-kitchen.wasm")
	nothing := writeFixture(t, "none.hurl", "# nothing\n")
	other := writeFixture(t, "other.json", `{"version": 1, "files": []}`)
	skipped := writeFixture(t, "skip.hurl", "GET {{base}}/\n[Options]\nskip: true\nHTTP 200\n")
	broken := writeFixture(t, "broken.hurl", "GET\n")
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{}, exit.Usage, "bench needs a PATH"},
		{[]string{broken}, exit.Unreadable, ""},
		{[]string{nothing}, exit.Usage, "no entry of the fixtures sends a request"},
		{[]string{fixture, "--filter", "nowhere"}, exit.Usage, "no entry is selected"},
		{[]string{skipped}, exit.Usage, "no entry of the fixtures sends a request"},
		{[]string{fixture, "--component", "missing.wasm"}, exit.Load, "missing.wasm"},
		{[]string{fixture, "--requests", "0", "--for", "0"}, exit.Usage, "--for 0s measures nothing"},
		{[]string{fixture, "--rate", "-1"}, exit.Usage, "how many in a second"},
		{[]string{fixture, "--rate", "5/d"}, exit.Usage, "how many in a second"},
		{[]string{fixture, "--max-regression", "much"}, exit.Usage, "in percent"},
		{[]string{fixture, "--url", "localhost:80"}, exit.Usage, "is not the URL of a server"},
		{[]string{fixture, "--url", "http://127.0.0.1:1", "--baseline", kitchen}, exit.Usage, "cannot be combined"},
		{[]string{fixture, "--baseline", "missing.json"}, exit.Usage, "--baseline missing.json"},
		{[]string{fixture, "--baseline", other}, exit.Usage, "no rounds"},
		{[]string{fixture, "--baseline", fixture}, exit.Usage, "no result of a bench"},
		{[]string{fixture, "--report-json", t.TempDir()}, exit.Usage, "--report-json"},
	} {
		args := append(tt.args, "--component", kitchen)
		if len(tt.args) > 1 && tt.args[1] == "--component" || len(tt.args) == 0 {
			args = tt.args
		}
		if code, out, errs := bench(t, cache, args...); code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("%v: exit code %d: %s%s", tt.args, code, out, errs)
		}
	}
}
