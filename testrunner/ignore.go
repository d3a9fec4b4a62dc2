package testrunner

import (
	"bytes"
	"slices"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
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
