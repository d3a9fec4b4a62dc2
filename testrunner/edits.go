package testrunner

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
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

// encode writes text as a body, in the notation of old if it fits, also as to how
// lines end.
func (c *checker) encode(old hurl.Payload, text []byte) hurl.Payload {
	same := old
	same.Text, same.Data = hurl.TextTemplate(string(text)), nil
	same.Text.Quote = old.Text.Quote
	if same.Holds(text) && (!isMultiline(&same) || bytes.HasSuffix(text, []byte("\n"))) {
		return same
	}
	if crlf := []byte("\r\n"); c.crlf && bytes.Count(text, crlf) == bytes.Count(text, []byte("\n")) {
		lf := bytes.ReplaceAll(text, crlf, []byte("\n"))
		if p := hurl.EncodeBody(lf, true); isMultiline(&p) {
			p.Text = hurl.TextTemplate(string(text))
			return p
		}
	}
	return hurl.EncodeBody(text, true)
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
		raw, err := c.scope.Response.Bytes(c.scope.Work)
		if err == nil {
			payload = c.encode(b.Payload, raw)
		}
	}
	text := payload.String()
	if head, rest, ok := strings.Cut(text, "\n"); ok && c.crlf && isMultiline(&payload) && !strings.HasSuffix(head, "\r") {
		text = head + "\r\n" + rest
	}
	return []hurl.Edit{{Range: b.Range, Text: text}}
}

// isMultiline reports whether a body stands between fences.
func isMultiline(p *hurl.Payload) bool { return strings.HasPrefix(p.String(), "```") }
