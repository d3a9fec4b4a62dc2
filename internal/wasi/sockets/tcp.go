package sockets

import (
	"math"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	// defaultBacklog is how many connections wait to be accepted unless the guest says so.
	defaultBacklog = 128
	// acceptPause is how long a listener pauses after it could not accept for want of descriptors.
	acceptPause = 100 * time.Millisecond
)

type tcpState byte

const (
	tcpUnbound tcpState = iota
	tcpBound
	tcpListening
	tcpConnecting
	tcpConnected
	tcpClosed
)

// TCP is a tcp-socket. It belongs to the goroutine of the guest.
type TCP struct {
	socket
	state   tcpState
	backlog int
	// remote is the peer, which systems forget when the connection is over.
	remote Address
	// failed is why the socket is closed before the guest closes it.
	failed error
	closed bool // by the guest

	readable, writable readiness
	out                *TCPOutput
	receiving, sending bool // the streams are taken

	pausedUntil time.Time // a listener's rest
}

// NewTCP makes a socket.
func (h *Host) NewTCP(v6 bool) (*TCP, error) {
	c, err := h.open(v6, true)
	if err != nil {
		return nil, err
	}
	return newTCP(c, v6), nil
}

func newTCP(c *conn, v6 bool) *TCP {
	t := &TCP{socket: socket{conn: c, v6: v6}, backlog: defaultBacklog}
	t.readable = readiness{conn: c, dir: toRead}
	t.writable = readiness{conn: c, dir: toWrite}
	return t
}

// TCP returns t.
func (t *TCP) TCP() *TCP { return t }

// in returns an error unless the socket is in one of the states.
func (t *TCP) in(states ...tcpState) error {
	for _, s := range states {
		if t.state == s {
			return nil
		}
	}
	if t.failed != nil {
		return t.failed
	}
	return InvalidState
}

// Bind binds the socket.
func (t *TCP) Bind(a Address) error {
	if err := t.in(tcpUnbound); err != nil {
		return err
	}
	if !a.fits(t.v6) || !a.unicast() {
		return InvalidArgument
	}
	return t.bindTo(a)
}

// bindTo binds the socket if the policy allows the address.
func (t *TCP) bindTo(a Address) error {
	if err := t.host.check(a); err != nil {
		return err
	}
	if err := t.bind(a, true); err != nil {
		return bindError(err)
	}
	t.state = tcpBound
	return nil
}

// bindError is the error of bind: the system has one for addresses of the wrong kind that is
// otherwise one of state.
func bindError(err error) error {
	if familyProblem(err) {
		return &systemError{InvalidArgument, err}
	}
	return coded(err)
}

// Connect starts to connect. The socket is ready, as a Source, when FinishConnect returns the
// result.
func (t *TCP) Connect(a Address) error {
	if err := t.in(tcpUnbound, tcpBound); err != nil {
		return err
	}
	if !a.fits(t.v6) || !a.unicast() || !a.reachable() {
		return InvalidArgument
	}
	if err := t.host.check(a); err != nil {
		return err
	}
	if _, err := t.connect(a); err != nil {
		return t.fail(connectError(err))
	}
	t.state, t.remote = tcpConnecting, a
	return nil
}

func connectError(err error) error {
	switch {
	case noPort(err):
		return &systemError{AddressInUse, err}
	case familyProblem(err):
		return &systemError{InvalidArgument, err}
	}
	return coded(err)
}

// fail closes the socket for a reason that later calls get.
func (t *TCP) fail(err error) error {
	t.state, t.failed = tcpClosed, err
	t.close() // the reference remains the guest's
	return err
}

// FinishConnect ends Connect: the error is WouldBlock while that goes on, and NotInProgress without
// it.
func (t *TCP) FinishConnect() error {
	if t.state != tcpConnecting {
		if t.failed != nil {
			return t.failed
		}
		return NotInProgress
	}
	if !t.ready(toWrite) {
		return WouldBlock
	}
	if err := t.pending(); err != nil {
		return t.fail(connectError(err))
	}
	t.state = tcpConnected
	return nil
}

// Abort stops connecting.
func (t *TCP) Abort() {
	if t.state == tcpConnecting {
		_ = t.fail(InvalidState) // no call waits for it
	}
}

