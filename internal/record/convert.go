package record

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture/har"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// ConvertOptions says how Convert works.
type ConvertOptions struct {
	// Dir is the folder that fixtures are written to. Convert makes it if it is
	// not there.
	Dir string
	// Force has files overwritten that are there.
	Force bool
	// Redact and Base are those of hurl.RecordOptions.
	Redact []string
	Base   string
	// Wrote is called with the path of each fixture that was written.
	Wrote func(path string)
	// Warn is called with what a fixture cannot hold, a sentence about a file.
	Warn func(path, text string)
}

// ErrorKind says what an Error is about.
type ErrorKind int

// What an Error is about.
const (
	Missing    ErrorKind = iota // a file that cannot be opened or read
	Unreadable                  // a file that does not hold what it should
	Exists                      // a fixture that is there already
	Unwritable                  // a fixture or a folder that cannot be written
)

// Error says which file Convert could not read or write, and why.
type Error struct {
	Kind ErrorKind
	Path string
	Err  error
}

// Error returns "path: reason", or "path:line:column: reason" if the reason has
// a place in the file.
func (e *Error) Error() string {
	var syntax *har.SyntaxError
	if errors.As(e.Err, &syntax) && syntax.Line > 0 {
		return e.Path + ":" + e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Convert writes fixtures of files that other programs have recorded: HTTP
// Archives and tests of the wasi-testsuite. It stops at the first file that
// cannot be read or written; what was written until then stays. The error is an
// *Error.
func Convert(paths []string, o ConvertOptions) error {
	c := converter{o: o, fixture: hurl.RecordOptions{Redact: o.Redact, Base: o.Base}}
	for _, path := range paths {
		if err := c.file(path); err != nil {
			return err
		}
	}
	return nil
}

// converter writes fixtures into a folder.
type converter struct {
	o       ConvertOptions
	fixture hurl.RecordOptions
	count   int // the exchanges of archives so far
}

// file converts one file.
func (c *converter) file(path string) error {
	data, err := regular.ReadFile(path, regular.MaxFile)
	if err != nil {
		var pathError *fs.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = errors.New("no such file")
		case errors.As(err, &pathError):
			err = fmt.Errorf("cannot be read: %w", pathError.Err)
		}
		return &Error{Missing, path, err}
	}
	if isTestsuite(data) {
		return c.testsuite(path, data)
	}
	return c.archive(path, data)
}

// isTestsuite guesses what a file of JSON is: a test has operations, an archive
// a log.
func isTestsuite(data []byte) bool {
	operations, log := bytes.Index(data, []byte(`"operations"`)), bytes.Index(data, []byte(`"log"`))
	return operations >= 0 && (log < 0 || operations < log)
}

// archive writes a fixture for each exchange of an HTTP Archive.
func (c *converter) archive(path string, data []byte) error {
	list, warnings, err := har.Parse(data)
	if err != nil {
		return &Error{Unreadable, path, err}
	}
	c.warn(path, warnings)
	for i := range list {
		text, dropped := hurl.FromExchanges(list[i:i+1], c.fixture)
		c.warn(path, dropped)
		if len(text) == 0 {
			continue
		}
		c.count++
		if err := c.write(hurl.FileName(c.count, &list[i]), text); err != nil {
			return err
		}
	}
	return nil
}

// testsuite writes a fixture for a test of the wasi-testsuite.
func (c *converter) testsuite(path string, data []byte) error {
	list, env, warnings, err := har.ParseTestsuite(data)
	if errors.Is(err, har.ErrNoRequests) {
		c.warn(path, []string{"left out: " + err.Error()})
		return nil
	}
	if err != nil {
		return &Error{Unreadable, path, err}
	}
	c.warn(path, warnings)
	options := c.fixture
	options.Env = env
	options.Component = c.componentBeside(path)
	text, dropped := hurl.FromExchanges(list, options)
	c.warn(path, dropped)
	return c.write(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))+".hurl", text)
}

// componentBeside returns the component that stands beside a test, relative to
// the folder of the fixtures, "" if there is none.
func (c *converter) componentBeside(path string) string {
	component := strings.TrimSuffix(path, filepath.Ext(path)) + ".wasm"
	if info, err := os.Stat(component); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	from, err := filepath.Abs(c.o.Dir)
	if err != nil {
		return ""
	}
	to, err := filepath.Abs(component)
	if err != nil {
		return ""
	}
	relative, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(relative)
}

func (c *converter) warn(path string, warnings []string) {
	for _, w := range warnings {
		c.o.Warn(path, w)
	}
}

// write writes a file into the folder.
func (c *converter) write(name string, text []byte) error {
	if err := os.MkdirAll(c.o.Dir, 0o755); err != nil {
		return &Error{Unwritable, c.o.Dir, fmt.Errorf("cannot be made: %w", err)}
	}
	path := filepath.Join(c.o.Dir, name)
	switch err := writeFile(path, text, c.o.Force); {
	case errors.Is(err, fs.ErrExist):
		return &Error{Exists, path, errors.New("exists")}
	case err != nil:
		return &Error{Unwritable, path, fmt.Errorf("cannot be written: %w", err)}
	}
	c.o.Wrote(path)
	return nil
}
