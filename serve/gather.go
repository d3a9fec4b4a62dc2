package serve

import "net"

// maxGathered is the length of the longest piece that is held back, in bytes: net/http's buffer.
const maxGathered = 4 << 10

// gathered are short pieces of a response that leave with the long one that comes after them.
type gathered struct {
	on     bool
	held   []byte
	pieces [2][]byte
	vector net.Buffers // of pieces
}

// Gather begins or ends a write in several pieces.
func (c *conn) Gather(begin bool) {
	c.out.on = begin
	if held := c.out.held; !begin && len(held) > 0 {
		c.out.held = held[:0]
		c.half.begin()
		defer c.half.writing.Unlock()
		// If it fails so does whatever is written next.
		_, _ = c.Conn.Write(held)
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
		return c.Conn.Write(p)
	}
	held := len(out.held)
	out.pieces = [...][]byte{out.held, p}
	out.vector = out.pieces[:]
	n, err := out.vector.WriteTo(c.Conn)
	out.held, out.pieces = out.held[:0], [2][]byte{}
	return max(int(n)-held, 0), err
}
