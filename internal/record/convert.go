package record

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/har"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// ConvertOptions configures Convert.
type ConvertOptions struct {
	// Dir is the folder for the fixtures. Convert creates it if it does not
	// exist.
	Dir string
	// Session is the path of a fixture for all exchanges of all archives, in their order, in place
	// of Dir; "" stands for Dir.
	Session string
	// Force overwrites files that exist.
	Force bool
	// Redact are more names of secrets, as redact.NewSession takes them.
	Redact []string
	// Base is that of hurl.RecordOptions.
	Base string
	// AllHeaders and Pretty are those of hurl.RecordOptions, too.
	AllHeaders, Pretty bool
	// Filter chooses what is converted.
	Filter Filter
	// Hosts are the hosts of the program, NAME or NAME:PORT; requests to others
	// are left out. If Hosts is empty and Base is not, the host of the program
	// is that of the first request to this machine, or else of the first
	// request.
	Hosts []string
	// Wrote is called with the path of each fixture that was written.
	Wrote func(path string)
	// Warn is called for each thing in a file that a fixture cannot hold, and,
	// without a path, for values that may be secret and were kept.
	Warn func(path, text string)
}

// ErrorKind says what an Error is about.
type ErrorKind int

// What an Error is about.
const (
	Missing    ErrorKind = iota // a file that cannot be opened or read
	Unreadable                  // a file that does not hold what it should
	Nothing                     // an archive of which no entry can be converted
	Empty                       // an archive without entries
	Exists                      // a fixture that is there already
	Unwritable                  // a fixture or a folder that cannot be written
	BadBase                     // ConvertOptions.Base
)

// Error says which file Convert could not read or write, and why.
type Error struct {
	Kind ErrorKind
	Path string // "" for BadBase
	Err  error
}

// Error returns "path: reason", or "path:line:column: reason" if the reason has
// a place in the file.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
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
	if o.Session != "" {
		o.Dir = filepath.Dir(o.Session)
	}
	c := converter{o: o, session: redact.NewSession(o.Redact)}
	if err := checkBase(o.Base); err != nil {
		return err
	}
	for _, path := range paths {
		if err := c.read(path); err != nil {
			return err
		}
	}
	archives, entries := "", 0
	for i := range c.sources {
		s := &c.sources[i]
		if err := c.convert(s); err != nil {
			return err
		}
		for _, line := range fixture.Summarize(s.warnings, s.entries) {
			o.Warn(s.path, line)
		}
		entries += s.entries
		if !s.suite && archives == "" {
			archives = s.path
		}
	}
	if err := c.writeSession(); err != nil {
		return err
	}
	for _, line := range c.session.Left() {
		o.Warn("", line)
	}
	switch {
	case archives == "" || c.wrote > 0:
	case entries == 0:
		return &Error{Empty, archives, errors.New("no entry in it")}
	default:
		return &Error{Nothing, archives, errors.New("no entry can be converted")}
	}
	return nil
}

// checkBase reports a base that is no URL; the error is an *Error.
func checkBase(base string) error {
	request := fixture.Request{Method: http.MethodGet, URL: "http://localhost/"}
	probe := fixture.Exchange{Request: request}
	if _, _, err := hurl.FromExchange(&probe, hurl.RecordOptions{Base: base}); err != nil {
		return &Error{Kind: BadBase, Err: err}
	}
	return nil
}

// hurl returns the options of the fixtures.
func (o *ConvertOptions) hurl() hurl.RecordOptions {
	return hurl.RecordOptions{Base: o.Base, AllHeaders: o.AllHeaders, Pretty: o.Pretty}
}

// options returns the options of the fixtures, with files of forms beside them.
func (c *converter) options() hurl.RecordOptions {
	o := c.o.hurl()
	c.attached.dir, c.attached.force = c.o.Dir, c.o.Force
	o.File = func(list []hurl.FormFile) bool {
		// If the folder cannot be made, the fixture cannot be written, which says so.
		return os.MkdirAll(c.o.Dir, 0o755) == nil && c.attached.put(list)
	}
	return o
}

// converter writes fixtures into a folder.
type converter struct {
	o       ConvertOptions
	session *redact.Session
	sources []source
	count   int                 // the exchanges of archives so far
	wrote   int                 // fixtures
	woven   []*fixture.Exchange // of the session
	// attached are files that forms send.
	attached attachments
}

// source is a file that was read.
type source struct {
	path     string
	list     []fixture.Exchange
	entries  int
	warnings []fixture.Warning
	suite    bool // a test of the wasi-testsuite
	env      fixture.Fields
}

