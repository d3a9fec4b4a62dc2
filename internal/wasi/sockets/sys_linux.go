package sockets

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	keepIdle = unix.TCP_KEEPIDLE
	// bufferFactor is how many times as large as it was set the system says that a buffer is.
	bufferFactor = 2
	// inherits reports whether an accepted socket has all options of its listener.
	inherits = true
)

func newSocket(family, kind int) (int, error) {
	return unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// connectToNone connects to an address without a family, which removes the peer.
func connectToNone(fd int) error {
	sa := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)),
		unsafe.Sizeof(sa))
	if errno != 0 {
		return errno
	}
	return nil
}

func noNetwork(err error) bool { return err == syscall.Errno(unix.ENONET) }
