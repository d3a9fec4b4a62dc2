package p2

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

const (
	// maxDatagrams is how many datagrams one call sends or receives.
	maxDatagrams = 16
	// maxReceived is how many bytes of datagrams end one receive, beside that number.
	maxReceived = 64 << 10
)

var (
	errLiveStreams   = errors.New("stream while the streams of the last call are alive")
	errSendUnallowed = errors.New("send of more datagrams than check-send permits")
)

// udpSocket is the value behind a udp-socket.
type udpSocket struct {
	parent
	socket  *sockets.UDP
	binding bool
	streams int // that are alive
}

// UDP returns the socket.
func (s *udpSocket) UDP() *sockets.UDP { return s.socket }

// incomingDatagrams is the value behind an incoming-datagram-stream.
type incomingDatagrams struct {
	parent
	of *udpSocket
}

// outgoingDatagrams is the value behind an outgoing-datagram-stream.
type outgoingDatagrams struct {
	parent
	of     *udpSocket
	permit int
	full   bool // the system took no more
}

func (s *udpSocket) dropStream(p *parent) error {
	s.children--
	s.streams--
	return p.drop()
}

func addUDP(l *component.Linker, h *host, net *component.HostInstance) {
	i := l.Instance("wasi:sockets/udp" + version)
	i.Use(h.poll, "pollable")
	i.Use(net, "network", "error-code", "ip-socket-address", "ip-address-family")
	i.Type("incoming-datagram", "record { data: list<u8>, remote-address: ip-socket-address }")
	i.Type("outgoing-datagram",
		"record { data: list<u8>, remote-address: option<ip-socket-address> }")
	i.Resource("udp-socket", func(rep any) error {
		s := rep.(*udpSocket)
		return errors.Join(s.drop(), ignore(s.socket.Close()))
	})
	i.Resource("incoming-datagram-stream", func(rep any) error {
		s := rep.(*incomingDatagrams)
		return s.of.dropStream(&s.parent)
	})
	i.Resource("outgoing-datagram-stream", func(rep any) error {
		s := rep.(*outgoingDatagrams)
		return s.of.dropStream(&s.parent)
	})
	h.shared(i, socketMethods.UDP())
	const none = "result<_, error-code>"
	h.defineSocket(i, "udp-socket", []socketMethod{
		{"start-bind", "network: borrow<network>, local-address: ip-socket-address", none,
			udpStartBind},
		{"finish-bind", "", none, udpFinishBind},
		{"stream", "remote-address: option<ip-socket-address>",
			"result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>",
			udpStream},
		{"subscribe", "", "pollable", subscribeTo(func(rep any) (wasi.Source, *parent) {
			return always{}, &rep.(*udpSocket).parent
		})},
	})
	h.defineSocket(i, "incoming-datagram-stream", []socketMethod{
		{"receive", "max-results: u64", "result<list<incoming-datagram>, error-code>", udpReceive},
		{"subscribe", "", "pollable", subscribeTo(func(rep any) (wasi.Source, *parent) {
			s := rep.(*incomingDatagrams)
			return s.of.socket.Incoming(), &s.parent
		})},
	})
	h.defineSocket(i, "outgoing-datagram-stream", []socketMethod{
		{"check-send", "", "result<u64, error-code>", udpCheckSend},
		{"send", "datagrams: list<outgoing-datagram>", "result<u64, error-code>", udpSend},
		{"subscribe", "", "pollable", subscribeTo(func(rep any) (wasi.Source, *parent) {
			s := rep.(*outgoingDatagrams)
			return s.of.socket.Outgoing(), &s.parent
		})},
	})

	create := l.Instance("wasi:sockets/udp-create-socket" + version)
	create.Use(net, "network", "error-code", "ip-address-family")
	create.Use(i, "udp-socket")
	h.define(create, []def{{"create-udp-socket",
		"func(address-family: ip-address-family) -> result<udp-socket, error-code>",
		func(c call, args []component.Value) (component.Value, error) {
			u, err := sockets.Of(c.state).NewUDP(table.IsIPv6(args[0]))
			if err != nil {
				return socketError(err), nil
			}
			return component.Ok(component.Own(&udpSocket{socket: u})), nil
		}}})
}

func udpStartBind(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*udpSocket)
	if s.binding {
		return socketError(sockets.ConcurrencyConflict), nil
	}
	err := s.socket.Bind(table.SocketAddressOf(args[2]))
	s.binding = err == nil
	return socketResult(err)
}

func udpFinishBind(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*udpSocket)
	if !s.binding {
		return socketError(sockets.NotInProgress), nil
	}
	s.binding = false
	return component.OkUnit(), nil
}

func udpStream(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*udpSocket)
	switch {
	case s.streams > 0:
		return unit(), errLiveStreams
	case s.binding || !s.socket.Bound():
		return socketError(sockets.InvalidState), nil
	}
	var err error
	if peer := table.OptionalAddress(args[1]); peer != nil {
		err = s.socket.Connect(*peer)
	} else if _, unconnected := s.socket.RemoteAddress(); unconnected == nil {
		err = s.socket.Disconnect()
	}
	if err != nil {
		return socketError(err), nil
	}
	s.streams += 2
	s.children += 2
	return component.Ok(component.Record(
		component.Own(&incomingDatagrams{of: s}), component.Own(&outgoingDatagrams{of: s}))), nil
}

func udpReceive(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*incomingDatagrams)
	got, err := s.of.socket.ReceiveAll(int(min(args[1].U64(), maxDatagrams)), maxReceived)
	if err != nil {
		return socketError(err), nil
	}
	list := make([]component.Value, len(got))
	for i, d := range got {
		list[i] = component.Record(component.Bytes(d.Data), table.SocketAddress(d.From))
	}
	return component.Ok(component.List(list...)), nil
}

func udpCheckSend(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*outgoingDatagrams)
	s.permit = maxDatagrams
	if s.full && !s.of.socket.Outgoing().Ready() {
		s.permit = 0
	} else {
		s.full = false
	}
	return component.Ok(component.U64(uint64(s.permit))), nil
}

func udpSend(_ call, args []component.Value) (component.Value, error) {
	s, list := args[0].Rep().(*outgoingDatagrams), args[1].Items()
	if len(list) > s.permit {
		return unit(), errSendUnallowed
	}
	sent := 0
	for _, d := range list {
		data, to := d.Items()[0].Bytes(), table.OptionalAddress(d.Items()[1])
		err := s.of.socket.Send(data, to)
		if err == sockets.WouldBlock {
			s.full, s.permit = true, sent
			break
		}
		if err != nil && sent == 0 {
			s.permit--
			return socketError(err), nil
		}
		if err != nil {
			break
		}
		sent++
	}
	s.permit -= sent
	return component.Ok(component.U64(uint64(sent))), nil
}
