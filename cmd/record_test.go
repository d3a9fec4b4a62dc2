package cmd

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
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
)

func quietConfig() loadConfig {
	return loadConfig{
		Timeout: 10 * time.Second, PostReturnTimeout: 10 * time.Second, MaxMemory: 1 << 30,
		Stdout: term.NewLines(io.Discard, false), Stderr: term.NewLines(io.Discard, false),
	}
}

// recordSession serves a guest, sends requests to it and records them.
func recordSession(t *testing.T, guest, dir string, send func(t *testing.T, base string)) (said []string) {
	t.Helper()
	r, err := newRecorder(dir, hurl.RecordOptions{}, func(line string) { said = append(said, line) })
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.load(load)(t.Context(), guest, quietConfig())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	server := serve.New(serve.Build{Handler: a.Handler, Close: a.Close}, serve.Options{Timeout: 10 * time.Second, DrainTimeout: 5 * time.Second})
	go func() { ended <- server.Serve(ctx, l) }()
	send(t, "http://"+l.Addr().String())
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.close()
	return said
}

func TestRecordingGoesOnWhenNothingCanBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	said := recordSession(t, filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm"), dir, func(t *testing.T, base string) {
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
	if len(said) != 2 || !strings.Contains(said[0], "recording failed") || !strings.Contains(said[1], "recorded 0 exchanges") || !strings.Contains(said[1], "3 could not be written") {
		t.Errorf("it said %q", said)
	}
}

// recorded records exchanges into a folder and returns what was said.
func recorded(t *testing.T, dir string, list ...serve.Recorded) (said string) {
	t.Helper()
	r, err := newRecorder(dir, hurl.RecordOptions{}, func(line string) { said += line + "\n" })
	if err != nil {
		t.Fatal(err)
	}
	r.timeout.Store(int64(300 * time.Millisecond))
	for _, x := range list {
		r.Record(x)
	}
	r.close()
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
	first, err := newRecorder(dir, hurl.RecordOptions{}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	recorded(t, dir, serve.Recorded{Method: "GET", Host: "localhost", Target: "/", Status: 201})
	first.Record(serve.Recorded{Method: "GET", Host: "localhost", Target: "/", Status: 202})
	first.close()
	if files := contents(t, dir); !strings.Contains(files["0001-get.hurl"], "HTTP 201") || !strings.Contains(files["0002-get.hurl"], "HTTP 202") {
		t.Errorf("files %v", files)
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
	if !strings.Contains(files["0001-get.hurl"], "# @expect expired\n# @timeout 300ms\n") || !strings.Contains(files["0002-get.hurl"], "# @expect error-code internal-error\n") || len(files) != 2 {
		t.Errorf("files %v", files)
	}
	if !strings.Contains(said, "recorded 2 exchanges") || !strings.Contains(said, "2 were not whole") {
		t.Errorf("it said %q", said)
	}
	for name, text := range files {
		if _, errs := hurl.Parse(name, []byte(text)); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs[0])
		}
	}
}
