package sockets

import "net/netip"

// Address is an ip-socket-address.
type Address struct {
	// AddrPort has no zone.
	netip.AddrPort
	// Flow and Scope are those of IPv6. The flow is not passed on to the system.
	Flow, Scope uint32
}

// unspecified is where a socket is bound that the guest has not bound.
func unspecified(v6 bool) Address {
	ip := netip.IPv4Unspecified()
	if v6 {
		ip = netip.IPv6Unspecified()
	}
	return Address{AddrPort: netip.AddrPortFrom(ip, 0)}
}

// fits reports whether a socket of the family can have the address: of the same family, and neither
// an IPv4-mapped nor an IPv4-compatible one.
func (a Address) fits(v6 bool) bool {
	ip := a.Addr()
	if ip.Is4() {
		return !v6
	}
	return v6 && !ip.Is4In6() && !compatible(ip)
}

// compatible reports whether ip is an IPv4-compatible IPv6 address (RFC 4291, section 2.5.5.1),
// which :: and ::1 are not.
func compatible(ip netip.Addr) bool {
	b := ip.As16()
	for _, x := range b[:12] {
		if x != 0 {
			return false
		}
	}
	return b[12] != 0 || b[13] != 0 || b[14] != 0 || b[15] > 1
}

// unicast reports whether a connection can have the address.
func (a Address) unicast() bool {
	ip := a.Addr()
	return !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// reachable reports whether the address can be that of a peer.
func (a Address) reachable() bool { return !a.Addr().IsUnspecified() && a.Port() != 0 }
