package wasi

import (
	"context"
	"net/netip"
	"strings"
)

// DefaultMaxSockets is the default of Network.MaxSockets.
const DefaultMaxSockets = 10_000

// Network is a policy for the sockets of guests. The zero value and nil allow nothing. It must not
// change once a State uses it, and may be shared by many.
type Network struct {
	// All allows every address and name, whatever Rules says.
	All bool
	// Rules allow addresses, to be bound to and to be reached, and names, to be looked up.
	Rules []NetworkRule
	// MaxSockets limits the sockets that are open in one State; 0 means DefaultMaxSockets.
	MaxSockets int
	// Lookup replaces the system's resolver, for tests.
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)
	// Refused, unless nil, is called whenever the policy refuses something to a guest, with what
	// would have to be allowed: host:port or a name. Any goroutine calls it.
	Refused func(target string)
}

// NetworkRule allows the addresses of a prefix, or names and the addresses that look-ups of these
// names have returned to the same State.
type NetworkRule struct {
	// Prefix holds the allowed addresses, not IPv4-mapped; the zero value if the rule is for names.
	Prefix netip.Prefix
	// Name is in lower case, in its ASCII form and without the dot of the root.
	Name string
	// Subdomains reports whether the rule is for the names below Name instead of Name itself.
	Subdomains bool
	// Port is the only port that the rule allows; 0 for all.
	Port uint16
}

// Allows reports whether the policy allows anything.
func (n *Network) Allows() bool { return n != nil && (n.All || len(n.Rules) > 0) }

// MatchName reports whether the rule is for a name, which is written as Name is.
func (r *NetworkRule) MatchName(name string) bool {
	switch {
	case r.Name == "":
		return false
	case r.Subdomains:
		return strings.HasSuffix(name, "."+r.Name)
	}
	return name == r.Name
}

// MatchPort reports whether the rule is for a port.
func (r *NetworkRule) MatchPort(port uint16) bool { return r.Port == 0 || r.Port == port }
