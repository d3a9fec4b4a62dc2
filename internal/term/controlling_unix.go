//go:build unix

package term

import "golang.org/x/sys/unix"

// HasControlling reports whether the process has a controlling terminal. It has none any more when
// the terminal was closed.
func HasControlling() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}
