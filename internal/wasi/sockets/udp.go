package sockets

import (
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// maxDatagram is the most that a datagram may have, in bytes.
const maxDatagram = 65535

// UDP is a udp-socket. It belongs to the goroutine of the guest.
type UDP struct {
	socket
	bound bool
	// home is where the socket was bound, with the port that the system chose: a peer makes the
	// address that of one interface.
	home Address
	// filtered says that the policy does not allow the address where the socket is bound: only
	// datagrams of peers that it allows are for the guest.
	filtered bool
	peer     *Address
	closed   bool

	// next is a datagram, or an error, that Ready has received.
	next *received

	readable, writable readiness
}

// Datagram is a datagram from a peer.
type Datagram struct {
	Data []byte
	From Address
}

type received struct {
	Datagram
	err error
}

// NewUDP makes a socket.
func (h *Host) NewUDP(v6 bool) (*UDP, error) {
	c, err := h.open(v6, false)
	if err != nil {
		return nil, err
	}
	u := &UDP{socket: socket{conn: c, v6: v6}}
	u.readable = readiness{conn: c, dir: toRead}
	u.writable = readiness{conn: c, dir: toWrite}
	return u, nil
}

// UDP returns u.
func (u *UDP) UDP() *UDP { return u }

// Bind binds the socket. Any address with a port of the system's choice is allowed if the policy
// allows any peer: datagrams of other peers are dropped.
func (u *UDP) Bind(a Address) error {
	if u.bound {
		return InvalidState
	}
	if !a.fits(u.v6) {
		return InvalidArgument
	}
	filtered := !u.host.allowed(a.AddrPort)
	if filtered && a.Port() != 0 {
		return u.host.check(a)
	}
	if err := u.bind(a, false); err != nil {
		return bindError(err)
	}
	u.bound, u.filtered = true, filtered
	var err error
	u.home, err = u.local()
	return coded(err)
}

// bindImplicitly binds a socket that the guest has not bound.
func (u *UDP) bindImplicitly() error {
	if u.bound {
		return nil
	}
	return u.Bind(unspecified(u.v6))
}

// target checks that a datagram can be sent to an address.
func (u *UDP) target(a Address) error {
	if !a.fits(u.v6) || !a.reachable() {
		return InvalidArgument
	}
	return u.host.check(a)
}

// Bound reports whether the socket is bound.
func (u *UDP) Bound() bool { return u.bound }

// Connect makes a the only peer. A socket that is not bound is bound.
func (u *UDP) Connect(a Address) error {
	if err := u.target(a); err != nil {
		return err
	}
	if err := u.bindImplicitly(); err != nil {
		return err
	}
	if u.peer != nil {
		if err := u.Disconnect(); err != nil {
			return err
		}
	}
	if _, err := u.connect(a); err != nil {
		return connectError(err)
	}
	u.peer = &a
	return nil
}

// Disconnect removes the peer. The socket stays bound.
func (u *UDP) Disconnect() error {
	if u.peer == nil {
		return InvalidState
	}
	if err := u.disconnect(); err != nil {
		return coded(err)
	}
	u.peer = nil
	// Systems take the port away, too, if it was theirs to choose.
	if now, err := u.local(); err == nil && now.Port() == 0 {
		if err := u.bind(u.home, false); err != nil {
			return bindError(err)
		}
	}
	return nil
}

// LocalAddress returns where the socket is bound.
func (u *UDP) LocalAddress() (Address, error) {
	if !u.bound {
		return Address{}, InvalidState
	}
	a, err := u.local()
	return a, coded(err)
}

// RemoteAddress returns the peer.
func (u *UDP) RemoteAddress() (Address, error) {
	if u.peer == nil {
		return Address{}, InvalidState
	}
	return *u.peer, nil
}

// Send sends a datagram to an address, or to the peer if that is nil; the error is WouldBlock if it
// has to wait. A socket that is not bound is bound.
func (u *UDP) Send(data []byte, to *Address) error {
	switch {
	case to == nil && u.peer == nil:
		return InvalidArgument
	case u.peer != nil && to != nil && to.AddrPort != u.peer.AddrPort:
		return InvalidArgument
	case u.peer != nil:
		to = nil
	default:
		if err := u.target(*to); err != nil {
			return err
		}
		if err := u.bindImplicitly(); err != nil {
			return err
		}
	}
	if len(data) > maxDatagram {
		return DatagramTooLarge
	}
	err := u.send(data, to)
	if err != nil && wouldBlock(err) {
		return WouldBlock
	}
	return coded(err)
}

// Receive returns a datagram; the error is WouldBlock if there is none, and InvalidState if the
// socket is not bound.
func (u *UDP) Receive() (Datagram, error) {
	if !u.bound {
		return Datagram{}, InvalidState
	}
	if r := u.next; r != nil {
		u.next = nil
		if r.err != nil || u.wants(r.From) { // there may be another peer by now
			return r.Datagram, r.err
		}
	}
	buf := buffers.Get().(*[maxRead]byte)
	defer buffers.Put(buf)
	for {
		n, from, err := u.receive(buf[:])
		switch {
		case err != nil && wouldBlock(err):
			return Datagram{}, WouldBlock
		case err != nil:
			return Datagram{}, coded(err)
		case u.wants(from):
			return Datagram{append([]byte(nil), buf[:n]...), from}, nil
		}
	}
}

// ReceiveAll returns datagrams that are there, up to n, and no more after so many bytes. There may
// be none; an error that comes after some is that of the next call.
func (u *UDP) ReceiveAll(n, size int) (list []Datagram, err error) {
	for ; n > 0 && size > 0; n-- {
		d, err := u.Receive()
		switch {
		case err == WouldBlock:
			return list, nil
		case err != nil && len(list) > 0:
			u.next = &received{err: err}
			return list, nil
		case err != nil:
			return nil, err
		}
		size -= len(d.Data)
		list = append(list, d)
	}
	return list, nil
}

// wants reports whether a datagram from there is for the guest.
func (u *UDP) wants(from Address) bool {
	if u.peer != nil {
		return from.AddrPort == u.peer.AddrPort
	}
	return !u.filtered || u.host.allowed(from.AddrPort)
}

// Incoming returns a Source that is ready when Receive has something.
func (u *UDP) Incoming() wasi.Source { return incoming{u} }

// Outgoing returns a Source that is ready when the system takes a datagram.
func (u *UDP) Outgoing() wasi.Source { return &u.writable }

type incoming struct{ u *UDP }

// Ready reports whether Receive would return something else than WouldBlock.
func (i incoming) Ready() bool {
	u := i.u
	if u.next != nil || !u.bound {
		return true
	}
	if !u.readable.Ready() {
		return false
	}
	if u.peer == nil && !u.filtered {
		return true
	}
	d, err := u.Receive()
	if err == WouldBlock {
		return u.readable.Ready()
	}
	u.next = &received{d, err}
	return true
}

// Subscribe has w woken when Ready may have become true.
func (i incoming) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	return i.u.readable.Subscribe(w)
}

// Close closes the socket.
func (u *UDP) Close() error {
	if !u.closed {
		u.closed = true
		u.release()
	}
	return nil
}
