//go:build unix && !linux

package files

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
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
	times := []time.Time{st.Access, st.Modify}
	for i, s := range []Stamp{access, modify} {
		switch s.Kind {
		case StampNow:
			times[i] = time.Now()
		case StampTime:
			times[i] = s.Time
		}
	}
	tv := make([]unix.Timeval, len(times))
	for i, t := range times {
		tv[i] = unix.NsecToTimeval(t.UnixNano())
	}
	return withFd(f, func(fd int) error { return unix.Futimes(fd, tv) })
}

func syncFile(f *os.File, _ bool) error { return f.Sync() }

func advise(*os.File, int64, int64, Advice) {}

func appendOnce(*os.File, []byte) (n int, ok bool, err error) { return 0, false, nil }

// isSystem reports whether the files of an open file's file system are the system itself.
func isSystem(*os.File) bool { return false }

// readNow does nothing: this system has no way not to wait for the disk.
func readNow(*os.File, []byte, int64, bool) int { return 0 }

func isQuick(*os.File) bool { return false }
