//go:build !race && !386

package serve

import (
	"io"
	"net"
	"syscall"
	"unsafe"
)

// direct reads from a connection and writes to it without telling Go's scheduler of the system
// calls, which never wait and take a few microseconds for a few kilobytes. If the system gives the
// processor to another program meanwhile, which it does often where all have work, the scheduler
// would hand its own processor to another thread, and wake and stop threads for each request.
//
// The race detector does not see that what was received was sent before, so it is not used then.
type direct struct {
	raw         syscall.RawConn
	read, write func(fd uintptr) bool

	p    []byte // what a call is about, or is left of it
	n    int
	errs error
}

// newDirect returns the direct of a connection; nil if there is none.
func newDirect(c net.Conn) *direct {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.read, d.write = d.readFrom, d.writeTo
	return d
}

// Read implements [io.Reader].
func (d *direct) Read(p []byte) (int, error) {
	d.p, d.n, d.errs = p, 0, nil
	if err := d.raw.Read(d.read); err != nil {
		return 0, err
	}
	if d.p = nil; d.errs == nil && d.n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return d.n, d.errs
}

// readFrom reports whether the read is done.
func (d *direct) readFrom(fd uintptr) bool {
	n, done, err := call(syscall.SYS_RECVFROM, fd, d.p, 0)
	d.n, d.errs = n, err
	return done
}

// Write implements [io.Writer].
func (d *direct) Write(p []byte) (int, error) {
	d.p, d.errs = p, nil
	if err := d.raw.Write(d.write); err != nil {
		return len(p) - len(d.p), err
	}
	n := len(p) - len(d.p)
	d.p = nil
	return n, d.errs
}

// writeTo reports whether the write is done.
func (d *direct) writeTo(fd uintptr) bool {
	for len(d.p) > 0 {
		n, done, err := call(syscall.SYS_SENDTO, fd, d.p, syscall.MSG_NOSIGNAL)
		if d.errs = err; !done || err != nil {
			return done
		}
		d.p = d.p[n:]
	}
	return true
}

// call makes a system call about p, one of sockets: those of files take locks and ask more. It
// reports false if the connection is not ready for it.
func call(trap, fd uintptr, p []byte, flags uintptr) (n int, done bool, err error) {
	for {
		n, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), true, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, false, nil
		default:
			return 0, true, errno
		}
	}
}
