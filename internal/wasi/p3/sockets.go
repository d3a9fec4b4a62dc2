package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// Cases of the error-codes of wasi:sockets that are answered here.
const (
	socketAccessDenied             = 0
	lookupPermanentResolverFailure = 4
)

// addSockets offers wasi:sockets with everything denied: no socket ever comes into being, and a
// function of one refuses.
func addSockets(l *component.Linker, h *host) {
	i := l.Instance("wasi:sockets/types" + version)
	i.Use(h.clocks, "duration")
	i.Type("error-code", `variant {
		access-denied, not-supported, invalid-argument, out-of-memory, timeout, invalid-state, address-not-bindable, address-in-use,
		remote-unreachable, connection-refused, connection-broken, connection-reset, connection-aborted, datagram-too-large,
		other(option<string>),
	}`)
	table.AddAddressTypes(i)
	i.Resource("tcp-socket", nil)
	i.Resource("udp-socket", nil)
	denied := component.Err(component.Enum(socketAccessDenied))
	addTCP(h, i, denied)
	addUDP(h, i, denied)

	lookup := l.Instance("wasi:sockets/ip-name-lookup" + version)
	lookup.Use(i, "ip-address")
	lookup.Type(
		"error-code",
		"variant { access-denied, invalid-argument, name-unresolvable, temporary-resolver-failure, "+
			"permanent-resolver-failure, other(option<string>) }",
	)
	h.define(
		lookup,
		[]def{
			{
				name:  "resolve-addresses",
				wit:   "async func(name: string) -> result<list<ip-address>, error-code>",
				async: answerAsync(component.Err(component.Enum(lookupPermanentResolverFailure))),
			},
		},
	)
}

func addTCP(h *host, i *component.HostInstance, denied component.Value) {
	const future = "future<result<_, error-code>>"
	h.define(i, []def{
		{
			name: "[static]tcp-socket.create",
			wit:  "func(address-family: ip-address-family) -> result<tcp-socket, error-code>",
			fn:   answer(denied),
		},
		{
			name: "[method]tcp-socket.send",
			wit:  "func(self: borrow<tcp-socket>, data: stream<u8>) -> " + future,
			fn:   refuseWrite(1, denied),
		},
		{
			name: "[method]tcp-socket.receive",
			wit:  "func(self: borrow<tcp-socket>) -> tuple<stream<u8>, " + future + ">",
			fn:   refuseRead(denied),
		},
	})
	h.defineMethods(i, "tcp-socket", denied,
		method("bind", "local-address: ip-socket-address", "result<_, error-code>"),
		method("async connect", "remote-address: ip-socket-address", "result<_, error-code>"),
		method("listen", "", "result<stream<tcp-socket>, error-code>"),
	)
	h.defineMethods(i, "tcp-socket", denied, table.TCPOptions("get-")...)
	h.defineMethods(i, "tcp-socket", component.Bool(false), method("get-is-listening", "", "bool"))
	h.defineMethods(
		i,
		"tcp-socket",
		component.Enum(0),
		method("get-address-family", "", "ip-address-family"),
	)
}

func addUDP(h *host, i *component.HostInstance, denied component.Value) {
	h.define(i, []def{{name: "[static]udp-socket.create",
		wit: "func(address-family: ip-address-family) -> result<udp-socket, error-code>", fn: answer(denied)}})
	h.defineMethods(
		i,
		"udp-socket",
		denied,
		method("bind", "local-address: ip-socket-address", "result<_, error-code>"),
		method("connect", "remote-address: ip-socket-address", "result<_, error-code>"),
		method("disconnect", "", "result<_, error-code>"),
		method(
			"async send",
			"data: list<u8>, remote-address: option<ip-socket-address>",
			"result<_, error-code>",
		),
		method("async receive", "", "result<tuple<list<u8>, ip-socket-address>, error-code>"),
	)
	h.defineMethods(i, "udp-socket", denied, table.UDPOptions("get-")...)
	h.defineMethods(
		i,
		"udp-socket",
		component.Enum(0),
		method("get-address-family", "", "ip-address-family"),
	)
}
