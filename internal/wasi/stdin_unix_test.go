//go:build unix

package wasi

import (
	"os"
	"testing"
)

func TestReadingStdinFromAFolderFails(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	_, err = next(t, NewStdin(dir).Open(), 1)
	if code, ok := FileErrorCode(err); code != "is-directory" || !ok {
		t.Errorf("%v is %q", err, code)
	}
}
