package table

import (
	"net/netip"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
)

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

// The cases of ip-address-family, and of the variants of addresses.
const (
	familyIPv4 = iota
	familyIPv6
)

// IsIPv6 reports whether an ip-address-family is that of IPv6.
func IsIPv6(family component.Value) bool { return family.Case() == familyIPv6 }

// IPAddress returns an ip-address.
func IPAddress(a netip.Addr) component.Value {
	if a.Is4() {
		return component.Variant(familyIPv4, ipv4(a))
	}
	return component.Variant(familyIPv6, ipv6(a))
}

func ipv4(a netip.Addr) component.Value {
	var fields []component.Value
	for _, b := range a.As4() {
		fields = append(fields, component.U8(b))
	}
	return component.Record(fields...)
}

func ipv6(a netip.Addr) component.Value {
	b := a.As16()
	var fields []component.Value
	for i := 0; i < len(b); i += 2 {
		fields = append(fields, component.U16(uint16(b[i])<<8|uint16(b[i+1])))
	}
	return component.Record(fields...)
}

// SocketAddress returns an ip-socket-address.
func SocketAddress(a sockets.Address) component.Value {
	port := component.U16(a.Port())
	if a.Addr().Is4() {
		return component.Variant(familyIPv4, component.Record(port, ipv4(a.Addr())))
	}
	return component.Variant(familyIPv6, component.Record(
		port, component.U32(a.Flow), ipv6(a.Addr()), component.U32(a.Scope)))
}

// SocketAddressOf returns what an ip-socket-address holds.
func SocketAddressOf(v component.Value) sockets.Address {
	fields := v.Payload().Items()
	if v.Case() == familyIPv4 {
		var b [4]byte
		for i, x := range fields[1].Items() {
			b[i] = x.U8()
		}
		return sockets.Address{AddrPort: netip.AddrPortFrom(netip.AddrFrom4(b), fields[0].U16())}
	}
	var b [16]byte
	for i, x := range fields[2].Items() {
		b[2*i], b[2*i+1] = byte(x.U16()>>8), byte(x.U16())
	}
	return sockets.Address{
		AddrPort: netip.AddrPortFrom(netip.AddrFrom16(b), fields[0].U16()),
		Flow:     fields[1].U32(), Scope: fields[3].U32(),
	}
}

// OptionalAddress returns what an option<ip-socket-address> holds; nil for none.
func OptionalAddress(v component.Value) *sockets.Address {
	if !v.IsSome() {
		return nil
	}
	a := SocketAddressOf(v.Payload())
	return &a
}

// TCPOf returns the socket behind a tcp-socket.
func TCPOf(v component.Value) *sockets.TCP {
	return v.Rep().(interface{ TCP() *sockets.TCP }).TCP()
}

// UDPOf returns the socket behind a udp-socket.
func UDPOf(v component.Value) *sockets.UDP {
	return v.Rep().(interface{ UDP() *sockets.UDP }).UDP()
}

// Sockets is how a dialect has the methods of sockets that both have.
type Sockets struct {
	// Get is the prefix of getters.
	Get string
	// Fail returns the failed result for an error.
	Fail func(error) component.Value
}

// Result returns the result of what has no other value.
func (s Sockets) Result(err error) component.Value {
	if err != nil {
		return s.Fail(err)
	}
	return component.OkUnit()
}

