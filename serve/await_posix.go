//go:build linux || darwin

package serve

import (
	"context"
	"syscall"
	"time"

	"github.com/wasihttp/wasihttp/internal/nowait"
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// AwaitReadable implements exchange.Conn. After the end of the context, whoever reads sets a
// deadline first, as net/http does before a request.
func (c *conn) AwaitReadable(ctx context.Context, left int64) (readable bool, err error) {
	if readable, known, asks := c.isReadable(left); !asks {
		return readable && known, nil
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = c.SetReadDeadline(past) // a connection that is closed has nothing to wait for
	})
	var p [1]byte
	_ = c.raw.Read(func(fd uintptr) bool { // an error is that of Read, too
		_, _, err := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK)
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
	if stop() {
		return true, nil
	}
	<-interrupted
	return false, context.Cause(ctx)
}

// Readable implements exchange.Conn.
func (c *conn) Readable(left int64) (readable, known bool) {
	readable, known, asks := c.isReadable(left)
	if asks {
		// A connection that is closed has nothing to wait for.
		readable = c.raw.Control(func(fd uintptr) { known = nowait.Readable(fd) }) != nil || known
		known = true
	}
	return readable, known
}

// isReadable reports whether a Read returns at once, and whether that is known, as Readable does;
// or that the system is to be asked, through c.raw.
func (c *conn) isReadable(left int64) (readable, known, asks bool) {
	switch f := &c.framer; {
	case c.state != nil: // TLS may have bytes, or need them for itself
		return false, false, false
	case c.over.Load(), len(c.ahead) > 0,
		f.number > c.served, f.number == c.served && f.state == frameStart: // the body has come
		return true, true, false
	case f.state != frameBody || f.left > uint64(left):
		return false, false, false
	case f.left < uint64(left): // net/http has the rest
		return true, true, false
	case c.raw != nil:
		return false, true, true
	}
	below, ok := c.below.(syscall.Conn)
	if !ok {
		return false, false, false
	}
	var err error
	c.raw, err = below.SyscallConn()
	return err != nil, true, err == nil // Read has the same error
}
