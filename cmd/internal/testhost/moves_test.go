package testhost

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/testrunner"
)

// What moves with the clock and the random numbers is ignored in what is recorded, and nothing else
// is; the fixtures still replay.
func TestRecordedFixturesIgnoreWhatMoves(t *testing.T) {
	targets := []string{"/", "/random", "/counter", "/clock", "/sleep?ms=3600000"}
	for _, name := range []string{"fixtures", "session.hurl"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			o := record.Options{Dir: path}
			if record.IsSession(path) {
				o = record.Options{Session: path}
			}
			o.Moves = func(list []record.Text) ([][][]string, error) {
				return Moves(t.Context(), newHost(time.Minute, 1), list, &testrunner.Options{
					Component: kitchenPath("rust-kitchen"), Timeout: time.Minute,
				})
			}
			said := recordWith(t, "rust-kitchen", o, func(do func(*http.Request) string) {
				for _, target := range targets {
					do(httptest.NewRequest(http.MethodGet, target, nil))
				}
			})
			if !strings.Contains(said, "in 2 entries\n") {
				t.Errorf("it said %q", said)
			}
			if n := replayed(t, "rust-kitchen", path); n != len(targets) {
				t.Errorf("%d entries", n)
			}
			paths, err := filepath.Glob(filepath.Join(filepath.Dir(path), "**", "*.hurl"))
			if err != nil || record.IsSession(path) {
				paths = []string{path}
			}
			entries := make(map[string]string) // by target
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for entry := range strings.SplitSeq(string(text), "\n\n") {
					_, rest, _ := strings.Cut(entry, "GET http://localhost")
					target, _, _ := strings.Cut(rest, "\n")
					entries[target] = entry
				}
			}
			for _, target := range targets {
				want := map[string]string{
					"/random": "# @ignore text /(?m)^[0-9a-f]+$/\n",
					"/clock":  "# @ignore text /(?m)^wall [0-9.]+$/\n",
				}[target]
				if got := entries[target]; got == "" || !strings.Contains(got, want) ||
					strings.Contains(got, "@ignore") != (want != "") {
					t.Errorf("%s: want %q in\n%s", target, want, got)
				}
			}
		})
	}
}
