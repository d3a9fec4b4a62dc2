package testrunner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/har"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// Source is a fixture file that was read.
type Source struct {
	Path string
	File *hurl.File
	// Errors are the parse errors; a file that has any cannot be run.
	Errors []*hurl.ParseError
	// Err is why the file cannot be run, other than parse errors.
	Err error
	// Converted reports whether the file is of another format, so that it
	// cannot be changed in place.
	Converted bool
	Notes     []string
	// upstream is the upstream fixture beside it if that is not in a file; nil if it may be in one.
	upstream *upstreamFile
}

// Components returns the paths of the components that the entries name, each
// once; "" for the one that is used where none is named.
func (s *Source) Components() []string {
	if s.File == nil || len(s.Errors) > 0 {
		return nil
	}
	files := newFileReader("", s.Path)
	var paths []string
	for _, e := range s.File.Entries {
		path := ""
		if c := s.File.EntrySettings(e).Component; c != nil {
			path = files.relative(c.Path)
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// Counts reports whether an entry limits how many instructions the guest may run.
func (s *Source) Counts() bool {
	return s.File != nil && slices.ContainsFunc(s.File.Entries, func(e *hurl.Entry) bool {
		return s.File.Settings.MaxInstructions != nil || e.Settings.MaxInstructions != nil
	})
}

// IsFixture reports whether a file in a searched folder is a fixture.
func IsFixture(path string) bool {
	return strings.EqualFold(filepath.Ext(path), ".hurl") && !IsUpstream(path) || isArchive(path)
}

// Find returns the paths of fixtures: files as they are named, those that
// patterns match, and all fixtures below folders, sorted. Stdin stays as it is.
// It is an error if a path does not exist, or if a folder holds no fixture.
func Find(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		if path == Stdin {
			out = append(out, path)
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			matches, badPattern := filepath.Glob(path)
			if badPattern != nil || len(matches) == 0 {
				return nil, fmt.Errorf("%s: %w", term.Clean(path), reason(err))
			}
			below, err := Find(matches)
			if err != nil {
				return nil, err
			}
			out = append(out, below...)
			continue
		}
		if !info.IsDir() {
			if strings.EqualFold(filepath.Ext(path), ".wasm") {
				return nil, fmt.Errorf(
					"%s is a component: name it with --component, and the fixtures here",
					term.Clean(path))
			}
			if IsUpstream(path) {
				return nil, fmt.Errorf(
					"%s holds responses of other servers: name the fixture that uses it",
					term.Clean(path))
			}
			out = append(out, filepath.Clean(path))
			continue
		}
		found, err := findBelow(path, info, nil)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no fixtures (*.hurl, *.har) in this folder",
				term.Clean(path))
		}
		slices.Sort(found)
		out = append(out, found...)
	}
	return unique(out), nil
}

// findBelow follows links to folders, except to those that contain the link.
func findBelow(folder string, info fs.FileInfo, above []fs.FileInfo) ([]string, error) {
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		return nil, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", term.Clean(folder), reason(err))
	}
	above = append(above[:len(above):len(above)], info)
	var found []string
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(folder, name)
		var info fs.FileInfo
		if !entry.Type().IsRegular() {
			info, _ = os.Stat(path) // if it cannot be had, reading it reports why
		}
		switch {
		case info != nil && info.IsDir():
			if strings.HasPrefix(name, ".") || name == "node_modules" || name == "target" {
				continue
			}
			below, err := findBelow(path, info, above)
			if err != nil {
				return nil, err
			}
			found = append(found, below...)
		case IsFixture(path):
			found = append(found, path) // reading it reports what is wrong
		}
	}
	return found, nil
}

// unique leaves the first of paths that lead to the same file.
func unique(paths []string) []string {
	seen := make(map[string]bool)
	current, _ := os.Getwd() // if it cannot be had, relative paths are compared as they are
	return slices.DeleteFunc(paths, func(p string) bool {
		key := p
		if p != Stdin && !filepath.IsAbs(p) {
			key = filepath.Join(current, p)
		}
		again := seen[key]
		seen[key] = true
		return again
	})
}

// Stdin is the path of the fixture that standard input holds.
const Stdin = "-"

