package eval

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// setCookie is a parsed Set-Cookie field (RFC 6265, section 4.1.1).
type setCookie struct {
	name, value string
	attributes  []cookieAttribute // in their order
}

// cookieAttribute is an attribute with its original spelling.
type cookieAttribute struct {
	name, value string
	hasValue    bool
}

// parseSetCookie parses a field; values keep their quotes and blanks.
func parseSetCookie(field string) (setCookie, bool) {
	name, rest, ok := strings.Cut(field, "=")
	if !ok {
		return setCookie{}, false
	}
	parts := strings.Split(rest, ";")
	c := setCookie{name: name, value: parts[0]}
	for _, part := range parts[1:] {
		tokens := strings.Split(part, "=")
		a := cookieAttribute{name: strings.TrimSpace(tokens[0])}
		if len(tokens) > 1 {
			a.value, a.hasValue = tokens[1], true
		}
		c.attributes = append(c.attributes, a)
	}
	return c, true
}

func (s *Scope) queryCookie(q *hurl.Query) (*Value, *Error) {
	name, err := s.Template(&q.Cookie.Name)
	if err != nil {
		return nil, err
	}
	for _, field := range s.Response.header("Set-Cookie") {
		c, ok := parseSetCookie(field)
		if !ok || c.name != name {
			continue
		}
		return c.query(q.Cookie)
	}
	return nil, nil
}

func (c setCookie) query(path *hurl.CookiePath) (*Value, *Error) {
	if path.Attribute == hurl.CookieValue || path.Attribute == "" {
		return some(text(c.value))
	}
	for _, a := range c.attributes {
		if !strings.EqualFold(a.name, string(path.Attribute)) {
			continue
		}
		switch path.Attribute {
		case hurl.CookieSecure, hurl.CookieHTTPOnly:
			if !a.hasValue {
				return some(Value{Kind: Unit})
			}
		case hurl.CookieMaxAge:
			if n, err := strconv.ParseInt(a.value, 10, 64); err == nil {
				return some(integer(n))
			}
		default:
			return a.query(path)
		}
	}
	return nil, nil
}

// query returns the value of an attribute as text or as a date.
func (a cookieAttribute) query(path *hurl.CookiePath) (*Value, *Error) {
	if !a.hasValue {
		return nil, nil
	}
	if path.Attribute != hurl.CookieExpires {
		return some(text(a.value))
	}
	for _, layout := range []string{
		"%a, %d %b %Y %T GMT", "%a, %d %b %Y %T %z", "%a, %d-%b-%Y %T%.3f GMT",
	} {
		if t, err := parseDate(a.value, layout); err == nil {
			return some(date(t))
		}
	}
	return nil, errorAt(path.Range, "Invalid date", "the cookie's Expires is %q", a.value)
}

// ParseCookieDate parses a date in one of the forms that cookies are known to use.
func ParseCookieDate(s string) (time.Time, error) {
	for _, layout := range []string{"Mon, 02-Jan-2006 15:04:05 MST",
		"Mon, 02-Jan-06 15:04:05 MST"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	t, err := http.ParseTime(s)
	return t.UTC(), err
}
