package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/bench/served"
)

// diskGuest is a service with files: /VERB/PATH.
var diskGuest = filepath.Join("..", "testdata", "guests", "rust-system", "disk.wasm")

// openBelow counts how often a process has the path open, and what is below it.
func openBelow(t *testing.T, pid int, path string) int {
	t.Helper()
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, entry := range entries {
		// It may have been closed since.
		target, _ := os.Readlink(filepath.Join(fds, entry.Name()))
		if target == path || strings.HasPrefix(target, path+"/") {
			n++
		}
	}
	return n
}

// asked is a call of the service and what it returns.
type asked struct {
	call, sent string
	status     int
	body       string
}

func askDisk(t *testing.T, url string, rows []asked) {
	t.Helper()
	c := client(t)
	for _, row := range rows {
		got := ask(t, c, http.MethodPost, url+row.call, strings.NewReader(row.sent))
		if got.status != row.status || got.body != row.body || got.cut != nil {
			t.Errorf("%s: status %d, body %q, cut %v; want %d, %q",
				row.call, got.status, got.body, got.cut, row.status, row.body)
		}
	}
}

func TestServeGivesFolders(t *testing.T) {
	root := filesRoot(t)
	extra := t.TempDir()
	if err := os.WriteFile(filepath.Join(extra, "note"), []byte("only to read"), 0o666); err != nil {
		t.Fatal(err)
	}
	server := serve(t, diskGuest, "--dir", root+"::/data", "--dir", extra+"::/extra:ro")
	askDisk(t, server.URL, []asked{
		{"/list/data", "", 200, "dangling\nempty\nf.txt\nfifo\nlink\nsub\nup\n"},
		{"/read/data/f.txt", "", 200, "hello"},
		{"/read/data/sub/g.txt", "", 200, "deep"},
		{"/read/data/link", "", 200, "hello"},
		{"/stat/data/f.txt", "", 200, "FileType { is_file: true, is_dir: false, " +
			"is_symlink: false, .. } 5\n"},
		{"/write/data/new", "written", 200, ""},
		{"/append/data/new", ", and more", 200, ""},
		{"/read/data/new", "", 200, "written, and more"},
		{"/mkdir/data/folder", "", 200, ""},
		{"/mkdir/data/folder", "", 500, "AlreadyExists\n"},
		{"/remove/data/f.txt", "", 200, ""},
		{"/read/data/f.txt", "", 500, "NotFound\n"},
		// What leads out, and what is not in any folder.
		{"/read/data/up/secret", "", 500, "PermissionDenied\n"},
		{"/read/data/../out/secret", "", 500, "PermissionDenied\n"},
		{"/read/etc/passwd", "", 500, "NotFound\n"},
		{"/read/data/fifo", "", 500, "PermissionDenied\n"},
		// A folder that is only to be read.
		{"/read/extra/note", "", 200, "only to read"},
		{"/write/extra/note", "x", 500, "PermissionDenied\n"},
		{"/append/extra/note", "x", 500, "PermissionDenied\n"},
		{"/write/extra/new", "x", 500, "PermissionDenied\n"},
		{"/mkdir/extra/folder", "", 500, "PermissionDenied\n"},
		{"/remove/extra/note", "", 500, "PermissionDenied\n"},
		{"/list/extra", "", 200, "note\n"},
	})
	for path, want := range map[string]string{
		filepath.Join(root, "new"): "written, and more", filepath.Join(extra, "note"): "only to read",
	} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v; want %q", path, got, err, want)
		}
	}
}

// holding is a request during which the guest keeps files open.
type holding struct {
	ends     *io.PipeWriter // of the request's body
	response *http.Response
	rest     *bufio.Reader
}

