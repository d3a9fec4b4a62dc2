package testrunner

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
)

// cookieStore keeps the cookies of one run of a file (RFC 6265, section 5).
type cookieStore struct {
	mu      sync.Mutex
	cookies []storedCookie
	made    int // counts cookies: a newer one has a higher number
}

type storedCookie struct {
	name, value, domain string
	path, given         string // without the slash at its end, and as it was given
	hostOnly, secure    bool
	expires             time.Time // zero: with the store
	maxAge              bool      // expires is from Max-Age, which wins
	made                int
}

// update stores the cookies of the Set-Cookie fields of a response.
func (s *cookieStore) update(u *url.URL, headers fixture.Fields, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range headers {
		if strings.EqualFold(f.Name, "Set-Cookie") {
			s.set(u, f.Value, now)
		}
	}
}

// set stores the cookie of one Set-Cookie field, if libcurl would. The lock is
// held.
func (s *cookieStore) set(u *url.URL, field string, now time.Time) {
	parts := strings.Split(field, ";")
	name, value, ok := cutTrimmed(parts[0])
	if !ok || name == "" {
		return
	}
	c := storedCookie{name: name, value: value, domain: strings.ToLower(u.Hostname()),
		hostOnly: true}
	c.setPath(defaultPath(u))
	for _, part := range parts[1:] {
		name, value, hasValue := cutTrimmed(part)
		if !c.attribute(u, strings.ToLower(name), value, hasValue, now) {
			return
		}
	}
	lower := strings.ToLower(c.name)
	switch {
	case c.secure && u.Scheme != "https" && !isLoopback(u.Hostname()),
		strings.HasPrefix(lower, "__secure-") && !c.secure,
		strings.HasPrefix(lower, "__host-") && !(c.secure && c.hostOnly && c.given == "/"):
		return
	}
	s.put(c, now)
}

// cutTrimmed cuts NAME=VALUE and trims both.
func cutTrimmed(s string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(s, "=")
	return strings.Trim(name, " \t"), strings.Trim(value, " \t"), ok
}

// setPath sets a path; one that does not begin with a slash means all paths.
func (c *storedCookie) setPath(path string) {
	c.given = path
	c.path = strings.Trim(path, `"`)
	if strings.HasPrefix(c.path, "/") {
		c.path = strings.TrimSuffix(c.path, "/")
	} else {
		c.path = "/"
	}
}

// attribute sets an attribute, whose name is in lower case. It reports false if
// the server may not set a cookie with that attribute.
func (c *storedCookie) attribute(
	u *url.URL, name, value string, hasValue bool, now time.Time,
) bool {
	switch name {
	case "secure":
		c.secure = c.secure || !hasValue || value == ""
	case "path":
		c.setPath(value)
	case "domain":
		if domain := strings.ToLower(strings.TrimPrefix(value, ".")); domain != "" {
			c.domain, c.hostOnly = domain, false
			return domainMatches(u.Hostname(), domain)
		}
	case "max-age":
		// A value that is not a number deletes the cookie.
		seconds, _ := strconv.ParseInt(strings.Trim(value, `"`), 10, 64)
		c.expires = time.Unix(1, 0)
		if seconds > 0 {
			c.expires = now.Add(time.Duration(min(seconds, 1<<32)) * time.Second)
		}
		c.maxAge = true
	case "expires":
		if t, err := eval.ParseCookieDate(value); err == nil && !c.maxAge {
			c.expires = t
		}
	}
	return true
}

// put replaces the cookie of the same name, domain and path, whose place in the
// order it takes. The lock is held.
func (s *cookieStore) put(c storedCookie, now time.Time) {
	s.made++
	c.made = s.made
	s.cookies = slices.DeleteFunc(s.cookies, func(old storedCookie) bool {
		same := old.name == c.name && old.domain == c.domain && old.hostOnly == c.hostOnly &&
			old.path == c.path
		if same {
			c.made = old.made
		}
		return same
	})
	if c.expires.IsZero() || c.expires.After(now) {
		s.cookies = append(s.cookies, c)
	}
}

// clear empties the store.
func (s *cookieStore) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cookies = nil
}

// setLine adds a cookie from a line of Netscape's cookie file: domain,
// subdomains too, path, secure, expiry, name and value, separated by tabs.
func (s *cookieStore) setLine(line string, now time.Time) bool {
	line = strings.TrimPrefix(line, "#HttpOnly_")
	f := strings.Split(line, "\t")
	if len(f) < 7 {
		return false
	}
	seconds, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil {
		return false
	}
	c := storedCookie{
		domain: strings.TrimPrefix(f[0], "."), hostOnly: f[1] != "TRUE", secure: f[3] == "TRUE",
		name: f[5], value: f[6],
	}
	c.setPath(f[2])
	if seconds != 0 {
		c.expires = time.Unix(seconds, 0)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(c, now)
	return true
}

// pairs returns the cookies for a request as NAME=VALUE: those of longer paths
// first, then those of longer names, then newer ones.
func (s *cookieStore) pairs(u *url.URL, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var match []storedCookie
	for _, c := range s.cookies {
		host := c.hostOnly && strings.EqualFold(u.Hostname(), c.domain) ||
			!c.hostOnly && domainMatches(u.Hostname(), c.domain)
		fresh := c.expires.IsZero() || c.expires.After(now)
		if host && fresh && pathMatches(u.Path, c.path) &&
			(!c.secure || u.Scheme == "https" || isLoopback(u.Hostname())) {
			match = append(match, c)
		}
	}
	stable.Sort(match, func(a, b storedCookie) int {
		if d := len(b.given) - len(a.given); d != 0 {
			return d
		}
		if d := len(b.name) - len(a.name); d != 0 {
			return d
		}
		return b.made - a.made
	})
	var pairs []string
	for _, c := range match {
		pairs = append(pairs, c.name+"="+c.value)
	}
	return pairs
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		ip != nil && ip.IsLoopback()
}

func domainMatches(host, domain string) bool {
	host = strings.ToLower(host)
	return host == domain || strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}

func defaultPath(u *url.URL) string {
	if i := strings.LastIndexByte(u.Path, '/'); i > 0 {
		return u.Path[:i+1]
	}
	return "/"
}

func pathMatches(path, cookie string) bool {
	if path == "" {
		path = "/"
	}
	rest, ok := strings.CutPrefix(path, cookie)
	return ok && (rest == "" || strings.HasSuffix(cookie, "/") || rest[0] == '/')
}
