package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/fixture/hurl"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/testrunner"
	testreport "github.com/wasihttp/wasihttp/testrunner/report"
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

// sendVaried sends 200 requests that differ in all that requests differ in.
func sendVaried(t *testing.T, base string) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	bodies := [][]byte{nil, []byte("text"), []byte("{\"a\": [1, 2, {\"b\": null}]}"), {0, 1, 2, 0xff}, []byte("lines\nof text\n"), []byte("```\n{{x}}"),
		[]byte("<a b=\"c\">d</a>"), []byte("Ünïcode\r\n\t"), bytes.Repeat([]byte("long "), 5000), []byte("\\u0041 `quoted` \"#")}
	paths := []string{"/", "/echo", "/headers", "/status?code=201", "/status?code=404", "/none", "/trap", "/nothing-here", "/echo?q=a%20b&c=", "/error?code=connection-refused"}
	methods := []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}
	for i := range 200 {
		method, path, body := methods[i%len(methods)], paths[(i/3)%len(paths)], bodies[(i/2)%len(bodies)]
		if strings.HasPrefix(path, "/headers") {
			// The guest shows the length of a body, which it leaves unread, so that nobody has seen it.
			method, body = "GET", nil
		}
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "*/*") // as fixtures have it unless they say otherwise
		req.Header.Set("X-Number", fmt.Sprint(i))
		req.Header.Set("Authorization", "Bearer very-secret-token")
		if i%5 == 0 {
			req.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// replay runs all fixtures in a folder against a guest.
func replay(t *testing.T, guest, dir string) *testrunner.Summary {
	t.Helper()
	paths, err := testrunner.Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	host := newTestHost(load, nil, quietConfig())
	pretty := &testreport.Pretty{Styles: term.New(io.Discard, nil)}
	summary, err := testrunner.Run(t.Context(), host, readSources(paths, nil), &testrunner.Options{Component: guest, Timeout: 10 * time.Second}, func(f *testrunner.FileResult) {
		if f.Failed() {
			t.Error(pretty.File(f))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := host.close(t.Context()); err != nil {
		t.Error(err)
	}
	return summary
}

func TestRecordedSessionsPassWhenReplayed(t *testing.T) {
	for _, guest := range []string{"rust-kitchen/rust-kitchen.wasm", "c-kitchen/c-kitchen.wasm"} {
		t.Run(filepath.Dir(guest), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join("..", "testdata", "guests", filepath.FromSlash(guest))
			said := recordSession(t, path, dir, sendVaried)
			if want := "recorded 200 exchanges"; len(said) != 1 || !strings.Contains(said[0], want) || strings.Contains(said[0], ";") {
				t.Errorf("it said %q, want %q", said, want)
			}
			if s := replay(t, path, dir); s.Counts[testrunner.Pass] != 200 {
				t.Errorf("counts %v, want 200 that pass", s.Counts)
			}
			all, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range all {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(content, []byte("very-secret-token")) {
					t.Errorf("%s holds a secret", name)
				}
			}
		})
	}
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
	if len(said) != 2 || !strings.Contains(said[0], "recording failed") || !strings.Contains(said[1], "recorded 0 exchanges") {
		t.Errorf("it said %q", said)
	}
}
