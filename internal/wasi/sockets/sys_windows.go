package sockets

import (
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

type descriptor = windows.Handle

const (
	// inherits reports whether an accepted socket has all options of its listener.
	inherits = false

	soError        = 0x1007     // SO_ERROR
	setNonBlocking = 0x8004667e // FIONBIO
)

var (
	winsock         = windows.NewLazySystemDLL("ws2_32.dll")
	procAccept      = winsock.NewProc("accept")
	procIoctl       = winsock.NewProc("ioctlsocket")
	procConnect     = winsock.NewProc("connect")
	procReceive     = winsock.NewProc("recv")
	procReceiveFrom = winsock.NewProc("recvfrom")
	procSend        = winsock.NewProc("send")
)

// system is the system's side of a conn: a non-blocking socket.
type system struct {
	mu     sync.RWMutex // held to use the socket; for writing, to close it
	fd     windows.Handle
	v6     bool
	closed bool
}

// openConn makes a socket.
func openConn(v6, stream bool) (*conn, error) {
	var family, kind, protocol int32 = windows.AF_INET, windows.SOCK_DGRAM, windows.IPPROTO_UDP
	if v6 {
		family = windows.AF_INET6
	}
	if stream {
		kind, protocol = windows.SOCK_STREAM, windows.IPPROTO_TCP
	}
	fd, err := windows.WSASocket(family, kind, protocol, nil, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
	if err != nil {
		return nil, err
	}
	if v6 {
		err = windows.SetsockoptInt(fd, windows.IPPROTO_IPV6, windows.IPV6_V6ONLY, 1)
	}
	return wrap(fd, v6, err)
}

// wrap makes a new socket non-blocking, unless something has failed with it already.
func wrap(fd windows.Handle, v6 bool, err error) (*conn, error) {
	yes := uint32(1)
	if err == nil {
		_, err = call(procIoctl, uintptr(fd), setNonBlocking, uintptr(unsafe.Pointer(&yes)))
	}
	if err != nil {
		_ = windows.Closesocket(fd) // nothing was done with it
		return nil, err
	}
	return &conn{system: system{fd: fd, v6: v6}}, nil
}

// call calls a function of Winsock that returns a number, -1 for an error.
func call(p *windows.LazyProc, args ...uintptr) (int, error) {
	r, _, err := p.Call(args...)
	if n := int(int32(r)); n >= 0 {
		return n, nil
	}
	return 0, err
}

// do calls f with the socket.
func (s *system) do(f func(fd windows.Handle) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	return f(s.fd)
}

func (s *system) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		_ = windows.Closesocket(s.fd) // no way to report it
	}
}

// ready reports whether an operation would not block.
func (s *system) ready(d direction) (ready bool) {
	err := s.do(func(fd windows.Handle) error {
		p := []pollFD{{fd: fd, events: d.events()}}
		n, err := poll(p, 0)
		ready = n > 0
		return err
	})
	return ready || err != nil
}

// await blocks until the socket is ready or closed.
func (s *system) await(d direction) { waits.await(s, d) }

func sockaddr(a Address) windows.Sockaddr {
	if a.Addr().Is4() {
		return &windows.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &windows.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: a.Scope}
}

func addressOf(sa windows.Sockaddr) Address {
	switch sa := sa.(type) {
	case *windows.SockaddrInet4:
		return Address{AddrPort: netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))}
	case *windows.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		return Address{AddrPort: netip.AddrPortFrom(ip, uint16(sa.Port)), Scope: sa.ZoneId}
	}
	return Address{}
}

// bind needs no option to take an address that was used before: here that one would take it from
// others.
func (s *system) bind(a Address, _ bool) error {
	return s.do(func(fd windows.Handle) error { return windows.Bind(fd, sockaddr(a)) })
}

