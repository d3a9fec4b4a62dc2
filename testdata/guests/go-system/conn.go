package export_wasi_cli_run

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/wasi_io_poll"
	"wit_component/wasi_io_streams"
	"wit_component/wasi_sockets_instance_network"
	"wit_component/wasi_sockets_ip_name_lookup"
	. "wit_component/wasi_sockets_network"
	"wit_component/wasi_sockets_tcp"
	"wit_component/wasi_sockets_tcp_create_socket"
)

// failure is an error code of wasi:sockets.
type failure ErrorCode

func (f failure) Error() string { return fmt.Sprintf("wasi:sockets error-code %d", f) }

// await calls again until the call does not say that it would block.
func await[T any](
	subscribe func() *wasi_io_poll.Pollable, call func() Result[T, ErrorCode],
) (T, error) {
	for {
		result := call()
		switch {
		case result.IsOk():
			return result.Ok(), nil
		case result.Err() != ErrorCode_WouldBlock:
			var zero T
			return zero, failure(result.Err())
		}
		pollable := subscribe()
		pollable.Block()
		pollable.Drop()
	}
}

// lookUp returns the addresses of version 4 that a name has.
func lookUp(name string) ([]netip.Addr, error) {
	network := wasi_sockets_instance_network.InstanceNetwork()
	asked := wasi_sockets_ip_name_lookup.ResolveAddresses(network, name)
	if asked.IsErr() {
		return nil, failure(asked.Err())
	}
	stream := asked.Ok()
	defer stream.Drop()
	var found []netip.Addr
	for {
		next, err := await(stream.Subscribe, stream.ResolveNextAddress)
		if err != nil || next.IsNone() {
			return found, err
		}
		if address := next.Some(); address.Tag() == IpAddress_Ipv4 {
			a := address.Ipv4()
			found = append(found, netip.AddrFrom4([4]byte{a.F0, a.F1, a.F2, a.F3}))
		}
	}
}

// conn is a connection through wasi:sockets. Reading and writing stop all of the program.
type conn struct {
	socket *wasi_sockets_tcp.TcpSocket
	in     *wasi_io_streams.InputStream
	out    *wasi_io_streams.OutputStream
	peer   net.TCPAddr
}

func dialTCP(to netip.Addr, port uint16) (*conn, error) {
	made := wasi_sockets_tcp_create_socket.CreateTcpSocket(IpAddressFamily_Ipv4)
	if made.IsErr() {
		return nil, failure(made.Err())
	}
	socket := made.Ok()
	a := to.As4()
	address := MakeIpSocketAddressIpv4(Ipv4SocketAddress{
		Port: port, Address: Ipv4Address{F0: a[0], F1: a[1], F2: a[2], F3: a[3]},
	})
	begun := socket.StartConnect(wasi_sockets_instance_network.InstanceNetwork(), address)
	if begun.IsErr() {
		socket.Drop()
		return nil, failure(begun.Err())
	}
	streams, err := await(socket.Subscribe, socket.FinishConnect)
	if err != nil {
		socket.Drop()
		return nil, err
	}
	return &conn{socket, streams.F0, streams.F1, net.TCPAddr{IP: a[:], Port: int(port)}}, nil
}

func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	result := c.in.BlockingRead(uint64(len(p)))
	if result.IsErr() {
		return 0, ended(result.Err())
	}
	return copy(p, result.Ok()), nil
}

func (c *conn) Write(p []byte) (int, error) {
	n := 0
	for part := range chunks(p) {
		if result := c.out.BlockingWriteAndFlush(part); result.IsErr() {
			return n, ended(result.Err())
		}
		n += len(part)
	}
	return n, nil
}

// chunks yields p in parts that one call may write.
func chunks(p []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(p) > 0 {
			n := min(len(p), 4096)
			if !yield(p[:n]) {
				return
			}
			p = p[n:]
		}
	}
}

func ended(err wasi_io_streams.StreamError) error {
	if err.Tag() == wasi_io_streams.StreamError_Closed {
		return io.EOF
	}
	return fmt.Errorf("%s", err.LastOperationFailed().ToDebugString())
}

// CloseWrite tells the peer that there is no more.
func (c *conn) CloseWrite() error {
	if result := c.socket.Shutdown(wasi_sockets_tcp.ShutdownType_Send); result.IsErr() {
		return failure(result.Err())
	}
	return nil
}

func (c *conn) Close() error {
	c.in.Drop()
	c.out.Drop()
	c.socket.Drop()
	return nil
}

func (c *conn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *conn) RemoteAddr() net.Addr             { return &c.peer }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
