package eval

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/fixture/hurl"
)

// setCookie is a Set-Cookie field (RFC 6265, section 4.1.1).
type setCookie struct {
	name, value string
	attributes  [][2]string // in their order, names as they are spelled
}

// parseSetCookie takes a field apart; values keep their quotes.
func parseSetCookie(field string) (setCookie, bool) {
	pair, rest, _ := strings.Cut(field, ";")
	name, value, ok := strings.Cut(pair, "=")
	if !ok {
		return setCookie{}, false
	}
	c := setCookie{name: strings.TrimSpace(name), value: strings.TrimSpace(value)}
	for rest != "" {
		var attribute string
		attribute, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(attribute, "=")
		c.attributes = append(c.attributes, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return c, true
}

func (c setCookie) attribute(name string) (string, bool) {
	for _, a := range c.attributes {
		if strings.EqualFold(a[0], name) {
			return a[1], true
		}
	}
	return "", false
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
		v := text(c.value)
		return &v, nil
	}
	value, ok := c.attribute(string(path.Attribute))
	if !ok {
		return nil, nil
	}
	v := text(value)
	switch path.Attribute {
	case hurl.CookieSecure, hurl.CookieHTTPOnly:
		v = Value{Kind: Unit}
	case hurl.CookieMaxAge:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, nil
		}
		v = integer(n)
	case hurl.CookieExpires:
		t, err := parseCookieDate(value)
		if err != nil {
			return nil, errorAt(path.Range, "Invalid date", "the cookie's Expires is %q", value)
		}
		v = date(t)
	}
	return &v, nil
}

// parseCookieDate reads the forms of dates in use for cookies.
func parseCookieDate(s string) (time.Time, error) {
	for _, layout := range []string{"Mon, 02-Jan-2006 15:04:05 MST", "Mon, 02-Jan-06 15:04:05 MST"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	t, err := http.ParseTime(s)
	return t.UTC(), err
}
