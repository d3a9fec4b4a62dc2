package testrunner

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/fixture"
)

// cookieStore keeps the cookies of one run of a file (RFC 6265, section 5).
type cookieStore struct {
	mu      sync.Mutex
	cookies []storedCookie
	made    int // counts cookies, to know which is newer
}

type storedCookie struct {
	name, value, domain, path string
	hostOnly, secure          bool
	expires                   time.Time // zero: with the store
	made                      int
}

// update takes in the Set-Cookie fields of an answer.
func (s *cookieStore) update(u *url.URL, headers fixture.Fields, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range headers {
		if strings.EqualFold(f.Name, "Set-Cookie") {
			s.set(u, f.Value, now)
		}
	}
}

// set takes in one Set-Cookie field. The lock is held.
func (s *cookieStore) set(u *url.URL, field string, now time.Time) {
	pair, _, _ := strings.Cut(field, ";")
	name, value, ok := strings.Cut(pair, "=")
	parsed, err := http.ParseSetCookie(field)
	if !ok || err != nil && parsed == nil && strings.TrimSpace(name) == "" {
		return
	}
	c := storedCookie{name: strings.TrimSpace(name), value: strings.TrimSpace(value), domain: u.Hostname(), hostOnly: true, path: defaultPath(u)}
	if parsed != nil {
		if domain := strings.ToLower(strings.TrimPrefix(parsed.Domain, ".")); domain != "" {
			if !domainMatches(u.Hostname(), domain) {
				return
			}
			c.domain, c.hostOnly = domain, false
		}
		if strings.HasPrefix(parsed.Path, "/") {
			c.path = parsed.Path
		}
		c.secure = parsed.Secure
		switch {
		case parsed.MaxAge < 0:
			c.expires = time.Unix(1, 0)
		case parsed.MaxAge > 0:
			c.expires = now.Add(time.Duration(parsed.MaxAge) * time.Second)
		case !parsed.Expires.IsZero():
			c.expires = parsed.Expires
		}
	}
	s.put(c, now)
}

// put replaces the cookie of the same name, domain and path. The lock is held.
func (s *cookieStore) put(c storedCookie, now time.Time) {
	s.cookies = slices.DeleteFunc(s.cookies, func(old storedCookie) bool {
		return old.name == c.name && old.domain == c.domain && old.path == c.path
	})
	if !c.expires.IsZero() && !c.expires.After(now) {
		return
	}
	s.made++
	c.made = s.made
	s.cookies = append(s.cookies, c)
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
	c := storedCookie{domain: strings.TrimPrefix(f[0], "."), hostOnly: f[1] != "TRUE", path: f[2], secure: f[3] == "TRUE", name: f[5], value: f[6]}
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
		host := c.hostOnly && strings.EqualFold(u.Hostname(), c.domain) || !c.hostOnly && domainMatches(u.Hostname(), c.domain)
		fresh := c.expires.IsZero() || c.expires.After(now)
		if host && fresh && pathMatches(u.Path, c.path) && (!c.secure || u.Scheme == "https" || isLoopback(u.Hostname())) {
			match = append(match, c)
		}
	}
	slices.SortStableFunc(match, func(a, b storedCookie) int {
		if d := len(b.path) - len(a.path); d != 0 {
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
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func domainMatches(host, domain string) bool {
	host = strings.ToLower(host)
	return host == domain || strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}

func defaultPath(u *url.URL) string {
	if i := strings.LastIndexByte(u.Path, '/'); i > 0 {
		return u.Path[:i]
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
