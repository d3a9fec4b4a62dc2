package explorer

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// isLocalClient reports whether a request comes from this machine, and not through a proxy that
// says otherwise. The client of a socket of the file system has no address.
func isLocalClient(r *http.Request) bool {
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		if !isLoopback(at.Addr()) {
			return false
		}
	} else if r.RemoteAddr != "" && r.RemoteAddr != "@" && !strings.HasPrefix(r.RemoteAddr, "/") {
		return false
	}
	if len(r.Header["Forwarded"]) > 0 {
		return false
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		for _, line := range r.Header[name] {
			for text := range strings.SplitSeq(line, ",") {
				addr, err := netip.ParseAddr(strings.TrimSpace(text))
				if err != nil || !isLoopback(addr) {
					return false
				}
			}
		}
	}
	return true
}

func isLoopback(addr netip.Addr) bool { return addr.Unmap().IsLoopback() }

// isLocalName reports whether a Host, with or without a port, certainly means this machine to a
// browser: any other name may have been made to resolve to it by its owner (DNS rebinding).
func (e *Explorer) isLocalName(host string) bool {
	name := host
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		name = host[:at]
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || // RFC 6761, section 6.3
		slices.Contains(e.options.Names, name) {
		return true
	}
	literal := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	addr, err := netip.ParseAddr(literal)
	return err == nil && addr.Is6() == (len(literal) < len(name)) && isLoopback(addr)
}