// ReadAll reads fixtures, several at once; in is standard input.
func ReadAll(paths []string, in io.Reader) []*Source {
	sources := make([]*Source, len(paths))
	var next atomic.Int64
	read := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(paths) {
				return
			}
			sources[i] = readFrom(paths[i], in)
		}
	}
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(paths)) - 1 {
		readers.Go(read)
	}
	read()
	readers.Wait()
	return sources
}

// readFrom reads a fixture from a file or, if that is what the path names, from standard input.
func readFrom(path string, in io.Reader) *Source {
	if path != Stdin {
		return Read(path)
	}
	data, err := regular.ReadAll(in, regular.MaxFile)
	if err != nil {
		return &Source{Path: path, Err: fmt.Errorf("standard input: %w", err)}
	}
	return Parse(path, data)
}

// Read reads a fixture.
func Read(path string) *Source {
	data, err := regular.ReadFile(path, regular.MaxFile)
	if err != nil {
		return &Source{Path: path, Err: fmt.Errorf("%s: %w", term.Clean(path), reason(err))}
	}
	return Parse(path, data)
}

// Parse makes a fixture of the content of a file.
func Parse(path string, data []byte) *Source {
	s := &Source{Path: path}
	if isArchive(path) || strings.EqualFold(filepath.Ext(path), ".json") {
		s.convert(data)
	} else {
		s.File, s.Errors = hurl.Parse(path, data)
		s.notInFixtures()
	}
	return s
}

// convert reads a file of another format: it converts the file to the text of a fixture and parses
// that.
func (s *Source) convert(data []byte) {
	var (
		a       = new(har.Archive)
		options hurl.RecordOptions
		err     error
	)
	if isArchive(s.Path) {
		a, err = har.Parse(s.Path, data)
	} else {
		a.Exchanges, options.Env, s.Notes, err = har.ParseTestsuite(data)
		a.Entries = len(a.Exchanges)
		// A test of the suite stands beside its component.
		component := strings.TrimSuffix(s.Path, filepath.Ext(s.Path)) + ".wasm"
		if info, statErr := os.Stat(component); statErr == nil && info.Mode().IsRegular() {
			options.Component = filepath.Base(component)
		}
	}
	s.Converted = true
	if err != nil {
		s.unreadable(err)
		return
	}
	// Requests are sent as they were recorded. Values that differ in each
	// response, such as tokens, are not expected again.
	session := redact.NewSession(nil)
	for i := range a.Exchanges {
		session.Find(&a.Exchanges[i])
	}
	for i := range a.Exchanges {
		a.Exchanges[i] = session.Loosen(&a.Exchanges[i])
	}
	text, dropped := hurl.FromExchanges(a.Exchanges, options)
	s.Notes = append(s.Notes, fixture.Summarize(append(a.Warnings, dropped...), a.Entries)...)
	s.File, s.Errors = hurl.Parse(s.Path, text)
	hurl.SetNumbers(s.File, numbersOf(a.Exchanges, dropped))
	if len(s.File.Entries) == 0 && len(s.Errors) == 0 {
		why := append([]string{"no entry can be run"}, s.Notes...)
		s.Notes = nil
		s.unreadable(errors.New(strings.Join(why, ": ")))
	}
}

// unreadable records that there is nothing to run.
func (s *Source) unreadable(err error) {
	e := &hurl.ParseError{File: s.Path, Message: err.Error()}
	var syntax *har.SyntaxError
	if errors.As(err, &syntax) {
		at := hurl.Pos{Line: syntax.Line, Col: syntax.Col}
		e.Range, e.Message = hurl.Range{Start: at}, syntax.Message
	}
	s.Errors = append(s.Errors, e)
}

// numbersOf returns the numbers of exchanges that were not left out.
func numbersOf(list []fixture.Exchange, warnings []fixture.Warning) []int {
	left := make(map[int]bool)
	for _, w := range warnings {
		left[w.Entry] = left[w.Entry] || w.LeftOut
	}
	var numbers []int
	for _, x := range list {
		if !left[x.Number] {
			numbers = append(numbers, x.Number)
		}
	}
	return numbers
}

// isArchive reports whether a file is taken for an HTTP Archive.
func isArchive(path string) bool {
	path = strings.ToLower(path)
	return strings.HasSuffix(path, ".har") || strings.HasSuffix(path, ".har.zip")
}
