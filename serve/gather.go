package serve

import (
	"io"
	"net"
)

// wire is how a connection, or TLS over it, is read from and written to.
type wire interface {
	io.ReadWriter
	// WriteBoth writes both pieces, in one packet where they fit, and returns how many bytes of the
	// second one were written.
	WriteBoth(first, second []byte) (int, error)
}

// vectored is the wire of any connection.
type vectored struct {
	net.Conn
	pieces [2][]byte
	vector net.Buffers // of pieces
}

// WriteBoth implements wire.
func (v *vectored) WriteBoth(first, second []byte) (int, error) {
	v.pieces = [...][]byte{first, second}
	v.vector = v.pieces[:]
	n, err := v.vector.WriteTo(v.Conn)
	v.pieces = [2][]byte{}
	return max(int(n)-len(first), 0), err
}

// maxGathered is the length of the longest piece that is held back, in bytes: net/http's buffer.
const maxGathered = 4 << 10

// gathered are short pieces of a response that leave with the long one that comes after them.
type gathered struct {
	on   bool
	held []byte
}

// Gather begins or ends a write in several pieces.
func (c *conn) Gather(begin bool) {
	c.out.on = begin
	if held := c.out.held; !begin && len(held) > 0 {
		c.out.held = held[:0]
		c.half.begin()
		defer c.half.writing.Unlock()
		// If it fails so does whatever is written next.
		_, _ = c.wire.Write(held)
	}
}

// Write writes to the connection. Only one goroutine does.
func (c *conn) Write(p []byte) (int, error) {
	out := &c.out
	if out.on && len(p) <= maxGathered-len(out.held) {
		out.held = append(out.held, p...)
		return len(p), nil
	}
	c.half.begin()
	defer c.half.writing.Unlock()
	if len(out.held) == 0 {
		return c.wire.Write(p)
	}
	n, err := c.wire.WriteBoth(out.held, p)
	out.held = out.held[:0]
	return n, err
}
