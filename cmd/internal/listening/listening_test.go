package listening

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

func TestFlagsThatDoNotGoTogetherAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		s    Settings
		want string
	}{
		"an address":            {Settings{Addr: "localhost:80", FindFree: true}, ""},
		"a socket":              {Settings{Addr: "unix:a.sock", TLS: true}, ""},
		"a socket without path": {Settings{Addr: "unix:"}, "names no file"},
		"a socket, next port":   {Settings{Addr: "unix:a", FindFree: true}, "--find-free-port needs an address with a port"},
		"no key":                {Settings{Addr: ":0", CertFile: "c"}, "--tls-cert needs --tls-key"},
		"no certificate":        {Settings{Addr: ":0", KeyFile: "k", TLS: true}, "--tls-key needs --tls-cert"},
		"no port":               {Settings{Addr: "localhost"}, "is not HOST:PORT"},
	} {
		got := ""
		if err := tt.s.Check(); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestListenersNameWhatToOpen(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, tt := range map[string]struct {
		s      Settings
		prefix string
	}{
		"http":   {Settings{Addr: "127.0.0.1:0"}, "http://127.0.0.1:"},
		"https":  {Settings{Addr: "localhost:0", TLS: true, Folder: dir}, "https://localhost:"},
		"socket": {Settings{Addr: "unix:a.sock"}, "unix:a.sock"},
	} {
		l, err := tt.s.Open(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.HasPrefix(l.URL, tt.prefix) || (l.TLS != nil) != (l.Certificate != nil) ||
			(l.TLS != nil) != strings.HasPrefix(l.URL, "https:") {
			t.Errorf("%s: got %+v", name, l)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob("*.sock*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestListenersThatCannotBeOpenedAreExplained(t *testing.T) {
	t.Chdir(t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	live, err := net.Listen("unix", "live.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := os.WriteFile("file", []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		s          Settings
		want, hint string
	}{
		"a port":      {Settings{Addr: taken.Addr().String()}, "is already in use", "--find-free-port"},
		"a socket":    {Settings{Addr: "unix:live.sock"}, "unix:live.sock is already in use", "another path"},
		"a file":      {Settings{Addr: "unix:file"}, "is no socket", "name a path where nothing is"},
		"no folder":   {Settings{Addr: "unix:no/a.sock"}, "cannot listen on unix:no/a.sock", "make the folder no"},
		"a long path": {Settings{Addr: "unix:" + strings.Repeat("x", 200)}, "cannot listen on", "a hundred bytes"},
		"no file":     {Settings{Addr: ":0", CertFile: "c", KeyFile: "k"}, "--tls-cert c: no such file", "name a file"},
		"no PEM":      {Settings{Addr: ":0", CertFile: "file", KeyFile: "file"}, "--tls-cert file: is not in PEM format", "BEGIN CERTIFICATE"},
	} {
		l, err := tt.s.Open(t.Context())
		if err == nil {
			t.Errorf("%s: no error", name)
			l.Close()
			continue
		}
		var e *exit.Error
		if !errors.As(err, &e) || !strings.Contains(e.Msg, tt.want) || !strings.Contains(e.Hint(), tt.hint) || e.Code != exit.Load {
			t.Errorf("%s: got %#v, want %q", name, err, tt.want)
		}
	}
	if text, err := os.ReadFile("file"); err != nil || string(text) != "text" {
		t.Errorf("the file has %q, %v", text, err)
	}
}
