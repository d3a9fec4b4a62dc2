package p3

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// The cases of the error-codes of wasi:sockets without payload, in their order. Both variants have
// other(option<string>) after them.
const (
	socketErrorCodes = "access-denied, not-supported, invalid-argument, out-of-memory, timeout, " +
		"invalid-state, address-not-bindable, address-in-use, remote-unreachable, " +
		"connection-refused, connection-broken, connection-reset, connection-aborted, " +
		"datagram-too-large"
	lookupErrorCodes = "access-denied, invalid-argument, name-unresolvable, " +
		"temporary-resolver-failure, permanent-resolver-failure"
)

var (
	socketCodes = strings.Split(socketErrorCodes, ", ")
	lookupCodes = strings.Split(lookupErrorCodes, ", ")
)

// codeAmong returns the failed result for an error, whose error-code has these cases.
func codeAmong(codes []string, err error) component.Value {
	code, _ := sockets.CodeOf(err)
	if i := slices.Index(codes, string(code)); i >= 0 {
		return component.Err(component.Enum(uint32(i)))
	}
	text := sockets.Text(err)
	if text == "" {
		text = err.Error()
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	return component.Err(
		component.Variant(uint32(len(codes)), component.Some(component.String(text))))
}

func socketError(err error) component.Value { return codeAmong(socketCodes, err) }

// socketMethods are the methods that 0.2 has, too.
var socketMethods = table.Sockets{Get: "get-", Fail: socketError}

// socketResult returns the result of a function without another value.
func socketResult(err error) (component.Value, error) { return socketMethods.Result(err), nil }

// addSockets offers wasi:sockets.
func addSockets(l *component.Linker, h *host) {
	i := l.Instance("wasi:sockets/types" + version)
	i.Use(h.clocks, "duration")
	i.Type("error-code", "variant { "+socketErrorCodes+", other(option<string>) }")
	table.AddAddressTypes(i)
	i.Resource("tcp-socket", func(rep any) error { return rep.(*sockets.TCP).Close() })
	i.Resource("udp-socket", func(rep any) error { return rep.(*sockets.UDP).Close() })
	addTCP(h, i)
	addUDP(h, i)

	lookup := l.Instance("wasi:sockets/ip-name-lookup" + version)
	lookup.Use(i, "ip-address")
	lookup.Type("error-code", "variant { "+lookupErrorCodes+", other(option<string>) }")
	h.define(lookup, []def{{
		name:  "resolve-addresses",
		wit:   "async func(name: string) -> result<list<ip-address>, error-code>",
		async: resolveAddresses,
	}})
}

func resolveAddresses(c call, args []component.Value, done func(component.Value, error)) (
	*component.Value, func(), error) {
	l, err := sockets.Of(c.state).Lookup(args[0].Str())
	if err != nil {
		now := codeAmong(lookupCodes, err)
		return &now, nil, nil
	}
	return attempt(c, l, done, func() (component.Value, bool) {
		addrs, err := l.All()
		if err == sockets.WouldBlock {
			return component.Value{}, false
		}
		if err != nil {
			return codeAmong(lookupCodes, err), true
		}
		var list []component.Value
		for _, a := range addrs {
			list = append(list, table.IPAddress(a))
		}
		return component.Ok(component.List(list...)), true
	}, func() { _ = l.Close() }) // the guest does not want to know
}

// attempt tries until there is a result: now, and whenever src is ready. given, unless nil, is
// called if the guest cancels before.
func attempt(c call, src wasi.Source, done func(component.Value, error),
	try func() (component.Value, bool), given func()) (*component.Value, func(), error) {
	if v, ok := try(); ok {
		return &v, nil, nil
	}
	store := c.Store()
	var cancel func()
	var again func()
	again = func() {
		if v, ok := try(); ok {
			done(v, nil)
			return
		}
		cancel = when(store, src, again)
	}
	cancel = when(store, src, again)
	return nil, func() {
		cancel()
		if given != nil {
			given()
		}
	}, nil
}

func addTCP(h *host, i *component.HostInstance) {
	const (
		none   = "result<_, error-code>"
		future = "future<" + none + ">"
		self   = "self: borrow<tcp-socket>"
	)
	h.define(i, []def{
		{name: "[static]tcp-socket.create",
			wit: "func(address-family: ip-address-family) -> result<tcp-socket, error-code>",
			fn:  tcpCreate},
		{name: "[method]tcp-socket.bind",
			wit: "func(" + self + ", local-address: ip-socket-address) -> " + none, fn: tcpBind},
		{name: "[method]tcp-socket.connect",
			wit:   "async func(" + self + ", remote-address: ip-socket-address) -> " + none,
			async: tcpConnect},
		{name: "[method]tcp-socket.listen",
			wit: "func(" + self + ") -> result<stream<tcp-socket>, error-code>", fn: tcpListen},
		{name: "[method]tcp-socket.send",
			wit: "func(" + self + ", data: stream<u8>) -> " + future, fn: tcpSend},
		{name: "[method]tcp-socket.receive",
			wit: "func(" + self + ") -> tuple<stream<u8>, " + future + ">", fn: tcpReceive},
	})
	h.shared(i, socketMethods.TCP())
}

func tcpCreate(c call, args []component.Value) (component.Value, error) {
	t, err := sockets.Of(c.state).NewTCP(table.IsIPv6(args[0]))
	if err != nil {
		return socketError(err), nil
	}
	return component.Ok(component.Own(t)), nil
}

func tcpBind(_ call, args []component.Value) (component.Value, error) {
	return socketResult(table.TCPOf(args[0]).Bind(table.SocketAddressOf(args[1])))
}

func tcpConnect(c call, args []component.Value, done func(component.Value, error)) (
	*component.Value, func(), error) {
	t := table.TCPOf(args[0])
	if err := t.Connect(table.SocketAddressOf(args[1])); err != nil {
		now := socketError(err)
		return &now, nil, nil
	}
	return attempt(c, t, done, func() (component.Value, bool) {
		err := t.FinishConnect()
		return socketMethods.Result(err), err != sockets.WouldBlock
	}, t.Abort)
}

func tcpListen(c call, args []component.Value) (component.Value, error) {
	t := table.TCPOf(args[0])
	a, err := t.Listener()
	if err != nil {
		return socketError(err), nil
	}
	return component.Ok(c.Store().NewStream(acceptor{a})), nil
}

// acceptor lets a guest read a listener as a stream<tcp-socket>. A connection that cannot be
// accepted now is accepted later: the stream does not end.
type acceptor struct{ *sockets.Listener }

var _ component.ValueSource = acceptor{}

// Read accepts up to n connections.
func (a acceptor) Read(n int) (list []component.Value, end bool) {
	for len(list) < n {
		t, err := a.Accept()
		if err != nil {
			break
		}
		list = append(list, component.Own(t))
	}
	return list, false
}

// Wait makes the listener call wake when there is a connection.
func (a acceptor) Wait(wake func()) (stop func()) { return wait(a.Listener, wake) }

func tcpSend(c call, args []component.Value) (component.Value, error) {
	future, set := c.Store().NewFuture()
	out, err := table.TCPOf(args[0]).Output()
	if err != nil {
		c.Store().DropStream(args[1])
		set(socketError(err))
		return future, nil
	}
	c.Store().ReadStream(args[1], &sink{out: sender{out}, owner: onClosed(func(err error) {
		switch {
		case err == nil:
			set(component.OkUnit())
		case errors.Is(err, wasi.ErrClosed):
			set(socketError(sockets.ConnectionBroken))
		default:
			set(socketError(err))
		}
	})})
	return future, nil
}

// sender is an output whose end also ends the stream of the peer.
type sender struct{ *sockets.TCPOutput }

// Close sends what was written, and then the end.
func (s sender) Close() error {
	s.Shutdown()
	return s.TCPOutput.Close()
}

func tcpReceive(c call, args []component.Value) (component.Value, error) {
	future, set := c.Store().NewFuture()
	in, err := table.TCPOf(args[0]).Input()
	if err != nil {
		set(socketError(err))
		return component.Record(c.Store().NewByteStream(nothing{}), future), nil
	}
	stream := c.Store().NewByteStream(&receiver{in: in, closed: func(err error) {
		set(socketMethods.Result(err))
	}})
	return component.Record(stream, future), nil
}

// receiver lets a guest read what a connection receives.
type receiver struct {
	in *sockets.TCPInput
	// closed is called once when reading has ended, with the error that the connection ended with.
	closed func(err error)
	err    error
}

var _ component.ByteSource = (*receiver)(nil)

func (r *receiver) Read(p []byte) (n int, end bool) {
	n, err := r.in.ReadInto(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err != nil
}

func (r *receiver) Ready() bool { return r.in.Ready() }

func (r *receiver) Wait(wake func()) (stop func()) { return wait(r.in, wake) }

func (r *receiver) Close() {
	r.in.Shutdown()
	_ = r.in.Close() // no way to report it
	r.closed(r.err)
}

func addUDP(h *host, i *component.HostInstance) {
	const (
		none = "result<_, error-code>"
		self = "self: borrow<udp-socket>"
	)
	h.define(i, []def{
		{name: "[static]udp-socket.create",
			wit: "func(address-family: ip-address-family) -> result<udp-socket, error-code>",
			fn:  udpCreate},
		{name: "[method]udp-socket.bind",
			wit: "func(" + self + ", local-address: ip-socket-address) -> " + none, fn: udpBind},
		{name: "[method]udp-socket.connect",
			wit: "func(" + self + ", remote-address: ip-socket-address) -> " + none,
			fn:  udpConnect},
		{name: "[method]udp-socket.disconnect",
			wit: "func(" + self + ") -> " + none, fn: udpDisconnect},
		{name: "[method]udp-socket.send",
			wit: "async func(" + self + ", data: list<u8>, " +
				"remote-address: option<ip-socket-address>) -> " + none, async: udpSend},
		{name: "[method]udp-socket.receive",
			wit: "async func(" + self +
				") -> result<tuple<list<u8>, ip-socket-address>, error-code>", async: udpReceive},
	})
	h.shared(i, socketMethods.UDP())
}

func udpCreate(c call, args []component.Value) (component.Value, error) {
	u, err := sockets.Of(c.state).NewUDP(table.IsIPv6(args[0]))
	if err != nil {
		return socketError(err), nil
	}
	return component.Ok(component.Own(u)), nil
}

func udpBind(_ call, args []component.Value) (component.Value, error) {
	return socketResult(table.UDPOf(args[0]).Bind(table.SocketAddressOf(args[1])))
}

func udpConnect(_ call, args []component.Value) (component.Value, error) {
	return socketResult(table.UDPOf(args[0]).Connect(table.SocketAddressOf(args[1])))
}

func udpDisconnect(_ call, args []component.Value) (component.Value, error) {
	return socketResult(table.UDPOf(args[0]).Disconnect())
}

func udpSend(c call, args []component.Value, done func(component.Value, error)) (
	*component.Value, func(), error) {
	u, data, to := table.UDPOf(args[0]), args[1].Bytes(), table.OptionalAddress(args[2])
	return attempt(c, u.Outgoing(), done, func() (component.Value, bool) {
		err := u.Send(data, to)
		return socketMethods.Result(err), err != sockets.WouldBlock
	}, nil)
}

func udpReceive(c call, args []component.Value, done func(component.Value, error)) (
	*component.Value, func(), error) {
	u := table.UDPOf(args[0])
	return attempt(c, u.Incoming(), done, func() (component.Value, bool) {
		d, err := u.Receive()
		switch {
		case err == sockets.WouldBlock:
			return component.Value{}, false
		case err != nil:
			return socketError(err), true
		}
		return component.Ok(
			component.Record(component.Bytes(d.Data), table.SocketAddress(d.From))), true
	}, nil)
}