// Listen makes the socket take connections; one that is not bound is bound if implicit is set.
func (t *TCP) Listen(implicit bool) error {
	if err := t.in(tcpUnbound, tcpBound); err != nil {
		return err
	}
	if t.state == tcpUnbound {
		if !implicit {
			return InvalidState
		}
		if err := t.bindTo(unspecified(t.v6)); err != nil {
			return err
		}
	}
	if err := t.listen(t.backlog); err != nil {
		return coded(err)
	}
	t.state = tcpListening
	return nil
}

// Listener is the socket of a listener apart from the guest's handle, which may go before it.
type Listener struct{ t *TCP }

// Listener makes the socket take connections, bound or not.
func (t *TCP) Listener() (*Listener, error) {
	if err := t.Listen(true); err != nil {
		return nil, err
	}
	t.retain()
	return &Listener{t}, nil
}

// Accept takes a connection.
func (l *Listener) Accept() (*TCP, error) { return l.t.Accept() }

// Ready reports whether there is one.
func (l *Listener) Ready() bool { return l.t.Ready() }

// Subscribe has w woken when Ready may have become true.
func (l *Listener) Subscribe(w *wasi.Waiter) (unsubscribe func()) { return l.t.Subscribe(w) }

// Close closes the listener. It is called once.
func (l *Listener) Close() { l.t.release() }

// Accept takes a connection. The error is WouldBlock if there is none.
func (t *TCP) Accept() (*TCP, error) {
	if err := t.in(tcpListening); err != nil {
		return nil, err
	}
	for {
		if err := t.host.room(); err != nil {
			t.pausedUntil = time.Now().Add(acceptPause)
			return nil, err
		}
		c, peer, err := t.accept()
		switch {
		case err == nil:
			return t.accepted(c, peer)
		case wouldBlock(err):
			return nil, WouldBlock
		case !transient(err):
			t.pausedUntil = time.Now().Add(acceptPause)
			return nil, coded(err)
		}
	}
}

// accepted returns a new connection as a socket with the options of its listener.
func (t *TCP) accepted(c *conn, peer Address) (*TCP, error) {
	if err := t.host.adopt(c); err != nil {
		return nil, err
	}
	n := newTCP(c, t.v6)
	n.state, n.remote = tcpConnected, peer
	if !inherits {
		for o, v := range t.inherited {
			_ = n.set(o, v) // the connection may be over
		}
	}
	return n, nil
}

// SetBacklog sets how many connections wait to be accepted.
func (t *TCP) SetBacklog(n uint64) error {
	if n == 0 {
		return InvalidArgument
	}
	backlog := int(min(n, math.MaxInt32))
	switch t.state {
	case tcpUnbound, tcpBound:
	case tcpListening:
		if err := t.listen(backlog); err != nil {
			return coded(err)
		}
	default:
		return t.in()
	}
	t.backlog = backlog
	return nil
}

// IsListening reports whether the socket takes connections.
func (t *TCP) IsListening() bool { return t.state == tcpListening }

// Connecting reports whether Connect has begun and FinishConnect has not ended it.
func (t *TCP) Connecting() bool { return t.state == tcpConnecting }

// Connected reports whether the socket has a connection.
func (t *TCP) Connected() bool { return t.state == tcpConnected }

// LocalAddress returns where the socket is bound.
func (t *TCP) LocalAddress() (Address, error) {
	if err := t.in(tcpBound, tcpListening, tcpConnecting, tcpConnected); err != nil {
		return Address{}, err
	}
	a, err := t.local()
	return a, coded(err)
}

// RemoteAddress returns the address of the peer.
func (t *TCP) RemoteAddress() (Address, error) { return t.remote, t.in(tcpConnected) }

// Ready reports whether what the guest waits for is there: the end of connecting, a connection to
// accept, or nothing at all.
func (t *TCP) Ready() bool {
	switch t.state {
	case tcpConnecting:
		return t.writable.Ready()
	case tcpListening:
		return !time.Now().Before(t.pausedUntil) && t.readable.Ready()
	}
	return true
}

// Subscribe has w woken when Ready may have become true.
func (t *TCP) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	switch t.state {
	case tcpConnecting:
		return t.writable.Subscribe(w)
	case tcpListening:
		if pause := time.Until(t.pausedUntil); pause > 0 {
			timer := time.AfterFunc(pause, w.Wake)
			return func() { timer.Stop() }
		}
		return t.readable.Subscribe(w)
	}
	w.Wake()
	return func() {}
}

// Close closes the guest's handle. The system's socket is closed when the streams are closed, too.
func (t *TCP) Close() error {
	if !t.closed {
		t.closed = true
		t.release()
	}
	return nil
}
