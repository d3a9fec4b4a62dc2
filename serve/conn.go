package serve

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is a connection that knows whether anything has arrived on it. With TLS, it is what goes
// through that; then only HTTP/1 does.
type conn struct {
	net.Conn          // a *net.TCPConn, a *net.UnixConn, or a *tls.Conn over one of them
	below    net.Conn // what is below TLS, or Conn itself
	wire     wire     // of Conn
	state    *tls.ConnectionState
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
	half     half
	raw      syscall.RawConn // made when it is first needed
}

// tlsConn is a conn with TLS. net/http wants the method.
type tlsConn struct{ *conn }

// ConnectionState returns what was agreed on.
func (c tlsConn) ConnectionState() tls.ConnectionState { return *c.state }

// connOfNet returns the conn that net/http has as c; nil if it is another connection.
func connOfNet(c net.Conn) *conn {
	switch c := c.(type) {
	case *conn:
		return c
	case tlsConn:
		return c.conn
	}
	return nil
}

// Last reports whether the connection takes no request after the current one.
func (c *conn) Last() bool { return c.framer.isLast(c.served) }

// CloseAfterResponse ends the reading side.
func (c *conn) CloseAfterResponse() { c.over.Store(true) }

// Reset makes closing the connection a reset.
func (c *conn) Reset() {
	c.reset.Store(true)
	if tcp, ok := c.below.(*net.TCPConn); ok {
		// If it cannot be set the connection is broken already.
		_ = tcp.SetLinger(0)
	}
}

// Read reads from the connection.
func (c *conn) Read(p []byte) (int, error) {
	if c.over.Load() {
		return 0, io.EOF
	}
	for {
		n, err := c.read(p)
		if n == 0 {
			if err == io.EOF && c.runs() {
				err = c.awaitLeave(c.framer.old)
			}
			return n, err
		}
		c.half.began(time.Now())
		if c.framer.number == 0 && p[0] == tlsHandshake && c.state == nil {
			c.use()
			c.refuseTLS()
			return 0, io.EOF
		}
		n = c.framer.feed(p[:n])
		c.midway.Store(c.framer.state != frameStart && !c.framer.http2)
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

// runs reports whether a request is running that has come whole.
func (c *conn) runs() bool {
	return c.framer.state == frameStart && c.framer.number > c.half.ended.Load()
}

// read reads what has been read before, or else from the connection below.
func (c *conn) read(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.wire.Read(p)
	}
	n := copy(p, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// refuse responds to a request that is hidden from net/http. No response may be under way.
func (c *conn) refuse(status, text string) { writeRefusal(c.Conn, status, text) }

// writeRefusal writes a response in HTTP/1.1 after which the connection is closed.
func writeRefusal(w io.Writer, status, text string) {
	const headers = "Connection: close\r\nContent-Type: text/plain\r\n"
	// A client that has gone needs no response.
	_, _ = io.WriteString(w, "HTTP/1.1 "+status+"\r\n"+headers+"\r\n"+text+"\n")
}

// Close closes the connection. A client whose request was not read to its end gets time to read the
// response: if it sent to a closed socket, its system would discard the response (RFC 9112, section
// 9.6).
func (c *conn) Close() error {
	c.use()
	c.wake()
	patient := c.over.Load() || c.midway.Load() && !c.listener.stopping.Load()
	patient = patient && !c.reset.Load() && !c.listener.hurry.Load()
	if patient && !c.closed.Swap(true) {
		c.linger()
	}
	return c.Conn.Close()
}

// linger ends the sending side and waits until the client has closed the other one, for the grace
// at most.
func (c *conn) linger() {
	half, ok := c.below.(interface{ CloseWrite() error })
	if t, isTLS := c.Conn.(*tls.Conn); isTLS && c.state != nil {
		_ = t.CloseWrite() // if it fails, so does the next one
	}
	if ok && half.CloseWrite() == nil &&
		c.below.SetReadDeadline(time.Now().Add(c.listener.grace)) == nil {
		// It ends when the client or its time does; either is fine.
		_, _ = io.Copy(io.Discard, c.below)
	}
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
