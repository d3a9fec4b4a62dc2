package eval

import (
	"html"
	"strings"
)

// htmlEscape escapes the five characters that have a meaning in HTML.
func htmlEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;").Replace(s)
}

// htmlUnescape resolves named and numeric character references.
func htmlUnescape(s string) string { return html.UnescapeString(s) }
