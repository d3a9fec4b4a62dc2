package sockets

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// newTestHost returns a Host that a test's end closes, and finds what it leaves open.
func newTestHost(t *testing.T, policy *wasi.Network) *Host {
	t.Helper()
	h := newHost(policy)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if n := h.Open(); n != 0 {
			t.Errorf("%d sockets are open after Close", n)
		}
	})
	return h
}

var everything = &wasi.Network{All: true}

func addr(text string) Address { return Address{AddrPort: netip.MustParseAddrPort(text)} }

// rule returns a rule for an address or a network.
func rule(prefix string, port uint16) wasi.NetworkRule {
	return wasi.NetworkRule{Prefix: netip.MustParsePrefix(prefix), Port: port}
}

// must returns v if err is nil.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails the test unless err has that code.
func wants(t *testing.T, what string, err error, want Code) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func await(t *testing.T, s wasi.Source) {
	t.Helper()
	ok(t, wasi.Await(t.Context(), s))
}

// listener returns a listener of the machine's, and its address.
func listener(t *testing.T) (net.Listener, Address) {
	t.Helper()
	l := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	t.Cleanup(func() { _ = l.Close() }) // it may be closed
	return l, addr(l.Addr().String())
}

// connect returns a connected socket.
func connect(t *testing.T, h *Host, to Address) *TCP {
	t.Helper()
	s := must[*TCP](t)(h.NewTCP(to.Addr().Is6()))
	ok(t, s.Connect(to))
	await(t, s)
	ok(t, s.FinishConnect())
	return s
}

// pair returns both ends of a connection, the second one the machine's.
func pair(t *testing.T, h *Host) (*TCP, *net.TCPConn) {
	t.Helper()
	l, at := listener(t)
	s := connect(t, h, at)
	c := must[net.Conn](t)(l.Accept())
	t.Cleanup(func() { _ = c.Close() }) // it may be closed
	return s, c.(*net.TCPConn)
}

// names returns a resolver of these names alone.
func resolver(known map[string][]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, name string) (found []netip.Addr, err error) {
		for _, a := range known[name] {
			found = append(found, netip.MustParseAddr(a))
		}
		if found == nil {
			err = &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		}
		return found, err
	}
}

// lookUp returns what a look-up gives.
func lookUp(t *testing.T, h *Host, name string) ([]netip.Addr, error) {
	t.Helper()
	l, err := h.Lookup(name)
	if err != nil {
		return nil, err
	}
	await(t, l)
	return l.All()
}
