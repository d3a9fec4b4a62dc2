package record

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/serve"
)

// handlerFunc is a handler that is a function.
type handlerFunc func(r *http.Request) *http.Response

func (f handlerFunc) Handle(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
	return f(r), nil
}

// recordSession serves h, sends requests to it and records them.
func recordSession(
	t *testing.T, h serve.Handler, dir string, send func(t *testing.T, base string),
) (said []string) {
	t.Helper()
	r, err := New(Options{Dir: dir, Say: func(line string) { said = append(said, line) }})
	if err != nil {
		t.Fatal(err)
	}
	serveRecorded(t, r, h, send)
	return said
}

// serveRecorded serves h, sends requests to it and records them with r, which it closes.
func serveRecorded(
	t *testing.T, r *Recorder, h serve.Handler, send func(t *testing.T, base string),
) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	build := serve.Build{Handler: r.Handler(h)}
	server := serve.New(build, serve.Options{DrainTimeout: time.Minute})
	go func() { ended <- server.Serve(ctx, l) }()
	send(t, "http://"+l.Addr().String())
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestRecordingGoesOnWhenNothingCanBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	hello := handlerFunc(func(*http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("hello"))}
	})
	said := recordSession(t, hello, dir, func(t *testing.T, base string) {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			resp, err := http.Get(base + "/")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("answer %v, error %v", resp, err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	want := []string{"cannot record", "recorded 0 exchanges", "3 could not be written"}
	for i, text := range want {
		if len(said) == 2 && strings.Contains(said[min(i, 1)], text) {
			continue
		}
		t.Errorf("it said %q, without %q", said, text)
	}
}

// recorded records exchanges into a folder and returns what was said.
func recorded(t *testing.T, dir string, list ...serve.Recorded) (said string) {
	t.Helper()
	r, err := New(Options{
		Dir: dir, Timeout: 300 * time.Millisecond, Say: func(line string) { said += line + "\n" },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		r.Record(x)
	}
	r.Close()
	return said
}

// contents returns the files of a folder by their names.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

func TestRecordingLeavesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	x := serve.Recorded{Method: "GET", Host: "localhost", Target: "/a", Status: 200}
	recorded(t, dir, x)
	if err := os.WriteFile(filepath.Join(dir, "0001-get-a.hurl"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	recorded(t, dir, x)
	// Another program has come before: its file has the next number and the same name.
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	recorded(t, dir, x, x)
	files := contents(t, dir)
	if files["0001-get-a.hurl"] != "mine" || len(files) != 5 {
		t.Errorf("files %v", files)
	}
}

func TestTwoProgramsRecordIntoOneFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := New(Options{Dir: dir, Say: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	recorded(t, dir, serve.Recorded{Method: "GET", Host: "localhost", Target: "/", Status: 201})
	first.Record(serve.Recorded{Method: "GET", Host: "localhost", Target: "/", Status: 202})
	first.Close()
	files := contents(t, dir)
	statuses := map[string]string{"0001-get.hurl": "HTTP 201", "0002-get.hurl": "HTTP 202"}
	for name, status := range statuses {
		if !strings.Contains(files[name], status) {
			t.Errorf("%s without %q in %v", name, status, files)
		}
	}
}

func TestFailuresAreRecordedAsExpectations(t *testing.T) {
	dir := t.TempDir()
	failed := func(f serve.Failure) serve.Recorded {
		return serve.Recorded{Method: "GET", Host: "localhost", Target: "/", Failure: &f}
	}
	said := recorded(t, dir,
		failed(serve.Failure{Outcome: serve.Expired}),
		failed(serve.Failure{Outcome: serve.ErrorCode, ErrorCode: `internal-error("say what")`}),
		failed(serve.Failure{Outcome: serve.Internal}),
		serve.Recorded{Method: "OPTIONS", Host: "localhost", Target: "*", Status: 200},
	)
	files := contents(t, dir)
	for name, text := range map[string]string{
		"0001-get.hurl": "# @expect expired\n# @timeout 300ms\n",
		"0002-get.hurl": "# @expect error-code internal-error\n",
	} {
		if !strings.Contains(files[name], text) || len(files) != 2 {
			t.Errorf("%s without %q in %v", name, text, files)
		}
	}
	if !strings.Contains(said, "recorded 2 exchanges") || !strings.Contains(said, "2 were incomplete") {
		t.Errorf("it said %q", said)
	}
	for name, text := range files {
		if _, errs := hurl.Parse(name, []byte(text)); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs[0])
		}
	}
}
