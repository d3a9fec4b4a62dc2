package testrunner

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/diff"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// ignoresText reports whether parts of a text are ignored.
func (c *checker) ignoresText() bool {
	return slices.ContainsFunc(c.settings.Ignore, func(i hurl.Ignore) bool {
		return i.Kind == hurl.IgnoreText
	})
}

// keepIgnored returns a text of the response in which what is ignored is as in the expected text:
// the first match of a regular expression as the first one there, and so on.
func (c *checker) keepIgnored(want, got []byte) []byte {
	for _, i := range c.settings.Ignore {
		if i.Kind != hurl.IgnoreText || bytes.Equal(want, got) {
			continue
		}
		re, err := hurl.CompileRegex(i.Arg)
		if err != nil {
			continue // the parser has said so
		}
		matches := re.FindAll(want, -1)
		var out []byte
		done := 0
		for n, at := range re.FindAllIndex(got, -1) {
			if n == len(matches) {
				break
			}
			out = append(append(out, got[done:at[0]]...), matches[n]...)
			done = at[1]
		}
		got = append(out, got[done:]...)
	}
	return got
}

// ignoreEdits returns the edits that make a fixture ignore a difference; nil if none can.
func ignoreEdits(e *hurl.Entry, p *Problem, source []byte) []hurl.Edit {
	end := "\n"
	if at := strings.IndexByte(string(source), '\n'); at > 0 && source[at-1] == '\r' {
		end = "\r\n"
	}
	var text strings.Builder
	for _, d := range p.ignoring() {
		text.WriteString("# @ignore " + d + end)
	}
	if text.Len() == 0 {
		return nil
	}
	at := hurl.Range{Start: e.Range.Start, End: e.Range.Start}
	return []hurl.Edit{{Range: at, Text: text.String()}}
}

// ignoring returns what @ignore has to say so that the difference does not count; nil if it cannot.
func (p *Problem) ignoring() []string {
	switch {
	case len(p.Ignore) > 0:
		return p.Ignore
	case len(p.noise) > 0:
		return p.noise
	case p.Kind == ProblemHeader && fieldOf(p) != "":
		return []string{"header " + fieldOf(p)}
	case p.Kind == ProblemTrailer && fieldOf(p) != "":
		return []string{"trailer " + fieldOf(p)}
	case p.Kind == ProblemBody:
		return p.ignoringBody(nil, nil, nil)
	}
	return nil
}

// ignoringBody is ignoring for two bodies that differ, nil if they are not at hand, in what s does
// not ignore yet.
func (p *Problem) ignoringBody(s *hurl.Settings, want, got []byte) []string {
	var list []string
	switch {
	case p.Diff != nil && p.Diff.Kind == diff.JSON:
		list = ignoredJSON(p.Diff, want, got)
	case want != nil && got != nil:
		for _, expr := range noise(string(want), string(got)) {
			list = append(list, "text /"+expr+"/")
		}
	}
	if len(list) == 0 || len(list) > manyPaths || want != nil && !covers(s, list, want, got) {
		return []string{"body"}
	}
	return list
}

// covers reports whether two bodies differ only in what is ignored.
func covers(s *hurl.Settings, directives []string, want, got []byte) bool {
	text := ""
	for _, d := range directives {
		text += "# @ignore " + d + "\n"
	}
	f, errs := hurl.Parse("", []byte(text+"GET http://localhost/\n"))
	if len(errs) > 0 {
		return false
	}
	c := &checker{settings: f.Entries[0].Settings, scope: &eval.Scope{}}
	c.settings.Ignore = slices.Concat(c.settings.Ignore, s.Ignore)
	if got = c.keepIgnored(want, got); bytes.Equal(got, want) {
		return true
	}
	var invalid *eval.Error
	if c.ignored, invalid = ignoredPaths(&c.settings); invalid != nil {
		return false
	}
	d, semantic, err := c.withoutIgnored(want, got)
	return err == nil && semantic && d == nil
}

// ignoredJSON returns what ignores the differences of two JSON values. A path that leads to the
// same member of each element stands for the paths to these.
func ignoredJSON(d *diff.Diff, want, got []byte) []string {
	var paths []string
	for _, c := range d.Changes {
		for _, path := range []string{c.Path, c.From} {
			if path != "" && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	count := make(map[string]int)
	for _, path := range paths {
		count[anyIndex.ReplaceAllString(path, "[*]")]++
	}
	var list []string
	for _, path := range paths {
		all := anyIndex.ReplaceAllString(path, "[*]")
		if n := count[all]; n > 1 && n == matches(all, want) && n == matches(all, got) {
			path = all
		}
		if d := "jsonpath " + path; !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}

// anyIndex matches the indices in a path.
var anyIndex = regexp.MustCompile(`\[[0-9]+\]`)

// matches returns how many nodes of a JSON value a path leads to; 0 if there is no value.
func matches(path string, body []byte) int {
	tree, err := jsontree.Parse(nil, body)
	if err != nil {
		return 0
	}
	p, err := jsonpath.Parse(path)
	if err != nil {
		return 0
	}
	nodes, err := p.Select(nil, tree)
	if err != nil {
		return 0
	}
	return len(nodes)
}

// manyPaths is how many paths of a body are ignored one by one.
const manyPaths = 20