// hold returns when the guest has opened its 20 files.
func hold(t *testing.T, url string) *holding {
	t.Helper()
	body, ends := io.Pipe()
	request, err := http.NewRequestWithContext(limited(t), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	h := &holding{ends, response, bufio.NewReader(response.Body)}
	if line, err := h.rest.ReadString('\n'); err != nil || line != "20 open\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return h
}

// end lets the guest return, and reports whether the response was whole.
func (h *holding) end(t *testing.T) bool {
	t.Helper()
	if err := h.ends.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, h.rest)
	return err == nil
}

// TestFilesAreClosedWithTheInstance counts what is open while a guest has files that it never
// closes, and after its end, whichever it is.
func TestFilesAreClosedWithTheInstance(t *testing.T) {
	root := filesRoot(t)
	server := serve(t, diskGuest, "--dir", root+"::/")
	atRest := openBelow(t, server.Pid(), root)
	closed := func() bool { return openBelow(t, server.Pid(), root) == atRest }
	opened := func(n int) {
		t.Helper()
		if got := openBelow(t, server.Pid(), filepath.Join(root, "f.txt")); got != n {
			t.Errorf("%d files are open, want %d", got, n)
		}
	}

	first, second := hold(t, server.URL+"/hold/f.txt"), hold(t, server.URL+"/hold/f.txt")
	opened(40)
	if !first.end(t) {
		t.Error("the response of a guest that returns is not whole")
	}
	await(t, "the end of one of two instances", func() bool {
		return openBelow(t, server.Pid(), filepath.Join(root, "f.txt")) == 20
	})
	if !second.end(t) {
		t.Error("the response of a guest that returns is not whole")
	}
	await(t, "the end of an instance that returns", closed)

	trapped := hold(t, server.URL+"/trap/f.txt")
	opened(20)
	if trapped.end(t) {
		t.Error("the response of a guest that traps is whole")
	}
	await(t, "the end of an instance that traps", closed)

	gone := hold(t, server.URL+"/hold/f.txt")
	opened(20)
	if err := gone.response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	_ = gone.ends.CloseWithError(io.ErrUnexpectedEOF)
	await(t, "the end of an instance whose client is gone", closed)
}

// TestFoldersAfterAReload replaces the component while an instance of the one before has files
// open: both have the folder, and nothing of the one before stays open.
func TestFoldersAfterAReload(t *testing.T) {
	root := filesRoot(t)
	first, err := os.ReadFile(diskGuest)
	if err != nil {
		t.Fatal(err)
	}
	component := filepath.Join(t.TempDir(), "disk.wasm")
	if err := os.WriteFile(component, first, 0o666); err != nil {
		t.Fatal(err)
	}
	server := serve(t, component, "--dir", root+"::/", "--timeout", patience.String())
	atRest := openBelow(t, server.Pid(), root)
	before := hold(t, server.URL+"/hold/f.txt")
	askDisk(t, server.URL, []asked{{"/write/kept", "from the first build", 200, ""}})

	// A custom section makes it another component that does the same.
	second := bytes.Join([][]byte{first, {0, 4, 3, 'n', 'e', 'w'}}, nil)
	build := buildOf(t, server)
	if err := os.WriteFile(component, second, 0o666); err != nil {
		t.Fatal(err)
	}
	await(t, "the second build", func() bool { return buildOf(t, server) != build })
	askDisk(t, server.URL, []asked{
		{"/read/kept", "", 200, "from the first build"},
		{"/append/kept", ", and the second", 200, ""},
		{"/read/kept", "", 200, "from the first build, and the second"},
	})
	after := hold(t, server.URL+"/hold/f.txt")
	if !before.end(t) || !after.end(t) {
		t.Error("a response is not whole")
	}
	await(t, "the end of the first build", func() bool {
		return openBelow(t, server.Pid(), root) == atRest
	})
}

// buildOf is the build that handles a request now.
func buildOf(t *testing.T, server *served.Server) string {
	t.Helper()
	got := ask(t, client(t), http.MethodGet, server.URL+"/list/", nil)
	if got.status != http.StatusOK {
		t.Fatalf("status %d, %v", got.status, got.cut)
	}
	return got.header.Get("X-Wasihttp-Build")
}
