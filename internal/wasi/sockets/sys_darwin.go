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

func newSocket(family, kind int) (int, error) { return socketInSteps(family, kind) }

func acceptSocket(fd int) (int, unix.Sockaddr, error) { return acceptInSteps(fd) }

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
