//go:build unix

package regular

import "syscall"

// nonblock lets open(2) return at once for a named pipe without a writer, and keeps a terminal from
// becoming the process's own.
const nonblock = syscall.O_NONBLOCK | syscall.O_NOCTTY