// TCP returns the methods of a tcp-socket for its addresses and options.
func (s Sockets) TCP() []Def {
	const r = "tcp-socket"
	type tcp = *sockets.TCP
	of, u8, u32, u64 := TCPOf, component.U8, component.U32, component.U64
	asU8, asU32, asU64 := component.Value.U8, component.Value.U32, component.Value.U64
	return concat(
		getter(s, r, "local-address", "ip-socket-address", of, tcp.LocalAddress, SocketAddress),
		getter(s, r, "remote-address", "ip-socket-address", of, tcp.RemoteAddress, SocketAddress),
		option(s, r, "keep-alive-enabled", "bool", of, tcp.KeepAlive, tcp.SetKeepAlive,
			component.Bool, component.Value.Bool),
		option(s, r, "keep-alive-idle-time", "duration", of,
			tcp.KeepAliveIdle, tcp.SetKeepAliveIdle, u64, asU64),
		option(s, r, "keep-alive-interval", "duration", of,
			tcp.KeepAliveInterval, tcp.SetKeepAliveInterval, u64, asU64),
		option(s, r, "keep-alive-count", "u32", of,
			tcp.KeepAliveCount, tcp.SetKeepAliveCount, u32, asU32),
		option(s, r, "hop-limit", "u8", of, tcp.HopLimit, tcp.SetHopLimit, u8, asU8),
		option(s, r, "receive-buffer-size", "u64", of,
			tcp.ReceiveBufferSize, tcp.SetReceiveBufferSize, u64, asU64),
		option(s, r, "send-buffer-size", "u64", of,
			tcp.SendBufferSize, tcp.SetSendBufferSize, u64, asU64),
		setter(s, r, "listen-backlog-size", "u64", of, tcp.SetBacklog, asU64),
		[]Def{
			s.plain(r, "is-listening", "bool", func(v component.Value) component.Value {
				return component.Bool(TCPOf(v).IsListening())
			}),
			s.plain(r, "address-family", "ip-address-family",
				func(v component.Value) component.Value {
					return family(TCPOf(v).IPv6())
				}),
		},
	)
}

// UDP returns the methods of a udp-socket for its addresses and options.
func (s Sockets) UDP() []Def {
	const r = "udp-socket"
	type udp = *sockets.UDP
	of, u64, asU64 := UDPOf, component.U64, component.Value.U64
	return concat(
		getter(s, r, "local-address", "ip-socket-address", of, udp.LocalAddress, SocketAddress),
		getter(s, r, "remote-address", "ip-socket-address", of, udp.RemoteAddress, SocketAddress),
		option(s, r, "unicast-hop-limit", "u8", of, udp.HopLimit, udp.SetHopLimit,
			component.U8, component.Value.U8),
		option(s, r, "receive-buffer-size", "u64", of,
			udp.ReceiveBufferSize, udp.SetReceiveBufferSize, u64, asU64),
		option(s, r, "send-buffer-size", "u64", of,
			udp.SendBufferSize, udp.SetSendBufferSize, u64, asU64),
		[]Def{s.plain(r, "address-family", "ip-address-family",
			func(v component.Value) component.Value { return family(UDPOf(v).IPv6()) })},
	)
}

func family(v6 bool) component.Value {
	if v6 {
		return component.Enum(familyIPv6)
	}
	return component.Enum(familyIPv4)
}

func concat(lists ...[]Def) (all []Def) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// def returns a method.
func def(resource, name, params, result string,
	fn func(args []component.Value) component.Value) Def {
	m := Method{name, params, result}
	return Def{"[method]" + resource + "." + name, m.WIT(resource),
		func(_ *wasi.State, args []component.Value) (component.Value, error) {
			return fn(args), nil
		}}
}

// plain returns a getter that cannot fail.
func (s Sockets) plain(resource, name, typ string,
	get func(component.Value) component.Value) Def {
	return def(resource, s.Get+name, "", typ,
		func(args []component.Value) component.Value { return get(args[0]) })
}

func getter[S, T any](s Sockets, resource, name, typ string, of func(component.Value) S,
	get func(S) (T, error), value func(T) component.Value) []Def {
	return []Def{def(resource, s.Get+name, "", "result<"+typ+", error-code>",
		func(args []component.Value) component.Value {
			v, err := get(of(args[0]))
			if err != nil {
				return s.Fail(err)
			}
			return component.Ok(value(v))
		})}
}

func setter[S, T any](s Sockets, resource, name, typ string, of func(component.Value) S,
	set func(S, T) error, arg func(component.Value) T) []Def {
	return []Def{def(resource, "set-"+name, "value: "+typ, "result<_, error-code>",
		func(args []component.Value) component.Value {
			return s.Result(set(of(args[0]), arg(args[1])))
		})}
}

func option[S, T any](s Sockets, resource, name, typ string, of func(component.Value) S,
	get func(S) (T, error), set func(S, T) error,
	value func(T) component.Value, arg func(component.Value) T) []Def {
	return append(getter(s, resource, name, typ, of, get, value),
		setter(s, resource, name, typ, of, set, arg)...)
}
