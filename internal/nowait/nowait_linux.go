//go:build !race && !386

package nowait

import (
	"syscall"
	"unsafe"
)

// Receive reads from a socket that does not block, into p. The end is 0 bytes without an error; the
// error is an [syscall.Errno], EAGAIN if nothing is there.
func Receive(fd uintptr, p []byte) (n int, err error) {
	return call(syscall.SYS_RECVFROM, fd, p, 0)
}

// Readable reports whether Receive finds something, or fails.
func Readable(fd uintptr) bool {
	var p [1]byte
	_, err := call(syscall.SYS_RECVFROM, fd, p[:], syscall.MSG_PEEK)
	return err != syscall.EAGAIN
}

// Send writes p, or a part of it, to a socket that does not block; more says that it should leave
// with what comes next. The error is an [syscall.Errno], EAGAIN if the system takes nothing.
func Send(fd uintptr, p []byte, more bool) (n int, err error) {
	flags := uintptr(syscall.MSG_NOSIGNAL)
	if more {
		const msgMore = 0x8000
		flags |= msgMore
	}
	return call(syscall.SYS_SENDTO, fd, p, flags)
}

// call makes a system call of sockets: those of files take locks and ask more. The race detector
// does not see that what was received was sent before, so this is not used with it.
func call(trap, fd uintptr, p []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
