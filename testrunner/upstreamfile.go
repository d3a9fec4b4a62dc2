package testrunner

import (
	"fmt"
	"sync"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// upstreamFile is an upstream fixture.
type upstreamFile struct {
	path string
	file *hurl.File
	errs []*hurl.ParseError
	err  error // why it cannot be read
}

// readUpstream reads an upstream fixture.
func readUpstream(path string) *upstreamFile {
	data, err := regular.ReadFile(path, regular.MaxFile)
	if err != nil {
		return &upstreamFile{path: path, err: fmt.Errorf("%s: %w", term.Clean(path), reason(err))}
	}
	return parseUpstream(path, data)
}

// parseUpstream parses an upstream fixture.
func parseUpstream(path string, data []byte) *upstreamFile {
	u := &upstreamFile{path: path}
	if u.file, u.errs = hurl.Parse(path, data); len(u.errs) > 0 {
		return u
	}
	fail := func(r hurl.Range, hint, message string) {
		u.errs = append(u.errs, u.file.Wrong(r, hint, message))
	}
	for _, e := range u.file.Entries {
		s := &e.Settings
		switch {
		case s.Fail != nil && s.Fail.Kind != hurl.FailCut && e.Response != nil:
			fail(e.Response.Range, "remove the response, or @fail",
				"a request with @fail "+string(s.Fail.Kind)+" has no response")
		case s.Fail != nil && s.Fail.Kind != hurl.FailCut:
		case e.Response == nil:
			fail(e.Request.Range, "add HTTP 200 below the request, or # @fail refused above it",
				"expected a response for the guest, found none")
		case e.Response.Status == hurl.AnyStatus:
			fail(e.Response.StatusRange, "for example HTTP 200",
				"expected a status for the guest, found *")
		}
	}
	return u
}

// notInFixtures reports the directives that are only for upstream fixtures.
func (s *Source) notInFixtures() {
	for _, e := range s.File.Entries {
		name, r := "", hurl.Range{}
		if t := e.Settings.Times; t != nil {
			name, r = "times", t.Range
		}
		if f := e.Settings.Fail; f != nil {
			name, r = "fail", f.Range
		}
		if name != "" {
			s.Errors = append(s.Errors, s.File.Wrong(r,
				"write it into a file whose name ends in "+upstreamSuffix,
				"@"+name+" is about requests that the component sends"))
		}
	}
}

// upstreamCache caches upstream fixtures, which several fixtures may use. It is safe for concurrent
// use.
type upstreamCache struct {
	mu      sync.Mutex
	files   map[string]*upstreamFile
	besides map[string]string // by the path of a fixture, that of the one beside it; "" for none
}

// besideOf is siblingUpstream, which it asks once for each fixture, unless the run may write there.
func (r *runner) besideOf(path string) string {
	if r.options.UpstreamMode.Records() {
		return siblingUpstream(path)
	}
	c := r.upstreams
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.besides[path]
	if !ok {
		if c.besides == nil {
			c.besides = make(map[string]string)
		}
		found = siblingUpstream(path)
		c.besides[path] = found
	}
	return found
}

func (c *upstreamCache) read(path string) *upstreamFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = make(map[string]*upstreamFile)
	}
	if c.files[path] == nil {
		c.files[path] = readUpstream(path)
	}
	return c.files[path]
}
