package sockets

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	keepIdle = unix.TCP_KEEPALIVE
	// bufferFactor is how many times as large as it was set the system says that a buffer is.
	bufferFactor = 1
	// inherits reports whether an accepted socket has all options of its listener.
	inherits = false
)

func newSocket(family, kind int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return -1, err
	}
	return private(fd)
}

func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, from, err := unix.Accept(fd)
	if err != nil {
		return -1, nil, err
	}
	n, err = private(n)
	return n, from, err
}

// private makes a new descriptor non-blocking and keeps it from other programs.
func private(fd int) (int, error) {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd) // nothing was done with it
		return -1, err
	}
	return fd, nil
}

// connectToNone connects to an address without a family, which removes the peer.
func connectToNone(fd int) error {
	sa := unix.RawSockaddr{Len: unix.SizeofSockaddrInet4, Family: unix.AF_UNSPEC}
	_, _, errno := syscall.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)),
		unsafe.Sizeof(sa))
	if errno != 0 {
		return errno
	}
	return nil
}

func noNetwork(error) bool { return false }
