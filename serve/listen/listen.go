// Package listen opens what a server listens on, and says how it is reached.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"syscall"
)

// AddressInUseError is the error of Listen if another process listens on the address.
type AddressInUseError struct {
	// Addr is the address as the user gave it.
	Addr string
	// Err is the operating system's error.
	Err error
}

// Error names the address.
func (e *AddressInUseError) Error() string {
	return fmt.Sprintf("address %s is already in use", e.Addr)
}

// Unwrap returns the operating system's error.
func (e *AddressInUseError) Unwrap() error { return e.Err }

// portsTried is how many ports Listen looks at before it lets the system choose.
const portsTried = 100

// Listen opens a listener on addr, which is HOST:PORT with a name, an IPv4
// address, an IPv6 address in brackets or nothing as the host, or unix:PATH;
// port 0 takes any free one. With findFree, Listen takes the next higher free
// port if the port is in use; otherwise it returns an *AddressInUseError.
func Listen(ctx context.Context, addr string, findFree bool) (net.Listener, error) {
	if path, ok := SocketPath(addr); ok {
		return listenUnix(ctx, addr, path)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if !isInUse(err) {
		return listener, err
	}
	if !findFree {
		return nil, &AddressInUseError{Addr: addr, Err: err}
	}
	first, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, err
	}
	for n := first + 1; n <= 65535 && n < first+portsTried; n++ {
		listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(n)))
		if !isInUse(err) {
			return listener, err
		}
	}
	listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	return listener, err
}

// wsaAddressInUse is WSAEADDRINUSE of the Windows Sockets API, which the
// portable errors of package syscall do not match.
const wsaAddressInUse = syscall.Errno(10048)

func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) ||
		runtime.GOOS == "windows" && errors.Is(err, wsaAddressInUse)
}

// URL returns the address to open for a listener on addr: with the host name
// that addr has, or the loopback address if the listener is on all interfaces.
// For a socket of the file system, which has no URL, it returns unix:PATH.
func URL(l net.Listener, addr string, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	if l.Addr().Network() == "unix" {
		return socketPrefix + l.Addr().String()
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return scheme + l.Addr().String() + "/"
	}
	asked, _, err := net.SplitHostPort(addr)
	if err == nil && asked != "" && net.ParseIP(asked) == nil {
		host = asked
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if parsed := net.ParseIP(asked); parsed != nil && parsed.To4() == nil {
			host = "::1"
		}
	}
	return scheme + net.JoinHostPort(host, port) + "/"
}

// IsLoopback reports whether only this machine can reach the listener.
func IsLoopback(l net.Listener) bool {
	addr, ok := l.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback() || l.Addr().Network() == "unix"
}
