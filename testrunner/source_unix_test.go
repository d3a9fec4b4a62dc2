//go:build unix

package testrunner_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestLinksToFoldersAreFollowed(t *testing.T) {
	tree(t, "real/a.hurl", "f/b.hurl")
	for link, to := range map[string]string{"link": "real", "f/linked": "../real", "f/loop": "../f"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"link": "link/a.hurl", "f": "f/b.hurl f/linked/a.hurl"} {
		if got, err := testrunner.Find([]string{path}); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", path, got, err, want)
		}
	}
}

func TestFilesOfARequestAreRegularOnes(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(200, "") }}
	for _, body := range []string{"file,pipe;", "[Multipart]\npart: file,pipe;"} {
		files, _ := run(t, h, testrunner.Options{}, parse(t, "POST http://localhost/\n"+body+"\nHTTP 200\n"))
		problems := files[0].Results[0].Problems
		if len(problems) != 1 || !strings.Contains(problems[0].Actual, "pipe: is a named pipe") {
			t.Errorf("%s: got %+v", body, problems)
		}
	}
}
