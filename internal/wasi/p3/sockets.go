package p3

import "github.com/wasihttp/wasihttp/component"

// Cases of the error-codes of wasi:sockets that are answered here.
const (
	socketAccessDenied             = 0
	lookupPermanentResolverFailure = 4
)

// addSockets offers wasi:sockets with everything denied: no socket ever comes into being, and a function of one refuses.
func addSockets(l *component.Linker, h *host) {
	i := l.Instance("wasi:sockets/types" + version)
	i.Use(h.clocks, "duration")
	i.Type("error-code", `variant {
		access-denied, not-supported, invalid-argument, out-of-memory, timeout, invalid-state, address-not-bindable, address-in-use,
		remote-unreachable, connection-refused, connection-broken, connection-reset, connection-aborted, datagram-too-large,
		other(option<string>),
	}`)
	i.Type("ip-address-family", "enum { ipv4, ipv6 }")
	i.Type("ipv4-address", "tuple<u8, u8, u8, u8>")
	i.Type("ipv6-address", "tuple<u16, u16, u16, u16, u16, u16, u16, u16>")
	i.Type("ip-address", "variant { ipv4(ipv4-address), ipv6(ipv6-address) }")
	i.Type("ipv4-socket-address", "record { port: u16, address: ipv4-address }")
	i.Type("ipv6-socket-address", "record { port: u16, flow-info: u32, address: ipv6-address, scope-id: u32 }")
	i.Type("ip-socket-address", "variant { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }")
	i.Resource("tcp-socket", nil)
	i.Resource("udp-socket", nil)
	denied := component.Err(component.Enum(socketAccessDenied))
	addTCP(h, i, denied)
	addUDP(h, i, denied)

	lookup := l.Instance("wasi:sockets/ip-name-lookup" + version)
	lookup.Use(i, "ip-address")
	lookup.Type("error-code", "variant { access-denied, invalid-argument, name-unresolvable, temporary-resolver-failure, "+
		"permanent-resolver-failure, other(option<string>) }")
	h.define(lookup, []def{{name: "resolve-addresses", wit: "async func(name: string) -> result<list<ip-address>, error-code>",
		async: answerAsync(component.Err(component.Enum(lookupPermanentResolverFailure)))}})
}

func addTCP(h *host, i *component.HostInstance, denied component.Value) {
	const future = "future<result<_, error-code>>"
	h.define(i, []def{
		{name: "[static]tcp-socket.create", wit: "func(address-family: ip-address-family) -> result<tcp-socket, error-code>", fn: answer(denied)},
		{name: "[method]tcp-socket.send", wit: "func(self: borrow<tcp-socket>, data: stream<u8>) -> " + future, fn: refuseWrite(1, denied)},
		{name: "[method]tcp-socket.receive", wit: "func(self: borrow<tcp-socket>) -> tuple<stream<u8>, " + future + ">", fn: refuseRead(denied)},
	})
	h.defineMethods(i, "tcp-socket", denied,
		method{"bind", "local-address: ip-socket-address", "result<_, error-code>"},
		method{"async connect", "remote-address: ip-socket-address", "result<_, error-code>"},
		method{"listen", "", "result<stream<tcp-socket>, error-code>"},
		method{"get-local-address", "", "result<ip-socket-address, error-code>"},
		method{"get-remote-address", "", "result<ip-socket-address, error-code>"},
		method{"set-listen-backlog-size", "value: u64", "result<_, error-code>"},
		method{"get-keep-alive-enabled", "", "result<bool, error-code>"},
		method{"set-keep-alive-enabled", "value: bool", "result<_, error-code>"},
		method{"get-keep-alive-idle-time", "", "result<duration, error-code>"},
		method{"set-keep-alive-idle-time", "value: duration", "result<_, error-code>"},
		method{"get-keep-alive-interval", "", "result<duration, error-code>"},
		method{"set-keep-alive-interval", "value: duration", "result<_, error-code>"},
		method{"get-keep-alive-count", "", "result<u32, error-code>"},
		method{"set-keep-alive-count", "value: u32", "result<_, error-code>"},
		method{"get-hop-limit", "", "result<u8, error-code>"},
		method{"set-hop-limit", "value: u8", "result<_, error-code>"},
		method{"get-receive-buffer-size", "", "result<u64, error-code>"},
		method{"set-receive-buffer-size", "value: u64", "result<_, error-code>"},
		method{"get-send-buffer-size", "", "result<u64, error-code>"},
		method{"set-send-buffer-size", "value: u64", "result<_, error-code>"},
	)
	h.defineMethods(i, "tcp-socket", component.Bool(false), method{"get-is-listening", "", "bool"})
	h.defineMethods(i, "tcp-socket", component.Enum(0), method{"get-address-family", "", "ip-address-family"})
}

func addUDP(h *host, i *component.HostInstance, denied component.Value) {
	h.define(i, []def{{name: "[static]udp-socket.create",
		wit: "func(address-family: ip-address-family) -> result<udp-socket, error-code>", fn: answer(denied)}})
	h.defineMethods(i, "udp-socket", denied,
		method{"bind", "local-address: ip-socket-address", "result<_, error-code>"},
		method{"connect", "remote-address: ip-socket-address", "result<_, error-code>"},
		method{"disconnect", "", "result<_, error-code>"},
		method{"async send", "data: list<u8>, remote-address: option<ip-socket-address>", "result<_, error-code>"},
		method{"async receive", "", "result<tuple<list<u8>, ip-socket-address>, error-code>"},
		method{"get-local-address", "", "result<ip-socket-address, error-code>"},
		method{"get-remote-address", "", "result<ip-socket-address, error-code>"},
		method{"get-unicast-hop-limit", "", "result<u8, error-code>"},
		method{"set-unicast-hop-limit", "value: u8", "result<_, error-code>"},
		method{"get-receive-buffer-size", "", "result<u64, error-code>"},
		method{"set-receive-buffer-size", "value: u64", "result<_, error-code>"},
		method{"get-send-buffer-size", "", "result<u64, error-code>"},
		method{"set-send-buffer-size", "value: u64", "result<_, error-code>"},
	)
	h.defineMethods(i, "udp-socket", component.Enum(0), method{"get-address-family", "", "ip-address-family"})
}
