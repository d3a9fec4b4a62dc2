package p2

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// The cases of shutdown-type.
const (
	shutdownReceive = iota
	shutdownSend
	shutdownBoth
)

// tcpSocket is the value behind a tcp-socket. Binding and listening happen in the first of their
// two steps.
type tcpSocket struct {
	parent
	socket *sockets.TCP
	step   step
	in     *sockets.TCPInput
	out    *sockets.TCPOutput
}

// step is an operation whose first half is done.
type step byte

const (
	noStep step = iota
	bindStep
	listenStep
)

// TCP returns the socket.
func (s *tcpSocket) TCP() *sockets.TCP { return s.socket }

func dropTCPSocket(rep any) error {
	s := rep.(*tcpSocket)
	return errors.Join(s.drop(), ignore(s.socket.Close()))
}

// streams returns both streams of a connection, children of the socket.
func (s *tcpSocket) streams() (in, out component.Value, err error) {
	if s.in, err = s.socket.Input(); err != nil {
		return in, out, err
	}
	if s.out, err = s.socket.Output(); err != nil {
		return in, out, err
	}
	return newInputStream(s.in, &s.parent), newOutputStream(s.out, &s.parent), nil
}

func addTCP(l *component.Linker, h *host, net *component.HostInstance) {
	i := l.Instance("wasi:sockets/tcp" + version)
	i.Use(h.streams, "input-stream", "output-stream")
	i.Use(h.poll, "pollable")
	i.Use(net, "network", "error-code", "ip-socket-address", "ip-address-family")
	i.Type("duration", "u64")
	i.Type("shutdown-type", "enum { receive, send, both }")
	i.Resource("tcp-socket", dropTCPSocket)
	h.shared(i, socketMethods.TCP())
	const none = "result<_, error-code>"
	h.defineSocket(i, "tcp-socket", []socketMethod{
		{"start-bind", "network: borrow<network>, local-address: ip-socket-address", none,
			tcpStartBind},
		{"finish-bind", "", none, tcpFinish(bindStep)},
		{"start-connect", "network: borrow<network>, remote-address: ip-socket-address", none,
			tcpStartConnect},
		{"finish-connect", "", "result<tuple<input-stream, output-stream>, error-code>",
			tcpFinishConnect},
		{"start-listen", "", none, tcpStartListen},
		{"finish-listen", "", none, tcpFinish(listenStep)},
		{"accept", "", "result<tuple<tcp-socket, input-stream, output-stream>, error-code>",
			tcpAccept},
		{"shutdown", "shutdown-type: shutdown-type", none, tcpShutdown},
		{"subscribe", "", "pollable", subscribeTo(func(rep any) (wasi.Source, *parent) {
			s := rep.(*tcpSocket)
			return s.socket, &s.parent
		})},
	})

	create := l.Instance("wasi:sockets/tcp-create-socket" + version)
	create.Use(net, "network", "error-code", "ip-address-family")
	create.Use(i, "tcp-socket")
	h.define(create, []def{{"create-tcp-socket",
		"func(address-family: ip-address-family) -> result<tcp-socket, error-code>",
		func(c call, args []component.Value) (component.Value, error) {
			t, err := sockets.Of(c.state).NewTCP(table.IsIPv6(args[0]))
			if err != nil {
				return socketError(err), nil
			}
			return component.Ok(component.Own(&tcpSocket{socket: t})), nil
		}}})
}

// socketMethod is a method of a socket that only 0.2 has.
type socketMethod struct {
	name, params, result string
	fn                   hostFunc
}

func (h *host) defineSocket(i *component.HostInstance, resource string, methods []socketMethod) {
	for _, m := range methods {
		h.defineMethods(i, resource, m.fn, method(m.name, m.params, m.result))
	}
}

// socketResult returns the result of a function without another value.
func socketResult(err error) (component.Value, error) { return socketMethods.Result(err), nil }

// begin does the first step of an operation; another may not be under way.
func (s *tcpSocket) begin(step step, do func() error) (component.Value, error) {
	if s.step != noStep {
		return socketError(sockets.ConcurrencyConflict), nil
	}
	err := do()
	if err == nil {
		s.step = step
	}
	return socketResult(err)
}

// tcpFinish is the second step of an operation.
func tcpFinish(step step) hostFunc {
	return func(_ call, args []component.Value) (component.Value, error) {
		s := args[0].Rep().(*tcpSocket)
		if s.step != step {
			return socketError(sockets.NotInProgress), nil
		}
		s.step = noStep
		return component.OkUnit(), nil
	}
}

func tcpStartBind(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*tcpSocket)
	return s.begin(bindStep, func() error { return s.socket.Bind(table.SocketAddressOf(args[2])) })
}

func tcpStartListen(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*tcpSocket)
	return s.begin(listenStep, func() error { return s.socket.Listen(false) })
}

func tcpStartConnect(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*tcpSocket)
	return s.begin(noStep, func() error {
		if s.socket.Connecting() {
			return sockets.ConcurrencyConflict
		}
		return s.socket.Connect(table.SocketAddressOf(args[2]))
	})
}

func tcpFinishConnect(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*tcpSocket)
	if err := s.socket.FinishConnect(); err != nil {
		return socketError(err), nil
	}
	in, out, err := s.streams()
	if err != nil {
		return socketError(err), nil
	}
	return component.Ok(component.Record(in, out)), nil
}

func tcpAccept(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*tcpSocket)
	if s.step == listenStep {
		return socketError(sockets.ConcurrencyConflict), nil
	}
	t, err := s.socket.Accept()
	if err != nil {
		return socketError(err), nil
	}
	n := &tcpSocket{socket: t}
	in, out, err := n.streams()
	if err != nil {
		return socketError(err), nil
	}
	return component.Ok(component.Record(component.Own(n), in, out)), nil
}

func tcpShutdown(_ call, args []component.Value) (component.Value, error) {
	s := args[0].Rep().(*tcpSocket)
	if s.in == nil || s.out == nil {
		return socketError(sockets.InvalidState), nil
	}
	how := args[1].Case()
	if how == shutdownReceive || how == shutdownBoth {
		s.in.Shutdown()
	}
	if how == shutdownSend || how == shutdownBoth {
		s.out.Shutdown()
	}
	return component.OkUnit(), nil
}
