//go:build unix

package regular

import (
	"os"
	"syscall"
)

// nonblock lets open(2) return at once for a named pipe without a writer, and keeps a terminal from
// becoming the process's own.
const nonblock = syscall.O_NONBLOCK | syscall.O_NOCTTY

func openToRead(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|nonblock, 0)
}
