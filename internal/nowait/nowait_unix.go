//go:build unix && (!linux || race || 386)

package nowait

import "syscall"

// Receive reads from a socket that does not block, into p. The end is 0 bytes without an error; the
// error is an [syscall.Errno], EAGAIN if nothing is there.
func Receive(fd uintptr, p []byte) (n int, err error) { return call(syscall.Read, fd, p) }

// Readable reports whether Receive finds something, or fails.
func Readable(fd uintptr) bool {
	for {
		var p [1]byte
		_, _, err := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return err != syscall.EAGAIN
		}
	}
}

// Send writes p, or a part of it, to a socket that does not block; more says that it should leave
// with what comes next. The error is an [syscall.Errno], EAGAIN if the system takes nothing.
func Send(fd uintptr, p []byte, more bool) (n int, err error) { return call(syscall.Write, fd, p) }

func call(do func(int, []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := do(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
