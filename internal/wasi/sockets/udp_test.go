package sockets

import (
	"context"
	"errors"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

func udpPair(t *testing.T, h *Host) (*UDP, *UDP) {
	t.Helper()
	var all []*UDP
	for range 2 {
		u := must[*UDP](t)(h.NewUDP(false))
		ok(t, u.Bind(addr("127.0.0.1:0")))
		all = append(all, u)
	}
	return all[0], all[1]
}

// A socket that loses its peer stays bound where it was, also if the system chose the port.
func TestAPeerComesAndGoes(t *testing.T) {
	h := newTestHost(t, everything)
	a, b := udpPair(t, h)
	u := must[*UDP](t)(h.NewUDP(false))
	wants(t, "disconnect without a peer", u.Disconnect(), InvalidState)
	_, err := u.Receive()
	wants(t, "receive, unbound", err, InvalidState)
	atA, atB := must[Address](t)(a.LocalAddress()), must[Address](t)(b.LocalAddress())
	ok(t, u.Connect(atA)) // binds
	here := must[Address](t)(u.LocalAddress())
	for _, peer := range []Address{atB, atA} {
		ok(t, u.Connect(peer))
		if got := must[Address](t)(u.RemoteAddress()); got != peer {
			t.Errorf("the peer is %v, want %v", got, peer)
		}
	}
	wants(t, "send to another", u.Send(nil, &atB), InvalidArgument)
	ok(t, u.Send([]byte("to the peer"), &atA))
	await(t, a.Incoming())
	d := must[Datagram](t)(a.Receive())
	if string(d.Data) != "to the peer" || d.From.Port() != here.Port() {
		t.Errorf("%q from %v, want port %d", d.Data, d.From, here.Port())
	}
	ok(t, u.Disconnect())
	if now := must[Address](t)(u.LocalAddress()); !now.Addr().IsUnspecified() {
		t.Errorf("bound at %v, not on every interface", now)
	}
	if now := must[Address](t)(u.LocalAddress()); now.Port() != here.Port() {
		t.Errorf("bound at %v, was at %v", now, here)
	}
	wants(t, "send to nobody", u.Send(nil, nil), InvalidArgument)
}

// Datagrams that were queued before there was a peer are not for the guest, and those of others
// never are.
func TestOnlyThePeerIsHeard(t *testing.T) {
	h := newTestHost(t, everything)
	a, b := udpPair(t, h)
	u := must[*UDP](t)(h.NewUDP(false))
	ok(t, u.Bind(addr("127.0.0.1:0")))
	here := must[Address](t)(u.LocalAddress())
	ok(t, b.Send([]byte("stranger"), &here))
	ok(t, u.Connect(must[Address](t)(a.LocalAddress())))
	if u.Incoming().Ready() {
		t.Error("ready for what is not from the peer")
	}
	ok(t, a.Send([]byte{}, &here))
	await(t, u.Incoming())
	await(t, u.Incoming())
	if d := must[Datagram](t)(u.Receive()); len(d.Data) != 0 {
		t.Errorf("received %q", d.Data)
	}
	_, err := u.Receive()
	wants(t, "another", err, WouldBlock)
}

// A peer that is not there is an error of a later call, and one of the size is at once.
func TestErrorsOfDatagrams(t *testing.T) {
	h := newTestHost(t, everything)
	a, gone := udpPair(t, h)
	to := must[Address](t)(gone.LocalAddress())
	ok(t, gone.Close())
	ok(t, a.Connect(to))
	ok(t, a.Send([]byte("x"), nil))
	await(t, a.Incoming())
	_, err := a.Receive()
	wants(t, "receive", err, ConnectionRefused)
	for _, size := range []int{65535, 65536, 1 << 20} {
		wants(t, "large", a.Send(make([]byte, size), nil), DatagramTooLarge)
	}
}

// An error that comes after datagrams is reported once they have been received.
func TestAnErrorAfterDatagramsIsNotLost(t *testing.T) {
	h := newTestHost(t, everything)
	a, peer := udpPair(t, h)
	here, there := must[Address](t)(a.LocalAddress()), must[Address](t)(peer.LocalAddress())
	ok(t, a.Connect(there))
	ok(t, peer.Send([]byte("last words"), &here))
	await(t, a.Incoming()) // receives them
	ok(t, peer.Close())
	ok(t, a.Send([]byte("x"), nil))
	await(t, &a.readable)
	list := must[[]Datagram](t)(a.ReceiveAll(16, 1000))
	if len(list) != 1 || string(list[0].Data) != "last words" {
		t.Errorf("received %q", list)
	}
	if !a.Incoming().Ready() {
		t.Error("nothing to wait for, though there is an error")
	}
	_, err := a.ReceiveAll(16, 1000)
	wants(t, "then", err, ConnectionRefused)
	if list := must[[]Datagram](t)(a.ReceiveAll(16, 1000)); len(list) != 0 {
		t.Errorf("received %q", list)
	}
}

// What waits of a peer that was replaced is not received.
func TestAReplacedPeerIsNotHeard(t *testing.T) {
	h := newTestHost(t, everything)
	a, b := udpPair(t, h)
	u := must[*UDP](t)(h.NewUDP(false))
	ok(t, u.Connect(must[Address](t)(a.LocalAddress())))
	here := must[Address](t)(u.LocalAddress())
	ok(t, a.Send([]byte("old"), &here))
	await(t, u.Incoming())
	ok(t, u.Connect(must[Address](t)(b.LocalAddress())))
	_, err := u.Receive()
	wants(t, "receive", err, WouldBlock)
	if u.Incoming().Ready() {
		t.Error("ready for what is not from the peer")
	}
}

// TestAGuestWaitsByItself waits for what comes, beside another that waits for the same, and until
// the guest is to end.
func TestAGuestWaitsByItself(t *testing.T) {
	h := newTestHost(t, everything)
	s, c := pair(t, h)
	in := must[*TCPInput](t)(s.Input())
	defer in.Close()
	other := wasi.NewWaiter()
	defer in.Subscribe(other)()
	for range 100 {
		sent := make(chan error, 1)
		go func() {
			_, err := c.Write([]byte("x"))
			sent <- err
		}()
		await(t, in)
		if p, err := in.Read(10); string(p) != "x" || err != nil {
			t.Fatalf("%q, %v", p, err)
		}
		ok(t, <-sent)
	}
	u, _ := udpPair(t, h)
	stopped := errors.New("stopped")
	for _, src := range []wasi.Source{in, u.Incoming()} {
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- wasi.Await(ctx, src) }()
		cancel(stopped)
		if err := <-ended; !errors.Is(err, stopped) {
			t.Errorf("%v, want %v", err, stopped)
		}
	}
}
