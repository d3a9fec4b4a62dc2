package testhost

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/record"
)

// A response that does not end, such as a stream of events, does not keep a session waiting: its
// other requests get a new instance, and go on in that one.
func TestASessionDoesNotWaitForAResponseThatGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.hurl")
	recorder, err := record.New(record.Options{Session: path, Say: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := loader.Load(t.Context(), kitchenPath("rust-kitchen"), loader.Config{
		Timeout: time.Minute, Recorder: recorder,
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(id, target string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.RequestURI, r.Host = r.URL.RequestURI(), "localhost"
		r.Header.Set("Accept", "*/*")
		r.Header.Set("User-Agent", "hurl/7.1.0")
		resp, err := app.Handler.Handle(t.Context(), id, r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	read := func(resp *http.Response) string {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		return string(body)
	}
	got := read(ask("1", "/counter"))
	stream := ask("2", "/big?n=2097152") // more than is buffered
	got += read(ask("3", "/counter")) + read(ask("4", "/counter"))
	if n := len(read(stream)); n != 2<<20 {
		t.Errorf("the stream has %d bytes", n)
	}
	got += read(ask("5", "/counter"))
	if got != "1\n1\n2\n3\n" {
		t.Errorf("counted %q", got)
	}
	if err := app.Close(t.Context()); err != nil {
		t.Error(err)
	}
	recorder.Close()
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "# @instance new\n") != 2 {
		t.Errorf("%v, %.2000s", err, text)
	}
	if n := replayed(t, "rust-kitchen", path); n != 5 {
		t.Errorf("%d entries", n)
	}
}
