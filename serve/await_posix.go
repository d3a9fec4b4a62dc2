//go:build linux || darwin

package serve

import (
	"context"
	"syscall"
	"time"
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// AwaitReadable implements exchange.Conn. After the end of the context, whoever reads sets a
// deadline first, as net/http does before a request.
func (c *conn) AwaitReadable(ctx context.Context, left int64) (readable bool, err error) {
	switch f := &c.framer; {
	case c.state != nil: // TLS may have bytes, or need them for itself
		return false, nil
	case c.over.Load(), len(c.ahead) > 0,
		f.number > c.served, f.number == c.served && f.state == frameStart: // the body has come
		return true, nil
	case f.state != frameBody || f.left > uint64(left):
		return false, nil
	case f.left < uint64(left): // net/http has the rest
		return true, nil
	case c.raw != nil:
	default:
		below, ok := c.below.(syscall.Conn)
		if !ok {
			return false, nil
		}
		if c.raw, err = below.SyscallConn(); err != nil {
			return true, nil // Read says the same
		}
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
