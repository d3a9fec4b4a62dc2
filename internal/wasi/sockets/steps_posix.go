//go:build linux || darwin

package sockets

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// The functions of this file make sockets where the system cannot make them non-blocking and
// private in one step, as macOS. Their tests run on Linux, too.

// socketInSteps makes a non-blocking socket that other programs do not inherit.
func socketInSteps(family, kind int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return -1, err
	}
	return private(fd)
}

// acceptInSteps accepts a connection as such a socket.
func acceptInSteps(fd int) (int, unix.Sockaddr, error) {
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
