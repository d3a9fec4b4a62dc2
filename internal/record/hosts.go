package record

import (
	"net"
	"net/url"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
)

// hosts are the authorities whose requests are the program's own.
type hosts struct {
	list  []authority
	names []string // as a person writes them
}

// authority is the host of a URL and its port. Hosts of this machine are all
// called "localhost", the default ports of http and https "".
type authority struct{ host, port string }

// ownHosts returns the hosts that are named, NAME or NAME:PORT. If none are, it
// returns the one of the first exchange with this machine, else that of the
// first one.
func ownHosts(named []string, list []fixture.Exchange) hosts {
	var h hosts
	for _, name := range named {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			host, port = strings.Trim(name, "[]"), "*"
		}
		h.add(name, authorityOf(host, port))
	}
	if len(h.list) > 0 {
		return h
	}
	for i := range list {
		u, err := url.Parse(list[i].Request.URL)
		if err != nil {
			continue
		}
		if a := authorityOf(u.Hostname(), u.Port()); len(h.list) == 0 || a.host == "localhost" {
			h = hosts{}
			h.add(u.Host, a)
			if a.host == "localhost" {
				break
			}
		}
	}
	return h
}

func (h *hosts) add(name string, a authority) {
	h.list, h.names = append(h.list, a), append(h.names, name)
}

func authorityOf(host, port string) authority {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	if port == "80" || port == "443" {
		port = ""
	}
	return authority{host, port}
}

// has reports whether a URL is one of these hosts.
func (h *hosts) has(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	a := authorityOf(u.Hostname(), u.Port())
	for _, own := range h.list {
		if own.host == a.host && (own.port == a.port || own.port == "*") {
			return true
		}
	}
	return false
}
