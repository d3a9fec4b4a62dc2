package sockets

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	// maxLookups is how many look-ups of one guest may be under way.
	maxLookups = 256
	maxName    = 253 // bytes (RFC 1035)
	maxLabel   = 63
)

// Lookup is a look-up of a name. It is a wasi.Source that is ready when the look-up has ended.
type Lookup struct {
	cancel context.CancelFunc
	wasi.Event

	mu    sync.Mutex
	done  bool
	addrs []netip.Addr
	err   error
}

// Lookup starts to look a name up. An address is a name for itself. For names that the policy does
// not allow, the error is AccessDenied, or PermanentFailure if the policy allows nothing.
func (h *Host) Lookup(name string) (*Lookup, error) {
	addr, name, err := parseName(name)
	if err != nil {
		return nil, err
	}
	if !h.policy.Allows() {
		h.refused("*")
		return nil, PermanentFailure
	}
	if addr.IsValid() {
		return &Lookup{cancel: func() {}, done: true, addrs: []netip.Addr{addr}}, nil
	}
	rules := h.rulesFor(name)
	if !h.policy.All && len(rules) == 0 {
		h.refused(name)
		return nil, AccessDenied
	}
	h.uses(wasi.UseNetwork, name, false)
	if name == "invalid" || strings.HasSuffix(name, ".invalid") { // RFC 6761, section 6.4
		return nil, NameUnresolvable
	}
	ctx, cancel := context.WithCancel(h.ctx)
	l := &Lookup{cancel: cancel}
	if !h.beginLookup() {
		cancel()
		return nil, TemporaryFailure
	}
	ok := h.goWork(func() {
		defer h.endLookup()
		l.set(h.resolve(ctx, name, rules))
	})
	if !ok {
		cancel()
		h.endLookup()
		return nil, TemporaryFailure
	}
	return l, nil
}

func (h *Host) beginLookup() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lookups >= maxLookups {
		return false
	}
	h.lookups++
	return true
}

func (h *Host) endLookup() {
	h.mu.Lock()
	h.lookups--
	h.mu.Unlock()
}

// rulesFor returns the indices of the rules that are for a name.
func (h *Host) rulesFor(name string) (rules []int) {
	for i := range h.policy.Rules {
		if h.policy.Rules[i].MatchName(name) {
			rules = append(rules, i)
		}
	}
	return rules
}

// resolve asks the system, and grants the addresses to the rules.
func (h *Host) resolve(ctx context.Context, name string, rules []int) ([]netip.Addr, error) {
	lookup := h.policy.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	found, err := lookup(ctx, name)
	if err != nil {
		return nil, lookupCode(err)
	}
	seen := map[netip.Addr]struct{}{}
	var addrs []netip.Addr
	for _, a := range found {
		a = a.Unmap().WithZone("")
		if _, ok := seen[a]; !ok {
			seen[a] = struct{}{}
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, NameUnresolvable
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, i := range rules {
		if h.granted[i] == nil {
			h.granted[i] = map[netip.Addr]struct{}{}
		}
		for _, a := range addrs {
			h.granted[i][a] = struct{}{}
		}
	}
	return addrs, nil
}

func (l *Lookup) set(addrs []netip.Addr, err error) {
	l.cancel()
	l.mu.Lock()
	l.done, l.addrs, l.err = true, addrs, err
	l.mu.Unlock()
	l.Wake()
}

// Ready reports whether the look-up has ended.
func (l *Lookup) Ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// Subscribe wakes w when the look-up ends.
func (l *Lookup) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	stop := l.Event.Subscribe(w)
	if l.Ready() {
		w.Wake()
	}
	return stop
}

// Next takes an address; an invalid one stands for the end. The error is WouldBlock while the
// look-up goes on.
func (l *Lookup) Next() (netip.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.done:
		return netip.Addr{}, WouldBlock
	case l.err != nil:
		return netip.Addr{}, l.err
	case len(l.addrs) == 0:
		return netip.Addr{}, nil
	}
	a := l.addrs[0]
	l.addrs = l.addrs[1:]
	return a, nil
}

// All returns all addresses once the look-up has ended.
func (l *Lookup) All() ([]netip.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done {
		return nil, WouldBlock
	}
	return l.addrs, l.err
}

// Close ends the look-up.
func (l *Lookup) Close() error {
	l.cancel()
	return nil
}

// CanonicalName returns a name as rules have it: in lower case and ASCII, without the dot of the
// root. The error is InvalidArgument for what cannot be a name, such as an address.
func CanonicalName(text string) (string, error) {
	addr, name, err := parseName(text)
	if err == nil && addr.IsValid() {
		err = InvalidArgument
	}
	return name, err
}

// names converts names with letters beyond ASCII (UTS 46). Underscores, which names of services
// have, are fine.
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false),
	idna.Transitional(false))

// parseName returns an address, or the name in lower case and ASCII, without the dot of the root.
func parseName(text string) (netip.Addr, string, error) {
	literal := text
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if literal, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(literal, ":") {
			return netip.Addr{}, "", InvalidArgument
		}
	}
	if a, err := netip.ParseAddr(literal); err == nil {
		if a.Zone() != "" {
			return netip.Addr{}, "", InvalidArgument // an ip-address has none
		}
		return a.Unmap(), "", nil
	}
	name, err := names.ToASCII(text)
	if err != nil || !utf8.ValidString(text) {
		return netip.Addr{}, "", InvalidArgument
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if !validName(name) {
		return netip.Addr{}, "", InvalidArgument
	}
	return netip.Addr{}, name, nil
}

// validName reports whether a name can be looked up. One that ends in a number would be an address
// to some resolvers and a name to others.
func validName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return !numeric(label)
}

// numeric reports whether a label is a number, decimal or hexadecimal.
func numeric(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	return strings.TrimLeft(digits, "0123456789") == "" ||
		hex && strings.TrimLeft(digits, "0123456789abcdef") == ""
}
