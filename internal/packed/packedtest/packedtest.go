// Package packedtest holds archives to the files that they are made of.
package packedtest

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"testing"

	"github.com/wasihttp/wasihttp/internal/packed"
)

// Check fails the test unless the archive has exactly the given files. With update it writes the
// archive anew instead.
func Check(t *testing.T, archive string, files fs.FS, update bool) {
	t.Helper()
	if update {
		data, err := packed.Pack(files)
		if err == nil {
			err = os.WriteFile(archive, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(contents(t, packed.Open(data)), contents(t, files), bytes.Equal) {
		t.Errorf("%s has other files than it is made of: run this test with -update", archive)
	}
}

// contents returns all files by name.
func contents(t *testing.T, files fs.FS) map[string][]byte {
	t.Helper()
	list := map[string][]byte{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		list[name] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
