package host

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
	"github.com/wasihttp/wasihttp/wasi"
)

// networkHint is how a rule is written.
const networkHint = "write an address, a network such as 10.0.0.0/8, a host or *.host, " +
	"each with or without :port, IPv6 with a port as [::1]:5432"

// ParseNetworkRule parses a rule for guests' sockets: an address, a network (CIDR), a host, or
// *.host for the names below it, each optionally with :port to allow only that port. IPv6 is in
// brackets before a port. The error is a *PatternError.
func ParseNetworkRule(text string) (wasi.NetworkRule, error) {
	var r wasi.NetworkRule
	bad := func(format string, args ...any) (wasi.NetworkRule, error) {
		return r, &PatternError{Text: text, Problem: fmt.Sprintf(format, args...),
			Hint: networkHint}
	}
	rest, port := cutPort(text)
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("has no valid port")
		}
		r.Port = uint16(n)
	}
	if inner, ok := strings.CutPrefix(rest, "["); ok {
		if rest, ok = strings.CutSuffix(inner, "]"); !ok {
			return bad("is not an address in brackets")
		}
		if !strings.Contains(rest, ":") {
			return bad("is not an IPv6 address in brackets")
		}
	}
	if strings.Contains(rest, "/") {
		p, err := netip.ParsePrefix(rest)
		if err != nil || p.Addr().Is4In6() {
			return bad("is not a network")
		}
		r.Prefix = p.Masked()
		return r, nil
	}
	if a, err := netip.ParseAddr(rest); err == nil {
		if a.Zone() != "" {
			return bad("has a zone: rules are for addresses in every zone")
		}
		a = a.Unmap()
		r.Prefix = netip.PrefixFrom(a, a.BitLen())
		return r, nil
	}
	rest, r.Subdomains = strings.CutPrefix(rest, "*.")
	name, err := sockets.CanonicalName(rest)
	if err != nil {
		return bad("is not an address, a network or a host")
	}
	r.Name = name
	return r, nil
}

// cutPort splits off what follows the last colon, unless the text is an IPv6 address or network
// alone.
func cutPort(text string) (rest, port string) {
	if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return text, ""
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.HasSuffix(text, "]") {
		return text, ""
	}
	if port = text[i+1:]; port == "" {
		port = "none" // no number: a colon promises one
	}
	return text[:i], port
}