// read reads one file.
func (c *converter) read(path string) error {
	data, err := regular.ReadFile(path, regular.MaxFile)
	if err != nil {
		var (
			kind   *regular.KindError
			size   *regular.SizeError
			system *fs.PathError
		)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = errors.New("no such file")
		case errors.As(err, &kind):
			err = kind
		case errors.As(err, &size):
			err = size
		case errors.As(err, &system):
			err = fmt.Errorf("cannot be read: %w", system.Err)
		}
		return &Error{Missing, path, err}
	}
	s := source{path: path}
	if isTestsuite(data) {
		s.suite = true
		var warnings []string
		s.list, s.env, warnings, err = har.ParseTestsuite(data)
		if errors.Is(err, har.ErrNoRequests) {
			c.o.Warn(path, "left out: "+err.Error())
			return nil
		}
		for _, w := range warnings {
			c.o.Warn(path, w)
		}
		s.entries = len(s.list)
	} else {
		err = s.archive(data, &c.o)
	}
	if err != nil {
		return &Error{Unreadable, path, err}
	}
	for i := range s.list {
		c.session.Find(&s.list[i])
	}
	c.sources = append(c.sources, s)
	return nil
}

// archive reads an HTTP Archive. If the fixtures are to have another base,
// requests to other hosts are left out: they would become the program's own.
func (s *source) archive(data []byte, o *ConvertOptions) error {
	a, err := har.Parse(s.path, data)
	if err != nil {
		return err
	}
	s.entries, s.warnings = a.Entries, a.Warnings
	kept := a.Exchanges[:0]
	for i := range a.Exchanges {
		if x := &a.Exchanges[i]; o.Filter.keeps(x) {
			kept = append(kept, *x)
		}
	}
	a.Exchanges = kept
	if o.Base == "" && len(o.Hosts) == 0 {
		s.list = a.Exchanges
		return nil
	}
	own := ownHosts(o.Hosts, a.Exchanges)
	for i := range a.Exchanges {
		x := &a.Exchanges[i]
		if own.has(x.Request.URL) {
			s.list = append(s.list, *x)
			continue
		}
		s.warnings = append(s.warnings, fixture.Warning{
			Entry: x.Number, Title: fixture.Title(x.Request.Method, x.Request.URL), LeftOut: true,
			Text: "its request is to a host other than " + strings.Join(own.names, ", ") +
				"; --host names the hosts to keep",
		})
	}
	return nil
}

// isTestsuite reports whether a file is probably a test of the wasi-testsuite:
// JSON with operations. An archive has a log or is packed.
func isTestsuite(data []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff"))), []byte("{")) {
		return false
	}
	operations, log := bytes.Index(data, []byte(`"operations"`)), bytes.Index(data, []byte(`"log"`))
	return operations >= 0 && (log < 0 || operations < log)
}

// convert writes the fixtures for one file: one for each exchange of an archive,
// one for all of a test of the wasi-testsuite.
func (c *converter) convert(s *source) error {
	if c.o.Session != "" && !s.suite {
		for i := range s.list {
			c.woven = append(c.woven, &s.list[i])
		}
		return nil
	}
	for i := range s.list {
		s.list[i] = c.session.Hide(&s.list[i])
	}
	options := c.options()
	if s.suite {
		options.Env, options.Component = s.env, c.componentBeside(s.path)
		name := strings.TrimSuffix(filepath.Base(s.path), filepath.Ext(s.path)) + ".hurl"
		options.LineEnd = c.lineEnd(name)
		text, warnings := hurl.FromExchanges(s.list, options)
		s.warnings = append(s.warnings, warnings...)
		return c.write(name, text)
	}
	for i := range s.list {
		name := hurl.FileName(c.count+1, &s.list[i])
		options.LineEnd = c.lineEnd(name)
		text, warnings := hurl.FromExchanges(s.list[i:i+1], options)
		s.warnings = append(s.warnings, warnings...)
		if len(text) == 0 {
			continue
		}
		c.count++
		if err := c.write(name, text); err != nil {
			return err
		}
	}
	return nil
}

// writeSession writes the fixture of the session, if there is one.
func (c *converter) writeSession() error {
	if len(c.woven) == 0 {
		return nil
	}
	options := c.options()
	options.LineEnd = c.lineEnd(filepath.Base(c.o.Session))
	text, warnings := renderSession(c.woven, c.session.Hide, options, true)
	for _, line := range fixture.Summarize(warnings, len(c.woven)) {
		c.o.Warn("", line)
	}
	if len(text) == 0 {
		return nil
	}
	return c.write(filepath.Base(c.o.Session), text)
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

// lineEnd returns how lines end in the file of that name, if it is to be overwritten.
func (c *converter) lineEnd(name string) hurl.LineEnd {
	if !c.o.Force {
		return hurl.LF
	}
	// What cannot be read is reported when it is written.
	before, _ := regular.ReadFile(filepath.Join(c.o.Dir, name), regular.MaxFile)
	return hurl.LineEndOf(before)
}

// write writes a file into the folder.
func (c *converter) write(name string, text []byte) error {
	if err := os.MkdirAll(c.o.Dir, 0o755); err != nil {
		return &Error{Unwritable, c.o.Dir, fmt.Errorf("cannot be created: %w", err)}
	}
	path := filepath.Join(c.o.Dir, name)
	switch err := writeFile(path, text, c.o.Force); {
	case errors.Is(err, fs.ErrExist):
		return &Error{Exists, path, errors.New("exists")}
	case err != nil:
		return &Error{Unwritable, path, fmt.Errorf("cannot be written: %w", err)}
	}
	c.wrote++
	c.o.Wrote(path)
	return nil
}
