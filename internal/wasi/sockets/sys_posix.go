//go:build linux || darwin

package sockets

import (
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/wasihttp/wasihttp/internal/nowait"
)

type descriptor = int

// system is the system's side of a conn: a non-blocking socket that the poller of Go's runtime
// watches. Operations go through do, which takes no lock, so that they do not wait for goroutines
// in await.
type system struct {
	file *os.File
	raw  syscall.RawConn
	v6   bool
}

// openConn makes a socket.
func openConn(v6, stream bool) (*conn, error) {
	family, kind := unix.AF_INET, unix.SOCK_DGRAM
	if v6 {
		family = unix.AF_INET6
	}
	if stream {
		kind = unix.SOCK_STREAM
	}
	fd, err := newSocket(family, kind)
	if err != nil {
		return nil, err
	}
	if v6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			_ = unix.Close(fd) // nothing was done with it
			return nil, err
		}
	}
	return wrap(fd, v6)
}

// wrap takes a non-blocking descriptor over.
func wrap(fd int, v6 bool) (*conn, error) {
	f := os.NewFile(uintptr(fd), "socket")
	raw, err := f.SyscallConn()
	if err != nil {
		_ = f.Close() // nothing was done with it
		return nil, err
	}
	return &conn{system: system{f, raw, v6}}, nil
}

// do calls f with the descriptor, again if a signal came between.
func (s *system) do(f func(fd int) error) (err error) {
	if closed := s.raw.Control(func(fd uintptr) {
		for {
			if err = f(int(fd)); err != unix.EINTR {
				return
			}
		}
	}); closed != nil {
		return errClosed
	}
	return err
}

func (s *system) close() { _ = s.file.Close() } // no way to report it

// ready reports whether an operation would not block.
func (s *system) ready(d direction) (ready bool) {
	err := s.do(func(fd int) (err error) {
		ready, err = pollReady(fd, d)
		return err
	})
	return ready || err != nil
}

// await blocks until the socket is ready or closed.
func (s *system) await(d direction) {
	wait := s.raw.Read
	if d == toWrite {
		wait = s.raw.Write
	}
	_ = wait(func(fd uintptr) bool { // that it is closed shows later
		ready, err := pollReady(int(fd), d)
		return ready || err != nil && err != unix.EINTR
	})
}

func pollReady(fd int, d direction) (bool, error) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if d == toWrite {
		p[0].Events = unix.POLLOUT
	}
	n, err := unix.Poll(p, 0)
	return n > 0, err
}

func sockaddr(a Address) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: a.Scope}
}

func addressOf(sa unix.Sockaddr) Address {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return Address{AddrPort: netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))}
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		return Address{AddrPort: netip.AddrPortFrom(ip, uint16(sa.Port)), Scope: sa.ZoneId}
	}
	return Address{}
}

func (s *system) bind(a Address, reuse bool) error {
	return s.do(func(fd int) error {
		if reuse {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
				return err
			}
		}
		return unix.Bind(fd, sockaddr(a))
	})
}

// connect begins to connect; inProgress reports whether that goes on.
func (s *system) connect(a Address) (inProgress bool, err error) {
	err = s.do(func(fd int) error {
		err := unix.Connect(fd, sockaddr(a))
		if inProgress = err == unix.EINPROGRESS || err == unix.EINTR; inProgress {
			return nil
		}
		return err
	})
	return inProgress, err
}

// pending returns the error that an attempt to connect ended with.
func (s *system) pending() error {
	var errno int
	err := s.do(func(fd int) (err error) {
		errno, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		return err
	})
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	return err
}

func (s *system) listen(backlog int) error {
	return s.do(func(fd int) error { return unix.Listen(fd, backlog) })
}

// accept takes a connection.
func (s *system) accept() (c *conn, peer Address, err error) {
	err = s.do(func(fd int) error {
		n, from, err := acceptSocket(fd)
		if err != nil {
			return err
		}
		peer = addressOf(from)
		c, err = wrap(n, s.v6)
		return err
	})
	return c, peer, err
}

func (s *system) local() (a Address, err error) {
	err = s.do(func(fd int) error {
		sa, err := unix.Getsockname(fd)
		a = addressOf(sa)
		return err
	})
	return a, err
}

// read reads bytes; 0 without an error is the end.
func (s *system) read(p []byte) (n int, err error) {
	err = s.do(func(fd int) (err error) {
		n, err = nowait.Receive(uintptr(fd), p[:min(len(p), nowait.Most)])
		return err
	})
	return max(n, 0), err
}

// peek is read, but leaves the bytes.
func (s *system) peek(p []byte) (n int, err error) {
	err = s.do(func(fd int) (err error) {
		n, _, err = unix.Recvfrom(fd, p, unix.MSG_PEEK)
		return err
	})
	return max(n, 0), err
}

func (s *system) write(p []byte) (n int, err error) {
	err = s.do(func(fd int) (err error) {
		n, err = nowait.Send(uintptr(fd), p[:min(len(p), nowait.Most)], false)
		return err
	})
	return max(n, 0), err
}

