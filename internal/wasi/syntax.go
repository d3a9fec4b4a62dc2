package wasi

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// CanonicalScheme returns "HTTP" or "HTTPS" for any spelling of these, and other schemes as they
// are.
func CanonicalScheme(s string) string {
	switch {
	case strings.EqualFold(s, "http"):
		return "HTTP"
	case strings.EqualFold(s, "https"):
		return "HTTPS"
	}
	return s
}

// validScheme follows RFC 3986, 3.1.
func validScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alpha(c) && (i == 0 || !digit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// validPath keeps out what would end or break a request line or be cut off.
func validPath(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= 0x20, c == 0x7f, c == '<', c == '>', c == '`', c == '#':
			return false
		}
	}
	return true
}

// validAuthority follows RFC 3986, 3.2, with a host that is not empty.
func validAuthority(s string) bool {
	host := s
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if !regName(s[:i], ":") {
			return false
		}
		host = s[i+1:]
	}
	var port string
	hasPort := false
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		if a, err := netip.ParseAddr(host[1:end]); err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
		rest := host[end+1:]
		if rest != "" && rest[0] != ':' {
			return false
		}
		port, hasPort = strings.CutPrefix(rest, ":")
	} else {
		host, port, hasPort = strings.Cut(host, ":")
		if host == "" || !regName(host, "") {
			return false
		}
	}
	if !hasPort {
		return true
	}
	for i := range len(port) {
		if !digit(port[i]) {
			return false
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

// regName reports whether s has only unreserved characters, sub-delimiters, percent signs and those
// in more.
func regName(s, more string) bool {
	for i := range len(s) {
		if c := s[i]; !alpha(c) && !digit(c) &&
			(c >= 0x80 || strings.IndexByte("-._~!$&'()*+,;=%", c) < 0) &&
			strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}

// validToken reports whether s is a token (RFC 9110, 5.6.2).
func validToken(s string) bool {
	for i := range len(s) {
		if !tchar(s[i]) {
			return false
		}
	}
	return s != ""
}

func tchar(c byte) bool {
	return alpha(c) || digit(c) || c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func alpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// contentLength is the key of the field that says how long a body is.
const contentLength = "content-length"

// validValue reports whether v may be a value (RFC 9110, 5.5, with blanks at its ends allowed) of
// the field with this key.
func validValue(key string, v []byte) bool {
	for _, c := range v {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	if key == contentLength {
		_, ok := parseLength(v)
		return ok
	}
	return true
}

// sameLength reports whether two valid content-lengths are the same number.
func sameLength(a, b []byte) bool {
	n, _ := parseLength(a)
	m, _ := parseLength(b)
	return n == m
}

// parseLength reads a content-length (RFC 9110, 8.6).
func parseLength(v []byte) (n uint64, ok bool) {
	for _, c := range v {
		if !digit(c) || n > (math.MaxUint64-uint64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(v) > 0
}
