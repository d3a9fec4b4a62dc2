package testrunner

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/fixture/hurl"
)

// quoteValue writes text as a value that stands without quotes; ok is false if
// that cannot be.
func quoteValue(s string) (string, bool) {
	if !utf8.ValidString(s) || s != strings.TrimSpace(s) {
		return "", false
	}
	return escape(s, `#\`), true
}

// quoteString writes text in quotes.
func quoteString(s string) string {
	return `"` + escape(strings.ToValidUTF8(s, "\ufffd"), `"\`) + `"`
}

// escape escapes the special characters, those that cannot be seen, and braces
// that would begin a placeholder.
func escape(s, special string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune(special, r):
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '{' && strings.HasPrefix(s[i:], "{{"), !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// bodyEdits replaces a body by what came. Bytes stay bytes in the same notation
// if they were, text stays in the notation that it had if it fits.
func (c *checker) bodyEdits(b *hurl.Body, got []byte, isText bool) []hurl.Edit {
	if b.Payload.Kind == hurl.PayloadFile {
		return nil
	}
	if !isText && b.Payload.Kind == hurl.PayloadHex {
		return []hurl.Edit{{Range: b.Range, Text: fmt.Sprintf("hex,%x;", got)}}
	}
	payload := hurl.Payload{Kind: hurl.PayloadBase64, Data: got}
	if isText {
		raw, err := c.scope.Response.Bytes()
		if err == nil {
			payload = hurl.EncodeBody(raw, true)
		}
	}
	return []hurl.Edit{{Range: b.Range, Text: payload.String()}}
}
