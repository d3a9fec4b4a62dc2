//go:build !windows

package wasi

import "syscall"

// systemCode returns the case for an error number that only this system has, "" if there is none.
func systemCode(syscall.Errno) string { return "" }
