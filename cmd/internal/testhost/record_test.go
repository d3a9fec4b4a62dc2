package testhost

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/testrunner"
)

// recordWith sends requests to a guest that is recorded, and returns what the recorder says.
func recordWith(
	t *testing.T, guest string, o record.Options, send func(do func(*http.Request) string),
) (said string) {
	t.Helper()
	return recordFrom(t, guest, o, loader.Config{}, send)
}

// recordFrom is recordWith for a guest that is loaded with settings.
func recordFrom(
	t *testing.T, guest string, o record.Options, cfg loader.Config,
	send func(do func(*http.Request) string),
) (said string) {
	t.Helper()
	o.Say = func(line string) { said += line + "\n" }
	recorder, err := record.New(o)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Timeout, cfg.Recorder = time.Minute, recorder
	app, err := loader.Load(t.Context(), kitchenPath(guest), cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	send(func(r *http.Request) string {
		n++
		r.RequestURI, r.Host = r.URL.RequestURI(), "localhost"
		res, err := app.Handler.Handle(t.Context(), fmt.Sprint(n), r)
		if err != nil {
			return err.Error()
		}
		body, err := io.ReadAll(res.Body)
		if closeErr := res.Body.Close(); err != nil || closeErr != nil {
			t.Error(err, closeErr)
		}
		return string(body)
	})
	if err := app.Close(t.Context()); err != nil {
		t.Error(err)
	}
	recorder.Close()
	return said
}

// replayed runs all fixtures of a folder, and checks that they pass.
func replayed(t *testing.T, guest, dir string) (entries int) {
	t.Helper()
	paths, err := testrunner.Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(time.Minute, 1)
	options := &testrunner.Options{Component: kitchenPath(guest), Timeout: time.Minute}
	_, err = testrunner.Run(t.Context(), h, testrunner.ReadAll(paths, nil), options,
		func(f *testrunner.FileResult) {
			for _, r := range f.Results {
				entries++
				if r.Outcome != testrunner.Pass {
					text, _ := os.ReadFile(f.Path)
					t.Errorf("%s: %s %+v\n%s", f.Path, r.Outcome, r.Problems, text)
				}
			}
			if len(f.ParseErrors) > 0 || f.Err != nil {
				t.Errorf("%s: %v %v", f.Path, f.ParseErrors, f.Err)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	return entries
}

func TestWhatIsRecordedIsReplayedWithoutUpstreamsAndWithoutSleeping(t *testing.T) {
	for guest, targets := range map[string][]string{
		"rust-kitchen": {
			"/random", "/clock", "/sleep?ms=3600000", "/fetch?url=", "/sse?n=3&ms=60000", "/",
			"/fetch?url=http://127.0.0.1:1", "/counter", "/trap",
		},
		"rust-kitchen-p3": {
			"/sleep?ms=3600000", "/fetch?url=", "/sse?n=3&ms=60000", "/", "/counter", "/trap",
		},
	} {
		t.Run(guest, func(t *testing.T) {
			t.Parallel()
			var arrived atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Number", fmt.Sprint(arrived.Add(1)))
					fmt.Fprintf(w, "%d %s", arrived.Load(), r.URL)
				}))
			defer server.Close()
			dir := t.TempDir()
			const n = 100
			said := recordWith(t, guest, record.Options{Dir: dir}, func(do func(*http.Request) string) {
				for i := range n {
					target := targets[i%len(targets)]
					if strings.HasSuffix(target, "=") {
						target += server.URL + fmt.Sprintf("/%d", i)
					}
					do(httptest.NewRequest(http.MethodGet, target, nil))
				}
			})
			if want := fmt.Sprintf("recorded %d exchanges in %s\n", n, dir); said != want {
				t.Errorf("it said %q, want %q", said, want)
			}
			server.Close()
			before := arrived.Load()
			if before == 0 {
				t.Error("nothing was fetched")
			}
			for range 3 {
				if got := replayed(t, guest, dir); got != n {
					t.Errorf("%d entries, want %d", got, n)
				}
			}
			text, err := filepath.Glob(filepath.Join(dir, "*.upstream.hurl"))
			if err != nil || len(text) < int(before) || arrived.Load() != before {
				t.Errorf("%d upstream fixtures, %d requests and then %d", len(text), before,
					arrived.Load())
			}
			checkDirectives(t, dir)
		})
	}
}

// checkDirectives checks that fixtures name the clock and the random numbers only where the guest
// used them.
func checkDirectives(t *testing.T, dir string) {
	t.Helper()
	for pattern, want := range map[string][3]bool{ // clock, seed, new instance
		"*-get-clock.hurl":  {true, false, true},
		"*-get-random.hurl": {false, true, true},
		"*-get-sleep.hurl":  {true, false, true},
		"*-get-fetch.hurl":  {true, false, true},
		"*-get.hurl":        {false, false, true},
	} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, word := range []string{"# @clock ", "# @random-seed ", "# @instance new"} {
				if strings.Contains(string(text), word) != want[i] {
					t.Errorf("%s: %q is %v in\n%s", path, word, !want[i], text)
				}
			}
		}
	}
}

func TestASessionIsRecordedAndReplayedInOneInstance(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprintf(w, `{"token": "t0ken-0123456789-%s"}`, r.URL.Path[1:])
				}))
			defer server.Close()
			dir := t.TempDir()
			path := filepath.Join(dir, "session.hurl")
			said := recordWith(t, guest, record.Options{Session: path},
				func(do func(*http.Request) string) {
					get := func(target string, headers ...string) string {
						r := httptest.NewRequest(http.MethodGet, target, nil)
						// What fixtures send unless they say otherwise.
						r.Header.Set("Accept", "*/*")
						r.Header.Set("User-Agent", "hurl/7.1.0")
						for _, h := range headers {
							name, value, _ := strings.Cut(h, ": ")
							r.Header.Set(name, value)
						}
						return do(r)
					}
					get("/counter")
					get("/sleep?ms=3600000")
					_, token, _ := strings.Cut(get("/fetch?url="+server.URL+"/a"), `token": "`)
					token, _, _ = strings.Cut(token, `"`)
					get("/headers", "Authorization: Bearer "+token)
					get("/trap")
					get("/counter")
					get("/fetch?url=" + server.URL + "/a")
					get("/counter")
				})
			if want := fmt.Sprintf("recorded 8 exchanges in %s\n", path); said != want {
				t.Errorf("it said %q, want %q", said, want)
			}
			server.Close()
			if got := replayed(t, guest, dir); got != 8 {
				t.Errorf("%d entries", got)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for want, n := range map[string]int{
				"# @instance new\n": 3, "Bearer {{token}}\n": 2, ": jsonpath \"$.token\" redact": 1,
				"t0ken-": 0, "# @expect trap\n": 1,
			} {
				if got := strings.Count(string(text), want); got != n {
					t.Errorf("%d times %q, want %d", got, want, n)
				}
			}
			if t.Failed() {
				t.Logf("%s", text)
			}
		})
	}
}
