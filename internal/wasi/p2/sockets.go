package p2

import (
	"errors"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// socketErrorCodes are the cases of wasi:sockets/network.error-code in their order.
const socketErrorCodes = "unknown, access-denied, not-supported, invalid-argument, " +
	"out-of-memory, timeout, concurrency-conflict, not-in-progress, would-block, invalid-state, " +
	"new-socket-limit, address-not-bindable, address-in-use, remote-unreachable, " +
	"connection-refused, connection-reset, connection-aborted, datagram-too-large, " +
	"name-unresolvable, temporary-resolver-failure, permanent-resolver-failure"

var socketCodes = strings.Split(socketErrorCodes, ", ")

// socketCode is the case of error-code for an error; unknown if there is none.
func socketCode(err error) component.Value {
	code, _ := sockets.CodeOf(err)
	return component.Enum(uint32(max(slices.Index(socketCodes, string(code)), 0)))
}

// socketError is the failed result for an error.
func socketError(err error) component.Value { return component.Err(socketCode(err)) }

// socketMethods are the methods that 0.3 has, too.
var socketMethods = table.Sockets{Fail: socketError}

// network is the value behind a wasi:sockets network. There is only one; the State decides what it
// allows.
type network struct{}

// addSockets offers wasi:sockets.
func addSockets(l *component.Linker, h *host) {
	net := l.Instance("wasi:sockets/network" + version)
	net.Use(h.ioError, "error")
	net.Resource("network", nil)
	net.Type("error-code", "enum { "+socketErrorCodes+" }")
	table.AddAddressTypes(net)
	h.define(net, []def{{"network-error-code",
		"func(err: borrow<error>) -> option<error-code>", networkErrorCode}})

	instance := l.Instance("wasi:sockets/instance-network" + version)
	instance.Use(net, "network")
	h.define(instance, []def{{"instance-network", "func() -> network", instanceNetwork}})

	addLookup(l, h, net)
	addTCP(l, h, net)
	addUDP(l, h, net)
}

func instanceNetwork(call, []component.Value) (component.Value, error) {
	return component.Own(network{}), nil
}

// networkErrorCode returns the error-code for an error of a stream of a connection.
func networkErrorCode(_ call, args []component.Value) (component.Value, error) {
	err := args[0].Rep().(*ioError).err
	if _, ok := sockets.CodeOf(err); !ok {
		return component.None(), nil
	}
	return component.Some(socketCode(err)), nil
}

// lookup is the value behind a resolve-address-stream.
type lookup struct {
	parent
	*sockets.Lookup
}

func addLookup(l *component.Linker, h *host, net *component.HostInstance) {
	i := l.Instance("wasi:sockets/ip-name-lookup" + version)
	i.Use(h.poll, "pollable")
	i.Use(net, "network", "error-code", "ip-address")
	i.Resource("resolve-address-stream", func(rep any) error {
		l := rep.(*lookup)
		return errors.Join(l.drop(), ignore(l.Close()))
	})
	h.define(i, []def{
		{"resolve-addresses", "func(network: borrow<network>, name: string) -> " +
			"result<resolve-address-stream, error-code>", resolveAddresses},
		{"[method]resolve-address-stream.resolve-next-address",
			"func(self: borrow<resolve-address-stream>) -> result<option<ip-address>, error-code>",
			resolveNextAddress},
		{"[method]resolve-address-stream.subscribe",
			"func(self: borrow<resolve-address-stream>) -> pollable",
			func(_ call, args []component.Value) (component.Value, error) {
				l := args[0].Rep().(*lookup)
				return newPollable(l.Lookup, &l.parent), nil
			}},
	})
}

func resolveAddresses(c call, args []component.Value) (component.Value, error) {
	l, err := sockets.Of(c.state).Lookup(args[1].Str())
	if err != nil {
		return socketError(err), nil
	}
	return component.Ok(component.Own(&lookup{Lookup: l})), nil
}

func resolveNextAddress(_ call, args []component.Value) (component.Value, error) {
	a, err := args[0].Rep().(*lookup).Next()
	switch {
	case err != nil:
		return socketError(err), nil
	case !a.IsValid():
		return component.Ok(component.None()), nil
	}
	return component.Ok(component.Some(table.IPAddress(a))), nil
}

// subscribeTo returns the subscribe of a resource; of returns the Source and the parent.
func subscribeTo(of func(rep any) (wasi.Source, *parent)) hostFunc {
	return func(_ call, args []component.Value) (component.Value, error) {
		return newPollable(of(args[0].Rep())), nil
	}
}

// always is a Source that is ready.
type always struct{}

func (always) Ready() bool { return true }

func (always) Subscribe(w *wasi.Waiter) (unsubscribe func()) {
	w.Wake()
	return func() {}
}
