package listen

import "syscall"

// ownSocket gives a socket, before it has a name, the mode that its name will have.
func ownSocket(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) })
	if err != nil {
		return err
	}
	return failed
}
