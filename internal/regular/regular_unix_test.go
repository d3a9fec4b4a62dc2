//go:build unix

package regular

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenRefusesPipesAndSocketsByName(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // the path of a socket must be short
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Symlink("pipe", "link"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"pipe": "is a named pipe", "link": "is a named pipe", "socket": "is a socket",
		"/dev/zero": "is a device",
	} {
		_, err := ReadFile(name, MaxFile)
		var kind *KindError
		if !errors.As(err, &kind) || !strings.Contains(err.Error(), name+": "+want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The flags must not let open(2) wait, for a pipe may take the path between
// the look at it and the call.
func TestOpeningAPipeDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(path, info); err == nil {
		t.Error("a pipe passes for a regular file")
	}
}

func TestCreateRefusesWhatIsNoFileByName(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"pipe": "is a named pipe", "/dev/null": "is a device", "folder": "is a folder",
	} {
		var kind *KindError
		if err := WriteFile(name, nil, 0o600); !errors.As(err, &kind) ||
			!strings.Contains(err.Error(), name+": "+want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, content := range []string{"first and long", "then"} {
		if err := WriteFile("file", []byte(content), 0o600); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile("file"); err != nil || string(got) != content {
			t.Errorf("wrote %q, got %q, %v", content, got, err)
		}
	}
}
