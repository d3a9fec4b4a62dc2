package listen

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// leave leaves a socket on which nothing listens.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASocketThatWasLeftIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	leave(t, path)
	l, err := Listen(t.Context(), "unix:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestWhatIsUsedAtThePathOfASocketStays(t *testing.T) {
	folder := t.TempDir()
	live, file := filepath.Join(folder, "live.sock"), filepath.Join(folder, "file")
	other, err := net.Listen("unix", live)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(file, link); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	var inUse *AddressInUseError
	if _, err := Listen(t.Context(), "unix:"+live, false); !errors.As(err, &inUse) || inUse.Addr != "unix:"+live {
		t.Errorf("a live one: got %v", err)
	}
	var not *NotASocketError
	for _, path := range []string{file, folder, link} {
		if _, err := Listen(t.Context(), "unix:"+path, false); !errors.As(err, &not) || not.Path != path {
			t.Errorf("%s: got %v", path, err)
		}
		not = nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) < 2 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if text, err := os.ReadFile(link); err != nil && runtime.GOOS != "windows" || string(text) != "text" {
		t.Errorf("got %q, %v", text, err)
	}
	c, err := net.Dial("unix", live)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestOneOfManyReplacesASocket has listeners find the same socket that was left at once.
func TestOneOfManyReplacesASocket(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "a.sock")
		leave(t, path)
		var all [4]net.Listener
		var errs [4]error
		var group sync.WaitGroup
		for i := range all {
			group.Go(func() { all[i], errs[i] = Listen(t.Context(), "unix:"+path, false) })
		}
		group.Wait()
		listening := 0
		for i, l := range all {
			switch {
			case l != nil:
				listening++
			case !isInUse(errs[i]):
				t.Error(errs[i])
			}
		}
		if listening != 1 {
			t.Errorf("%d listen at once", listening)
		}
		if c, err := net.Dial("unix", path); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		for _, l := range all {
			if l != nil {
				l.Close()
			}
		}
	}
}

func TestPathsOfSockets(t *testing.T) {
	for addr, want := range map[string]string{
		"unix:a.sock": "a.sock", "unix:/run/a": "/run/a", "unix:///run/a": "/run/a", "unix:@a": "./@a",
		"unix:": "", "127.0.0.1:80": "-", "unix": "-",
	} {
		got, ok := SocketPath(addr)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
}
