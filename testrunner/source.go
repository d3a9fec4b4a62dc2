package testrunner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/fixture"
	"github.com/wasihttp/wasihttp/fixture/har"
	"github.com/wasihttp/wasihttp/fixture/hurl"
)

// Source is a fixture file that was read.
type Source struct {
	Path string
	File *hurl.File
	// Errors are why it cannot be run, if there are any.
	Errors []*hurl.ParseError
	// Err is why it cannot be run, if it is not that it cannot be parsed.
	Err error
	// Converted says that the file is of another format, so that it cannot be
	// changed in place.
	Converted bool
	Notes     []string
}

// isFixture reports which files are fixtures when a folder is searched.
func isFixture(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".hurl" || ext == ".har"
}

// Find returns the paths of fixtures: files as they are named, and all fixtures
// below folders, sorted. It is an error if a path does not exist, or if a
// folder holds no fixture.
func Find(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, reason(err))
		}
		if !info.IsDir() {
			out = append(out, filepath.Clean(path))
			continue
		}
		found, err := findBelow(path)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no fixtures (*.hurl, *.har) in this folder", path)
		}
		out = append(out, found...)
	}
	return unique(out), nil
}

func findBelow(folder string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != folder && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "target") {
			return filepath.SkipDir
		}
		if !d.IsDir() && isFixture(path) {
			found = append(found, path)
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

func unique(paths []string) []string {
	seen := make(map[string]bool)
	return slices.DeleteFunc(paths, func(p string) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// Read reads a fixture.
func Read(path string) *Source {
	s := &Source{Path: path}
	data, err := os.ReadFile(path)
	if err != nil {
		s.Err = fmt.Errorf("%s: %w", path, reason(err))
		return s
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".har", ".json":
		s.convert(data)
	default:
		s.File, s.Errors = hurl.Parse(path, data)
	}
	return s
}

// convert reads a file of another format by way of the text that it becomes.
func (s *Source) convert(data []byte) {
	var (
		list     []fixture.Exchange
		warnings []string
		err      error
		options  hurl.RecordOptions
	)
	if strings.EqualFold(filepath.Ext(s.Path), ".har") {
		list, warnings, err = har.Parse(data)
	} else {
		list, options.Env, warnings, err = har.ParseTestsuite(data)
	}
	if err != nil {
		s.Err = fmt.Errorf("%s: %w", s.Path, err)
		return
	}
	s.Converted = true
	text, dropped := hurl.FromExchanges(list, options)
	s.Notes = append(warnings, dropped...)
	s.File, s.Errors = hurl.Parse(s.Path, text)
}
