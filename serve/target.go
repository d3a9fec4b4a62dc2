package serve

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// invalid returns what is wrong with a request that net/http accepted; "" if nothing is. hostless
// says that the request has no Host header.
func invalid(r *http.Request, hostless bool) string {
	switch {
	case hostless:
		return "missing required Host header" // RFC 9112, section 3.2
	case !validTarget(r):
		return "invalid request target"
	case !validHost(r.Host):
		return "invalid Host" // RFC 9110, section 7.2
	}
	return ""
}

// validTarget reports whether the target has the form that its method requires (RFC 9112, section
// 3.2). It also accepts a CONNECT in absolute form, because some programs send one.
func validTarget(r *http.Request) bool {
	switch {
	case r.RequestURI == "*":
		return r.Method == http.MethodOptions
	case strings.Contains(r.RequestURI, "://") && !strings.HasPrefix(r.RequestURI, "/"):
		return r.URL.Host != ""
	case r.Method != http.MethodConnect:
		return strings.HasPrefix(r.RequestURI, "/")
	}
	_, port, err := net.SplitHostPort(r.RequestURI)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 // RFC 9110, section 9.3.6
}

// validHost reports whether a Host is a host with or without a port (RFC 3986, section 3.2). An
// empty Host is valid.
func validHost(host string) bool {
	name, port := splitHost(host)
	if strings.TrimLeft(port, "0123456789") != "" {
		return false
	}
	if literal, ok := strings.CutPrefix(name, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		// Versions to come begin with a v (RFC 3986, section 3.2.2).
		return ok && (isAddress6(literal) || strings.HasPrefix(literal, "v"))
	}
	return hostBytes.has(name)
}

// isAddress6 reports whether text is an address of IPv6, perhaps with a zone (RFC 6874).
func isAddress6(text string) bool {
	addr, err := netip.ParseAddr(strings.Replace(text, "%25", "%", 1))
	return err == nil && addr.Is6()
}

// splitHost takes a port off a host. What is no port stays where it is.
func splitHost(host string) (name, port string) {
	at := strings.LastIndexByte(host, ':')
	if at < 0 || strings.HasSuffix(host, "]") {
		return host, ""
	}
	return host[:at], host[at+1:]
}

// isOwn reports whether a Host certainly names this server: an address, localhost, or a name in
// allowed, which holds names in the form of canonicalName. The owner of any other name may have
// made it resolve to this machine, so that a page from there can read responses meant for the user
// (DNS rebinding).
func isOwn(host string, allowed []string) bool {
	name, _ := splitHost(host)
	name = canonicalName(name)
	if name == "" {
		return true // then it is the address of the connection
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true // RFC 6761, section 6.3
	}
	// An address of IPv6 has brackets.
	if literal, ok := strings.CutPrefix(name, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		return ok && isAddress6(literal)
	}
	if '0' <= name[0] && name[0] <= '9' {
		if addr, err := netip.ParseAddr(name); err == nil {
			return addr.Is4()
		}
	}
	for _, own := range allowed {
		if name == own {
			return true
		}
	}
	return false
}

// canonicalName returns the same text for names of the same host: in lower case and without a dot
// at the end.
func canonicalName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
