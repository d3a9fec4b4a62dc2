package record

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/har"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// ConvertOptions says how Convert works.
type ConvertOptions struct {
	// Dir is the folder that fixtures are written to. Convert makes it if it is
	// not there.
	Dir string
	// Force has files overwritten that are there.
	Force bool
	// Redact are more names of secrets, as redact.NewSession takes them.
	Redact []string
	// Base is that of hurl.RecordOptions.
	Base string
	// Wrote is called with the path of each fixture that was written.
	Wrote func(path string)
	// Warn is called with what a fixture cannot hold, a sentence about a file,
	// and with what may be a secret and was left, then without a path.
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
// Archives and tests of the wasi-testsuite. It reads all of them before it
// writes anything, since a secret may stand in one file and be found in another.
// It stops at the first fixture that cannot be written. The error is an *Error.
func Convert(paths []string, o ConvertOptions) error {
	c := converter{o: o, session: redact.NewSession(o.Redact)}
	for _, path := range paths {
		if err := c.read(path); err != nil {
			return err
		}
	}
	for i := range c.sources {
		if err := c.convert(&c.sources[i]); err != nil {
			return err
		}
	}
	for _, line := range c.session.Left() {
		o.Warn("", line)
	}
	return nil
}

// converter writes fixtures into a folder.
type converter struct {
	o       ConvertOptions
	session *redact.Session
	sources []source
	count   int // the exchanges of archives so far
}

// source is a file that was read.
type source struct {
	path  string
	list  []fixture.Exchange
	suite bool // a test of the wasi-testsuite
	env   fixture.Fields
}

// read reads one file.
func (c *converter) read(path string) error {
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
	s := source{path: path, suite: isTestsuite(data)}
	var warnings []string
	if s.suite {
		s.list, s.env, warnings, err = har.ParseTestsuite(data)
	} else {
		s.list, warnings, err = har.Parse(data)
	}
	switch {
	case errors.Is(err, har.ErrNoRequests):
		c.warn(path, []string{"left out: " + err.Error()})
		return nil
	case err != nil:
		return &Error{Unreadable, path, err}
	}
	c.warn(path, warnings)
	for i := range s.list {
		c.session.Find(&s.list[i])
	}
	c.sources = append(c.sources, s)
	return nil
}

// isTestsuite guesses what a file of JSON is: a test has operations, an archive
// a log.
func isTestsuite(data []byte) bool {
	operations, log := bytes.Index(data, []byte(`"operations"`)), bytes.Index(data, []byte(`"log"`))
	return operations >= 0 && (log < 0 || operations < log)
}

// convert writes the fixtures for one file: one for each exchange of an archive,
// one for all of a test of the wasi-testsuite.
func (c *converter) convert(s *source) error {
	for i := range s.list {
		s.list[i] = c.session.Hide(&s.list[i])
	}
	options := hurl.RecordOptions{Base: c.o.Base}
	if s.suite {
		options.Env, options.Component = s.env, c.componentBeside(s.path)
		text, dropped := hurl.FromExchanges(s.list, options)
		c.warn(s.path, dropped)
		return c.write(strings.TrimSuffix(filepath.Base(s.path), filepath.Ext(s.path))+".hurl", text)
	}
	for i := range s.list {
		text, dropped := hurl.FromExchanges(s.list[i:i+1], options)
		c.warn(s.path, dropped)
		if len(text) == 0 {
			continue
		}
		c.count++
		if err := c.write(hurl.FileName(c.count, &s.list[i]), text); err != nil {
			return err
		}
	}
	return nil
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
