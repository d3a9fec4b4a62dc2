//go:build !race && !386

package serve

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/wasihttp/wasihttp/internal/nowait"
)

// direct is a wire that reads and writes as package nowait does. One goroutine may read from it
// while another writes to it.
type direct struct {
	net     net.Conn
	raw     syscall.RawConn
	in, out directCall
	turn    func(fd uintptr) bool // d.writeThenWait
	sent    func() bool           // of WriteThenRead; nil once the write is done
}

// directCall is a read or a write.
type directCall struct {
	do   func(fd uintptr) bool
	p    []byte // what it is about, or is left of it
	more bool   // more is written behind it
	n    int
	err  error
}

// newWire returns the wire of a connection.
func newWire(c net.Conn) wire {
	s, ok := c.(syscall.Conn)
	if !ok {
		return &vectored{Conn: c}
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return &vectored{Conn: c}
	}
	d := &direct{net: c, raw: raw}
	d.in.do, d.out.do, d.turn = d.in.receive, d.out.send, d.writeThenWait
	return d
}

// Read implements [io.Reader].
func (d *direct) Read(p []byte) (int, error) {
	c := &d.in
	c.p, c.n, c.err = p[:min(len(p), nowait.Most)], 0, nil
	err := d.raw.Read(c.do)
	c.p = nil
	return d.read(err, len(p))
}

// read returns the result of a read of up to most bytes, which the error of a RawConn is about.
func (d *direct) read(err error, most int) (int, error) {
	c := &d.in
	switch {
	case err != nil:
		return 0, d.failed("read", err)
	case c.err != nil:
		return 0, d.failed("read", c.err)
	case c.n == 0 && most > 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// receive reports whether the read is done.
func (c *directCall) receive(fd uintptr) bool {
	c.n, c.err = nowait.Receive(fd, c.p)
	return c.err != syscall.EAGAIN
}

// WriteThenRead implements turning. Go's poller forgets that a connection has become readable when
// a read begins, and looks for itself; this one begins before anything can be read, because the
// client waits for what is written.
func (d *direct) WriteThenRead(out, p []byte, sent func() bool) (int, error) {
	in := &d.in
	in.p, in.n, in.err = p[:min(len(p), nowait.Most)], 0, nil
	d.out.p, d.out.more, d.out.err = out, false, nil
	d.sent = sent
	err := d.raw.Read(d.turn)
	in.p = nil
	if d.sent == nil { // it has been written
		return d.read(err, len(p))
	}
	d.sent = nil
	if err == nil {
		if err = d.raw.Write(d.out.do); err == nil {
			err = d.out.err
		}
	}
	if d.out.p = nil; err != nil {
		return 0, d.failed("write", err)
	}
	if !sent() {
		return 0, net.ErrClosed
	}
	return d.Read(p)
}

// writeThenWait writes at first. It reports whether the read is done, or the write has to wait.
func (d *direct) writeThenWait(fd uintptr) bool {
	if d.sent == nil {
		return d.in.receive(fd)
	}
	if !d.out.send(fd) || d.out.err != nil {
		return true
	}
	sent := d.sent
	d.sent, d.out.p = nil, nil
	if !sent() {
		d.in.err = net.ErrClosed
	}
	return d.in.err != nil
}

// ReadNow implements turning.
func (d *direct) ReadNow(p []byte) (n int, found bool, err error) {
	c := &d.in
	c.p, c.n, c.err = p[:min(len(p), nowait.Most)], 0, nil
	err = d.raw.Control(func(fd uintptr) { found = c.receive(fd) })
	c.p = nil
	if err == nil && !found {
		return 0, false, nil
	}
	n, err = d.read(err, len(p))
	return n, true, err
}

// Write implements [io.Writer].
func (d *direct) Write(p []byte) (int, error) { return d.write(p, false) }

// WriteBoth implements wire.
func (d *direct) WriteBoth(first, second []byte) (int, error) {
	if _, err := d.write(first, true); err != nil {
		return 0, err
	}
	return d.write(second, false)
}

func (d *direct) write(p []byte, more bool) (int, error) {
	c := &d.out
	c.p, c.more, c.err = p, more, nil
	err := d.raw.Write(c.do)
	if err == nil {
		err = c.err
	}
	n := len(p) - len(c.p)
	c.p = nil
	if err != nil {
		return n, d.failed("write", err)
	}
	return n, nil
}

// send reports whether the write is done.
func (c *directCall) send(fd uintptr) bool {
	for len(c.p) > 0 {
		piece := c.p[:min(len(c.p), nowait.Most)]
		n, err := nowait.Send(fd, piece, c.more)
		if c.err = err; err != nil {
			return err != syscall.EAGAIN
		}
		c.p = c.p[n:]
	}
	return true
}

// failed returns an error as the connection returns it from the operation.
func (d *direct) failed(op string, err error) error {
	switch e := err.(type) {
	case *net.OpError:
		err = e.Err
	case syscall.Errno:
		err = os.NewSyscallError(op, e)
	}
	here := d.net.LocalAddr()
	return &net.OpError{
		Op: op, Net: here.Network(), Source: here, Addr: d.net.RemoteAddr(), Err: err,
	}
}