func (s *system) receive(p []byte) (n int, from Address, err error) {
	err = s.do(func(fd int) error {
		var sa unix.Sockaddr
		var err error
		n, sa, err = unix.Recvfrom(fd, p, 0)
		from = addressOf(sa)
		return err
	})
	return max(n, 0), from, err
}

// send sends a datagram, to the peer if to is nil.
func (s *system) send(p []byte, to *Address) error {
	return s.do(func(fd int) error {
		if to == nil {
			return unix.Send(fd, p, 0)
		}
		return unix.Sendto(fd, p, 0, sockaddr(*to))
	})
}

func (s *system) shutdown(d direction) error {
	how := unix.SHUT_RD
	if d == toWrite {
		how = unix.SHUT_WR
	}
	return s.do(func(fd int) error { return unix.Shutdown(fd, how) })
}

// disconnect takes a datagram socket's peer away.
func (s *system) disconnect() error {
	return s.do(func(fd int) error {
		err := connectToNone(fd)
		if err == unix.EAFNOSUPPORT || err == unix.EINVAL { // so say the BSDs, and do it
			return nil
		}
		return err
	})
}

func wouldBlock(err error) bool { return err == unix.EAGAIN || err == unix.EWOULDBLOCK }

// broken reports whether a connection takes no more bytes.
func broken(err error) bool { return err == unix.EPIPE }

// transient reports whether an error of accept is only of the connection that it was for.
func transient(err error) bool {
	switch err {
	case unix.ECONNABORTED, unix.ECONNRESET, unix.ENETDOWN, unix.EPROTO, unix.ENOPROTOOPT,
		unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH, unix.EPERM:
		return true
	}
	return noNetwork(err)
}

// noPort reports whether connecting failed for want of a free port.
func noPort(err error) bool {
	return err == unix.EADDRNOTAVAIL || err == unix.EADDRINUSE
}

// familyProblem reports whether an address is not one that the socket can have.
func familyProblem(err error) bool { return err == unix.EAFNOSUPPORT || err == unix.EINVAL }

func systemCode(err error) Code {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return Other
	}
	switch errno {
	case unix.EACCES, unix.EPERM:
		return AccessDenied
	case unix.EOPNOTSUPP, unix.ENOPROTOOPT, unix.EPFNOSUPPORT, unix.EPROTONOSUPPORT,
		unix.ESOCKTNOSUPPORT, unix.EAFNOSUPPORT:
		return NotSupported
	case unix.EINVAL:
		return InvalidArgument
	case unix.ENOMEM, unix.ENOBUFS:
		return OutOfMemory
	case unix.ETIMEDOUT:
		return Timeout
	case unix.ENOTCONN, unix.EISCONN, unix.EDESTADDRREQ, unix.EALREADY:
		return InvalidState
	case unix.EADDRNOTAVAIL:
		return AddressNotBindable
	case unix.EADDRINUSE:
		return AddressInUse
	case unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.ENETUNREACH, unix.ENETRESET:
		return RemoteUnreachable
	case unix.ECONNREFUSED:
		return ConnectionRefused
	case unix.EPIPE:
		return ConnectionBroken
	case unix.ECONNRESET:
		return ConnectionReset
	case unix.ECONNABORTED:
		return ConnectionAborted
	case unix.EMSGSIZE:
		return DatagramTooLarge
	case unix.EMFILE, unix.ENFILE:
		return NewSocketLimit
	case unix.EAGAIN:
		return WouldBlock
	}
	if noNetwork(err) {
		return RemoteUnreachable
	}
	return Other
}

// optionName returns level and name of an option, -1 for one that the system does not have.
func optionName(o option, v6 bool) (level, name int) {
	switch o {
	case optKeepAlive:
		return unix.SOL_SOCKET, unix.SO_KEEPALIVE
	case optKeepIdle:
		return unix.IPPROTO_TCP, keepIdle
	case optKeepInterval:
		return unix.IPPROTO_TCP, unix.TCP_KEEPINTVL
	case optKeepCount:
		return unix.IPPROTO_TCP, unix.TCP_KEEPCNT
	case optReceiveBuffer:
		return unix.SOL_SOCKET, unix.SO_RCVBUF
	case optSendBuffer:
		return unix.SOL_SOCKET, unix.SO_SNDBUF
	case optHopLimit:
		if v6 {
			return unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
		}
		return unix.IPPROTO_IP, unix.IP_TTL
	}
	return -1, -1
}

func getOption(fd int, o option, v6 bool) (int, error) {
	level, name := optionName(o, v6)
	v, err := unix.GetsockoptInt(fd, level, name)
	if err == nil && (o == optReceiveBuffer || o == optSendBuffer) {
		v /= bufferFactor
	}
	return v, err
}

func setOption(fd int, o option, v6 bool, v int) error {
	level, name := optionName(o, v6)
	err := unix.SetsockoptInt(fd, level, name, v)
	if err == unix.ENOBUFS && (o == optReceiveBuffer || o == optSendBuffer) {
		return nil // more than the system has: as much as there was before
	}
	return err
}
