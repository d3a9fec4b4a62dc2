package wasi

import (
	"io"
	"net"
	"time"
)

// responseBody reads a response's body and lets the connection go at its end.
type responseBody struct {
	e    *Exchange
	r    io.Reader
	done bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if n > 0 {
		b.e.line.Received(p[:n])
	}
	if err != nil && !b.done {
		b.done = true
		code := ""
		if err != io.EOF {
			code = err.Error()
		}
		b.e.line.Over(code)
		b.e.half()
	}
	return n, err
}

func (b *responseBody) Close() error { return b.e.Close() }

// deadlineConn is the receiving side of a connection: it limits the head's size, and in the body
// the gap between bytes.
type deadlineConn struct {
	conn   net.Conn
	left   int64
	inBody bool
	gap    time.Duration
}

func (c *deadlineConn) body() { c.inBody = true }

func (c *deadlineConn) Read(p []byte) (int, error) {
	if c.inBody {
		if err := c.conn.SetReadDeadline(time.Now().Add(c.gap)); err != nil {
			return 0, err
		}
		return c.conn.Read(p)
	}
	if c.left <= 0 {
		return 0, errHeadTooBig
	}
	n, err := c.conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
