package testrunner

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// address is an absolute URL of http or https, split into parts but not decoded.
type address struct {
	scheme, userinfo, authority, path string
	query, fragment                   string // with their sign; "" if there is none
}

// parseAddress parses an absolute URL.
func parseAddress(text string) (address, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok:
		return address{}, fmt.Errorf("<%s> does not begin with http:// or https://", text)
	case scheme != "http" && scheme != "https":
		return address{}, fmt.Errorf("<%s> is neither http nor https", text)
	case strings.ContainsAny(text, " \t\r\n"):
		return address{}, fmt.Errorf("<%s> has white space in it", text)
	}
	a := address{scheme: scheme}
	a.authority, rest = cutBefore(rest, `/\?#`)
	a.setTarget(rest)
	if i := strings.LastIndexByte(a.authority, '@'); i >= 0 {
		a.userinfo, a.authority = a.authority[:i], a.authority[i+1:]
	}
	parsed, err := url.Parse(scheme + "://" + a.authority)
	if err != nil || parsed.Hostname() == "" {
		return address{}, fmt.Errorf("<%s> has no valid host", text)
	}
	if port := parsed.Port(); port == "80" && scheme == "http" ||
		port == "443" && scheme == "https" {
		a.authority = strings.TrimSuffix(a.authority, ":"+port)
	}
	a.authority = strings.ToLower(a.authority)
	return a, nil
}

// cutBefore cuts s before the first of some bytes.
func cutBefore(s, bytes string) (before, rest string) {
	if i := strings.IndexAny(s, bytes); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// setTarget sets path, query and fragment.
func (a *address) setTarget(text string) {
	text, a.fragment = cutBefore(text, "#")
	a.path, a.query = cutBefore(text, "?")
}

// target returns path and query as sent.
func (a *address) target(asIs bool) string {
	path := percentEncoded(a.path, "", "%%%02x")
	if !asIs {
		path = removeDots(path)
	}
	if path == "" {
		path = "/"
	}
	return path + a.query
}

// String returns the URL as the URL standard of the WHATWG writes it.
func (a *address) String() string {
	path := removeDots(strings.ReplaceAll(a.path, `\`, "/"))
	if path == "" {
		path = "/"
	}
	userinfo := ""
	if a.userinfo != "" {
		userinfo = a.userinfo + "@"
	}
	return a.scheme + "://" + userinfo + a.authority + percentEncoded(path, "\"<>`{}", "%%%02X") +
		percentEncoded(a.query, "\"<>'", "%%%02X") + percentEncoded(a.fragment, "\"<>`", "%%%02X")
}

// apply sets the URL of a request.
func (a *address) apply(r *Request, asIs bool) {
	r.Scheme, r.Authority, r.Target = a.scheme, a.authority, a.target(asIs)
}

// join returns the URL that a reference leads to.
func (a *address) join(reference string) (address, error) {
	reference = strings.TrimSpace(reference)
	next, err := parseAddress(a.String())
	if err != nil {
		return next, err
	}
	next.fragment = ""
	switch {
	case strings.HasPrefix(reference, "//"):
		return parseReference(a.scheme + ":" + reference)
	case strings.HasPrefix(reference, "/"), strings.HasPrefix(reference, `\`):
		next.setTarget(reference)
	case strings.HasPrefix(reference, "?"):
		next.query, next.fragment = cutBefore(reference, "#")
	case reference == "" || reference[0] == '#':
		next.fragment = reference
	case hasScheme(reference):
		return parseReference(reference)
	default:
		next.setTarget(next.path[:strings.LastIndexByte(next.path, '/')+1] + reference)
	}
	return parseReference(next.String())
}

var errScheme = errors.New("it leads to neither http nor https")

// parseReference parses an absolute URL, in which blanks are escaped.
func parseReference(text string) (address, error) {
	scheme, _, _ := strings.Cut(text, ":")
	if lower := strings.ToLower(scheme); lower != "http" && lower != "https" {
		return address{}, errScheme
	}
	a, err := parseAddress(strings.ToLower(scheme) +
		percentEncoded(text[len(scheme):], " ", "%%%02X"))
	if err != nil {
		return a, err
	}
	return parseAddress(a.String())
}

// hasScheme reports whether a reference begins with a scheme.
func hasScheme(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':':
			return i > 0
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return false
}

// percentEncoded encodes what is not ASCII, and the bytes of also; format says
// how a byte is written.
func percentEncoded(s, also, format string) string {
	encoded := func(c byte) bool { return c >= 0x80 || strings.IndexByte(also, c) >= 0 }
	i := 0
	for i < len(s) && !encoded(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		if encoded(s[i]) {
			fmt.Fprintf(&b, format, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// percentDecoded decodes percent-encoded text. A percent sign without two hexadecimal digits stays.
func percentDecoded(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if s[0] == '%' && len(s) > 2 {
			if c, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				s = s[3:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// removeDots removes dot segments (RFC 3986, section 5.2.4).
func removeDots(p string) string {
	if !strings.Contains(p, "/.") {
		return p
	}
	var out []string
	segments := strings.Split(p, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}
