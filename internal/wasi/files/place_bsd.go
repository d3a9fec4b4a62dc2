//go:build unix && !linux

package files

import (
	"os"
	"time"
)

// From <sys/stat.h> of macOS.
const (
	utimeNow  = -1
	utimeOmit = -2
)

// setFileTimes sets the times of an open file, to the microsecond.
func setFileTimes(f *os.File, access, modify Stamp) error {
	st, err := statFile(f)
	if err != nil {
		return err
	}
	return setMicroseconds(f, stamped(st, access, modify, time.Now()))
}

func syncFile(f *os.File, _ bool) error { return f.Sync() }

func advise(*os.File, int64, int64, Advice) {}

func appendOnce(*os.File, []byte) (n int, ok bool, err error) { return 0, false, nil }

// isSystem reports whether the files of an open file's file system are the system itself.
func isSystem(*os.File) bool { return false }

// readNow does nothing: this system has no way not to wait for the disk.
func readNow(*os.File, []byte, int64, bool) (n int, end bool) { return 0, false }

func isQuick(*os.File) bool { return false }

func readEntries(dir *os.File, n int) ([]Entry, error) { return entriesByName(dir, n) }