// connect begins to connect; inProgress reports whether that goes on.
func (s *system) connect(a Address) (inProgress bool, err error) {
	err = s.do(func(fd windows.Handle) error {
		err := windows.Connect(fd, sockaddr(a))
		if inProgress = err == windows.WSAEWOULDBLOCK; inProgress {
			return nil
		}
		return err
	})
	return inProgress, err
}

// pending returns the error that an attempt to connect ended with.
func (s *system) pending() error {
	var errno int
	err := s.do(func(fd windows.Handle) (err error) {
		errno, err = windows.GetsockoptInt(fd, windows.SOL_SOCKET, soError)
		return err
	})
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	return err
}

func (s *system) listen(backlog int) error {
	return s.do(func(fd windows.Handle) error { return windows.Listen(fd, backlog) })
}

// accept takes a connection.
func (s *system) accept() (c *conn, peer Address, err error) {
	err = s.do(func(fd windows.Handle) error {
		var sa windows.RawSockaddrAny
		size := int32(unsafe.Sizeof(sa))
		r, _, err := procAccept.Call(uintptr(fd),
			uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
		if windows.Handle(r) == windows.InvalidHandle {
			return err
		}
		if from, err := sa.Sockaddr(); err == nil {
			peer = addressOf(from)
		}
		c, err = wrap(windows.Handle(r), s.v6, nil)
		return err
	})
	return c, peer, err
}

func (s *system) local() (a Address, err error) {
	err = s.do(func(fd windows.Handle) error {
		sa, err := windows.Getsockname(fd)
		a = addressOf(sa)
		return err
	})
	return a, err
}

// read reads bytes; 0 without an error is the end.
func (s *system) read(p []byte) (int, error) { return s.transfer(procReceive, p, 0) }

// peek is read, but leaves the bytes.
func (s *system) peek(p []byte) (int, error) { return s.transfer(procReceive, p, windows.MSG_PEEK) }

func (s *system) write(p []byte) (int, error) { return s.transfer(procSend, p, 0) }

func (s *system) transfer(proc *windows.LazyProc, p []byte, flags uintptr) (n int, err error) {
	err = s.do(func(fd windows.Handle) (err error) {
		n, err = call(proc, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags)
		return err
	})
	return n, err
}

func (s *system) receive(p []byte) (n int, from Address, err error) {
	err = s.do(func(fd windows.Handle) (err error) {
		var sa windows.RawSockaddrAny
		size := int32(unsafe.Sizeof(sa))
		n, err = call(procReceiveFrom, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0,
			uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
		if err != nil {
			return err
		}
		addr, err := sa.Sockaddr()
		from = addressOf(addr)
		return err
	})
	return n, from, err
}

// send sends a datagram, to the peer if to is nil.
func (s *system) send(p []byte, to *Address) error {
	if to == nil {
		_, err := s.transfer(procSend, p, 0)
		return err
	}
	return s.do(func(fd windows.Handle) error {
		buf := windows.WSABuf{Len: uint32(len(p)), Buf: unsafe.SliceData(p)}
		var sent uint32
		return windows.WSASendto(fd, &buf, 1, &sent, 0, sockaddr(*to), nil, nil)
	})
}

func (s *system) shutdown(d direction) error {
	how := windows.SHUT_RD
	if d == toWrite {
		how = windows.SHUT_WR
	}
	return s.do(func(fd windows.Handle) error { return windows.Shutdown(fd, how) })
}

// disconnect takes a datagram socket's peer away: it connects to an address of zeroes.
func (s *system) disconnect() error {
	return s.do(func(fd windows.Handle) error {
		var sa windows.RawSockaddrAny
		size := unsafe.Sizeof(windows.RawSockaddrInet4{})
		sa.Addr.Family = windows.AF_INET
		if s.v6 {
			size, sa.Addr.Family = unsafe.Sizeof(windows.RawSockaddrInet6{}), windows.AF_INET6
		}
		_, err := call(procConnect, uintptr(fd), uintptr(unsafe.Pointer(&sa)), size)
		return err
	})
}

func wouldBlock(err error) bool { return err == windows.WSAEWOULDBLOCK }

// broken reports whether a connection takes no more bytes.
func broken(err error) bool {
	return err == windows.WSAESHUTDOWN || err == windows.WSAECONNABORTED
}

// transient reports whether an error of accept is only of the connection that it was for.
func transient(err error) bool {
	switch err {
	case windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAEINTR, windows.WSAEINPROGRESS:
		return true
	}
	return false
}

// noPort reports whether connecting failed for want of a free port.
func noPort(err error) bool { return err == windows.WSAEADDRINUSE || err == windows.WSAENOBUFS }

// familyProblem reports whether an address is not one that the socket can have.
func familyProblem(err error) bool {
	return err == windows.WSAEAFNOSUPPORT || err == windows.WSAEFAULT || err == windows.WSAEINVAL
}

func systemCode(err error) Code {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return Other
	}
	switch errno {
	case windows.WSAEACCES:
		return AccessDenied
	case windows.WSAEOPNOTSUPP, windows.WSAENOPROTOOPT, windows.WSAEPFNOSUPPORT,
		windows.WSAEPROTONOSUPPORT, windows.WSAESOCKTNOSUPPORT, windows.WSAEAFNOSUPPORT:
		return NotSupported
	case windows.WSAEINVAL, windows.WSAEFAULT:
		return InvalidArgument
	case windows.WSAENOBUFS:
		return OutOfMemory
	case windows.WSAETIMEDOUT:
		return Timeout
	case windows.WSAENOTCONN, windows.WSAEISCONN, windows.WSAEDESTADDRREQ, windows.WSAEALREADY:
		return InvalidState
	case windows.WSAEADDRNOTAVAIL:
		return AddressNotBindable
	case windows.WSAEADDRINUSE:
		return AddressInUse
	case windows.WSAEHOSTUNREACH, windows.WSAEHOSTDOWN, windows.WSAENETDOWN,
		windows.WSAENETUNREACH, windows.WSAENETRESET:
		return RemoteUnreachable
	case windows.WSAECONNREFUSED:
		return ConnectionRefused
	case windows.WSAESHUTDOWN:
		return ConnectionBroken
	case windows.WSAECONNRESET:
		return ConnectionReset
	case windows.WSAECONNABORTED:
		return ConnectionAborted
	case windows.WSAEMSGSIZE:
		return DatagramTooLarge
	case windows.WSAEMFILE:
		return NewSocketLimit
	case windows.WSAEWOULDBLOCK:
		return WouldBlock
	}
	return Other
}

// optionName returns level and name of an option.
func optionName(o option, v6 bool) (level, name int) {
	switch o {
	case optKeepAlive:
		return windows.SOL_SOCKET, windows.SO_KEEPALIVE
	case optKeepIdle:
		return windows.IPPROTO_TCP, windows.TCP_KEEPIDLE
	case optKeepInterval:
		return windows.IPPROTO_TCP, windows.TCP_KEEPINTVL
	case optKeepCount:
		return windows.IPPROTO_TCP, windows.TCP_KEEPCNT
	case optReceiveBuffer:
		return windows.SOL_SOCKET, windows.SO_RCVBUF
	case optSendBuffer:
		return windows.SOL_SOCKET, windows.SO_SNDBUF
	}
	if v6 {
		return windows.IPPROTO_IPV6, windows.IPV6_UNICAST_HOPS
	}
	return windows.IPPROTO_IP, windows.IP_TTL
}

func getOption(fd windows.Handle, o option, v6 bool) (int, error) {
	level, name := optionName(o, v6)
	return windows.GetsockoptInt(fd, level, name)
}

func setOption(fd windows.Handle, o option, v6 bool, v int) error {
	level, name := optionName(o, v6)
	return windows.SetsockoptInt(fd, level, name, v)
}
