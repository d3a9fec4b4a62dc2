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
	o.Say = func(line string) { said += line + "\n" }
	recorder, err := record.New(o)
	if err != nil {
		t.Fatal(err)
	}
	app, err := loader.Load(t.Context(), kitchenPath(guest), loader.Config{
		Timeout: time.Minute, Recorder: recorder,
	})
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
