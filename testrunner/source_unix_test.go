//go:build unix

package testrunner_test

import (
	"os"
	"strings"
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
