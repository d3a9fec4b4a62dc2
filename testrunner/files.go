package testrunner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// fileReader reads the files that fixtures name, all below one folder.
type fileReader struct {
	root string // "" for the folder of the fixture
	dir  string // of the fixture
}

func newFileReader(root, fixture string) *fileReader {
	r := &fileReader{root: root, dir: filepath.Dir(fixture)}
	if r.root == "" {
		r.root = r.dir
	}
	return r
}

// relative returns a path that a directive names, which is relative to the
// fixture.
func (r *fileReader) relative(name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

var errOutside = errors.New("is outside of the folder that fixtures may use (--file-root)")

// resolve returns the path of a file below the root.
func (r *fileReader) resolve(name string) (string, error) {
	root, err := filepath.Abs(r.root)
	if err != nil {
		return "", err
	}
	path := filepath.FromSlash(name)
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s %w", term.Clean(name), errOutside)
	}
	return path, nil
}

func (r *fileReader) read(name string) ([]byte, error) {
	path, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	content, err := regular.ReadFile(path, regular.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", term.Clean(name), reason(err))
	}
	return content, nil
}

func (r *fileReader) write(name string, content []byte) error {
	path, err := r.resolve(name)
	if err != nil {
		return err
	}
	if err := regular.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("%s: %w", term.Clean(name), reason(err))
	}
	return nil
}

// reason returns an error without its path, which the surrounding message names.
func reason(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
