package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
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

// Listen opens a TCP listener on addr, which is HOST:PORT with a name, an IPv4
// address, an IPv6 address in brackets or nothing as the host; port 0 takes any
// free one. With findFree, Listen takes the next higher free port if the port
// is in use; otherwise it returns an *AddressInUseError.
func Listen(ctx context.Context, addr string, findFree bool) (net.Listener, error) {
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
func URL(l net.Listener, addr string) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "http://" + l.Addr().String() + "/"
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
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// IsLoopback reports whether only this machine can reach the listener.
func IsLoopback(l net.Listener) bool {
	addr, ok := l.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// listener remembers the connections on which nothing has arrived yet. Browsers
// open such connections in advance, and net/http waits five seconds for each of
// them when it drains.
type listener struct {
	net.Listener
	complain *log.Logger   // set before the first Accept; nil says nothing
	grace    time.Duration // for clients that send while their connection is closed; set likewise
	maxLine  int           // the longest request line, in bytes; set likewise
	stopping atomic.Bool   // requests that have only begun to arrive are not waited for
	hurry    atomic.Bool   // connections are closed without the grace
	mu       sync.Mutex
	unused   map[*conn]struct{}
}

// wrapListener returns l as a listener.
func wrapListener(l net.Listener) *listener {
	if l, ok := l.(*listener); ok {
		return l
	}
	return &listener{Listener: l, unused: make(map[*conn]struct{})}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	wrapped := &conn{TCPConn: tcp, listener: l}
	wrapped.framer.limit = l.maxLine
	l.mu.Lock()
	l.unused[wrapped] = struct{}{}
	l.mu.Unlock()
	return wrapped, nil
}

// closeUnused closes the connections on which no request has begun.
func (l *listener) closeUnused() {
	l.mu.Lock()
	unused := make([]*conn, 0, len(l.unused))
	for c := range l.unused {
		unused = append(unused, c)
	}
	l.mu.Unlock()
	for _, c := range unused {
		// Nothing was received on it, so no client waits for a response.
		_ = c.Close()
	}
}

// conn is a TCP connection that knows whether anything has arrived on it.
type conn struct {
	*net.TCPConn
	listener *listener
	used     atomic.Bool
	over     atomic.Bool // nothing is read any more: the response that is under way is the last
	midway   atomic.Bool // a request has begun and was not read to its end
	reset    atomic.Bool // the client is to notice that its response was cut off
	closed   atomic.Bool // Close was called
	framer   framer
	ahead    []byte // read before, and next for Read
	served   uint64 // requests that net/http has read; belongs to its goroutine
	out      gathered
	raw      syscall.RawConn // made when it is first needed
}

// Last reports whether the connection takes no request after the current one.
func (c *conn) Last() bool { return c.framer.isLast(c.served) }

// CloseAfterResponse ends the reading side.
func (c *conn) CloseAfterResponse() { c.over.Store(true) }

// Reset makes closing the connection a reset.
func (c *conn) Reset() {
	c.reset.Store(true)
	// If it cannot be set the connection is broken already.
	_ = c.SetLinger(0)
}

// Read reads from the connection.
func (c *conn) Read(p []byte) (int, error) {
	if c.over.Load() {
		return 0, io.EOF
	}
	for {
		n, err := c.read(p)
		if n == 0 {
			return n, err
		}
		if c.framer.number == 0 && p[0] == tlsHandshake {
			c.use()
			c.refuseTLS()
			return 0, io.EOF
		}
		n = c.framer.feed(p[:n])
		c.midway.Store(c.framer.state != frameStart)
		if n == 0 && err == nil {
			continue // there were empty lines before a request and no more
		}
		c.use()
		if c.framer.tooLong() {
			c.over.Store(true)
			c.refuse("414 URI Too Long", "414 URI Too Long")
			return 0, io.EOF
		}
		return n, err
	}
}

// read reads what has been read before, or else from the connection below.
func (c *conn) read(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.TCPConn.Read(p)
	}
	n := copy(p, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// tlsHandshake is the first byte that a TLS client sends (RFC 8446, section
// 5.1). No request begins with it.
const tlsHandshake = 22

// refuseTLS responds to a client that expects TLS, so that client and user can distinguish this
// from a broken connection.
func (c *conn) refuseTLS() {
	if c.listener.complain != nil {
		c.listener.complain.Printf("%s tried https://, but this server speaks http://",
			c.RemoteAddr())
	}
	c.refuse("400 Bad Request", "this is http://, not https://")
}

// refuse responds to a request that is hidden from net/http. No response may be under way.
func (c *conn) refuse(status, text string) {
	const headers = "Connection: close\r\nContent-Type: text/plain\r\n"
	// A client that has gone needs no response.
	_, _ = io.WriteString(c.TCPConn, "HTTP/1.1 "+status+"\r\n"+headers+"\r\n"+text+"\n")
}

// Close closes the connection. A client whose request was not read to its end gets time to read the
// response: if it sent to a closed socket, its system would discard the response (RFC 9112, section
// 9.6).
func (c *conn) Close() error {
	c.use()
	patient := c.over.Load() || c.midway.Load() && !c.listener.stopping.Load()
	patient = patient && !c.reset.Load() && !c.listener.hurry.Load()
	if patient && !c.closed.Swap(true) && c.CloseWrite() == nil &&
		c.SetReadDeadline(time.Now().Add(c.listener.grace)) == nil {
		// It ends when the client or its time does; either is fine.
		_, _ = io.Copy(io.Discard, c.TCPConn)
	}
	return c.TCPConn.Close()
}

// use reports whether it is the first time.
func (c *conn) use() bool {
	if c.used.Load() || c.used.Swap(true) {
		return false
	}
	c.listener.mu.Lock()
	delete(c.listener.unused, c)
	c.listener.mu.Unlock()
	return true
}
