package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// Cases of wasi:sockets/network.error-code that are answered here.
const (
	socketAccessDenied             = 1
	socketPermanentResolverFailure = 20
)

// network is the value behind a wasi:sockets network: there is one, and it allows nothing.
type network struct{}

// addSockets offers wasi:sockets with everything denied: no socket ever comes into being, and a
// function of one refuses.
func addSockets(l *component.Linker, h *host) {
	net := l.Instance("wasi:sockets/network" + version)
	net.Use(h.ioError, "error")
	net.Resource("network", nil)
	addNetworkTypes(net)
	h.define(
		net,
		[]def{
			{
				"network-error-code",
				"func(err: borrow<error>) -> option<error-code>",
				answer(component.None()),
			},
		},
	)

	instance := l.Instance("wasi:sockets/instance-network" + version)
	instance.Use(net, "network")
	h.define(instance, []def{{"instance-network", "func() -> network", instanceNetwork}})

	addLookup(l, h, net)
	addTCP(l, h, net)
	addUDP(l, h, net)
}

func addNetworkTypes(net *component.HostInstance) {
	net.Type("error-code", `enum {
		unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict, not-in-progress, would-block,
		invalid-state, new-socket-limit, address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset,
		connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure, permanent-resolver-failure,
	}`)
	table.AddAddressTypes(net)
}

func addLookup(l *component.Linker, h *host, net *component.HostInstance) {
	i := l.Instance("wasi:sockets/ip-name-lookup" + version)
	i.Use(h.poll, "pollable")
	i.Use(net, "network", "error-code", "ip-address")
	i.Resource("resolve-address-stream", nil)
	fail := answer(socketError(socketPermanentResolverFailure))
	h.define(
		i,
		[]def{
			{"resolve-addresses",
				"func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>", fail},
		},
	)
	h.defineMethods(i, "resolve-address-stream", fail,
		method("resolve-next-address", "", "result<option<ip-address>, error-code>"))
	h.defineMethods(
		i,
		"resolve-address-stream",
		subscribeReady,
		method("subscribe", "", "pollable"),
	)
}

func addTCP(l *component.Linker, h *host, net *component.HostInstance) {
	i := l.Instance("wasi:sockets/tcp" + version)
	i.Use(h.streams, "input-stream", "output-stream")
	i.Use(h.poll, "pollable")
	i.Use(net, "network", "error-code", "ip-socket-address", "ip-address-family")
	i.Type("duration", "u64")
	i.Type("shutdown-type", "enum { receive, send, both }")
	i.Resource("tcp-socket", nil)
	denied := answer(socketError(socketAccessDenied))
	h.defineMethods(i, "tcp-socket", denied, table.TCPOptions("")...)
	h.defineMethods(i, "tcp-socket", denied,
		method("start-bind", "network: borrow<network>, local-address: ip-socket-address",
			"result<_, error-code>"),
		method("finish-bind", "", "result<_, error-code>"),
		method("start-connect", "network: borrow<network>, remote-address: ip-socket-address",
			"result<_, error-code>"),
		method("finish-connect", "", "result<tuple<input-stream, output-stream>, error-code>"),
		method("start-listen", "", "result<_, error-code>"),
		method("finish-listen", "", "result<_, error-code>"),
		method("accept", "", "result<tuple<tcp-socket, input-stream, output-stream>, error-code>"),
		method("shutdown", "shutdown-type: shutdown-type", "result<_, error-code>"),
	)
	h.defineMethods(
		i,
		"tcp-socket",
		answer(component.Bool(false)),
		method("is-listening", "", "bool"),
	)
	h.defineMethods(
		i,
		"tcp-socket",
		answer(component.Enum(0)),
		method("address-family", "", "ip-address-family"),
	)
	h.defineMethods(i, "tcp-socket", subscribeReady, method("subscribe", "", "pollable"))

	create := l.Instance("wasi:sockets/tcp-create-socket" + version)
	create.Use(net, "network", "error-code", "ip-address-family")
	create.Use(i, "tcp-socket")
	h.define(
		create,
		[]def{
			{"create-tcp-socket",
				"func(address-family: ip-address-family) -> result<tcp-socket, error-code>", denied},
		},
	)
}

func addUDP(l *component.Linker, h *host, net *component.HostInstance) {
	i := l.Instance("wasi:sockets/udp" + version)
	i.Use(h.poll, "pollable")
	i.Use(net, "network", "error-code", "ip-socket-address", "ip-address-family")
	i.Type("incoming-datagram", "record { data: list<u8>, remote-address: ip-socket-address }")
	i.Type(
		"outgoing-datagram",
		"record { data: list<u8>, remote-address: option<ip-socket-address> }",
	)
	i.Resource("udp-socket", nil)
	i.Resource("incoming-datagram-stream", nil)
	i.Resource("outgoing-datagram-stream", nil)
	denied := answer(socketError(socketAccessDenied))
	subscribe := method("subscribe", "", "pollable")
	h.defineMethods(i, "udp-socket", denied, table.UDPOptions("")...)
	h.defineMethods(i, "udp-socket", denied,
		method("start-bind", "network: borrow<network>, local-address: ip-socket-address",
			"result<_, error-code>"),
		method("finish-bind", "", "result<_, error-code>"),
		method("stream", "remote-address: option<ip-socket-address>",
			"result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>"),
	)
	h.defineMethods(
		i,
		"udp-socket",
		answer(component.Enum(0)),
		method("address-family", "", "ip-address-family"),
	)
	h.defineMethods(i, "udp-socket", subscribeReady, subscribe)
	h.defineMethods(i, "incoming-datagram-stream", denied,
		method("receive", "max-results: u64", "result<list<incoming-datagram>, error-code>"))
	h.defineMethods(i, "incoming-datagram-stream", subscribeReady, subscribe)
	h.defineMethods(i, "outgoing-datagram-stream", denied,
		method("check-send", "", "result<u64, error-code>"),
		method("send", "datagrams: list<outgoing-datagram>", "result<u64, error-code>"))
	h.defineMethods(i, "outgoing-datagram-stream", subscribeReady, subscribe)

	create := l.Instance("wasi:sockets/udp-create-socket" + version)
	create.Use(net, "network", "error-code", "ip-address-family")
	create.Use(i, "udp-socket")
	h.define(
		create,
		[]def{
			{"create-udp-socket",
				"func(address-family: ip-address-family) -> result<udp-socket, error-code>", denied},
		},
	)
}

// socketError is a failed result with that case of error-code.
func socketError(code uint32) component.Value { return component.Err(component.Enum(code)) }

func instanceNetwork(call, []component.Value) (component.Value, error) {
	return component.Own(network{}), nil
}

// subscribeReady answers the subscribe of a socket on which nothing is under way: it is always
// ready.
func subscribeReady(call, []component.Value) (component.Value, error) {
	return newPollable(always{}, nil), nil
}

// always is a Source that is ready.
type always struct{}

func (always) Ready() bool { return true }

func (always) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	w.Wake()
	return func() {}
}
