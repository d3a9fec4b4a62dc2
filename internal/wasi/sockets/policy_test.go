package sockets

import (
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Without a policy there is nothing: no socket and no look-up, not even of an address.
func TestNothingIsAllowedByDefault(t *testing.T) {
	for name, policy := range map[string]*wasi.Network{"nil": nil, "zero": {}} {
		h := newTestHost(t, policy)
		_, err := h.NewTCP(false)
		wants(t, name+": TCP", err, AccessDenied)
		_, err = h.NewUDP(true)
		wants(t, name+": UDP", err, AccessDenied)
		_, err = h.Lookup("localhost")
		wants(t, name+": look-up", err, PermanentFailure)
		_, err = h.Lookup("127.0.0.1")
		wants(t, name+": look-up of an address", err, PermanentFailure)
	}
}

// What no rule allows is refused wherever an address comes in, and told as it would be allowed.
func TestEveryAddressIsHeldToTheRules(t *testing.T) {
	_, at := listener(t)
	config := &net.ListenConfig{}
	other := must[net.PacketConn](t)(config.ListenPacket(t.Context(), "udp", "127.0.0.1:0"))
	defer other.Close()
	foreign := addr(other.LocalAddr().String())
	var refused []string
	policy := &wasi.Network{
		Rules:   []wasi.NetworkRule{rule("127.0.0.1/32", at.Port()), rule("127.9.0.0/16", 0)},
		Refused: func(target string) { refused = append(refused, target) },
	}
	h := newTestHost(t, policy)
	tcp := func() *TCP { return must[*TCP](t)(h.NewTCP(false)) }
	udp := func() *UDP { return must[*UDP](t)(h.NewUDP(false)) }
	bound := udp()
	ok(t, bound.Bind(addr("127.0.0.1:0")))
	connected := udp()
	ok(t, connected.Connect(at))
	for what, err := range map[string]error{
		"TCP bind":                   tcp().Bind(addr("127.0.0.1:0")),
		"TCP bind anywhere":          tcp().Bind(addr("0.0.0.0:0")),
		"TCP implicit bind":          tcp().Listen(true),
		"TCP connect":                tcp().Connect(foreign),
		"TCP connect, other address": tcp().Connect(addr("127.0.0.2:1")),
		"UDP bind":                   udp().Bind(foreign),
		"UDP connect":                udp().Connect(foreign),
		"UDP connect when bound":     bound.Connect(foreign),
		"UDP send":                   udp().Send(nil, &foreign),
		"UDP send when bound":        bound.Send(nil, &foreign),
		"UDP connect anew":           connected.Connect(foreign),
	} {
		wants(t, what, err, AccessDenied)
	}
	slices.Sort(refused)
	want := slices.Repeat([]string{foreign.String()}, 7)
	want = append(want, "0.0.0.0:0", "0.0.0.0:0", "127.0.0.1:0", "127.0.0.2:1")
	slices.Sort(want)
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Error(diff)
	}
	if a, err := connected.RemoteAddress(); err != nil || a != at {
		t.Errorf("the peer is %v, %v after a refusal", a, err)
	}
	// And what a rule allows is not refused.
	ok(t, tcp().Bind(addr("127.9.8.7:0")))
	ok(t, bound.Send([]byte("x"), &at))
	connect(t, h, at)
}

// A socket of UDP may be bound to a port of the system's choice if the policy allows any peer, and
// gets nothing from others.
func TestAFilteredSocketReceivesOnlyFromAllowedPeers(t *testing.T) {
	ctx := t.Context()
	config := &net.ListenConfig{}
	friend := must[net.PacketConn](t)(config.ListenPacket(ctx, "udp", "127.0.0.1:0"))
	stranger := must[net.PacketConn](t)(config.ListenPacket(ctx, "udp", "127.0.0.1:0"))
	defer friend.Close()
	defer stranger.Close()
	at := addr(friend.LocalAddr().String())
	h := newTestHost(t, &wasi.Network{Rules: []wasi.NetworkRule{rule("127.0.0.1/32", at.Port())}})
	u := must[*UDP](t)(h.NewUDP(false))
	ok(t, u.Bind(addr("127.0.0.1:0")))
	here := must[Address](t)(u.LocalAddress())
	for _, c := range []net.PacketConn{stranger, stranger, friend} {
		_, err := c.WriteTo([]byte(c.LocalAddr().String()), net.UDPAddrFromAddrPort(here.AddrPort))
		ok(t, err)
	}
	await(t, u.Incoming())
	d := must[Datagram](t)(u.Receive())
	if d.From != at || string(d.Data) != at.String() {
		t.Errorf("%q from %v", d.Data, d.From)
	}
	_, err := u.Receive()
	wants(t, "another", err, WouldBlock)
	if u.Incoming().Ready() {
		t.Error("ready without a datagram that is allowed")
	}
}

// A name grants the addresses that its look-ups gave this guest, and no other guest.
func TestANameAllowsTheAddressesOfItsLookUps(t *testing.T) {
	_, at := listener(t)
	policy := &wasi.Network{
		Rules: []wasi.NetworkRule{
			{Name: "db.example", Port: at.Port()},
			{Name: "example.org", Subdomains: true},
		},
		Lookup: resolver(map[string][]string{
			"db.example": {"::ffff:127.0.0.1", "127.0.0.1", "2001:db8::1"}, "example.org": {"127.0.0.3"},
			"a.example.org": {"127.0.0.4"}, "b.a.example.org": {"127.0.0.5"}, "none.example.org": {},
		}),
	}
	h, other := newTestHost(t, policy), newTestHost(t, policy)
	for _, name := range []string{"example.org", "xdb.example", "a.db.example", "xexample.org"} {
		_, err := h.Lookup(name)
		wants(t, name, err, AccessDenied)
	}
	_, err := lookUp(t, h, "none.example.org")
	wants(t, "none.example.org", err, NameUnresolvable)
	s := must[*TCP](t)(h.NewTCP(false))
	wants(t, "before the look-up", s.Connect(at), AccessDenied)
	found, err := lookUp(t, h, "DB.example.")
	ok(t, err)
	if len(found) != 2 || found[0] != at.Addr() || found[1] != addr("[2001:db8::1]:1").Addr() {
		t.Errorf("found %v", found)
	}
	ok(t, s.Connect(at))
	wants(t, "another port", must[*TCP](t)(h.NewTCP(false)).Connect(addr("127.0.0.1:1")), AccessDenied)
	wants(t, "another guest", must[*TCP](t)(other.NewTCP(false)).Connect(at), AccessDenied)
	for _, name := range []string{"a.example.org", "b.a.example.org"} {
		_, err := lookUp(t, h, name)
		ok(t, err)
	}
	u := must[*UDP](t)(h.NewUDP(false))
	for to, allowed := range map[string]bool{
		"127.0.0.3:9": false, "127.0.0.4:9": true, "127.0.0.5:9": true,
	} {
		a := addr(to)
		if err := u.Send([]byte("x"), &a); (err == nil) != allowed {
			t.Errorf("send to %s: %v", to, err)
		}
	}
	if a, err := lookUp(t, h, "[2001:db8::7]"); err != nil || a[0] != addr("[2001:db8::7]:1").Addr() {
		t.Errorf("an address is %v, %v", a, err)
	}
	wants(t, "an address that was looked up as such",
		must[*TCP](t)(h.NewTCP(true)).Connect(addr("[2001:db8::7]:80")), AccessDenied)
}
