package testhost

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// runFile runs one fixture, and returns what came of it.
func runFile(
	t *testing.T, guest, path string, mode testrunner.UpstreamMode,
) *testrunner.FileResult {
	t.Helper()
	h := newHost(time.Minute, 1)
	defer func() {
		if err := h.Drop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var result *testrunner.FileResult
	options := &testrunner.Options{
		Component: kitchenPath(guest), Timeout: time.Minute, UpstreamMode: mode,
		Secrets: []testrunner.Variable{{Name: "key", Value: "k3yk3yk3yk3yk3y1"}},
	}
	_, err := testrunner.Run(t.Context(), h, []*testrunner.Source{testrunner.Read(path)}, options,
		func(f *testrunner.FileResult) { result = f })
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func outcomes(f *testrunner.FileResult) string {
	var list []string
	for _, r := range f.Results {
		list = append(list, string(r.Outcome))
	}
	return strings.Join(append(list, f.Notes...), " ")
}

// What a run records of other servers stands for them in the next one.
func TestRecordedUpstreamsReplayWithoutTheirServers(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		t.Run(guest, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("X-From", "upstream")
				fmt.Fprintf(w, `{"path": %q, "sent": %q, "request": %d, "token": "t0kent0kent0ken%d"}`,
					r.URL.Path, body, requests, requests)
			}))
			defer server.Close()
			dir := t.TempDir()
			path, beside := filepath.Join(dir, "a.hurl"), filepath.Join(dir, "a.upstream.hurl")
			entry := func(target string) string {
				return "GET {{base}}/fetch?url=" + server.URL + target + "\nHTTP 200\n[Asserts]\n" +
					"jsonpath \"$.path\" == \"" + strings.TrimSuffix(target, "?k={{key}}") + "\"\n\n"
			}
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			run := func(mode testrunner.UpstreamMode, want string, sent int) {
				t.Helper()
				requests = 0
				if got := outcomes(runFile(t, guest, path, mode)); got != want {
					t.Errorf("%s: got %s, want %s", mode, got, want)
				}
				if requests != sent {
					t.Errorf("%s: %d requests arrived, want %d", mode, requests, sent)
				}
			}
			recorded := func(n string) string {
				return "recorded " + n + " with other servers in " + beside
			}
			write(entry("/one?k={{key}}") + entry("/two") + entry("/one?k={{key}}"))
			run(testrunner.UpstreamOnce, "pass pass pass "+recorded("3 exchanges"), 3)
			run(testrunner.UpstreamOnce, "pass pass pass", 0)
			inCRLF(t, beside, true)
			write(entry("/one?k={{key}}") + entry("/two") + entry("/one?k={{key}}") + entry("/three"))
			run(testrunner.UpstreamDefault, "pass pass pass upstream", 0)
			run(testrunner.UpstreamNew, "pass pass pass pass "+recorded("1 exchange"), 1)
			run(testrunner.UpstreamDefault, "pass pass pass pass", 0)
			run(testrunner.UpstreamLive, "pass pass pass pass", 4)
			text, err := os.ReadFile(beside)
			if err != nil || strings.Contains(string(text), "k3yk3y") ||
				strings.Contains(string(text), "t0kent0ken") || !strings.Contains(string(text), "delay: ") ||
				!strings.Contains(string(text), "X-From: upstream") {
				t.Errorf("%v\n%s", err, text)
			}
			inCRLF(t, beside, false)
			run(testrunner.UpstreamAll, "pass pass pass pass "+recorded("4 exchanges"), 4)
			inCRLF(t, beside, false)
			server.Close()
			run(testrunner.UpstreamDefault, "pass pass pass pass", 0)
			run(testrunner.UpstreamAll, "mismatch mismatch mismatch mismatch "+recorded("4 exchanges"), 0)
			if text, _ = os.ReadFile(beside); strings.Count(string(text), "# @fail refused\r\n") != 4 {
				t.Errorf("after the server has gone:\n%s", text)
			}
		})
	}
}

// inCRLF reports lines of a file that do not end in CRLF, or makes them.
func inCRLF(t *testing.T, path string, become bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	crlf := strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n", "\r\n")
	if !become && crlf != string(text) {
		t.Errorf("other line ends than before: %q", text)
	}
	if err := os.WriteFile(path, []byte(crlf), 0o644); err != nil {
		t.Fatal(err)
	}
}

// In a world, the same requests have the same responses, and sleeps take no time.
func TestRunsInAWorldRepeatThemselves(t *testing.T) {
	const head = "# @clock 2026-01-02T03:04:05Z\n# @random-seed 7\n\n"
	texts := map[string]string{
		"rust-kitchen": head + "GET {{base}}/random\n\nGET {{base}}/sleep?ms=3600000\n\n" +
			"GET {{base}}/clock\n\nGET {{base}}/fetch?url=http://a.test/\n\nGET {{base}}/clock\n\n" +
			"# @random-seed 7\nGET {{base}}/random\n\n# @clock 2030-01-01T00:00:00Z\n" +
			"GET {{base}}/clock\n",
		"rust-kitchen-p3": head + "GET {{base}}/sleep?ms=3600000\n\n" +
			"GET {{base}}/fetch?url=http://a.test/\n\nGET {{base}}/sse?n=3&ms=3600000\n",
	}
	const upstream = "GET http://a.test/\n[Options]\ndelay: 600s\nHTTP 200\n`from upstream`\n"
	for guest, text := range texts {
		t.Run(guest, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.hurl")
			for name, text := range map[string]string{
				path: text, strings.Replace(path, ".hurl", ".upstream.hurl", 1): upstream,
			} {
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var first string
			for range 3 {
				f := runFile(t, guest, path, testrunner.UpstreamDefault)
				var got strings.Builder
				for _, r := range f.Results {
					fmt.Fprintln(&got, r.Outcome, r.Response.Status, r.Response.Headers, string(r.Response.Body))
				}
				if first == "" {
					first = got.String()
				}
				if got.String() != first || strings.Count(first, "pass 200") != len(f.Results) {
					t.Errorf("got\n%s\nand before\n%s", got.String(), first)
				}
			}
			if guest != "rust-kitchen" {
				return
			}
			for _, want := range []string{
				"1767326645", // an hour after the start
				"1767327245", // and the delay of an upstream
				"1893456000", // what an entry sets
			} {
				if !strings.Contains(first, want) {
					t.Errorf("no %s in\n%s", want, first)
				}
			}
		})
	}
}
