//go:build !linux

package listen

import "syscall"

// ownSocket does nothing: the mode is set once the socket has its name.
func ownSocket(string, string, syscall.RawConn) error { return nil }
