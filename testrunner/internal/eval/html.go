package eval

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// htmlEscape escapes the five characters with a meaning in HTML.
func htmlEscape(s string) string {
	escapes := []string{"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;"}
	return strings.NewReplacer(escapes...).Replace(s)
}

// htmlUnescape resolves named and numeric character references. It removes numbers that stand for
// no text.
func htmlUnescape(s string) string {
	// Package html lacks these two.
	s = strings.NewReplacer("&nGt;", "\u226b\u20d2", "&nLt;", "\u226a\u20d2").Replace(s)
	numeric := regexp.MustCompile(`&#(?:[xX][0-9a-fA-F]+|[0-9]+);?`)
	var b strings.Builder
	// A # that is left does not begin a numeric reference.
	named := func(s string) string {
		return html.UnescapeString(strings.ReplaceAll(s, "&#", "&amp;#"))
	}
	for {
		at := numeric.FindStringIndex(s)
		if at == nil {
			b.WriteString(named(s))
			return b.String()
		}
		b.WriteString(named(s[:at[0]]))
		b.WriteString(numericReference(s[at[0]:at[1]]))
		s = s[at[1]:]
	}
}

// numericReference resolves a reference such as &#65; or &#x41;.
func numericReference(reference string) string {
	digits, base := strings.TrimSuffix(reference[len("&#"):], ";"), 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	switch {
	case err != nil || n > unicode.MaxRune:
		return string(unicode.ReplacementChar)
	case n == '\r':
		return "\r"
	case n < ' ' && n != 0 && n != '\t' && n != '\n' && n != '\f', n == 0x7f,
		n >= 0xfdd0 && n <= 0xfdef, n&0xfffe == 0xfffe:
		return ""
	}
	// Package html replaces 0, surrogates and the numbers that stand for windows-1252.
	return html.UnescapeString("&#" + strconv.FormatUint(n, 10) + ";")
}
