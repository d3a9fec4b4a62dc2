package serve

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/wasihttp/wasihttp/serve/listen"
)

// dialUnix returns a client for a socket.
func dialUnix(t *testing.T, path string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestASocketIsServedAndRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	l, err := listen.Listen(t.Context(), "unix:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := listen.URL(l, "unix:"+path, false); got != "unix:"+path || !listen.IsLoopback(l) {
		t.Errorf("got %s", got)
	}
	if info, err := os.Lstat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	s := startOn(t, l, Build{Handler: handlerFunc(func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/fail" {
			return nil, &Failure{Outcome: Trap, Cause: "out of bounds"}
		}
		return answer(200, r.Method+" "+r.Host), nil
	})}, Options{})
	c := dialUnix(t, path)
	for _, method := range []string{"GET", "POST", "GET"} {
		if _, body := fetch(t, c, newRequest(t, method, "http://name/", nil)); body != method+" name" {
			t.Errorf("%s: got %q", method, body)
		}
	}
	if resp, _ := fetch(t, c, newRequest(t, "GET", "http://localhost/fail", nil)); resp.StatusCode != 500 {
		t.Errorf("got %v", resp)
	}
	if !s.detailed.Load() {
		t.Error("failures are brief, although only this machine can connect")
	}
	s.stop()
	if err := receive(t, s.ended, "end of Serve"); err != nil {
		t.Error(err)
	}
	s.ended <- nil
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket was left: %v", err)
	}
}
