//go:build linux || darwin

package sockets

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSocketsMadeInStepsAreNonBlockingAndPrivate(t *testing.T) {
	check := func(what string, fd int) {
		t.Helper()
		t.Cleanup(func() { _ = unix.Close(fd) })
		status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		flags, err2 := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if status&unix.O_NONBLOCK == 0 || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: status %#x, flags %#x", what, status, flags)
		}
	}
	listener, err := socketInSteps(unix.AF_INET, unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	check("the listener", listener)
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(unix.Bind(listener, loopback), unix.Listen(listener, 1)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := acceptInSteps(listener); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("nobody has connected: %v", err)
	}
	at, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(client) })
	if err := unix.Connect(client, at); err != nil {
		t.Fatal(err)
	}
	accepted, from, err := acceptInSteps(listener)
	if err != nil || from == nil {
		t.Fatalf("from %v: %v", from, err)
	}
	check("the connection", accepted)
}
