package curl

import (
	"net/http"
	"strings"
)

// FromBrowser reports whether a header field of a request is one in which browsers describe
// themselves and how the page asks, and on which responses hardly ever depend. The name is in lower
// case.
func FromBrowser(name string) bool {
	switch name {
	case "dnt", "priority", "purpose", "save-data", "upgrade-insecure-requests":
		return true
	}
	return strings.HasPrefix(name, "sec-ch-") || strings.HasPrefix(name, "sec-fetch-") ||
		name == "sec-gpc" || name == "sec-purpose"
}

// Deliberate returns the fields of a request that are about this request, without those that the
// program which sent it adds to all requests: a browser, a library, or curl itself. A browser's
// language, cache and page are left out, too; from other programs, somebody has set them.
func Deliberate(h http.Header) http.Header {
	browser := strings.HasPrefix(h.Get("User-Agent"), "Mozilla/")
	for name := range h {
		browser = browser || FromBrowser(strings.ToLower(name))
	}
	kept := make(http.Header, len(h))
	for name, values := range h {
		if !isAdded(strings.ToLower(name), values, browser) {
			kept[name] = values
		}
	}
	return kept
}

// isAdded reports whether a program adds a field to all of its requests.
func isAdded(name string, values []string, browser bool) bool {
	value := strings.ToLower(strings.Join(values, ", "))
	switch name {
	case "user-agent", "accept-encoding":
		return true
	case "connection":
		return value == "keep-alive" || value == "close"
	case "accept":
		return value == "*/*" || browser && strings.HasPrefix(value, "text/html,")
	case "accept-language", "referer":
		return browser
	case "cache-control":
		return browser && (value == "max-age=0" || value == "no-cache")
	case "pragma":
		return browser && value == "no-cache"
	}
	return FromBrowser(name)
}
