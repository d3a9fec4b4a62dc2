package table

import "github.com/wasihttp/wasihttp/component"

// AddAddressTypes declares the types of addresses in wasi:sockets.
func AddAddressTypes(i *component.HostInstance) {
	i.Type("ip-address-family", "enum { ipv4, ipv6 }")
	i.Type("ipv4-address", "tuple<u8, u8, u8, u8>")
	i.Type("ipv6-address", "tuple<u16, u16, u16, u16, u16, u16, u16, u16>")
	i.Type("ip-address", "variant { ipv4(ipv4-address), ipv6(ipv6-address) }")
	i.Type("ipv4-socket-address", "record { port: u16, address: ipv4-address }")
	i.Type("ipv6-socket-address",
		"record { port: u16, flow-info: u32, address: ipv6-address, scope-id: u32 }")
	i.Type("ip-socket-address", "variant { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }")
}

// TCPOptions returns the methods of a tcp-socket for its addresses and options, the names of
// getters with that prefix.
func TCPOptions(get string) []Method {
	return append(options(get, [][2]string{
		{"keep-alive-enabled", "bool"},
		{"keep-alive-idle-time", "duration"},
		{"keep-alive-interval", "duration"},
		{"keep-alive-count", "u32"},
		{"hop-limit", "u8"},
		{"receive-buffer-size", "u64"},
		{"send-buffer-size", "u64"},
	}), Method{"set-listen-backlog-size", "value: u64", "result<_, error-code>"})
}

// UDPOptions is TCPOptions for a udp-socket.
func UDPOptions(get string) []Method {
	return options(get, [][2]string{
		{"unicast-hop-limit", "u8"}, {"receive-buffer-size", "u64"}, {"send-buffer-size", "u64"},
	})
}

// options returns the getters and setters of options, pairs of name and type, and the getters of
// both addresses.
func options(get string, pairs [][2]string) []Method {
	methods := []Method{
		{get + "local-address", "", "result<ip-socket-address, error-code>"},
		{get + "remote-address", "", "result<ip-socket-address, error-code>"},
	}
	for _, p := range pairs {
		methods = append(methods,
			Method{get + p[0], "", "result<" + p[1] + ", error-code>"},
			Method{"set-" + p[0], "value: " + p[1], "result<_, error-code>"})
	}
	return methods
}
