package sockets

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// fill writes until the connection takes no more, and returns how much that was.
func fill(t *testing.T, o *TCPOutput) (size int) {
	t.Helper()
	for {
		n := must[int](t)(o.CheckWrite())
		if n == 0 {
			return size
		}
		ok(t, o.Write(bytes.Repeat([]byte{byte(size / permit)}, n)))
		size += n
	}
}

// narrow makes a connection hold less than one write.
func narrow(t *testing.T, s *TCP, peer *net.TCPConn) {
	t.Helper()
	ok(t, s.SetSendBufferSize(4096))
	ok(t, peer.SetReadBuffer(4096))
}

// A peer that does not read makes the writer wait; what was written comes in order, and then the
// end.
func TestAPeerThatDoesNotReadHoldsTheWriterUp(t *testing.T) {
	h := newTestHost(t, everything)
	s, peer := pair(t, h)
	narrow(t, s, peer)
	o := must[*TCPOutput](t)(s.Output())
	size := fill(t, o)
	if o.Ready() || o.Flushed() {
		t.Errorf("ready %v, flushed %v when nothing more is taken", o.Ready(), o.Flushed())
	}
	o.Shutdown()
	if _, err := o.CheckWrite(); !errors.Is(err, wasi.ErrClosed) {
		t.Errorf("check-write after the end: %v", err)
	}
	ok(t, o.Close())
	ok(t, s.Close())
	ok(t, peer.SetReadBuffer(1<<20))
	got := must[[]byte](t)(io.ReadAll(peer))
	if len(got) != size {
		t.Fatalf("%d bytes of %d came", len(got), size)
	}
	for i, b := range got {
		if b != byte(i/permit) {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
}

// TestAConnectionThatTookAllIsNotAskedBeforeTheNextWrite has the system be full without the guest's
// doing: what is written then is kept, and comes in order.
func TestAConnectionThatTookAllIsNotAskedBeforeTheNextWrite(t *testing.T) {
	h := newTestHost(t, everything)
	s, peer := pair(t, h)
	narrow(t, s, peer)
	o := must[*TCPOutput](t)(s.Output())
	ok(t, o.Write([]byte("a")))
	size := 1
	for {
		n, err := s.write(make([]byte, 1000))
		size += n
		if wouldBlock(err) {
			break
		}
		ok(t, err)
	}
	if n := must[int](t)(o.CheckWrite()); n != permit || !o.Ready() {
		t.Errorf("permit %d, ready %v after a write that was taken", n, o.Ready())
	}
	want := bytes.Repeat([]byte("b"), permit)
	half := bytes.Clone(want[permit/2:])
	ok(t, o.Write(half))
	clear(half) // not the stream's
	ok(t, o.Write(want[permit/2:]))
	if n := must[int](t)(o.CheckWrite()); n != 0 || o.Ready() || o.Flushed() {
		t.Errorf("permit %d, ready %v, flushed %v while bytes are kept", n, o.Ready(), o.Flushed())
	}
	ok(t, peer.SetReadBuffer(1<<20))
	must[int](t)(io.ReadFull(peer, make([]byte, size)))
	got := make([]byte, permit)
	must[int](t)(io.ReadFull(peer, got))
	if !bytes.Equal(got, want) {
		t.Error("other bytes came, or in another order")
	}
	await(t, o)
	if n := must[int](t)(o.CheckWrite()); n != permit || !o.Flushed() {
		t.Errorf("permit %d, flushed %v when all has come", n, o.Flushed())
	}
	ok(t, o.Close())
	ok(t, s.Close())
}

// A socket's end, and the guest's, waits for bytes that are on their way, but not forever.
func TestCloseGivesWrittenBytesSomeTime(t *testing.T) {
	h := newHost(everything)
	s, peer := pair(t, h)
	narrow(t, s, peer)
	o := must[*TCPOutput](t)(s.Output())
	size := fill(t, o)
	ok(t, s.Close()) // the stream remains
	ok(t, peer.SetReadBuffer(1<<20))
	read := make(chan int)
	go func() {
		got, _ := io.ReadAll(peer)
		read <- len(got)
	}()
	ok(t, h.Close())
	if n := <-read; n != size {
		t.Errorf("%d bytes of %d came", n, size)
	}

	h = newHost(everything)
	h.linger = 1
	s, peer = pair(t, h)
	narrow(t, s, peer)
	fill(t, must[*TCPOutput](t)(s.Output()))
	ok(t, h.Close())
	if n := h.Open(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
	_ = peer.Close() // it has not read anything
}

// What the peer does is what the guest reads: bytes, nothing yet, the end, or an error once.
func TestReading(t *testing.T) {
	h := newTestHost(t, everything)
	s, peer := pair(t, h)
	i := must[*TCPInput](t)(s.Input())
	_, err := s.Input()
	wants(t, "input twice", err, InvalidState)
	if b, err := i.Read(10); len(b) != 0 || err != nil || i.Ready() {
		t.Errorf("%q, %v, ready %v before anything was sent", b, err, i.Ready())
	}
	must[int](t)(peer.Write([]byte("hello")))
	await(t, i)
	if b, err := i.Read(0); len(b) != 0 || err != nil {
		t.Errorf("read of nothing: %q, %v", b, err)
	}
	if b, err := i.Read(2); string(b) != "he" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := i.Read(1 << 40); string(b) != "llo" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	ok(t, peer.CloseWrite())
	await(t, i)
	for range 2 {
		if b, err := i.Read(0); len(b) != 0 || err != io.EOF {
			t.Errorf("%q, %v at the end", b, err)
		}
	}

	s, peer = pair(t, h)
	i = must[*TCPInput](t)(s.Input())
	ok(t, peer.SetLinger(0))
	ok(t, peer.Close())
	await(t, i)
	_, err = i.Read(1)
	wants(t, "after a reset", err, ConnectionReset)
	if a := must[Address](t)(s.RemoteAddress()); a.String() != peer.LocalAddr().String() {
		t.Errorf("the peer is %v once the connection is over", a)
	}
	if _, err := i.Read(1); err != io.EOF {
		t.Errorf("again: %v", err)
	}
}

// The states of a socket, one after the other, and what is refused in them.
func TestStates(t *testing.T) {
	h := newTestHost(t, everything)
	s := must[*TCP](t)(h.NewTCP(false))
	_, err := s.LocalAddress()
	wants(t, "local address, unbound", err, InvalidState)
	_, err = s.Accept()
	wants(t, "accept, unbound", err, InvalidState)
	wants(t, "finish-connect, unbound", s.FinishConnect(), NotInProgress)
	ok(t, s.Bind(addr("127.0.0.1:0")))
	wants(t, "bind again", s.Bind(addr("0.0.0.0:0")), InvalidState)
	ok(t, s.Listen(false))
	at := must[Address](t)(s.LocalAddress())
	wants(t, "connect, listening", s.Connect(addr("[::1]:0")), InvalidState)
	_, err = s.Accept()
	wants(t, "accept without a connection", err, WouldBlock)
	c := connect(t, h, at)
	wants(t, "connect, connected", c.Connect(at), InvalidState)
	wants(t, "backlog, connected", c.SetBacklog(1), InvalidState)
	await(t, s)
	a := must[*TCP](t)(s.Accept())
	if got := must[Address](t)(a.RemoteAddress()); got != must[Address](t)(c.LocalAddress()) {
		t.Errorf("accepted a connection from %v", got)
	}
	for _, x := range []*TCP{a, c, s} {
		ok(t, x.Close())
		ok(t, x.Close())
	}
	if n := h.Open(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
	failed := must[*TCP](t)(h.NewTCP(false))
	ok(t, failed.Connect(at))
	await(t, failed)
	wants(t, "nobody listens", failed.FinishConnect(), ConnectionRefused)
	wants(t, "and after that", failed.Connect(at), ConnectionRefused)
	aborted := must[*TCP](t)(h.NewTCP(false))
	ok(t, aborted.Connect(at))
	aborted.Abort()
	wants(t, "given up", aborted.FinishConnect(), InvalidState)
}

// A guest may have so many sockets. What it cannot accept waits.
func TestTheNumberOfSocketsIsLimited(t *testing.T) {
	h := newTestHost(t, &wasi.Network{All: true, MaxSockets: 2})
	s := must[*TCP](t)(h.NewTCP(false))
	ok(t, s.Listen(true))
	at := must[Address](t)(s.LocalAddress())
	u := must[*UDP](t)(h.NewUDP(false))
	_, err := h.NewTCP(false)
	wants(t, "a third", err, NewSocketLimit)
	to := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(at.Port())}
	peer := must[net.Conn](t)((&net.Dialer{}).DialContext(t.Context(), "tcp", to.String()))
	defer peer.Close()
	_, err = s.Accept()
	wants(t, "a third by accepting", err, NewSocketLimit)
	if s.Ready() {
		t.Error("ready at once, when nothing can be accepted")
	}
	ok(t, u.Close())
	await(t, s)
	c := must[*TCP](t)(s.Accept())
	if got := must[Address](t)(c.RemoteAddress()); got.String() != peer.LocalAddr().String() {
		t.Errorf("accepted %v", got)
	}
}

// Whoever waits for a socket is woken by the guest's end, which leaves no goroutine.
func TestWaitingEndsWithTheHost(t *testing.T) {
	h := newHost(everything)
	s := must[*TCP](t)(h.NewTCP(false))
	ok(t, s.Listen(true))
	u := must[*UDP](t)(h.NewUDP(false))
	ok(t, u.Bind(addr("127.0.0.1:0")))
	c, _ := pair(t, h)
	i := must[*TCPInput](t)(c.Input())
	ended := make(chan error)
	sources := []wasi.Source{s, u.Incoming(), i}
	for _, src := range sources {
		w := wasi.NewWaiter()
		stop := src.Subscribe(w)
		go func() {
			defer stop()
			ended <- w.Wait(t.Context())
		}()
	}
	ok(t, h.Close())
	for range sources {
		ok(t, <-ended)
	}
	_, err := h.NewTCP(false)
	wants(t, "a socket of a closed host", err, NewSocketLimit)
	_, err = h.Lookup("localhost")
	wants(t, "a look-up of a closed host", err, TemporaryFailure)
	if _, err := i.Read(1); err == nil {
		t.Error("a closed socket is read without an error")
	}
}
